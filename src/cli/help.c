/* Help, completion and manual page, all from the table. */
#include "cli/options.h"

#include <string.h>

static void print_command(FILE *out, const hg_command *command) {
  char left[64];
  snprintf(left, sizeof left, "%s%s%s", command->name, command->operands[0] != '\0' ? " " : "", command->operands);
  fprintf(out, "  %-30s %s\n", left, command->summary);
}

static void print_headed_commands(FILE *out, const hg_command *head) {
  size_t length = strlen(head->name);
  fprintf(out, "\nCommands:\n");
  for (const hg_command *next = head + 1; next < hg_command_table + hg_command_count; next++)
    if (strncmp(next->name, head->name, length) == 0) print_command(out, next);
}

static void print_option(FILE *out, hg_option_id id) {
  const hg_option *option = &hg_option_table[id];
  char left[64];
  int used = option->letter != 0 ? snprintf(left, sizeof left, "-%c, --%s", option->letter, option->name)
                                 : snprintf(left, sizeof left, "    --%s", option->name);
  if (option->value != NULL) snprintf(left + used, sizeof left - (size_t)used, " %s", option->value);
  fprintf(out, "  %-24s %s\n", left, option->help);
}

static void print_options(FILE *out, const hg_command *command) {
  fprintf(out, "\nOptions:\n");
  for (int id = 0; id < HG_OPTIONS; id++)
    if (hg_command_takes(command, (hg_option_id)id)) print_option(out, (hg_option_id)id);
}

static void print_program_help(FILE *out) {
  fprintf(out,
          "hourglass trains, evaluates and compares small-image models from one study file.\n\n"
          "Usage: hourglass COMMAND [ARGUMENTS] [OPTIONS]\n\nCommands:\n");
  for (int i = 0; i < hg_command_count; i++)
    if (!hg_command_heads(&hg_command_table[i])) print_command(out, &hg_command_table[i]);
  print_options(out, NULL);
  fprintf(out,
          "\nEnvironment:\n"
          "  HOURGLASS_DATA           folders to look for data in, separated by colons\n"
          "  HOURGLASS_MIRROR         an address that data are downloaded from before others\n"
          "  HOURGLASS_ISA            kernels to use: generic, avx2 or avx512; results do not depend on it\n"
          "  NO_COLOR                 no colours\n"
          "\nExit codes: 0 done, 1 a run failed or diverged, 2 usage or study file, 3 data, 4 a verification failed,\n"
          "130 interrupted after a checkpoint.\n"
          "\n`hourglass COMMAND --help` says more. Start with: hourglass run studies/quick.yaml\n");
}

void hg_help_print(FILE *out, const hg_command *command) {
  if (command == NULL) {
    print_program_help(out);
    return;
  }
  fprintf(out, "hourglass %s: %s.\n\nUsage: hourglass %s%s%s [OPTIONS]\n", command->name, command->summary, command->name,
          command->operands[0] != '\0' ? " " : "", command->operands);
  if (command->text != NULL) fprintf(out, "\n%s\n", command->text);
  if (hg_command_heads(command)) print_headed_commands(out, command);
  print_options(out, command);
  if (hg_command_heads(command)) fprintf(out, "\n`hourglass %s COMMAND --help` says more.\n", command->name);
}

hg_code hg_help_command(const hg_arguments *arguments, hg_error *error) {
  if (arguments->operand_count == 0) {
    hg_help_print(stdout, NULL);
    return HG_OK;
  }
  char name[64];
  snprintf(name, sizeof name, "%s%s%s", arguments->operands[0], arguments->operand_count > 1 ? " " : "",
           arguments->operand_count > 1 ? arguments->operands[1] : "");
  for (int i = 0; i < hg_command_count; i++) {
    if (strcmp(hg_command_table[i].name, name) != 0) continue;
    hg_help_print(stdout, &hg_command_table[i]);
    return HG_OK;
  }
  return hg_fail(error, HG_USAGE, "help", "there is no command `%s`; `hourglass --help` lists the commands", name);
}

/* ---- bash */

static void print_option_words(FILE *out, const hg_command *command) {
  for (int id = 0; id < HG_OPTIONS; id++)
    if (hg_command_takes(command, (hg_option_id)id)) fprintf(out, " --%s", hg_option_table[id].name);
}

static void print_first_words(FILE *out) {
  for (int i = 0; i < hg_command_count; i++)
    if (strchr(hg_command_table[i].name, ' ') == NULL) fprintf(out, " %s", hg_command_table[i].name);
}

static const char *operand_action(const char *completes) {
  if (completes == NULL) return "";
  if (strcmp(completes, "study") == 0) return "COMPREPLY=($(compgen -o plusdirs -f -X '!*.y*ml' -- \"$word\"))";
  if (strcmp(completes, "folder") == 0) return "COMPREPLY=($(compgen -d -- \"$word\"))";
  if (strcmp(completes, "data") == 0)
    return "COMPREPLY=($(compgen -f -W \"$(hourglass data list 2>/dev/null | awk 'NR > 1 {print $1}')\" -- \"$word\"))";
  if (strcmp(completes, "command") == 0) return "COMPREPLY=($(compgen -W \"$commands\" -- \"$word\"))";
  return "COMPREPLY=($(compgen -W bash -- \"$word\"))";
}

/* Of STUDY [MODEL] and DIR [MODEL], the models of the first operand; NULL for other commands. */
static const char *model_action(const hg_command *command) {
  if (strstr(command->operands, "[MODEL]") == NULL) return NULL;
  if (strcmp(command->completes, "study") == 0)
    return "COMPREPLY=($(compgen -W \"$(hourglass check \"${COMP_WORDS[2]}\" --json 2>/dev/null | "
           "sed -n '/\"models\"/,/]/s/^ *\"\\([^\"]*\\)\",*$/\\1/p')\" -- \"$word\"))";
  return "COMPREPLY=($(compgen -W \"$(hourglass runs \"${COMP_WORDS[2]}\" 2>/dev/null | awk 'NR > 1 {print $1}' | uniq)\" "
         "-- \"$word\"))";
}

static void print_operand_words(FILE *out, const hg_command *command) {
  const char *action = operand_action(command->completes), *model = model_action(command);
  if (*action == '\0') action = ":";
  if (model == NULL)
    fprintf(out, "'; [[ $word == -* ]] || %s ;;\n", action);
  else
    fprintf(out, "'; [[ $word == -* ]] || if [ \"$COMP_CWORD\" = 3 ]; then %s; else %s; fi ;;\n", model, action);
}

static void print_choices(FILE *out) {
  for (int id = 0; id < HG_OPTIONS; id++) {
    const hg_option *option = &hg_option_table[id];
    if (option->choices != NULL)
      fprintf(out, "    --%s) COMPREPLY=($(compgen -W \"%s\" -- \"$word\")); return ;;\n", option->name, option->choices);
    else if (option->value != NULL)
      fprintf(out, "    --%s) COMPREPLY=(%s); return ;;\n", option->name,
              strcmp(option->value, "DIR") == 0 ? "$(compgen -d -- \"$word\")" : "");
  }
}

hg_code hg_completion_command(const hg_arguments *arguments, hg_error *error) {
  if (strcmp(arguments->operands[0], "bash") != 0)
    return hg_fail(error, HG_USAGE, "completion", "there is no completion for `%s`; only for bash", arguments->operands[0]);
  fprintf(stdout, "# bash completion for hourglass\n_hourglass() {\n  local word=${COMP_WORDS[COMP_CWORD]} commands='");
  print_first_words(stdout);
  fprintf(stdout,
          "' options action\n  local command=${COMP_WORDS[1]}\n  [ \"$command\" = data ] && command=\"data ${COMP_WORDS[2]}\"\n");
  fprintf(stdout, "  COMPREPLY=()\n  case ${COMP_WORDS[COMP_CWORD-1]} in\n");
  print_choices(stdout);
  fprintf(stdout, "  esac\n  if [ \"$COMP_CWORD\" = 1 ]; then\n    COMPREPLY=($(compgen -W \"$commands");
  print_option_words(stdout, NULL);
  fprintf(stdout,
          "\" -- \"$word\")); return\n  fi\n  if [ \"${COMP_WORDS[1]}\" = data ] && [ \"$COMP_CWORD\" = 2 ]; then\n"
          "    COMPREPLY=($(compgen -W \"list inspect fetch\" -- \"$word\")); return\n  fi\n  case $command in\n");
  for (int i = 0; i < hg_command_count; i++) {
    const hg_command *command = &hg_command_table[i];
    fprintf(stdout, "    '%s') options='", command->name);
    print_option_words(stdout, command);
    print_operand_words(stdout, command);
  }
  fprintf(stdout,
          "  esac\n  [[ $word == -* ]] && COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n}\n"
          "complete -o filenames -F _hourglass hourglass\n");
  return HG_OK;
}

/* ---- roff */

/* Text with what roff would take for its own escaped: hyphens, backslashes, a leading point or quote. */
static void print_roff(const char *text) {
  bool start = true;
  for (; *text != '\0'; text++) {
    if (start && (*text == '.' || *text == '\'')) fputs("\\&", stdout);
    start = *text == '\n';
    if (*text == '-')
      fputs("\\-", stdout);
    else if (*text == '\\')
      fputs("\\\\", stdout);
    else
      fputc(*text, stdout);
  }
}

static void print_roff_option(hg_option_id id) {
  const hg_option *option = &hg_option_table[id];
  fputs(".TP\n", stdout);
  if (option->letter != 0) printf("\\fB\\-%c\\fR, ", option->letter);
  printf("\\fB\\-\\-%s\\fR", option->name);
  if (option->value != NULL) printf(" \\fI%s\\fR", option->value);
  fputs("\n", stdout);
  print_roff(option->help);
  fputs(".\n", stdout);
}

static void print_roff_command(const hg_command *command) {
  printf(".SS hourglass %s%s%s\n", command->name, command->operands[0] != '\0' ? " " : "", command->operands);
  print_roff(command->summary);
  fputs(".\n", stdout);
  if (command->text != NULL) {
    fputs(".PP\n", stdout);
    print_roff(command->text);
    fputs("\n", stdout);
  }
  for (int id = 0; id < HG_OPTIONS; id++)
    if (id != HG_OPTION_HELP && id != HG_OPTION_COLOR && hg_command_takes(command, (hg_option_id)id))
      print_roff_option((hg_option_id)id);
}

hg_code hg_man_command(const hg_arguments *arguments, hg_error *error) {
  (void)arguments;
  (void)error;
  printf(
      ".TH HOURGLASS 1 \"\" \"hourglass %s\" \"User Commands\"\n.SH NAME\nhourglass \\- train and compare small\\-image models\n",
      hg_version());
  printf(".SH SYNOPSIS\n.B hourglass\n.I COMMAND\n[\\fIARGUMENTS\\fR] [\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n");
  print_roff(
      "hourglass trains, evaluates and compares small-image models from one study file: classifiers, autoencoders, denoisers,\n"
      "encoders carried from one task to another, and the classical methods beside them.\n");
  printf(".SH COMMANDS\n");
  for (int i = 0; i < hg_command_count; i++)
    if (!hg_command_heads(&hg_command_table[i])) print_roff_command(&hg_command_table[i]);
  printf(".SH OPTIONS OF EVERY COMMAND\n");
  print_roff_option(HG_OPTION_COLOR);
  print_roff_option(HG_OPTION_HELP);
  printf(
      ".SH ENVIRONMENT\n.TP\n.B HOURGLASS_DATA\nFolders to look for data in, separated by colons.\n"
      ".TP\n.B HOURGLASS_MIRROR\nAn address that data are downloaded from before others.\n"
      ".TP\n.B HOURGLASS_ISA\nKernels to use: generic, avx2 or avx512. Results do not depend on it.\n"
      ".TP\n.B NO_COLOR\nNo colours.\n");
  printf(
      ".SH EXIT STATUS\n0 done; 1 a run failed or diverged; 2 usage or study file; 3 data; 4 a verification failed; "
      "130 interrupted after a checkpoint.\n");
  return HG_OK;
}
