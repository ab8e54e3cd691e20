/* Whole numbers: the smaller and the larger, and division that rounds up. */
#ifndef HG_BASE_INTEGERS_H
#define HG_BASE_INTEGERS_H

#include <stddef.h>

static inline int hg_smaller(int a, int b) { return a < b ? a : b; }
static inline int hg_larger(int a, int b) { return a > b ? a : b; }
static inline int hg_ceil_div(int a, int b) { return (a + b - 1) / b; } /* a >= 0, b > 0 */

/* Floats up to a whole number of cache lines, so that what stands behind them begins a line. */
static inline size_t hg_whole_lines(size_t floats) { return (floats + 15) / 16 * 16; }

#endif
