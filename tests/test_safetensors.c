#include "base/alloc.h"
#include "base/file.h"
#include "store/safetensors.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[256];

static const float weights[6] = {1, -2, 3.5f, 0, 5, 1e-30f};
static const uint8_t odd[3] = {7, 8, 255};
static const int64_t indices[2] = {-1, INT64_MAX};
static const hg_named_tensor sample[] = {
    {"encoder.0.weight", HG_F32, 2, {2, 3}, weights},
    {"bytes", HG_U8, 1, {3}, odd},
    {"index", HG_I64, 1, {2}, indices},
    {"scalar", HG_F32, 0, {0}, weights},
    {"empty", HG_F64, 2, {0, 4}, NULL},
};
enum { SAMPLES = sizeof sample / sizeof sample[0] };
static const char *const metadata[] = {"epoch", "3", "note", "a \"quoted\" one", NULL};

static void write_sample(void) {
  hg_error error = {0};
  if (hg_safetensors_write(path, sample, SAMPLES, metadata, &error) != HG_OK) fail_msg("%s", error.message);
}

static void what_is_written_is_read_back(void **state) {
  (void)state;
  hg_safetensors file;
  write_sample();
  assert_int_equal(hg_safetensors_read(path, &file, NULL), HG_OK);
  assert_int_equal(file.count, SAMPLES);
  for (int i = 0; i < SAMPLES; i++) {
    const hg_named_tensor *tensor = hg_safetensors_find(&file, sample[i].name);
    assert_non_null(tensor);
    assert_int_equal(tensor->dtype, sample[i].dtype);
    assert_int_equal(tensor->rank, sample[i].rank);
    assert_memory_equal(tensor->dim, sample[i].dim, sizeof tensor->dim);
    assert_int_equal(hg_named_tensor_count(tensor), hg_named_tensor_count(&sample[i]));
  }
  assert_memory_equal(hg_safetensors_find(&file, "encoder.0.weight")->data, weights, sizeof weights);
  assert_memory_equal(hg_safetensors_find(&file, "bytes")->data, odd, sizeof odd);
  assert_memory_equal(hg_safetensors_find(&file, "index")->data, indices, sizeof indices);
  assert_null(hg_safetensors_find(&file, "absent"));
  hg_safetensors_release(&file);
}

static void tensors_are_given_sorted_and_aligned(void **state) {
  (void)state;
  hg_safetensors file;
  write_sample();
  assert_int_equal(hg_safetensors_read(path, &file, NULL), HG_OK);
  for (int i = 1; i < file.count; i++) assert_true(strcmp(file.tensors[i - 1].name, file.tensors[i].name) < 0);
  assert_int_equal((uintptr_t)hg_safetensors_find(&file, "index")->data % sizeof(int64_t), 0);
  hg_safetensors_release(&file);
}

static void metadata_is_found_by_key(void **state) {
  (void)state;
  hg_safetensors file;
  char value[32];
  write_sample();
  assert_int_equal(hg_safetensors_read(path, &file, NULL), HG_OK);
  assert_true(hg_safetensors_metadata(&file, "note", value, sizeof value));
  assert_string_equal(value, "a \"quoted\" one");
  assert_false(hg_safetensors_metadata(&file, "absent", value, sizeof value));
  hg_safetensors_release(&file);
}

/* The bytes of the format's description, written out by hand. */
static void the_bytes_are_those_of_the_format(void **state) {
  (void)state;
  static const char header[] = "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
  char *bytes;
  size_t count, length = sizeof header - 1, padded = (length + 7) / 8 * 8;
  assert_int_equal(hg_safetensors_write(path, &(hg_named_tensor){"w", HG_F32, 1, {2}, weights}, 1, NULL, NULL), HG_OK);
  assert_int_equal(hg_file_read(path, 4096, &bytes, &count, NULL), HG_OK);
  assert_int_equal(count, 8 + padded + 8);
  assert_int_equal((unsigned char)bytes[0], padded);
  for (int i = 1; i < 8; i++) assert_int_equal(bytes[i], 0);
  assert_memory_equal(bytes + 8, header, length);
  for (size_t i = length; i < padded; i++) assert_int_equal(bytes[8 + i], ' ');
  assert_memory_equal(bytes + 8 + padded, weights, 8);
  hg_free(bytes);
}

static void unsound_tensors_are_not_written(void **state) {
  (void)state;
  const hg_named_tensor twins[] = {{"w", HG_U8, 1, {3}, odd}, {"w", HG_U8, 1, {3}, odd}};
  assert_int_equal(hg_safetensors_write(path, twins, 2, NULL, NULL), HG_USAGE);
  assert_int_equal(hg_safetensors_write(path, &(hg_named_tensor){"", HG_U8, 1, {3}, odd}, 1, NULL, NULL), HG_USAGE);
  assert_int_equal(hg_safetensors_write(path, &(hg_named_tensor){"w", HG_U8, 1, {-3}, odd}, 1, NULL, NULL), HG_USAGE);
  assert_int_equal(hg_safetensors_write(path, &(hg_named_tensor){"w", HG_U8, 5, {3}, odd}, 1, NULL, NULL), HG_USAGE);
}

static void write_raw(uint64_t length, const char *header, size_t payload) {
  size_t text = strlen(header), total = 8 + text + payload;
  char *bytes = calloc(1, total + 1);
  for (int i = 0; i < 8; i++) bytes[i] = (char)(length >> 8 * i);
  memcpy(bytes + 8, header, text);
  assert_int_equal(hg_file_write(path, bytes, total, NULL), HG_OK);
  free(bytes);
}

/* Every file is refused with its path and a cause that names the fault. */
static const struct {
  const char *fault, *header;
  size_t payload;
  uint64_t length; /* 0 = that of the header */
  const char *cause;
} hostile[] = {
    {"a length beyond the file", "{}", 0, 3, "truncated"},
    {"a length of 2^63", "{}", 0, (uint64_t)1 << 63, "header of"},
    {"a length of 2^64 - 1", "{}", 0, UINT64_MAX, "header of"},
    {"no header", "", 0, 0, "'{'"},
    {"a header that is a list", "[]", 0, 0, "'{'"},
    {"a header cut in two", "{\"w\":{\"dtype\"", 0, 0, "JSON"},
    {"a header that is not UTF-8", "{\"\xff\xfe\":1}", 0, 0, "JSON"},
    {"text after the header", "{}{}", 0, 0, "JSON"},
    {"two tensors of one name",
     "{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
     "\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
     2, 0, "duplicate"},
    {"a tensor that is a number", "{\"w\":1}", 0, 0, "object"},
    {"no type", "{\"w\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1, 0, "dtype"},
    {"a type that is a number", "{\"w\":{\"dtype\":4,\"shape\":[1],\"data_offsets\":[0,1]}}", 1, 0, "dtype"},
    {"an unknown type", "{\"w\":{\"dtype\":\"Q9\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, 0, "Q9"},
    {"no shape", "{\"w\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1, 0, "shape"},
    {"a negative dimension", "{\"w\":{\"dtype\":\"U8\",\"shape\":[-1],\"data_offsets\":[0,1]}}", 1, 0, "dimension 0"},
    {"half a dimension", "{\"w\":{\"dtype\":\"U8\",\"shape\":[0.5],\"data_offsets\":[0,1]}}", 1, 0, "dimension 0"},
    {"dimensions that overflow", "{\"w\":{\"dtype\":\"F64\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,8]}}", 8, 0,
     "overflow"},
    {"a dimension beyond 64 bits", "{\"w\":{\"dtype\":\"U8\",\"shape\":[99999999999999999999],\"data_offsets\":[0,1]}}", 1, 0,
     "JSON"},
    {"five dimensions", "{\"w\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1],\"data_offsets\":[0,1]}}", 1, 0, "5 dimensions"},
    {"no offsets", "{\"w\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, 0, "data_offsets"},
    {"one offset", "{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1, 0, "data_offsets"},
    {"offsets the wrong way round", "{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,0]}}", 1, 0, "data_offsets"},
    {"a negative offset", "{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[-1,0]}}", 1, 0, "data_offsets"},
    {"an end beyond the file", "{\"w\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", 1, 0, "truncated"},
    {"offsets near 2^63", "{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[9223372036854775806,9223372036854775807]}}",
     1, 0, "truncated"},
    {"a shape that is not its bytes", "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, 0, "needs 8 bytes"},
    {"overlapping tensors",
     "{\"v\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
     "\"w\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}",
     3, 0, "overlaps"},
    {"a hole between tensors",
     "{\"v\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
     "\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[2,3]}}",
     3, 0, "no tensor"},
    {"bytes after the last tensor", "{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 5, 0, "no tensor"},
    {"metadata that is a list", "{\"__metadata__\":[]}", 0, 0, "__metadata__"},
    {"metadata that is a number", "{\"__metadata__\":{\"a\":1}}", 0, 0, "not a string"},
};

static void hostile_files_are_refused_with_path_and_cause(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
    hg_safetensors file;
    hg_error error = {0};
    write_raw(hostile[i].length == 0 ? strlen(hostile[i].header) : hostile[i].length, hostile[i].header, hostile[i].payload);
    if (hg_safetensors_read(path, &file, &error) != HG_DATA) fail_msg("%s was read", hostile[i].fault);
    assert_string_equal(error.place, path);
    if (strstr(error.message, hostile[i].cause) == NULL) fail_msg("%s: \"%s\"", hostile[i].fault, error.message);
    assert_null(file.bytes);
  }
}

static void a_name_too_long_is_refused(void **state) {
  (void)state;
  char header[400], name[200] = {0};
  hg_safetensors file;
  hg_error error;
  memset(name, 'n', sizeof name - 1);
  snprintf(header, sizeof header, "{\"%s\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", name);
  write_raw(strlen(header), header, 1);
  assert_int_equal(hg_safetensors_read(path, &file, &error), HG_DATA);
  assert_non_null(strstr(error.message, "longer than 127"));
}

static void a_file_cut_anywhere_is_refused(void **state) {
  (void)state;
  char *bytes;
  size_t count;
  write_sample();
  assert_int_equal(hg_file_read(path, 4096, &bytes, &count, NULL), HG_OK);
  for (size_t kept = 0; kept < count; kept++) {
    hg_safetensors file;
    assert_int_equal(hg_file_write(path, bytes, kept, NULL), HG_OK);
    assert_int_equal(hg_safetensors_read(path, &file, NULL), HG_DATA);
  }
  hg_free(bytes);
}

static void a_file_that_is_not_there_is_refused(void **state) {
  (void)state;
  hg_safetensors file;
  assert_int_equal(hg_safetensors_read("/nonexistent/x.safetensors", &file, NULL), HG_DATA);
}

/* An F32 after three U8, as other writers may place it. */
static void misaligned_tensors_are_moved_to_aligned_places(void **state) {
  (void)state;
  hg_safetensors file;
  const char *header =
      "{\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},"
      "\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[3,7]}}";
  write_raw(strlen(header), header, 7);
  assert_int_equal(hg_safetensors_read(path, &file, NULL), HG_OK);
  const hg_named_tensor *tensor = hg_safetensors_find(&file, "w");
  assert_int_equal((uintptr_t)tensor->data % sizeof(float), 0);
  assert_true(*(const float *)tensor->data == 0);
  hg_safetensors_release(&file);
}

static void every_failed_allocation_is_told(void **state) {
  (void)state;
  hg_code code = HG_NO_MEMORY;
  write_sample();
  for (int n = 0; code != HG_OK; n++) {
    hg_safetensors file;
    hg_alloc_fail_after(n);
    code = hg_safetensors_read(path, &file, NULL);
    assert_true(code == HG_NO_MEMORY || code == HG_OK);
    hg_alloc_fail_after(-1);
    hg_safetensors_release(&file);
    assert_true(n < 100);
  }
}

int main(void) {
  snprintf(path, sizeof path, "/tmp/hourglass-test-%ld.safetensors", (long)getpid());
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_written_is_read_back),
      cmocka_unit_test(tensors_are_given_sorted_and_aligned),
      cmocka_unit_test(metadata_is_found_by_key),
      cmocka_unit_test(the_bytes_are_those_of_the_format),
      cmocka_unit_test(unsound_tensors_are_not_written),
      cmocka_unit_test(hostile_files_are_refused_with_path_and_cause),
      cmocka_unit_test(a_name_too_long_is_refused),
      cmocka_unit_test(a_file_cut_anywhere_is_refused),
      cmocka_unit_test(a_file_that_is_not_there_is_refused),
      cmocka_unit_test(misaligned_tensors_are_moved_to_aligned_places),
      cmocka_unit_test(every_failed_allocation_is_told),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  if (getenv("KEEP") == NULL) unlink(path);
  return failed;
}
