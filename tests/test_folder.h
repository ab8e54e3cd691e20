/* The temporary folder of a test program, and paths in it. */
#ifndef TEST_FOLDER_H
#define TEST_FOLDER_H

#include <stdio.h>

static char folder[64];

/* Good until seven more have been asked for. */
static const char *in(const char *name) {
  static char paths[8][256];
  static int next;
  char *path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

#endif
