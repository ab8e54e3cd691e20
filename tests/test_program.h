/* The program run from outside in a folder of its own, and the smallest study. */
#ifndef TEST_PROGRAM_H
#define TEST_PROGRAM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/file.h"
#include "test_folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static const char program[] = BINARY_DIR "/hourglass";

enum { MOST_ARGUMENTS = 16 };

typedef struct outcome {
  int status; /* exit code, or minus the signal that ended it */
  char *out, *err;
} outcome;

static char *read_text(const char *path) {
  char *text = NULL;
  size_t count = 0;
  assert_int_equal(hg_file_read(path, 1 << 26, &text, &count, NULL), HG_OK);
  return text;
}

static void redirect(const char *path, int descriptor) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (file < 0 || dup2(file, descriptor) < 0) _exit(99);
  close(file);
}

/* Splits at spaces; a word may not hold any, and '' is the empty word. */
static void split(char *line, char **words) {
  int count = 1;
  words[0] = (char *)(uintptr_t)program;
  for (char *word = strtok(line, " "); word != NULL && count < MOST_ARGUMENTS; word = strtok(NULL, " "))
    words[count++] = strcmp(word, "''") == 0 ? word + 2 : word;
  words[count] = NULL;
}

static pid_t start(const char *line) {
  pid_t child = fork();
  assert_true(child >= 0);
  if (child > 0) return child;
  char copy[1024], *words[MOST_ARGUMENTS + 1];
  snprintf(copy, sizeof copy, "%s", line);
  split(copy, words);
  if (chdir(folder) != 0) _exit(98);
  redirect("stdout", STDOUT_FILENO);
  redirect("stderr", STDERR_FILENO);
  execv(program, words);
  _exit(97);
}

static int finish(pid_t child) {
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static outcome run(const char *format, ...) {
  static outcome last;
  char line[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  hg_free(last.out);
  hg_free(last.err);
  last.status = finish(start(line));
  last.out = read_text(in("stdout"));
  last.err = read_text(in("stderr"));
  return last;
}

static void assert_status(outcome result, int status) {
  if (result.status != status) fail_msg("exit %d, not %d: %s%s", result.status, status, result.out, result.err);
}

static void assert_has(const char *text, const char *part) {
  if (strstr(text, part) == NULL) fail_msg("`%s` is not in: %s", part, text);
}

static int make_folder(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/hourglass-cli-XXXXXX");
  assert_non_null(mkdtemp(folder));
  setenv("LC_ALL", "C.UTF-8", 1);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
}

#define LINES "data:\n  lines: {source: lines, lines: {per_class: 4}, classes: [0, 5, 9, 14], validation: 4, limit: 12}\n"
#define SMALL \
  "encoder: [flatten, {dense: {units: 8, activation: relu}}], classifier: [{dense: 4}], loss: {classification: cross_entropy}"

static const char tiny[] = "study: tiny\n" LINES "models:\n  net: {data: lines, " SMALL
                           ", train: {batch_size: 4, epochs: 2}}\n  bayes: {data: lines, naive_bayes: {}}\n";

static void write_text(const char *name, const char *text) {
  assert_int_equal(hg_file_write(in(name), text, strlen(text), NULL), HG_OK);
}

#endif
