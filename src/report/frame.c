#include "report/frame.h"

#include "base/alloc.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void hg_frame_init(hg_frame *frame, const char *columns) {
  *frame = (hg_frame){0};
  for (const char *name = columns; *name != '\0' && frame->column_count < HG_FRAME_COLUMNS; name += strspn(name, " :~")) {
    hg_frame_column *column = &frame->columns[frame->column_count++];
    int length = (int)strcspn(name, " :~");
    snprintf(column->name, sizeof column->name, "%.*s", length, name);
    column->text = name[length] == ':';
    column->coarse = name[length] == '~';
    name += length;
  }
}

void hg_frame_release(hg_frame *frame) {
  for (int c = 0; c < frame->column_count; c++) {
    for (int i = 0; i < frame->columns[c].word_count; i++) hg_free(frame->columns[c].words[i]);
    hg_free(frame->columns[c].words);
  }
  hg_free(frame->cells);
  *frame = (hg_frame){0};
}

void hg_frame_number(hg_frame *frame, double value) {
  if (!frame->failed && !hg_grow(&frame->cells, &frame->capacity, frame->count + 1, sizeof *frame->cells)) frame->failed = true;
  if (!frame->failed) frame->cells[frame->count++] = value;
}

/* The number of a word in its column, newest first, since words come in runs; -1 if it is new. */
static int find_word(const hg_frame_column *column, const char *word) {
  for (int i = column->word_count - 1; i >= 0; i--)
    if (strcmp(column->words[i], word) == 0) return i;
  return -1;
}

void hg_frame_word(hg_frame *frame, const char *word) {
  hg_frame_column *column = &frame->columns[frame->count % (size_t)frame->column_count];
  int index = find_word(column, word);
  if (index < 0) {
    size_t count = (size_t)column->word_count;
    char *copy = hg_strdup(word);
    if (copy == NULL || !hg_grow(&column->words, &column->word_capacity, count + 1, sizeof *column->words)) {
      hg_free(copy);
      frame->failed = true;
      return;
    }
    column->words[index = column->word_count++] = copy;
  }
  hg_frame_number(frame, index);
}

size_t hg_frame_rows(const hg_frame *frame) { return frame->count / (size_t)frame->column_count; }

static double cell(const hg_frame *frame, size_t row, int column) {
  return frame->cells[row * (size_t)frame->column_count + (size_t)column];
}

void hg_frame_range(const hg_frame *frame, const char *column, double *least, double *most) {
  *least = *most = NAN;
  for (int c = 0; c < frame->column_count; c++) {
    if (strcmp(frame->columns[c].name, column) != 0) continue;
    for (size_t row = 0; row < hg_frame_rows(frame); row++) {
      double value = cell(frame, row, c);
      if (!isfinite(value)) continue;
      *least = isnan(*least) || value < *least ? value : *least;
      *most = isnan(*most) || value > *most ? value : *most;
    }
  }
}

/* ---------------------------------------------------------------- CSV */

static void put_quoted(hg_text *out, const char *word) {
  if (strpbrk(word, ",\"\r\n") == NULL) {
    hg_text_put(out, word);
    return;
  }
  hg_text_put(out, "\"");
  for (; *word != '\0'; word++) {
    if (*word == '"') hg_text_put(out, "\"");
    hg_text_put_bytes(out, word, 1);
  }
  hg_text_put(out, "\"");
}

void hg_frame_put_csv(const hg_frame *frame, hg_text *out) {
  for (int c = 0; c < frame->column_count; c++) hg_text_format(out, "%s%s", c == 0 ? "" : ",", frame->columns[c].name);
  hg_text_put(out, "\n");
  for (size_t row = 0; row < hg_frame_rows(frame); row++)
    for (int c = 0; c < frame->column_count; c++) {
      double value = cell(frame, row, c);
      if (c > 0) hg_text_put(out, ",");
      if (frame->columns[c].text)
        put_quoted(out, frame->columns[c].words[(int)value]);
      else if (isfinite(value))
        hg_text_format(out, fabs(value) < 1e15 && floor(value) == value ? "%.0f" : "%.6g", value);
      if (c + 1 == frame->column_count) hg_text_put(out, "\n");
    }
}

/* ---------------------------------------------------------------- JSON */

typedef enum cell_type { U8, U16, F32 } cell_type;

static cell_type smallest_type(const hg_frame *frame, int column) {
  cell_type type = U8;
  for (size_t row = 0; row < hg_frame_rows(frame); row++) {
    double value = cell(frame, row, column);
    if (!(value >= 0 && value < 65536 && floor(value) == value)) return F32;
    if (value > 255) type = U16;
  }
  return type;
}

/* Steps of a coarse column's range; false where it has a gap, or needs no steps. */
static bool find_steps(const hg_frame *frame, int column, double *least, double *step) {
  double most;
  if (!frame->columns[column].coarse || smallest_type(frame, column) != F32) return false;
  hg_frame_range(frame, frame->columns[column].name, least, &most);
  *step = (most - *least) / 65535;
  for (size_t row = 0; row < hg_frame_rows(frame); row++)
    if (!isfinite(cell(frame, row, column))) return false;
  return *step > 0;
}

static void put_steps(double least, double step, hg_text *out) {
  hg_json_key(out, "least");
  hg_json_number(out, least);
  hg_json_key(out, "step");
  hg_json_number(out, step);
}

static void put_column(const hg_frame *frame, int column, hg_text *out) {
  static const char *const names[] = {"u8", "u16", "f32"};
  static const size_t sizes[] = {1, 2, 4};
  double least = 0, step = 1;
  bool steps = find_steps(frame, column, &least, &step);
  cell_type type = steps ? U16 : smallest_type(frame, column);
  size_t rows = hg_frame_rows(frame), size = sizes[type];
  unsigned char *bytes = hg_malloc(rows * size + 1);
  if (bytes == NULL) {
    out->failed = true;
    return;
  }
  for (size_t row = 0; row < rows; row++) {
    double value = cell(frame, row, column);
    uint32_t word = type == F32 ? 0 : (uint32_t)lrint((value - least) / step);
    float single = (float)value;
    if (type == F32) memcpy(&word, &single, sizeof word);
    for (size_t i = 0; i < size; i++) bytes[row * size + i] = (unsigned char)(word >> (8 * i));
  }
  hg_json_key(out, names[type]);
  hg_text_put(out, "\"");
  hg_text_base64(out, bytes, rows * size);
  hg_text_put(out, "\"");
  if (steps) put_steps(least, step, out);
  hg_free(bytes);
}

void hg_frame_put_json(const hg_frame *frame, hg_text *out) {
  hg_json_open(out, '{');
  hg_json_key(out, "rows");
  hg_json_integer(out, (int64_t)hg_frame_rows(frame));
  hg_json_key(out, "columns");
  hg_json_open(out, '{');
  for (int c = 0; c < frame->column_count; c++) {
    const hg_frame_column *column = &frame->columns[c];
    hg_json_key(out, column->name);
    hg_json_open(out, '{');
    if (column->text) {
      hg_json_key(out, "words");
      hg_json_open(out, '[');
      for (int i = 0; i < column->word_count; i++) hg_json_string(out, column->words[i]);
      hg_json_close(out, ']');
    }
    put_column(frame, c, out);
    hg_json_close(out, '}');
  }
  hg_json_close(out, '}');
  hg_json_close(out, '}');
}
