/* The program: parse, carry out, say what went wrong, exit with the code that says which kind. */
#include "cli/options.h"
#include "cli/terminal.h"
#include "kernels/isa.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static int exit_code(hg_code code) {
  switch (code) {
    case HG_OK:
      return 0;
    case HG_USAGE:
      return 2;
    case HG_DATA:
      return 3;
    case HG_VERIFY:
      return 4;
    case HG_INTERRUPTED:
      return 130;
    default:
      return 1;
  }
}

static hg_code carry_out(const hg_arguments *arguments, hg_error *error) {
  hg_terminal_set_color(hg_arguments_value(arguments, HG_OPTION_COLOR));
  if (hg_arguments_has(arguments, HG_OPTION_HELP)) {
    hg_help_print(stdout, arguments->command);
    return HG_OK;
  }
  if (hg_arguments_has(arguments, HG_OPTION_VERSION)) {
    printf("hourglass %s\n", hg_version());
    return HG_OK;
  }
  if (arguments->command == NULL) {
    hg_help_print(stderr, NULL);
    return HG_USAGE;
  }
  hg_code code = hg_isa_from_environment(error);
  return code == HG_OK ? arguments->command->carry_out(arguments, error) : code;
}

/* A closed standard stream's number would go to the next file that is opened, and what is printed into that file. Nothing can be
 * written to what stands in for it, so that a result which nobody gets is told as one that could not be written. */
static void open_streams(void) {
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
    if (fcntl(stream, F_GETFD) < 0) (void)!open("/dev/null", O_RDONLY);
}

int main(int argc, char **argv) {
  open_streams();
  signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is told like a full disk */
  hg_arguments arguments;
  hg_error error = {0};
  hg_code code = hg_arguments_parse(argc, argv, &arguments, &error);
  if (code == HG_OK) code = carry_out(&arguments, &error);
  hg_arguments_release(&arguments);
  if ((fflush(stdout) != 0 || ferror(stdout)) && code == HG_OK)
    code = hg_fail_errno(&error, HG_FAILED, "standard output", "write");
  if (code != HG_OK && error.message[0] != '\0') hg_print_error(&error);
  return exit_code(code);
}
