/* The one way to memory, so that a test can make the n-th allocation fail. */
#ifndef HG_BASE_ALLOC_H
#define HG_BASE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

/* As malloc, calloc, strdup and free; NULL when out of memory. Sizes of 0 give a pointer that can be freed. */
void *hg_malloc(size_t bytes);
void *hg_calloc(size_t count, size_t bytes);
char *hg_strdup(const char *text);
void hg_free(void *pointer);

/* Aligned to 64 bytes, zeroed; freed with hg_free_aligned. For tensors and arenas (transparent huge pages where large). */
void *hg_alloc_aligned(size_t bytes);
void hg_free_aligned(void *pointer);

/* Grows *array (element size bytes, capacity *capacity) to hold at least `count` elements. False when out of memory,
 * the array unchanged. */
int hg_grow(void *array_address, size_t *capacity, size_t count, size_t bytes);

/* For tests: the allocation after `successes` more ones fails, once; negative = never. */
void hg_alloc_fail_after(int64_t successes);
/* Number of allocations made so far by this process through this file. */
int64_t hg_alloc_count(void);

#endif
