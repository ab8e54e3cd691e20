#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "study/study.h"

typedef enum mark { UNSEEN, OPEN, PLACED } mark;

/* A model needs the encoder it takes over, or the codes it is fitted on: one model at most. */
static int needed_by(const hg_model *model) { return model->from >= 0 ? model->from : model->features_from; }

static hg_code fail_cycle(const hg_study *study, int first, hg_error *error) {
  char members[sizeof error->message - 200];
  size_t used = (size_t)snprintf(members, sizeof members, "%s", study->models[first].name);
  for (int m = needed_by(&study->models[first]);; m = needed_by(&study->models[m])) {
    if (used < sizeof members) {
      used += (size_t)snprintf(members + used, sizeof members - used, " -> %s", study->models[m].name);
    }
    if (m == first) break;
  }
  return hg_fail(error, HG_USAGE, study->models[first].name, "models take from each other in a circle: %s", members);
}

hg_code hg_study_order(const hg_study *study, int *order, hg_error *error) {
  mark *marks = hg_calloc((size_t)study->model_count, sizeof *marks);
  int *chain = hg_calloc((size_t)study->model_count, sizeof *chain);
  hg_code code = HG_OK;
  int placed = 0;
  if (marks == NULL || chain == NULL) {
    code = hg_fail_memory(error, "order of models", (size_t)study->model_count * sizeof *chain);
    goto done;
  }
  for (int start = 0; start < study->model_count; start++) {
    int length = 0, m = start;
    for (; m >= 0 && marks[m] == UNSEEN; m = needed_by(&study->models[m])) {
      marks[m] = OPEN;
      chain[length++] = m;
    }
    if (m >= 0 && marks[m] == OPEN) {
      code = fail_cycle(study, m, error);
      goto done;
    }
    while (length > 0) {
      m = chain[--length];
      marks[m] = PLACED;
      order[placed++] = m;
    }
  }
done:
  hg_free(marks);
  hg_free(chain);
  return code;
}

bool hg_study_draws(const hg_study *study, int model) {
  return study->models[model].kind == HG_MODEL_NETWORK || study->models[model].features_from >= 0;
}
