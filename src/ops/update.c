#include "kernels/pointwise.h"
#include "ops/native.h"

enum { PIECE = 1 << 14 };

static hg_update_rule rule_of(const hg_update *u) {
  return (hg_update_rule){.learning_rate = u->learning_rate,
                          .weight_decay = u->weight_decay,
                          .scale = u->scale,
                          .clip_value = u->clip_value,
                          .momentum = u->momentum,
                          .nesterov = u->nesterov,
                          .first_step = u->first_step,
                          .beta_1 = u->beta_1,
                          .beta_2 = u->beta_2,
                          .epsilon = u->epsilon,
                          .correction_1 = u->correction_1,
                          .correction_2 = u->correction_2,
                          .decoupled = u->decoupled};
}

void hg_update_part(const hg_update *u, int64_t first, int rows, int64_t columns, const float *gradient, ptrdiff_t gradient_row,
                    ptrdiff_t row) {
  hg_update_rule rule = rule_of(u);
  if (gradient_row == columns && row == columns) { /* all in one row */
    columns *= rows;
    rows = 1;
  }
  float *moment_1 = u->moment_1 == NULL ? NULL : u->moment_1 + first;
  if (u->adaptive)
    hg_pointwise()->adam(&rule, rows, columns, gradient, gradient_row, u->value + first, moment_1, u->moment_2 + first, row);
  else
    hg_pointwise()->sgd(&rule, rows, columns, gradient, gradient_row, u->value + first, moment_1, row);
}

static void update_piece(const void *context, int64_t first, int64_t last) {
  const hg_update *u = context;
  hg_update_part(u, first, 1, last - first, u->gradient + first, 0, 0);
}

void hg_update_apply(hg_pool *pool, const hg_update *update) {
  hg_parallel_range(pool, update->count, PIECE, update_piece, update);
}

/* At most this many pieces, so that their sums fit the stack; their length follows from the count alone. */
enum { MOST_PIECES = 256 };

typedef struct squaring {
  const float *values;
  int64_t piece;
  double *sums;
} squaring;

static void square_piece(const void *context, int64_t first, int64_t last) {
  const squaring *s = context;
  s->sums[first / s->piece] = hg_pointwise()->sum_of_squares(last - first, s->values + first);
}

double hg_sum_of_squares(hg_pool *pool, const float *values, int64_t count) {
  double sums[MOST_PIECES] = {0}, total = 0;
  int64_t piece = (count + MOST_PIECES - 1) / MOST_PIECES;
  if (piece < PIECE) piece = PIECE;
  squaring s = {values, piece, sums};
  hg_parallel_range(pool, count, piece, square_piece, &s);
  for (int i = 0; i < MOST_PIECES; i++) total += sums[i];
  return total;
}
