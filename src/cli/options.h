/* The one table of commands and options: parsing, help, completion and the man page are made from it. */
#ifndef HG_CLI_OPTIONS_H
#define HG_CLI_OPTIONS_H

#include "base/status.h"

#include <stdio.h>

typedef enum hg_option_id {
  HG_OPTION_OUT,
  HG_OPTION_SET,
  HG_OPTION_SEED,
  HG_OPTION_THREADS,
  HG_OPTION_OFFLINE,
  HG_OPTION_JSON,
  HG_OPTION_FIGURES,
  HG_OPTION_RESIZE,
  HG_OPTION_GRAYSCALE,
  HG_OPTION_QUIET,
  HG_OPTION_COLOR,
  HG_OPTION_HELP,
  HG_OPTION_VERSION,
  HG_OPTIONS
} hg_option_id;

typedef struct hg_option {
  const char *name;    /* without the dashes */
  char letter;         /* -x; 0 = none */
  const char *value;   /* what stands for its value in help; NULL = the option takes none */
  const char *choices; /* the values it takes, separated by spaces; NULL = any */
  const char *help;
} hg_option;

typedef struct hg_arguments hg_arguments;

typedef struct hg_command {
  const char *name;      /* "run", "data list" */
  const char *operands;  /* as help shows them: "STUDY [MODEL]" */
  const char *completes; /* what completion offers for operands: "study", "folder", "data", or words; NULL = nothing */
  int least, most;       /* operands */
  unsigned options;      /* HG_TAKES(...) of those it takes beside --help and --color */
  hg_code (*carry_out)(const hg_arguments *arguments, hg_error *error);
  const char *summary; /* one line, no full stop */
  const char *text;    /* more, for its own help; may be NULL */
} hg_command;

#define HG_TAKES(id) (1u << (id))

/* The values an option was given, in order. */
typedef struct hg_option_values {
  int count;
  const char **values; /* "" where the option takes none */
} hg_option_values;

/* A parsed command line. Strings point into argv. */
struct hg_arguments {
  const hg_command *command; /* NULL if none was named */
  int operand_count;
  const char **operands;
  hg_option_values options[HG_OPTIONS];
  char *typed; /* the whole command line, quoted for a shell */
};

extern const hg_option hg_option_table[HG_OPTIONS];
extern const hg_command hg_command_table[];
extern const int hg_command_count;

/* HG_USAGE with "did you mean" for what is not known. Release it after success and after failure. */
hg_code hg_arguments_parse(int argc, char **argv, hg_arguments *arguments, hg_error *error);
void hg_arguments_release(hg_arguments *arguments);
bool hg_arguments_has(const hg_arguments *arguments, hg_option_id id);
/* The last value given, or NULL. */
const char *hg_arguments_value(const hg_arguments *arguments, hg_option_id id);
/* The last value as a whole number in [least, most], or `otherwise` if not given. */
hg_code hg_arguments_number(const hg_arguments *arguments, hg_option_id id, int64_t least, int64_t most, int64_t otherwise,
                            int64_t *number, hg_error *error);
/* A whole number, all of the text; false if it is not one. */
bool hg_number_parse(const char *text, int64_t *number);

/* Whether the command takes the option. */
bool hg_command_takes(const hg_command *command, hg_option_id id);
/* Whether it only heads others: "data" of "data list". They follow it in the table. */
bool hg_command_heads(const hg_command *command);

/* help.c: NULL = the program's own help. */
void hg_help_print(FILE *out, const hg_command *command);
hg_code hg_help_command(const hg_arguments *arguments, hg_error *error);
hg_code hg_completion_command(const hg_arguments *arguments, hg_error *error);
hg_code hg_man_command(const hg_arguments *arguments, hg_error *error);

/* The commands, each in a file of its name. */
hg_code hg_run_command(const hg_arguments *arguments, hg_error *error);
hg_code hg_check_command(const hg_arguments *arguments, hg_error *error);
hg_code hg_show_command(const hg_arguments *arguments, hg_error *error);
hg_code hg_data_command(const hg_arguments *arguments, hg_error *error); /* always HG_USAGE: names the commands below it */
hg_code hg_data_list_command(const hg_arguments *arguments, hg_error *error);
hg_code hg_data_inspect_command(const hg_arguments *arguments, hg_error *error);
hg_code hg_data_fetch_command(const hg_arguments *arguments, hg_error *error);
hg_code hg_runs_command(const hg_arguments *arguments, hg_error *error);
hg_code hg_compare_command(const hg_arguments *arguments, hg_error *error);
hg_code hg_report_command(const hg_arguments *arguments, hg_error *error);

#endif
