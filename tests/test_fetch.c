/* Downloads, against a server on this machine that fails, truncates and lies. */
#define _GNU_SOURCE
#include "test_data_files.h"

#include "data/checksum.h"
#include "data/fetch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <strings.h>
#include <sys/socket.h>

/* ---------------------------------------------------------------- the server */

enum { CONTENT = 200000 };

static uint8_t content_bytes[CONTENT];
static char content_digest[HG_SHA256_SIZE];
static int listener;
static int port;
static pthread_t server_thread;
static atomic_int connections;
static atomic_llong last_range; /* start of the last Range header; -1 = none */

static void send_all(int socket_, const void *data, size_t count) {
  const char *at_ = data;
  while (count > 0) {
    ssize_t sent = send(socket_, at_, count, MSG_NOSIGNAL);
    if (sent <= 0) return;
    at_ += sent;
    count -= (size_t)sent;
  }
}

static void send_text(int socket_, const char *text) { send_all(socket_, text, strlen(text)); }

/* The content from `start`, of which only `sent` bytes go out. */
static void send_content(int socket_, const uint8_t *data, long long count, long long start, long long sent) {
  char head[256];
  if (start > 0)
    snprintf(head, sizeof head,
             "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %lld-%lld/%lld\r\nContent-Length: %lld\r\n\r\n", start,
             count - 1, count, count - start);
  else
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %lld\r\n\r\n", count);
  send_text(socket_, head);
  send_all(socket_, data + start, (size_t)(sent < count - start ? sent : count - start));
}

static void send_endless(int socket_) {
  static const uint8_t block[65536];
  send_text(socket_, "HTTP/1.1 200 OK\r\n\r\n");
  for (int i = 0; i < 100; i++) send_all(socket_, block, sizeof block);
}

/* The first part of the path says what the server does. */
static void answer(int socket_, const char *request, long long range) {
  long long start = range < 0 ? 0 : range;
  static uint8_t wrong[CONTENT];
  if (strncmp(request, "GET /missing/", 13) == 0) {
    send_text(socket_, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone");
  } else if (strncmp(request, "GET /hang/", 10) == 0) {
    sleep(4);
  } else if (strncmp(request, "GET /wrong/", 11) == 0) {
    send_content(socket_, wrong, CONTENT, 0, CONTENT);
  } else if (strncmp(request, "GET /norange/", 13) == 0) {
    send_content(socket_, content_bytes, CONTENT, 0, CONTENT);
  } else if (strncmp(request, "GET /truncate/", 14) == 0) {
    send_content(socket_, content_bytes, CONTENT, start, 80000);
  } else if (strncmp(request, "GET /stubborn/", 14) == 0) {
    send_content(socket_, content_bytes, CONTENT, 0, 80000);
  } else if (strncmp(request, "GET /otherrange/", 16) == 0 && start > 0) {
    send_text(socket_, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 7-9/10\r\nContent-Length: 3\r\n\r\nabc");
  } else if (strncmp(request, "GET /endless/", 13) == 0) {
    send_endless(socket_);
  } else if (strncmp(request, "GET /moved/", 11) == 0) {
    char head[256];
    snprintf(head, sizeof head, "HTTP/1.1 302 Found\r\nLocation: /good/%.*s\r\nContent-Length: 5\r\n\r\nmoved",
             (int)strcspn(request + 11, " "), request + 11);
    send_text(socket_, head);
  } else if (start >= CONTENT) {
    send_text(socket_, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n");
  } else {
    send_content(socket_, content_bytes, CONTENT, start, CONTENT);
  }
}

static void *serve(void *context) {
  (void)context;
  for (;;) {
    int client = accept(listener, NULL, NULL);
    if (client < 0) return NULL;
    atomic_fetch_add(&connections, 1);
    char request[4096];
    ssize_t got = recv(client, request, sizeof request - 1, 0);
    request[got < 0 ? 0 : got] = '\0';
    const char *range = strcasestr(request, "Range: bytes=");
    atomic_store(&last_range, range == NULL ? -1 : strtoll(range + 13, NULL, 10));
    answer(client, request, atomic_load(&last_range));
    shutdown(client, SHUT_WR);
    close(client);
  }
}

static int start_server(void **state) {
  for (int i = 0; i < CONTENT; i++) content_bytes[i] = (uint8_t)(i * 7 + i / 251 + 1);
  hg_sha256(content_bytes, CONTENT, content_digest);
  unsetenv("http_proxy");
  unsetenv("all_proxy");
  setenv("no_proxy", "*", 1);
  listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 8) != 0) return -1;
  getsockname(listener, (struct sockaddr *)&address, &length);
  port = ntohs(address.sin_port);
  return pthread_create(&server_thread, NULL, serve, NULL) != 0 || make_test_folder(state) != 0;
}

static int stop_server(void **state) {
  shutdown(listener, SHUT_RDWR);
  pthread_join(server_thread, NULL);
  close(listener);
  return remove_test_folder(state);
}

/* ---------------------------------------------------------------- fetching from it */

typedef struct fetched {
  hg_catalog_entry entry;
  hg_fetch_settings settings;
  char mirrors[HG_MOST_MIRRORS][64];
  char folder[256];
  hg_error error;
} fetched;

/* An entry of one file whose mirrors behave like the names in `kinds`, separated by spaces; a fresh folder for it. */
static fetched fetch_from(const char *kinds) {
  static int number;
  fetched fetch;
  memset(&fetch, 0, sizeof fetch);
  char copy[256], *rest = copy;
  snprintf(copy, sizeof copy, "%s", kinds);
  snprintf(fetch.folder, sizeof fetch.folder, "%s/fetch-%d", test_folder, number++);
  fetch.entry = (hg_catalog_entry){.name = "thing", .title = "Thing", .layout = HG_LAYOUT_IDX};
  fetch.entry.files[0] = (hg_catalog_file){.name = "thing.bin", .digest = content_digest, .most_bytes = 1 << 20};
  int count = 0;
  for (char *kind = strtok_r(copy, " ", &rest); kind != NULL; kind = strtok_r(NULL, " ", &rest), count++)
    snprintf(fetch.mirrors[count], sizeof fetch.mirrors[count], "http://127.0.0.1:%d/%s/",
             strcmp(kind, "refused") == 0 ? 1 : port, kind);
  fetch.settings = hg_fetch_settings_default();
  return fetch;
}

static hg_code run(fetched *fetch) {
  for (int i = 0; i < HG_MOST_MIRRORS; i++) fetch->entry.mirrors[i] = fetch->mirrors[i][0] == '\0' ? NULL : fetch->mirrors[i];
  fetch->settings.folder = fetch->folder;
  return hg_fetch(&fetch->entry, &fetch->settings, &fetch->error);
}

static const char *in_folder(const fetched *fetch, const char *name) {
  static char path[512];
  snprintf(path, sizeof path, "%s/%s", fetch->folder, name);
  return path;
}

static void assert_whole(const fetched *fetch) {
  char digest[HG_SHA256_SIZE];
  assert_int_equal(hg_sha256_file(in_folder(fetch, "thing.bin"), digest, NULL), HG_OK);
  assert_string_equal(digest, content_digest);
  assert_false(hg_path_exists(in_folder(fetch, "thing.bin.part")));
}

static void assert_nothing_left(const fetched *fetch) {
  assert_false(hg_path_exists(in_folder(fetch, "thing.bin")));
  assert_false(hg_path_exists(in_folder(fetch, "thing.bin.part")));
}

static void put_part(const fetched *fetch, const uint8_t *data, size_t count) {
  assert_int_equal(hg_folder_make(fetch->folder, NULL), HG_OK);
  assert_int_equal(hg_file_write(in_folder(fetch, "thing.bin.part"), data, count, NULL), HG_OK);
}

static void a_file_is_fetched_checked_and_named(void **state) {
  (void)state;
  fetched fetch = fetch_from("good");
  assert_int_equal(run(&fetch), HG_OK);
  assert_whole(&fetch);
}

static void a_whole_file_is_not_fetched_again(void **state) {
  (void)state;
  fetched fetch = fetch_from("good");
  assert_int_equal(run(&fetch), HG_OK);
  int before = atomic_load(&connections);
  assert_int_equal(run(&fetch), HG_OK);
  assert_int_equal(atomic_load(&connections), before);
}

static void a_file_that_went_bad_is_fetched_again(void **state) {
  (void)state;
  fetched fetch = fetch_from("good");
  assert_int_equal(run(&fetch), HG_OK);
  assert_int_equal(hg_file_write(in_folder(&fetch, "thing.bin"), "bad", 3, NULL), HG_OK);
  assert_int_equal(run(&fetch), HG_OK);
  assert_whole(&fetch);
}

static void the_next_mirror_takes_over(void **state) {
  (void)state;
  static const char *const kinds[] = {"missing good", "refused good",  "wrong good",
                                      "endless good", "stubborn good", "missing refused wrong norange"};
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    fetched fetch = fetch_from(kinds[i]);
    if (run(&fetch) != HG_OK) fail_msg("%s: %s", kinds[i], fetch.error.message);
    assert_whole(&fetch);
  }
}

static void a_redirect_is_followed(void **state) {
  (void)state;
  fetched fetch = fetch_from("moved");
  assert_int_equal(run(&fetch), HG_OK);
  assert_whole(&fetch);
}

static void a_part_is_gone_on_with(void **state) {
  (void)state;
  fetched fetch = fetch_from("good");
  put_part(&fetch, content_bytes, 150000);
  assert_int_equal(run(&fetch), HG_OK);
  assert_int_equal(atomic_load(&last_range), 150000);
  assert_whole(&fetch);
}

static void a_server_without_ranges_starts_over(void **state) {
  (void)state;
  fetched fetch = fetch_from("norange");
  put_part(&fetch, content_bytes, 150000);
  assert_int_equal(run(&fetch), HG_OK);
  assert_whole(&fetch);
}

static void broken_transfers_are_joined(void **state) {
  (void)state;
  fetched fetch = fetch_from("truncate");
  int before = atomic_load(&connections);
  assert_int_equal(run(&fetch), HG_OK);
  assert_int_equal(atomic_load(&connections), before + 3);
  assert_int_equal(atomic_load(&last_range), 160000);
  assert_whole(&fetch);
}

static void a_broken_part_is_kept_for_the_next_run(void **state) {
  (void)state;
  fetched fetch = fetch_from("stubborn");
  assert_int_equal(run(&fetch), HG_DATA);
  assert_true(hg_path_exists(in_folder(&fetch, "thing.bin.part")));
  snprintf(fetch.mirrors[0], sizeof fetch.mirrors[0], "http://127.0.0.1:%d/good/", port);
  assert_int_equal(run(&fetch), HG_OK);
  assert_int_equal(atomic_load(&last_range), 80000);
  assert_whole(&fetch);
}

static void a_part_of_another_file_is_thrown_away(void **state) {
  (void)state;
  static const uint8_t zeros[CONTENT + 50];
  static const size_t lengths[] = {1000, CONTENT, CONTENT + 50};
  static const char *const kinds[] = {"good", "otherrange"};
  for (int i = 0; i < 6; i++) {
    fetched fetch = fetch_from(kinds[i % 2]);
    put_part(&fetch, zeros, lengths[i / 2]);
    if (run(&fetch) != HG_OK) fail_msg("%s, %zu: %s", kinds[i % 2], lengths[i / 2], fetch.error.message);
    assert_whole(&fetch);
  }
}

static void a_whole_part_only_needs_its_name(void **state) {
  (void)state;
  fetched fetch = fetch_from("missing");
  int before = atomic_load(&connections);
  put_part(&fetch, content_bytes, CONTENT);
  assert_int_equal(run(&fetch), HG_OK);
  assert_int_equal(atomic_load(&connections), before);
  assert_whole(&fetch);
}

static void wrong_content_leaves_nothing_behind(void **state) {
  (void)state;
  fetched fetch = fetch_from("wrong");
  assert_int_equal(run(&fetch), HG_VERIFY);
  assert_non_null(strstr(fetch.error.message, "wrong content"));
  assert_non_null(strstr(fetch.error.message, "SHA-256"));
  assert_nothing_left(&fetch);
}

static void an_endless_answer_is_cut_off(void **state) {
  (void)state;
  fetched fetch = fetch_from("endless");
  assert_int_equal(run(&fetch), HG_DATA);
  assert_non_null(strstr(fetch.error.message, "more than the 1048576 bytes"));
  assert_nothing_left(&fetch);
}

static void a_silent_mirror_is_left(void **state) {
  (void)state;
  fetched fetch = fetch_from("hang");
  fetch.settings.stall_seconds = 1;
  assert_int_equal(run(&fetch), HG_DATA);
  assert_nothing_left(&fetch);
}

static void the_error_says_what_each_mirror_did(void **state) {
  (void)state;
  fetched fetch = fetch_from("missing wrong refused");
  assert_int_equal(run(&fetch), HG_VERIFY);
  assert_string_equal(fetch.error.place, "thing.bin");
  assert_non_null(strstr(fetch.error.message, "/missing/thing.bin: The requested URL returned error: 404"));
  assert_non_null(strstr(fetch.error.message, "/wrong/thing.bin: sent wrong content"));
  assert_non_null(strstr(fetch.error.message, "127.0.0.1:1/refused/thing.bin: Failed to connect"));
}

static void offline_never_connects(void **state) {
  (void)state;
  fetched fetch = fetch_from("good");
  fetch.settings.offline = true;
  int before = atomic_load(&connections);
  assert_int_equal(run(&fetch), HG_DATA);
  assert_non_null(strstr(fetch.error.message, "offline"));
  assert_int_equal(atomic_load(&connections), before);
  assert_false(hg_path_exists(fetch.folder));
}

static bool stop_after_half(void *context, const char *file, int64_t received, int64_t total) {
  int64_t *most = context;
  assert_string_equal(file, "thing.bin");
  assert_true(total == -1 || total == CONTENT);
  if (received > *most) *most = received;
  return received < 1;
}

static void progress_may_stop_a_fetch_and_the_part_is_kept(void **state) {
  (void)state;
  fetched fetch = fetch_from("truncate");
  int64_t most = 0;
  fetch.settings.progress = stop_after_half;
  fetch.settings.context = &most;
  assert_int_equal(run(&fetch), HG_INTERRUPTED);
  assert_true(most > 0);
  assert_true(hg_path_exists(in_folder(&fetch, "thing.bin.part")));
  fetch.settings.progress = NULL;
  assert_int_equal(run(&fetch), HG_OK);
  assert_whole(&fetch);
}

static void the_environment_s_mirror_comes_first(void **state) {
  (void)state;
  fetched fetch = fetch_from("missing");
  char own[64];
  snprintf(own, sizeof own, "http://127.0.0.1:%d/good", port);
  setenv("HOURGLASS_MIRROR", own, 1);
  hg_code code = run(&fetch);
  unsetenv("HOURGLASS_MIRROR");
  assert_int_equal(code, HG_OK);
  assert_whole(&fetch);
}

static void the_content_is_checked_whatever_its_compression(void **state) {
  (void)state;
  put_gzip("zipped.gz", content_bytes, CONTENT);
  hg_catalog_file file = {.name = "zipped.gz", .digest = content_digest};
  assert_int_equal(hg_checksum_verify(at("zipped.gz"), &file, NULL), HG_OK);
  assert_int_equal(truncate(at("zipped.gz"), 500), 0);
  assert_int_equal(hg_checksum_verify(at("zipped.gz"), &file, NULL), HG_DATA);
}

/* The archive of CIFAR-10 in small; what the server sends is replaced by it. */
static void an_archive_is_unpacked_and_removed(void **state) {
  (void)state;
  static const char *const paths[] = {"inner/data_batch_1.bin", "inner/data_batch_2.bin", "inner/data_batch_3.bin",
                                      "inner/data_batch_4.bin", "inner/data_batch_5.bin", "inner/test_batch.bin",
                                      "inner/readme.html",      "elsewhere/other.bin"};
  static content files[8];
  for (int i = 0; i < 8; i++) files[i].count = 3073;
  put_archive("set.tar.gz", paths, files, 8);
  fetched fetch = fetch_from("good");
  char digest[65];
  assert_int_equal(hg_checksum_of(at("set.tar.gz"), HG_CHECK_MD5_OF_FILE, digest, NULL), HG_OK);
  fetch.entry.files[0] = (hg_catalog_file){
      .name = "set.tar.gz", .checksum = HG_CHECK_MD5_OF_FILE, .digest = digest, .most_bytes = 1 << 20, .unpack = "inner"};
  char *archive;
  size_t size;
  assert_int_equal(hg_file_read(at("set.tar.gz"), 1 << 20, &archive, &size, NULL), HG_OK);
  assert_int_equal(hg_folder_make(fetch.folder, NULL), HG_OK);
  assert_int_equal(hg_file_write(in_folder(&fetch, "set.tar.gz.part"), archive, size, NULL), HG_OK);
  free(archive);
  assert_int_equal(run(&fetch), HG_OK);
  assert_true(hg_path_exists(in_folder(&fetch, "data_batch_5.bin")));
  assert_true(hg_path_exists(in_folder(&fetch, "test_batch.bin")));
  assert_false(hg_path_exists(in_folder(&fetch, "other.bin")));
  assert_false(hg_path_exists(in_folder(&fetch, "set.tar.gz")));
  fetch.settings.offline = true;
  assert_int_equal(run(&fetch), HG_OK);
}

static void a_generated_set_has_nothing_to_fetch(void **state) {
  (void)state;
  hg_fetch_settings settings = hg_fetch_settings_default();
  assert_int_equal(hg_fetch(hg_catalog_find("lines"), &settings, NULL), HG_USAGE);
}

static void the_sets_that_are_here_hold_what_the_catalog_says(void **state) {
  (void)state;
  int count, checked = 0;
  const hg_catalog_entry *entries = hg_catalog(&count);
  for (int i = 0; i < count; i++) {
    hg_found found;
    if (entries[i].layout != HG_LAYOUT_IDX || hg_catalog_locate(&entries[i], &found, NULL) != HG_OK) continue;
    const char *paths[] = {found.images[0], found.labels[0], found.images[1], found.labels[1]};
    for (int k = 0; k < 4; k++, checked++) assert_int_equal(hg_checksum_verify(paths[k], &entries[i].files[k], NULL), HG_OK);
  }
  if (checked == 0) skip();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_file_is_fetched_checked_and_named),
      cmocka_unit_test(a_whole_file_is_not_fetched_again),
      cmocka_unit_test(a_file_that_went_bad_is_fetched_again),
      cmocka_unit_test(the_next_mirror_takes_over),
      cmocka_unit_test(a_redirect_is_followed),
      cmocka_unit_test(a_part_is_gone_on_with),
      cmocka_unit_test(a_server_without_ranges_starts_over),
      cmocka_unit_test(broken_transfers_are_joined),
      cmocka_unit_test(a_broken_part_is_kept_for_the_next_run),
      cmocka_unit_test(a_part_of_another_file_is_thrown_away),
      cmocka_unit_test(a_whole_part_only_needs_its_name),
      cmocka_unit_test(wrong_content_leaves_nothing_behind),
      cmocka_unit_test(an_endless_answer_is_cut_off),
      cmocka_unit_test(a_silent_mirror_is_left),
      cmocka_unit_test(the_error_says_what_each_mirror_did),
      cmocka_unit_test(offline_never_connects),
      cmocka_unit_test(progress_may_stop_a_fetch_and_the_part_is_kept),
      cmocka_unit_test(the_environment_s_mirror_comes_first),
      cmocka_unit_test(the_content_is_checked_whatever_its_compression),
      cmocka_unit_test(an_archive_is_unpacked_and_removed),
      cmocka_unit_test(a_generated_set_has_nothing_to_fetch),
      cmocka_unit_test(the_sets_that_are_here_hold_what_the_catalog_says),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}
