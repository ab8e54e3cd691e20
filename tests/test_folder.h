/* The temporary folder of a test program, and paths in it. */
#ifndef TEST_FOLDER_H
#define TEST_FOLDER_H

#include <stdio.h>
#include <stdlib.h>

static char folder[64];

/* Good until seven more have been asked for. */
static inline const char *in(const char *name) {
  static char paths[8][256];
  static int next;
  char *path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

/* Around a test that wants it new and empty. */
static inline int folder_make(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/hourglass-test-XXXXXX");
  return mkdtemp(folder) == NULL;
}

static inline int folder_remove(void **state) {
  (void)state;
  char command[96];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
}

#endif
