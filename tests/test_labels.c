/* The names of classes on a map: none covers another, and those that are free stay where they are. */
#include "report/labels.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void names_that_lie_on_each_other_come_to_stand_one_below_the_other(void **state) {
  (void)state;
  hg_label labels[] = {{100, 50, 7}, {110, 52, 8}, {95, 50, 5}, {104, 51, 10}};
  hg_labels_spread(labels, 4, 480);
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < i; j++) assert_true(fabs(labels[i].y - labels[j].y) > 15.9);
  for (int i = 0; i < 4; i++) assert_true(fabs(labels[i].y - 51) < 40);
}

static void names_that_are_free_stay(void **state) {
  (void)state;
  hg_label labels[] = {{100, 50, 4}, {200, 50, 4}, {100, 90, 4}};
  hg_labels_spread(labels, 3, 480);
  assert_true(labels[0].y == 50 && labels[1].y == 50 && labels[2].y == 90);
}

static void no_name_is_pushed_off_the_map(void **state) {
  (void)state;
  hg_label labels[] = {{100, 475, 6}, {100, 478, 6}, {100, 2, 6}, {100, 1, 6}};
  hg_labels_spread(labels, 4, 480);
  for (int i = 0; i < 4; i++) assert_true(labels[i].y >= 8 && labels[i].y <= 472);
  assert_true(fabs(labels[0].y - labels[1].y) > 15.9 && fabs(labels[2].y - labels[3].y) > 15.9);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_that_lie_on_each_other_come_to_stand_one_below_the_other),
      cmocka_unit_test(names_that_are_free_stay),
      cmocka_unit_test(no_name_is_pushed_off_the_map),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
