#define _GNU_SOURCE
#include "data/download.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* libcurl stands on thirty libraries, whose loading would be most of the program's start: the first download loads it. */
static const char library_name[] = "libcurl.so.4";
static struct {
  CURLcode (*global_init)(long flags);
  CURL *(*init)(void);
  CURLcode (*setopt)(CURL *curl, CURLoption option, ...);
  CURLcode (*getinfo)(CURL *curl, CURLINFO info, ...);
  CURLcode (*perform)(CURL *curl);
  void (*cleanup)(CURL *curl);
  const char *(*strerror)(CURLcode code);
  bool whole; /* all of them were found */
} library;

/* A transfer's state between libcurl's calls. */
typedef struct transfer {
  hg_download *download;
  CURL *curl;
  int64_t offset;      /* where the next byte goes */
  int64_t range_start; /* by Content-Range; -1 = none told */
  bool begun, too_long, wrong_range;
  int disk; /* errno of the write that failed */
} transfer;

static size_t take_header(char *line, size_t size, size_t count, void *context) {
  transfer *state = context;
  static const char name[] = "content-range: bytes ";
  size_t length = size * count;
  if (length >= 5 && strncmp(line, "HTTP/", 5) == 0) state->range_start = -1; /* of a redirect's answer: forget */
  if (length > sizeof name && strncasecmp(line, name, sizeof name - 1) == 0)
    state->range_start = strtoll(line + sizeof name - 1, NULL, 10);
  return length;
}

/* Called before the first byte: does it belong at the end of the part, or at the start of the file? */
static bool begin(transfer *state) {
  long status = 0;
  state->begun = true;
  library.getinfo(state->curl, CURLINFO_RESPONSE_CODE, &status);
  if (state->offset > 0 && status != 206) {
    state->offset = 0;
    state->disk = ftruncate(state->download->descriptor, 0) == 0 ? 0 : errno;
  } else if (status == 206 && state->range_start != state->offset) {
    state->wrong_range = true;
  }
  return !state->wrong_range && state->disk == 0;
}

static size_t take_bytes(char *bytes, size_t size, size_t count, void *context) {
  transfer *state = context;
  size_t length = size * count, written = 0;
  if (!state->begun && !begin(state)) return 0;
  state->too_long = state->offset + (int64_t)length > state->download->most_bytes;
  if (state->too_long) return 0;
  while (written < length) {
    ssize_t wrote = pwrite(state->download->descriptor, bytes + written, length - written, state->offset);
    if (wrote < 0 && errno == EINTR) continue;
    state->disk = wrote < 0 ? errno : 0;
    if (wrote < 0) return 0;
    written += (size_t)wrote;
    state->offset += wrote;
  }
  return length;
}

static int tell_progress(void *context, curl_off_t total, curl_off_t now, curl_off_t upload_total, curl_off_t upload_now) {
  const transfer *state = context;
  (void)upload_total;
  (void)upload_now;
  int64_t whole = total > 0 ? state->offset - now + total : -1;
  return state->download->progress(state->download->context, state->offset, whole) ? 0 : 1;
}

static void set_options(transfer *state, const char *range) {
  CURL *curl = state->curl;
  library.setopt(curl, CURLOPT_URL, state->download->url);
  library.setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  library.setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  library.setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  library.setopt(curl, CURLOPT_MAXREDIRS, 5L);
  library.setopt(curl, CURLOPT_FAILONERROR, 1L);
  library.setopt(curl, CURLOPT_NOSIGNAL, 1L);
  library.setopt(curl, CURLOPT_USERAGENT, "hourglass/" HG_VERSION);
  library.setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)state->download->connect_seconds);
  library.setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  library.setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)state->download->stall_seconds);
  library.setopt(curl, CURLOPT_ERRORBUFFER, state->download->cause);
  library.setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
  library.setopt(curl, CURLOPT_HEADERDATA, state);
  library.setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
  library.setopt(curl, CURLOPT_WRITEDATA, state);
  library.setopt(curl, CURLOPT_NOPROGRESS, state->download->progress == NULL ? 1L : 0L);
  library.setopt(curl, CURLOPT_XFERINFOFUNCTION, tell_progress);
  library.setopt(curl, CURLOPT_XFERINFODATA, state);
  if (range[0] != '\0') library.setopt(curl, CURLOPT_RANGE, range);
}

static hg_download_end judge(const transfer *state, CURLcode result, int64_t before) {
  hg_download *download = state->download;
  long status = 0;
  library.getinfo(state->curl, CURLINFO_RESPONSE_CODE, &status);
  if (result == CURLE_OK) return HG_DOWNLOAD_WHOLE;
  if (result == CURLE_ABORTED_BY_CALLBACK) return HG_DOWNLOAD_INTERRUPTED;
  hg_download_end end = HG_DOWNLOAD_BROKEN;
  if (state->too_long) {
    snprintf(download->cause, sizeof download->cause, "sent more than the %lld bytes expected at most",
             (long long)download->most_bytes);
    end = HG_DOWNLOAD_USELESS_PART;
  } else if (state->wrong_range || (status == 416 && before > 0)) {
    snprintf(download->cause, sizeof download->cause, "could not go on from byte %lld", (long long)before);
    end = HG_DOWNLOAD_USELESS_PART;
  } else if (state->disk != 0) {
    snprintf(download->cause, sizeof download->cause, "the file cannot be written: %s", strerror(state->disk));
  } else if (download->cause[0] == '\0') {
    snprintf(download->cause, sizeof download->cause, "%s", library.strerror(result));
  }
  return end;
}

/* *function is a pointer to a function; POSIX has them as large as pointers to data. */
static bool find(void *handle, const char *name, void *function) {
  void *symbol = dlsym(handle, name);
  memcpy(function, &symbol, sizeof symbol);
  return symbol != NULL;
}

static void start_library(void) {
  void *handle = dlopen(library_name, RTLD_NOW | RTLD_LOCAL); /* stays to the end of the process */
  library.whole = handle != NULL && find(handle, "curl_global_init", &library.global_init) &&
                  find(handle, "curl_easy_init", &library.init) && find(handle, "curl_easy_setopt", &library.setopt) &&
                  find(handle, "curl_easy_getinfo", &library.getinfo) && find(handle, "curl_easy_perform", &library.perform) &&
                  find(handle, "curl_easy_cleanup", &library.cleanup) && find(handle, "curl_easy_strerror", &library.strerror);
  if (library.whole) library.global_init(CURL_GLOBAL_DEFAULT);
}

hg_download_end hg_download_run(hg_download *download) {
  _Static_assert(sizeof download->cause >= CURL_ERROR_SIZE, "libcurl writes its message there");
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, start_library);
  if (!library.whole) {
    snprintf(download->cause, sizeof download->cause, "%s cannot be loaded; the package libcurl4 brings it", library_name);
    return HG_DOWNLOAD_BROKEN;
  }
  download->cause[0] = '\0';
  transfer state = {.download = download, .curl = library.init(), .range_start = -1};
  off_t end = lseek(download->descriptor, 0, SEEK_END);
  if (state.curl == NULL || end < 0) {
    snprintf(download->cause, sizeof download->cause, "%s", state.curl == NULL ? "out of memory" : strerror(errno));
    library.cleanup(state.curl);
    return HG_DOWNLOAD_BROKEN;
  }
  char range[32] = "";
  state.offset = end;
  if (end > 0) snprintf(range, sizeof range, "%lld-", (long long)end);
  set_options(&state, range);
  hg_download_end result = judge(&state, library.perform(state.curl), end);
  library.cleanup(state.curl);
  return result;
}
