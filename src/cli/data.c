/* What data there is: list, inspect, fetch. */
#include "data/data.h"
#include "base/alloc.h"
#include "base/utf8.h"
#include "cli/options.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "data/catalog.h"

#include <jansson.h>
#include <string.h>

hg_code hg_data_command(const hg_arguments *arguments, hg_error *error) {
  (void)arguments;
  return hg_fail(error, HG_USAGE, "data", "say what to do: hourglass data list | inspect | fetch");
}

/* ---- list */

static json_t *entry_json(const hg_catalog_entry *entry, const char *place) {
  json_t *object = json_pack("{s:s, s:s, s:[i,i,i], s:i, s:I, s:I}", "name", entry->name, "title", entry->title, "shape",
                             entry->shape.height, entry->shape.width, entry->shape.channels, "classes", entry->classes, "train",
                             (json_int_t)entry->train, "test", (json_int_t)entry->test);
  json_object_set_new(object, "found", place == NULL ? json_null() : json_string(place));
  return object;
}

static void add_entry(hg_text_table *table, const hg_catalog_entry *entry, const char *place) {
  char train[32] = "", test[32] = "";
  if (entry->train > 0) hg_format_count(entry->train, train, sizeof train);
  if (entry->test > 0) hg_format_count(entry->test, test, sizeof test);
  hg_text_table_cell(table, "%s", entry->name);
  if (entry->shape.height > 0)
    hg_text_table_cell(table, "%d x %d x %d", entry->shape.height, entry->shape.width, entry->shape.channels);
  else
    hg_text_table_cell(table, "%s", "");
  if (entry->classes > 0)
    hg_text_table_cell(table, "%d", entry->classes);
  else
    hg_text_table_cell(table, "%s", "");
  hg_text_table_cell(table, "%s", train);
  hg_text_table_cell(table, "%s", test);
  if (place != NULL)
    hg_text_table_cell(table, "%s", place);
  else if (entry->package != NULL)
    hg_text_table_cell(table, "not here: apt install %s, or fetch it", entry->package);
  else
    hg_text_table_cell(table, "not here: hourglass data fetch %s", entry->name);
}

static void list_entry(const hg_catalog_entry *entry, hg_text_table *table, json_t *list) {
  hg_found found = {0};
  bool generated = entry->layout == HG_LAYOUT_GENERATED;
  bool here = !generated && hg_catalog_locate(entry, &found, NULL) == HG_OK;
  const char *place = generated ? "generated" : here ? found.path : NULL;
  if (list != NULL)
    json_array_append_new(list, entry_json(entry, place));
  else
    add_entry(table, entry, place);
}

hg_code hg_data_list_command(const hg_arguments *arguments, hg_error *error) {
  static const char *const heads[] = {"name", ">shape", ">classes", ">train", ">test", "where"};
  int count;
  const hg_catalog_entry *entries = hg_catalog(&count);
  json_t *list = hg_arguments_has(arguments, HG_OPTION_JSON) ? json_array() : NULL;
  hg_text_table table;
  hg_text_table_init(&table, 6, heads);
  for (int i = 0; i < count; i++) list_entry(&entries[i], &table, list);
  hg_code code = HG_OK;
  if (list != NULL) {
    json_dumpf(list, stdout, JSON_INDENT(2));
    putchar('\n');
  } else {
    code = hg_text_table_print(&table, stdout, error);
  }
  json_decref(list);
  hg_text_table_release(&table);
  return code;
}

/* ---- inspect */

static int64_t count_class(const hg_dataset *dataset, int label) {
  int64_t count = 0;
  for (int64_t i = 0; i < dataset->count; i++) count += dataset->labels != NULL && dataset->labels[i] == label;
  return count;
}

/* Mean over channels of the pixels that a character stands for, as one of ten greys. */
static char grey_at(const hg_dataset *dataset, const uint8_t *image, int row, int column, int step) {
  static const char greys[] = " .:-=+*#%@";
  hg_shape shape = dataset->shape;
  int64_t sum = 0, count = 0;
  for (int y = row * 2 * step; y < (row + 1) * 2 * step && y < shape.height; y++)
    for (int x = column * step; x < (column + 1) * step && x < shape.width; x++)
      for (int c = 0; c < shape.channels; c++, count++) sum += image[((int64_t)y * shape.width + x) * shape.channels + c];
  return count == 0 ? ' ' : greys[sum * 10 / (count * 256)];
}

/* The first image of a class; NULL where it has none. */
static const uint8_t *first_of_class(const hg_dataset *dataset, int label) {
  for (int64_t i = 0; i < dataset->count; i++)
    if (hg_dataset_label(dataset, i) == label) return hg_dataset_image(dataset, i);
  return NULL;
}

/* As many characters as there are columns, which are as many bytes only in ASCII. */
static void print_name(const char *name, int columns) {
  int used = 0;
  for (; used < columns && *name != '\0'; used++) {
    int bytes = hg_utf8_length(name);
    printf("%.*s", bytes, name);
    name += bytes;
  }
  printf("%*s", columns - used, "");
}

/* The first image of each of the first classes, as far as the terminal is wide. */
static void print_preview(const hg_dataset *dataset) {
  enum { MOST_WIDE = 32, MOST_IMAGES = 16 };
  int step = (dataset->shape.width + MOST_WIDE - 1) / MOST_WIDE;
  int columns = (dataset->shape.width + step - 1) / step, rows = (dataset->shape.height + 2 * step - 1) / (2 * step);
  int images = (hg_terminal_width(stdout) + 2) / (columns + 2);
  if (images > MOST_IMAGES) images = MOST_IMAGES;
  if (images > dataset->classes) images = dataset->classes;
  const uint8_t *shown[MOST_IMAGES];
  for (int i = 0; i < images; i++) {
    shown[i] = first_of_class(dataset, i);
    print_name(hg_dataset_class_name(dataset, i), columns);
    fputs(i + 1 < images ? "  " : "\n", stdout);
  }
  for (int row = 0; row < rows; row++)
    for (int i = 0; i < images; i++) {
      for (int column = 0; column < columns; column++)
        putchar(shown[i] == NULL ? ' ' : grey_at(dataset, shown[i], row, column, step));
      fputs(i + 1 < images ? "  " : "\n", stdout);
    }
}

static hg_code print_classes(const hg_dataset *train, const hg_dataset *test, hg_error *error) {
  static const char *const heads[] = {">label", "class", ">train", ">test"};
  hg_text_table table;
  hg_text_table_init(&table, 4, heads);
  for (int label = 0; label < train->classes; label++) {
    char text[32];
    hg_text_table_cell(&table, "%d", label);
    hg_text_table_cell(&table, "%s", hg_dataset_class_name(train, label));
    hg_text_table_cell(&table, "%s", hg_format_count(count_class(train, label), text, sizeof text));
    hg_text_table_cell(&table, "%s", hg_format_count(count_class(test, label), text, sizeof text));
  }
  hg_code code = hg_text_table_print(&table, stdout, error);
  hg_text_table_release(&table);
  return code;
}

static hg_code print_data(const char *name, const hg_data *data, hg_error *error) {
  char train[32], test[32], digest[65];
  hg_shape shape = data->train->shape;
  hg_dataset_digest(data->train, digest);
  printf("%s  %d x %d x %d, %d classes, %s training and %s test images\nfrom %s\nsha256 of the training part %s\n\n", name,
         shape.height, shape.width, shape.channels, data->train->classes,
         hg_format_count(data->train->count, train, sizeof train), hg_format_count(data->test->count, test, sizeof test),
         data->train->source, digest);
  print_preview(data->train);
  putchar('\n');
  return print_classes(data->train, data->test, error);
}

static void print_json(const char *name, const hg_data *data) {
  json_t *classes = json_array();
  for (int label = 0; label < data->train->classes; label++)
    json_array_append_new(
        classes, json_pack("{s:s, s:I, s:I}", "name", hg_dataset_class_name(data->train, label), "train",
                           (json_int_t)count_class(data->train, label), "test", (json_int_t)count_class(data->test, label)));
  hg_shape shape = data->train->shape;
  char asked[HG_PATH_SIZE], source[HG_PATH_SIZE];
  hg_utf8_copy(name, asked, sizeof asked);
  hg_utf8_copy(data->train->source, source, sizeof source);
  json_t *object = json_pack("{s:s, s:s, s:[i,i,i], s:I, s:I, s:s, s:o}", "name", asked, "source", source, "shape", shape.height,
                             shape.width, shape.channels, "train", (json_int_t)data->train->count, "test",
                             (json_int_t)data->test->count, "digest", data->digest, "classes", classes);
  json_dumpf(object, stdout, JSON_INDENT(2));
  putchar('\n');
  json_decref(object);
}

hg_code hg_data_inspect_command(const hg_arguments *arguments, hg_error *error) {
  const char *name = arguments->operands[0];
  hg_data_settings settings = hg_data_settings_default();
  settings.validation = 0;
  int64_t side = 0;
  hg_code code = hg_arguments_number(arguments, HG_OPTION_RESIZE, 1, 1024, 0, &side, error);
  if (code != HG_OK) return code;
  settings.resize = (int)side;
  settings.grayscale = hg_arguments_has(arguments, HG_OPTION_GRAYSCALE);
  settings.source = hg_strdup(name);
  if (settings.source == NULL) return hg_fail_memory(error, name, strlen(name));
  hg_data data = {0};
  code = hg_data_open(&settings, ".", &data, error);
  if (code == HG_OK && hg_arguments_has(arguments, HG_OPTION_JSON))
    print_json(name, &data);
  else if (code == HG_OK)
    code = print_data(name, &data, error);
  hg_data_release(&data);
  hg_free(settings.source);
  return code;
}
