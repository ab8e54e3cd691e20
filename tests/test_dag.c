#include "study/study.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MODELS = 5 };

/* Models a, b, c, ...; each takes its encoder from the given one, or is fitted on its codes where classical. */
static hg_study make_study(hg_model models[], const int *from, int count) {
  for (int i = 0; i < count; i++) {
    models[i] = (hg_model){.name = {(char)('a' + i), 0}, .from = from[i], .features_from = -1};
  }
  return (hg_study){.models = models, .model_count = count};
}

static void each_model_stands_after_the_one_it_takes_from(void **state) {
  (void)state;
  hg_model models[MODELS];
  int from[MODELS] = {3, 0, -1, 4, -1}, order[MODELS], place[MODELS];
  hg_study study = make_study(models, from, MODELS);
  models[2].features_from = 1;
  assert_int_equal(hg_study_order(&study, order, NULL), HG_OK);
  for (int i = 0; i < MODELS; i++) place[order[i]] = i;
  for (int i = 0; i < MODELS; i++) {
    if (from[i] >= 0) assert_true(place[from[i]] < place[i]);
  }
  assert_true(place[1] < place[2]);
}

static void models_that_need_nothing_keep_the_order_they_are_written_in(void **state) {
  (void)state;
  hg_model models[MODELS];
  int from[MODELS] = {-1, -1, 1, -1, -1}, order[MODELS];
  hg_study study = make_study(models, from, MODELS);
  assert_int_equal(hg_study_order(&study, order, NULL), HG_OK);
  for (int i = 0; i < MODELS; i++) assert_int_equal(order[i], i);
}

static void a_cycle_names_its_members_and_no_others(void **state) {
  (void)state;
  hg_model models[MODELS];
  int from[MODELS] = {1, 2, 3, 1, -1}, order[MODELS]; /* a leads into b -> c -> d -> b */
  hg_study study = make_study(models, from, MODELS);
  hg_error error;
  assert_int_equal(hg_study_order(&study, order, &error), HG_USAGE);
  assert_non_null(strstr(error.message, "b -> c -> d -> b"));
  assert_null(strstr(error.message, "a ->"));
}

static void a_model_that_takes_from_itself_is_a_cycle(void **state) {
  (void)state;
  hg_model models[1];
  int from[1] = {0}, order[1];
  hg_study study = make_study(models, from, 1);
  hg_error error;
  assert_int_equal(hg_study_order(&study, order, &error), HG_USAGE);
  assert_non_null(strstr(error.message, "a -> a"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_model_stands_after_the_one_it_takes_from),
      cmocka_unit_test(models_that_need_nothing_keep_the_order_they_are_written_in),
      cmocka_unit_test(a_cycle_names_its_members_and_no_others),
      cmocka_unit_test(a_model_that_takes_from_itself_is_a_cycle),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
