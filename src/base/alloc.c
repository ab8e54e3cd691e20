#include "base/alloc.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static atomic_int_least64_t allocations;
static atomic_int_least64_t remaining = -1;

static bool must_fail(void) {
  atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
  if (atomic_load_explicit(&remaining, memory_order_relaxed) < 0) return false;
  return atomic_fetch_sub_explicit(&remaining, 1, memory_order_relaxed) == 0;
}

void hg_alloc_fail_after(int64_t successes) { atomic_store(&remaining, successes); }
int64_t hg_alloc_count(void) { return atomic_load(&allocations); }

void *hg_malloc(size_t bytes) { return must_fail() ? NULL : malloc(bytes == 0 ? 1 : bytes); }

void *hg_calloc(size_t count, size_t bytes) {
  return must_fail() ? NULL : calloc(count == 0 ? 1 : count, bytes == 0 ? 1 : bytes);
}

char *hg_strdup(const char *text) {
  size_t bytes = strlen(text) + 1;
  char *copy = hg_malloc(bytes);
  if (copy != NULL) memcpy(copy, text, bytes);
  return copy;
}

void hg_free(void *pointer) { free(pointer); }

void *hg_alloc_aligned(size_t bytes) {
  enum { LINE = 64, HUGE_PAGE = 2 << 20 };
  if (bytes > SIZE_MAX - HUGE_PAGE || must_fail()) return NULL;
  bool huge = bytes >= HUGE_PAGE / 2;
  size_t alignment = huge ? HUGE_PAGE : LINE;
  size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void *pointer = NULL;
  if (posix_memalign(&pointer, alignment, rounded == 0 ? LINE : rounded) != 0) return NULL;
  /* A hint only: large arenas lose several percent to TLB misses on 4 KiB pages. */
  if (huge) madvise(pointer, rounded, MADV_HUGEPAGE);
  memset(pointer, 0, bytes);
  return pointer;
}

void hg_free_aligned(void *pointer) { free(pointer); }

int hg_grow(void *array_address, size_t *capacity, size_t count, size_t bytes) {
  if (count <= *capacity) return 1;
  size_t wanted = *capacity < 8 ? 8 : *capacity;
  while (wanted < count) wanted *= 2;
  if (bytes != 0 && wanted > SIZE_MAX / bytes) return 0;
  void *old;
  memcpy(&old, array_address, sizeof old);
  void *grown = must_fail() ? NULL : realloc(old, bytes == 0 ? 1 : wanted * bytes);
  if (grown == NULL) return 0;
  memcpy(array_address, &grown, sizeof grown);
  *capacity = wanted;
  return 1;
}
