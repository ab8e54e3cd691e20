/* What the machine can do while the timings are taken. */
#ifndef HG_BENCH_MACHINE_H
#define HG_BENCH_MACHINE_H

#include <stddef.h>

/* Seconds: of a clock that only goes forward, of this thread's own time on a processor. */
double bench_now(void);
double bench_thread_time(void);

/* For qsort. */
int bench_compare_doubles(const void *a, const void *b);

/* Floating-point operations a second of independent fused multiply-adds in registers, on this many threads at once, with the
 * instruction set in use. Threads count their own time on a processor, so that other programs disturb it little. */
double bench_peak(int threads, double seconds);

/* Bytes a second read from `bytes` of memory on this many threads at once, each a part of it. 0 when out of memory. */
double bench_read_rate(int threads, size_t bytes, double seconds);

/* Seconds for one cache line to go from one thread to another; half a round trip, the median of many short stretches of them. */
double bench_transfer(void);

#endif
