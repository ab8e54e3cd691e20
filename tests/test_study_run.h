/* Studies run in a folder of their own, and what they told while they ran. */
#ifndef TEST_STUDY_RUN_H
#define TEST_STUDY_RUN_H

#include "base/alloc.h"
#include "base/file.h"
#include "study/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct told {
  int started, done, failed, skipped, resumed;
  int together; /* the most that had begun and not ended */
  int epoch;    /* the last that was resumed in, and its step */
  int64_t step;
  int steps, stop_after, stop; /* asks to stop after so many steps; 0 = never */
  int stop_after_done;         /* after so many finished runs; 0 = never */
  const char *stop_at;         /* when this is about to be found out; NULL = never */
  char removed[512];           /* a line for each message about runs that go */
} told;

static char folder[64], out[80], path[80]; /* of the test, of its results, of its study */

static void note(void *context, const hg_run_event *event) {
  told *t = context;
  t->started += event->kind == HG_RUN_STARTED;
  t->done += event->kind == HG_RUN_DONE;
  t->failed += event->kind == HG_RUN_FAILED;
  t->skipped += event->kind == HG_RUN_SKIPPED;
  int together = t->started - t->done - t->failed;
  if (together > t->together) t->together = together;
  if (event->kind == HG_RUN_RESUMED) {
    t->resumed++;
    t->epoch = event->progress->epoch;
    t->step = event->progress->step;
  }
  if (event->kind == HG_RUN_REMOVED)
    snprintf(t->removed + strlen(t->removed), sizeof t->removed - strlen(t->removed), "%s\n", event->message);
  if (event->kind == HG_RUN_PROGRESS && ++t->steps == t->stop_after) t->stop = 1;
  if (event->kind == HG_RUN_DONE && t->done == t->stop_after_done) t->stop = 1;
  if (event->kind == HG_RUN_ANALYSED && t->stop_at != NULL && strstr(event->message, t->stop_at) != NULL) t->stop = 1;
}

static int set_up(void **state) {
  (void)state;
  strcpy(folder, "/tmp/hourglass-study-XXXXXX");
  assert_non_null(mkdtemp(folder));
  snprintf(out, sizeof out, "%s/out", folder);
  snprintf(path, sizeof path, "%s/study.yaml", folder);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  char command[96];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
}

/* Out, event, context and stop of the settings are put in here. */
static hg_code run_study(const char *text, hg_run_settings settings, told *t, hg_error *error) {
  hg_study *study = NULL;
  assert_int_equal(hg_file_write(path, text, strlen(text), NULL), HG_OK);
  if (hg_study_read(path, NULL, 0, &study, error) != HG_OK) fail_msg("%s: %s", error->place, error->message);
  settings.out = out;
  settings.event = note;
  settings.context = t;
  settings.stop = &t->stop;
  hg_code code = hg_study_run(study, &settings, error);
  hg_study_free(study);
  return code;
}

/* Every run of `out` in its order, as `describe` puts it. */
static inline void list_runs(char *text, size_t size, int (*describe)(const hg_run_record *record, char *to, size_t room)) {
  hg_store *store = NULL;
  hg_run_record *records = NULL;
  int count = 0;
  size_t used = 0;
  assert_int_equal(hg_store_open(out, false, &store, NULL), HG_OK);
  assert_int_equal(hg_store_list_runs(store, &records, &count, NULL), HG_OK);
  for (int i = 0; i < count; i++) {
    used += (size_t)describe(&records[i], text + used, size - used);
    assert_true(used < size);
    hg_run_record_release(&records[i]);
  }
  hg_free(records);
  hg_store_close(store);
}

#endif
