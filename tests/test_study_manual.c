/* docs/study-format.md tells the truth: its studies can be read, its keys and defaults are the tables' own. */
#include "base/alloc.h"
#include "study/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_sound(const char *text) {
  char path[] = "/tmp/hourglass-study-XXXXXX";
  int descriptor = mkstemp(path);
  assert_true(descriptor >= 0);
  assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
  close(descriptor);
  hg_study *study = NULL;
  hg_error error = {0};
  hg_code code = hg_study_read(path, NULL, 0, &study, &error);
  remove(path);
  if (code != HG_OK) print_error("%s: %s\n", error.place, error.message);
  assert_int_equal(code, HG_OK);
  hg_study_free(study);
}

#define MANUAL SOURCE_DIR "/docs/study-format.md"

static char *read_manual(void) {
  static char text[1 << 18];
  FILE *file = fopen(MANUAL, "r");
  assert_non_null(file);
  size_t count = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[count] = 0;
  return text;
}

static void every_whole_study_of_the_manual_is_sound(void **state) {
  (void)state;
  char *manual = read_manual();
  int studies = 0;
  for (char *at = manual; (at = strstr(at, "```yaml\n")) != NULL;) {
    at += strlen("```yaml\n");
    char *end = strstr(at, "```");
    assert_non_null(end);
    *end = 0;
    if (strncmp(at, "study:", 6) == 0) {
      assert_sound(at);
      studies++;
    }
    at = end + 1;
  }
  assert_true(studies >= 5);
}

/* HOURGLASS_UPDATE_DOCS=1 puts the tables' present state into the manual. */
static void the_manual_holds_every_key_of_the_tables(void **state) {
  (void)state;
  char *manual = read_manual(), *reference = hg_study_reference();
  assert_non_null(reference);
  const char *begin = strstr(manual, "<!-- reference: begin -->\n"), *end = strstr(manual, "<!-- reference: end -->");
  assert_non_null(begin);
  assert_non_null(end);
  begin += strlen("<!-- reference: begin -->\n");
  bool same = strlen(reference) == (size_t)(end - begin) && strncmp(reference, begin, strlen(reference)) == 0;
  if (!same && getenv("HOURGLASS_UPDATE_DOCS") != NULL) {
    FILE *file = fopen(MANUAL, "w");
    fprintf(file, "%.*s%s%s", (int)(begin - manual), manual, reference, end);
    fclose(file);
    same = true;
  }
  if (!same) print_error("docs/study-format.md is behind the tables: run this test with HOURGLASS_UPDATE_DOCS=1\n");
  assert_true(same);
  hg_free(reference);
}

/* Reads each documented default into a struct that holds the defaults: nothing may change. */
static void assert_defaults(const hg_table *table, const void *defaults, size_t size) {
  char copy[2048], path[] = "defaults";
  hg_document document = {.path = path, .text = path};
  hg_error error = {0};
  hg_reader reader = {.document = &document, .error = &error};
  assert_true(size <= sizeof copy);
  for (int i = 0; i < table->count; i++) {
    const hg_field *field = &table->fields[i];
    bool plain = field->type != HG_FIELD_READ && field->type != HG_FIELD_TABLE && field->type != HG_FIELD_NAME;
    if (!plain || field->fallback == NULL || strcmp(field->fallback, "the pool's") == 0) continue;
    char text[64];
    snprintf(text, sizeof text, "%s", field->fallback);
    hg_node node = {.kind = HG_NODE_SCALAR, .text = text};
    memcpy(copy, defaults, size);
    assert_int_equal(hg_value_read(&reader, field, &node, copy), HG_OK);
    if (memcmp(copy, defaults, size) != 0) print_error("%s.%s: the default is not %s\n", table->name, field->key, text);
    assert_memory_equal(copy, defaults, size);
  }
}

static void documented_defaults_are_the_ones_that_hold(void **state) {
  (void)state;
  for (int i = 0; i < HG_LAYER_KINDS; i++) {
    hg_layer layer = hg_layer_default((hg_layer_kind)hg_layer_variants[i].value);
    assert_defaults(hg_layer_variants[i].table, &layer, sizeof layer);
  }
  for (int i = 0; i < hg_optimizer_variant_count; i++) {
    hg_optimizer optimizer = hg_optimizer_default((hg_optimizer_kind)hg_optimizer_variants[i].value);
    assert_defaults(hg_optimizer_variants[i].table, &optimizer, sizeof optimizer);
  }
  for (int i = 0; i < hg_classical_variant_count; i++) {
    hg_classical_settings settings = hg_classical_settings_default((hg_classical_kind)hg_classical_variants[i].value);
    assert_defaults(hg_classical_variants[i].table, &settings, sizeof settings);
  }
  hg_train_settings train = hg_train_settings_default();
  hg_data_settings data = hg_data_settings_default();
  hg_losses losses = hg_losses_default();
  assert_defaults(&hg_train_table, &train, sizeof train);
  assert_defaults(&hg_early_stopping_table, &train.early_stopping, sizeof train.early_stopping);
  for (int i = 0; i < hg_schedule_variant_count; i++) {
    assert_defaults(hg_schedule_variants[i].table, &train.schedule, sizeof train.schedule);
  }
  assert_defaults(&hg_corrupt_table, &train.corrupt, sizeof train.corrupt);
  assert_defaults(&hg_augment_table, &train.augment, sizeof train.augment);
  assert_defaults(&hg_data_table, &data, sizeof data);
  assert_defaults(&hg_loss_table, &losses, sizeof losses);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_whole_study_of_the_manual_is_sound),
      cmocka_unit_test(the_manual_holds_every_key_of_the_tables),
      cmocka_unit_test(documented_defaults_are_the_ones_that_hold),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
