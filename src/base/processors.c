#define _GNU_SOURCE
#include "base/parallel.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where the controller of processor time is mounted, and its files there. */
typedef struct controller {
  const char *name, *mount, *quota, *period; /* period NULL = it stands behind the quota, in the same file */
} controller;

static const controller controllers[] = {
    {"", "/sys/fs/cgroup", "cpu.max", NULL},
    {"", "/sys/fs/cgroup/unified", "cpu.max", NULL},
    {"cpu", "/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", "cpu.cfs_period_us"},
};

enum { PATH_SIZE = 4096 };

/* Reads at most two numbers; "max" counts as none. */
static int read_numbers(const controller *c, const char *group, const char *name, double numbers[2]) {
  char path[2 * PATH_SIZE];
  snprintf(path, sizeof path, "%s%s/%s", c->mount, group, name);
  FILE *file = fopen(path, "r");
  if (file == NULL) return 0;
  int count = fscanf(file, "%lf %lf", &numbers[0], &numbers[1]);
  fclose(file);
  return count < 0 ? 0 : count;
}

/* Processors' worth of time that one group may use; 0 = no bound. */
static double quota_of_group(const controller *c, const char *group) {
  double numbers[2] = {0}, period[2] = {0};
  int count = read_numbers(c, group, c->quota, numbers);
  if (c->period != NULL && count == 1) count += read_numbers(c, group, c->period, period);
  if (c->period != NULL) numbers[1] = period[0];
  return count == 2 && numbers[0] > 0 && numbers[1] > 0 ? numbers[0] / numbers[1] : 0;
}

/* The least of a group and those above it. */
static double quota_of_path(const controller *c, char *group) {
  double least = 0;
  for (;;) {
    double quota = quota_of_group(c, group);
    if (quota > 0 && (least == 0 || quota < least)) least = quota;
    char *end = strrchr(group, '/');
    if (end == NULL) return least;
    *end = '\0';
  }
}

static bool has_name(const char *list, const char *name) {
  size_t length = strlen(name);
  for (;; list++) {
    size_t word = strcspn(list, ",");
    if (word == length && strncmp(list, name, word) == 0) return true;
    list += word;
    if (*list == '\0') return false;
  }
}

/* This process's group under a controller, without a slash at its end; "" is the root, and what a container sees as such. */
static void find_group(const controller *c, char group[PATH_SIZE]) {
  group[0] = '\0';
  FILE *file = fopen("/proc/self/cgroup", "r");
  if (file == NULL) return;
  char line[PATH_SIZE];
  while (fgets(line, sizeof line, file) != NULL) { /* number:controllers:path */
    char *names = strchr(line, ':'), *path = names == NULL ? NULL : strchr(names + 1, ':');
    if (path == NULL) continue;
    *path++ = '\0';
    path[strcspn(path, "\n")] = '\0';
    if (has_name(names + 1, c->name)) snprintf(group, PATH_SIZE, "%s", strcmp(path, "/") == 0 ? "" : path);
  }
  fclose(file);
}

static int processors(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  long online = sysconf(_SC_NPROCESSORS_ONLN); /* more processors than the set holds */
  return online < 1 ? 1 : (int)online;
}

int hg_threads_available(void) {
  int available = processors();
  for (size_t i = 0; i < sizeof controllers / sizeof controllers[0]; i++) {
    char group[PATH_SIZE];
    find_group(&controllers[i], group);
    double quota = quota_of_path(&controllers[i], group);
    if (quota > 0 && quota < available) available = (int)(quota + 0.999);
  }
  return available < 1 ? 1 : available;
}
