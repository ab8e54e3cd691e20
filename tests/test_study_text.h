/* Studies read from text. */
#ifndef TEST_STUDY_TEXT_H
#define TEST_STUDY_TEXT_H

#include "base/alloc.h"
#include "study/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* A classifier of MNIST whose model `m` begins; lines of it may follow. */
#define HEAD "study: t\ndata: {d: {source: mnist}}\nmodels:\n  m:\n"
#define CLASSIFIER "    classifier: [flatten, {dense: 10}]\n    loss: {classification: cross_entropy}\n"
#define BASE HEAD "    encoder: [{conv2d: {filters: 4, kernel_size: 3}}, {max_pool2d: 2}]\n" CLASSIFIER

static hg_code try_text(const char *text, const hg_override *overrides, int count, hg_study **study, hg_error *error) {
  char path[] = "/tmp/hourglass-study-XXXXXX";
  int descriptor = mkstemp(path);
  assert_true(descriptor >= 0);
  assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
  close(descriptor);
  hg_code code = hg_study_read(path, overrides, count, study, error);
  remove(path);
  return code;
}

static hg_study *read_with(const char *text, const hg_override *overrides, int count) {
  hg_study *study = NULL;
  hg_error error = {0};
  hg_code code = try_text(text, overrides, count, &study, &error);
  if (code != HG_OK) print_error("%s: %s\n", error.place, error.message);
  assert_int_equal(code, HG_OK);
  return study;
}

static inline hg_study *read_text(const char *text) { return read_with(text, NULL, 0); }

#endif
