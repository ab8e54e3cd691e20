#include "cli/options.h"

#include "base/alloc.h"
#include "study/schema.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool hg_command_takes(const hg_command *command, hg_option_id id) {
  if (id == HG_OPTION_HELP || id == HG_OPTION_COLOR) return true;
  if (id == HG_OPTION_VERSION) return command == NULL;
  return command != NULL && (command->options & HG_TAKES(id)) != 0;
}

bool hg_command_heads(const hg_command *command) {
  const hg_command *next = command + 1;
  size_t length = strlen(command->name);
  return next < hg_command_table + hg_command_count && strncmp(next->name, command->name, length) == 0 &&
         next->name[length] == ' ';
}

bool hg_arguments_has(const hg_arguments *arguments, hg_option_id id) { return arguments->options[id].count > 0; }

const char *hg_arguments_value(const hg_arguments *arguments, hg_option_id id) {
  const hg_option_values *given = &arguments->options[id];
  return given->count > 0 ? given->values[given->count - 1] : NULL;
}

bool hg_number_parse(const char *text, int64_t *number) {
  char *end;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (end == text || *end != '\0' || errno != 0 || isspace((unsigned char)text[0])) return false;
  *number = value;
  return true;
}

hg_code hg_arguments_number(const hg_arguments *arguments, hg_option_id id, int64_t least, int64_t most, int64_t otherwise,
                            int64_t *number, hg_error *error) {
  const char *text = hg_arguments_value(arguments, id);
  *number = otherwise;
  if (text == NULL) return HG_OK;
  if (hg_number_parse(text, number) && *number >= least && *number <= most) return HG_OK;
  char place[32];
  snprintf(place, sizeof place, "--%s", hg_option_table[id].name);
  return hg_fail(error, HG_USAGE, place, "`%s` is not a whole number from %lld to %lld", text, (long long)least, (long long)most);
}

/* ---- did you mean */

enum { MOST_NAMES = 32 };

typedef struct name_list {
  const char *names[MOST_NAMES];
  int count;
} name_list;

static name_list command_names(const char *prefix) {
  name_list list = {0};
  size_t length = strlen(prefix);
  for (int i = 0; i < hg_command_count && list.count < MOST_NAMES; i++)
    if (strncmp(hg_command_table[i].name, prefix, length) == 0) list.names[list.count++] = hg_command_table[i].name + length;
  return list;
}

static name_list option_names(const hg_command *command) {
  name_list list = {0};
  for (int id = 0; id < HG_OPTIONS; id++)
    if (hg_command_takes(command, (hg_option_id)id)) list.names[list.count++] = hg_option_table[id].name;
  return list;
}

static const char *nearest_of(const char *word, name_list list) { return hg_nearest_word(word, list.names, list.count); }

static hg_code fail_command(const char *word, hg_error *error) {
  const char *nearest = nearest_of(word, command_names(""));
  if (nearest != NULL) return hg_fail(error, HG_USAGE, "", "unknown command `%s`; did you mean `%s`?", word, nearest);
  return hg_fail(error, HG_USAGE, "", "unknown command `%s`; `hourglass --help` lists the commands", word);
}

static hg_code fail_data_command(const char *word, hg_error *error) {
  const char *nearest = nearest_of(word, command_names("data "));
  if (nearest != NULL) return hg_fail(error, HG_USAGE, "data", "unknown command `%s`; did you mean `%s`?", word, nearest);
  return hg_fail(error, HG_USAGE, "data", "unknown command `%s`; the commands are list, inspect and fetch", word);
}

static hg_code fail_option(const char *text, const char *name, const hg_command *command, hg_error *error) {
  const char *nearest = nearest_of(name, option_names(command));
  const char *place = command == NULL ? "" : command->name;
  if (nearest != NULL) return hg_fail(error, HG_USAGE, place, "unknown option `%s`; did you mean `--%s`?", text, nearest);
  return hg_fail(error, HG_USAGE, place, "unknown option `%s`; `hourglass%s%s --help` lists the options", text,
                 command == NULL ? "" : " ", place);
}

/* ---- parsing */

typedef struct word_parser {
  int argc, next;
  char **argv;
  hg_arguments *arguments;
} word_parser;

static bool is_choice(const char *choices, const char *value) {
  size_t length = strlen(value); /* NOLINT(clang-analyzer-core.NonNullParamChecker): only options with a value have choices */
  for (const char *word = choices; *word != '\0'; word += strspn(word, " ")) {
    size_t span = strcspn(word, " ");
    if (span == length && strncmp(word, value, span) == 0) return true;
    word += span;
  }
  return false;
}

static hg_code take_option(word_parser *parser, hg_option_id id, const char *value, hg_error *error) {
  const hg_option *option = &hg_option_table[id];
  char place[32];
  snprintf(place, sizeof place, "--%s", option->name);
  if (option->value == NULL && value != NULL) return hg_fail(error, HG_USAGE, place, "takes no value, but got `%s`", value);
  if (option->value != NULL && value == NULL) {
    if (parser->next >= parser->argc)
      return hg_fail(error, HG_USAGE, place, "needs a value: --%s %s", option->name, option->value);
    value = parser->argv[parser->next++];
  }
  if (value != NULL && value[0] == '\0')
    return hg_fail(error, HG_USAGE, place, "is empty; it needs a value: --%s %s", option->name, option->value);
  if (value != NULL && option->choices != NULL && !is_choice(option->choices, value))
    return hg_fail(error, HG_USAGE, place, "`%s` is not one of: %s", value, option->choices);
  hg_option_values *given = &parser->arguments->options[id];
  given->values[given->count++] = value == NULL ? "" : value;
  return HG_OK;
}

static hg_code take_long(word_parser *parser, const char *text, hg_error *error) {
  char name[64];
  const char *equals = strchr(text, '=');
  int length = equals == NULL ? (int)strlen(text + 2) : (int)(equals - text - 2);
  snprintf(name, sizeof name, "%.*s", length, text + 2);
  for (int id = 0; id < HG_OPTIONS; id++)
    if (strcmp(hg_option_table[id].name, name) == 0 && hg_command_takes(parser->arguments->command, (hg_option_id)id))
      return take_option(parser, (hg_option_id)id, equals == NULL ? NULL : equals + 1, error);
  return fail_option(text, name, parser->arguments->command, error);
}

static hg_code take_short(word_parser *parser, const char *text, hg_error *error) {
  for (int id = 0; id < HG_OPTIONS; id++) {
    const hg_option *option = &hg_option_table[id];
    if (option->letter == 0 || option->letter != text[1] || !hg_command_takes(parser->arguments->command, (hg_option_id)id))
      continue;
    if (text[2] != '\0' && option->value == NULL) break;
    return take_option(parser, (hg_option_id)id, text[2] == '\0' ? NULL : text + 2, error);
  }
  return fail_option(text, text + 1, parser->arguments->command, error);
}

/* The first word, or the first two where the first is "data". */
static hg_code take_command(word_parser *parser, const char *word, hg_error *error) {
  char name[64];
  snprintf(name, sizeof name, "%s", word);
  bool two = strcmp(word, "data") == 0;
  const char *second = two && parser->next < parser->argc ? parser->argv[parser->next] : NULL;
  if (two && second != NULL && second[0] != '-') {
    snprintf(name, sizeof name, "%s %s", word, second);
    parser->next++;
  }
  for (int i = 0; i < hg_command_count; i++)
    if (strcmp(hg_command_table[i].name, name) == 0) {
      parser->arguments->command = &hg_command_table[i];
      return HG_OK;
    }
  return two ? fail_data_command(second, error) : fail_command(word, error);
}

static hg_code take_words(word_parser *parser, hg_error *error) {
  hg_code code = HG_OK;
  bool only_operands = false;
  while (code == HG_OK && parser->next < parser->argc) {
    const char *text = parser->argv[parser->next++];
    hg_arguments *arguments = parser->arguments;
    if (!only_operands && strcmp(text, "--") == 0) {
      only_operands = true;
    } else if (!only_operands && strncmp(text, "--", 2) == 0) {
      code = take_long(parser, text, error);
    } else if (!only_operands && text[0] == '-' && text[1] != '\0') {
      code = take_short(parser, text, error);
    } else if (arguments->command == NULL) {
      code = take_command(parser, text, error);
    } else {
      arguments->operands[arguments->operand_count++] = text;
    }
  }
  return code;
}

static hg_code check_operands(const hg_arguments *arguments, hg_error *error) {
  const hg_command *command = arguments->command;
  if (command == NULL || hg_arguments_has(arguments, HG_OPTION_HELP)) return HG_OK;
  const char *space = command->operands[0] == '\0' ? "" : " ";
  if (arguments->operand_count < command->least)
    return hg_fail(error, HG_USAGE, command->name, "an argument is missing: hourglass %s%s%s", command->name, space,
                   command->operands);
  if (arguments->operand_count > command->most)
    return hg_fail(error, HG_USAGE, command->name, "`%s` is one argument too many: hourglass %s%s%s",
                   arguments->operands[command->most], command->name, space, command->operands);
  for (int i = 0; i < arguments->operand_count; i++)
    if (arguments->operands[i][0] == '\0')
      return hg_fail(error, HG_USAGE, command->name, "an argument is empty: hourglass %s%s%s", command->name, space,
                     command->operands);
  return HG_OK;
}

/* ---- the command line as it was typed */

static bool is_plain(const char *word) {
  return word[0] != '\0' &&
         strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-") == strlen(word);
}

static char *put_quoted(char *out, const char *word) {
  if (is_plain(word)) return stpcpy(out, word);
  *out++ = '\'';
  for (; *word != '\0'; word++) out = *word == '\'' ? stpcpy(out, "'\\''") : (*out = *word, out + 1);
  *out++ = '\'';
  *out = '\0';
  return out;
}

static char *quote_all(int argc, char **argv) {
  size_t size = 1;
  for (int i = 0; i < argc; i++) size += 4 * strlen(argv[i]) + 3;
  char *text = hg_malloc(size), *out = text;
  for (int i = 0; text != NULL && i < argc; i++) {
    if (i > 0) *out++ = ' ';
    out = put_quoted(out, argv[i]);
  }
  return text;
}

hg_code hg_arguments_parse(int argc, char **argv, hg_arguments *arguments, hg_error *error) {
  *arguments = (hg_arguments){0};
  size_t room = (size_t)argc + 1;
  arguments->operands = hg_calloc(room, sizeof *arguments->operands);
  arguments->typed = quote_all(argc, argv);
  bool whole = arguments->operands != NULL && arguments->typed != NULL;
  for (int id = 0; id < HG_OPTIONS; id++) {
    arguments->options[id].values = hg_calloc(room, sizeof(char *));
    whole = whole && arguments->options[id].values != NULL;
  }
  if (!whole) return hg_fail_memory(error, "command line", room * sizeof(char *));
  word_parser parser = {argc, 1, argv, arguments};
  hg_code code = take_words(&parser, error);
  return code == HG_OK ? check_operands(arguments, error) : code;
}

void hg_arguments_release(hg_arguments *arguments) {
  hg_free(arguments->operands);
  hg_free(arguments->typed);
  for (int id = 0; id < HG_OPTIONS; id++) hg_free(arguments->options[id].values);
  *arguments = (hg_arguments){0};
}
