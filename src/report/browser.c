#define _GNU_SOURCE /* nftw, environ */
#include "report/browser.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/integers.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct hg_browser {
  pid_t process; /* and its process group; 0 = none */
  int socket;    /* -1 = none */
  int seconds;
  const volatile int *stop;
  json_int_t number; /* of the last command */
  char folder[256], session[64];
  char *received; /* bytes of messages, each ended by a 0 */
  size_t length, capacity;
};

char *hg_browser_find(void) {
  static const char *const names[] = {"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"};
  const char *path = getenv("PATH");
  for (size_t i = 0; path != NULL && i < sizeof names / sizeof names[0]; i++)
    for (const char *at = path; *at != '\0'; at += strspn(at, ":")) {
      char folder[512];
      int length = (int)strcspn(at, ":");
      snprintf(folder, sizeof folder, "%.*s", length, at);
      at += length;
      char *program = hg_path_join(folder, names[i]);
      if (program != NULL && access(program, X_OK) == 0) return program;
      hg_free(program);
    }
  return NULL;
}

const char *hg_browser_folder(const hg_browser *browser) { return browser->folder; }

/* ---------------------------------------------------------------- the process */

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place) {
  (void)status, (void)type, (void)place;
  return remove(path);
}

/* A dying child may still write: a few attempts. */
static void remove_folder(const char *folder) {
  const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
  for (int i = 0; i < 40 && access(folder, F_OK) == 0; i++) {
    if (nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0) nanosleep(&pause, NULL);
  }
}

/* The environment, with the temporary folder as the program's own, which goes with it; hg_malloc'ed. `place` holds the word. */
static char **environment_with(char *place) {
  size_t count = 0, kept = 0;
  while (environ[count] != NULL) count++;
  char **made = hg_malloc((count + 2) * sizeof *made);
  for (size_t i = 0; made != NULL && i < count; i++)
    if (strncmp(environ[i], "TMPDIR=", strlen("TMPDIR=")) != 0) made[kept++] = environ[i];
  if (made == NULL) return NULL;
  made[kept++] = place;
  made[kept] = NULL;
  return made;
}

/* The protocol reads descriptor 3 and writes descriptor 4: one socket is both. */
static hg_code spawn(hg_browser *browser, const char *program, int theirs, hg_error *error) {
  char profile[sizeof browser->folder + 32], place[sizeof browser->folder + 16];
  snprintf(profile, sizeof profile, "--user-data-dir=%s/profile", browser->folder);
  snprintf(place, sizeof place, "TMPDIR=%s", browser->folder);
  char **environment = environment_with(place);
  if (environment == NULL) return hg_fail_memory(error, "browser", sizeof *environ);
  const char *arguments[] = {program,
                             "--headless",
                             "--disable-gpu",
                             "--disable-dev-shm-usage",
                             "--disable-background-networking",
                             "--no-first-run",
                             "--hide-scrollbars",
                             "--remote-debugging-pipe",
                             profile,
                             geteuid() == 0 ? "--no-sandbox" : NULL,
                             NULL};
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, theirs, 3);
  posix_spawn_file_actions_adddup2(&actions, theirs, 4);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  int cause = posix_spawn(&browser->process, program, &actions, &attributes, (char *const *)arguments, environment);
  hg_free(environment);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (cause == 0) return HG_OK;
  browser->process = 0;
  return hg_fail(error, HG_FAILED, program, "cannot be started: %s", strerror(cause));
}

/* Beyond 3 and 4, which are given away. */
static int move_up(int descriptor) {
  int moved = descriptor < 0 ? -1 : fcntl(descriptor, F_DUPFD_CLOEXEC, 10);
  if (descriptor >= 0) close(descriptor);
  return moved;
}

static hg_code connect_to(hg_browser *browser, const char *program, hg_error *error) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return hg_fail_errno(error, HG_FAILED, program, "open a socket to it");
  browser->socket = move_up(ends[0]);
  int theirs = move_up(ends[1]);
  hg_code code = browser->socket < 0 || theirs < 0 ? hg_fail_errno(error, HG_FAILED, program, "open a socket to it")
                                                   : spawn(browser, program, theirs, error);
  if (theirs >= 0) close(theirs);
  return code;
}

void hg_browser_stop(hg_browser *browser) {
  if (browser == NULL) return;
  if (browser->process > 0) {
    kill(-browser->process, SIGKILL);
    waitpid(browser->process, NULL, 0);
  }
  if (browser->socket >= 0) close(browser->socket);
  if (browser->folder[0] != '\0') remove_folder(browser->folder);
  hg_free(browser->received);
  hg_free(browser);
}

/* ---------------------------------------------------------------- messages */

static hg_code send_all(hg_browser *browser, const char *bytes, size_t count, hg_error *error) {
  while (count > 0) {
    ssize_t sent = send(browser->socket, bytes, count, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return hg_fail(error, HG_FAILED, "browser", "ended early: %s", strerror(errno));
    bytes += sent;
    count -= (size_t)sent;
  }
  return HG_OK;
}

static hg_code receive_more(hg_browser *browser, double end, hg_error *error) {
  enum { CHUNK = 1 << 16 };
  if (!hg_grow(&browser->received, &browser->capacity, browser->length + CHUNK, 1))
    return hg_fail_memory(error, "browser", browser->length + CHUNK);
  enum { LOOK = 100 }; /* milliseconds: a signal may come just before the wait */
  double left = end - hg_seconds_now();
  struct pollfd watched = {.fd = browser->socket, .events = POLLIN};
  if (browser->stop != NULL && *browser->stop) return hg_fail(error, HG_INTERRUPTED, "figures", "stopped");
  int ready = left > 0 ? poll(&watched, 1, hg_smaller((int)(left * 1000) + 1, LOOK)) : 0;
  if ((ready < 0 && errno == EINTR) || (ready == 0 && left > 0)) return HG_OK;
  if (ready == 0) return hg_fail(error, HG_FAILED, "browser", "gave no answer within %d seconds", browser->seconds);
  ssize_t count = ready < 0 ? -1 : read(browser->socket, browser->received + browser->length, CHUNK);
  if (count < 0 && errno == EINTR) return HG_OK;
  if (count <= 0) return hg_fail(error, HG_FAILED, "browser", "ended early");
  browser->length += (size_t)count;
  return HG_OK;
}

/* The next message; NULL and HG_OK where it cannot be read as JSON. */
static hg_code receive(hg_browser *browser, double end, json_t **message, hg_error *error) {
  size_t searched = 0;
  char *zero;
  while ((zero = browser->length == searched ? NULL : memchr(browser->received + searched, '\0', browser->length - searched)) ==
         NULL) {
    searched = browser->length;
    hg_code code = receive_more(browser, end, error);
    if (code != HG_OK) return code;
  }
  size_t taken = (size_t)(zero - browser->received) + 1;
  *message = json_loads(browser->received, 0, NULL);
  memmove(browser->received, zero + 1, browser->length - taken);
  browser->length -= taken;
  return HG_OK;
}

static hg_code send_command(hg_browser *browser, const char *method, json_t *parameters, hg_error *error) {
  json_t *command = json_pack("{s:I, s:s, s:o}", "id", ++browser->number, "method", method, "params",
                              parameters == NULL ? json_object() : parameters);
  if (browser->session[0] != '\0') json_object_set_new(command, "sessionId", json_string(browser->session));
  char *text = json_dumps(command, JSON_COMPACT);
  json_decref(command);
  if (text == NULL) return hg_fail_memory(error, "browser", 1);
  hg_code code = send_all(browser, text, strlen(text) + 1, error);
  free(text);
  return code;
}

hg_code hg_browser_call(hg_browser *browser, const char *method, json_t *parameters, json_t **result, hg_error *error) {
  double end = hg_seconds_now() + browser->seconds;
  *result = NULL;
  hg_code code = send_command(browser, method, parameters, error);
  while (code == HG_OK) {
    json_t *message = NULL;
    code = receive(browser, end, &message, error);
    if (code != HG_OK || json_integer_value(json_object_get(message, "id")) != browser->number) {
      json_decref(message); /* an event */
      continue;
    }
    const char *cause = json_string_value(json_object_get(json_object_get(message, "error"), "message"));
    if (cause != NULL) code = hg_fail(error, HG_FAILED, "browser", "%s: %s", method, cause);
    *result = json_incref(json_object_get(message, "result"));
    json_decref(message);
    break;
  }
  return code;
}

hg_code hg_browser_evaluate(hg_browser *browser, const char *expression, json_t **value, hg_error *error) {
  json_t *answer = NULL;
  *value = NULL;
  hg_code code = hg_browser_call(browser, "Runtime.evaluate",
                                 json_pack("{s:s, s:b, s:b}", "expression", expression, "returnByValue", 1, "awaitPromise", 1),
                                 &answer, error);
  json_t *details = json_object_get(answer, "exceptionDetails");
  if (code == HG_OK && details != NULL) {
    const char *cause = json_string_value(json_object_get(json_object_get(details, "exception"), "description"));
    code = hg_fail(error, HG_FAILED, "browser", "the page failed: %.500s", cause == NULL ? "no cause was given" : cause);
  }
  if (code == HG_OK) *value = json_incref(json_object_get(json_object_get(answer, "result"), "value"));
  json_decref(answer);
  return code;
}

/* ---------------------------------------------------------------- starting */

static hg_code open_tab(hg_browser *browser, hg_error *error) {
  json_t *target = NULL, *attached = NULL;
  hg_code code = hg_browser_call(browser, "Target.createTarget", json_pack("{s:s}", "url", "about:blank"), &target, error);
  if (code == HG_OK)
    code =
        hg_browser_call(browser, "Target.attachToTarget",
                        json_pack("{s:O, s:b}", "targetId", json_object_get(target, "targetId"), "flatten", 1), &attached, error);
  const char *session = json_string_value(json_object_get(attached, "sessionId"));
  if (code == HG_OK && session == NULL) code = hg_fail(error, HG_FAILED, "browser", "opened no tab");
  if (code == HG_OK) snprintf(browser->session, sizeof browser->session, "%s", session);
  json_decref(target);
  json_decref(attached);
  return code;
}

static hg_code make_folder(hg_browser *browser, hg_error *error) {
  const char *place = getenv("TMPDIR");
  snprintf(browser->folder, sizeof browser->folder, "%s/hourglass-browser-XXXXXX",
           place == NULL || place[0] == '\0' ? "/tmp" : place);
  if (mkdtemp(browser->folder) != NULL) return HG_OK;
  hg_code code = hg_fail_errno(error, HG_FAILED, browser->folder, "make a temporary folder");
  browser->folder[0] = '\0';
  return code;
}

hg_code hg_browser_start(const char *program, int seconds, const volatile int *stop, hg_browser **browser, hg_error *error) {
  hg_browser *made = *browser = hg_calloc(1, sizeof *made);
  if (made == NULL) return hg_fail_memory(error, "browser", sizeof *made);
  made->socket = -1;
  made->seconds = seconds;
  made->stop = stop;
  hg_code code = make_folder(made, error);
  if (code == HG_OK) code = connect_to(made, program, error);
  if (code == HG_OK) code = open_tab(made, error);
  if (code == HG_OK) return HG_OK;
  hg_browser_stop(made);
  *browser = NULL;
  return code;
}
