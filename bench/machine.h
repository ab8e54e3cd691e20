/* What the machine can do while the timings are taken. */
#ifndef HG_BENCH_MACHINE_H
#define HG_BENCH_MACHINE_H

double bench_now(void); /* seconds, monotonic */

/* Floating-point operations a second of independent fused multiply-adds in registers, on this many threads at once, with the
 * instruction set in use. */
double bench_peak(int threads, double seconds);

/* Seconds for one cache line to go from one thread to another; the mean of many round trips, halved. */
double bench_transfer(void);

#endif
