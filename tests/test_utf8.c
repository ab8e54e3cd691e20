#include "base/utf8.h"

#include "base/alloc.h"
#include "report/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void only_well_formed_characters_have_a_length(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int length;
  } cases[] = {{"", 1},
               {"a", 1},
               {"\xc3\xa9", 2},
               {"\xe2\x80\x93", 3},
               {"\xf0\x9f\x99\x82", 4},
               {"\xf4\x8f\xbf\xbf", 4},
               {"\xe9", 0},             /* Latin-1 */
               {"\x80", 0},             /* the middle of a character */
               {"\xe2\x80", 0},         /* cut short */
               {"\xc0\xaf", 0},         /* overlong */
               {"\xe0\x80\xaf", 0},     /* overlong */
               {"\xed\xa0\x80", 0},     /* surrogate */
               {"\xf4\x90\x80\x80", 0}, /* above U+10FFFF */
               {"\xf8\x88\x80\x80", 0},
               {"\xff", 0}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) assert_int_equal(hg_utf8_length(cases[i].text), cases[i].length);
}

static void malformed_bytes_become_replacement_characters(void **state) {
  (void)state;
  char *mended = hg_utf8_mend("caf\xe9 \xe2\x80 ol\xc3\xa9");
  assert_string_equal(mended, "caf\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd ol\xc3\xa9");
  hg_free(mended);
}

static void a_copy_is_cut_between_characters(void **state) {
  (void)state;
  char to[8];
  assert_string_equal(hg_utf8_copy("abcd\xe2\x80\x93x", to, 7), "abcd");
  assert_string_equal(hg_utf8_copy("abcd\xe2\x80\x93x", to, 8), "abcd\xe2\x80\x93");
  assert_string_equal(hg_utf8_copy("abc", to, 1), "");
}

static void json_strings_are_utf8_whatever_is_put(void **state) {
  (void)state;
  hg_text text = {0};
  hg_json_string(&text, "caf\xe9, ol\xc3\xa9\n\"\xe2\x80");
  assert_string_equal(text.bytes, "\"caf\xef\xbf\xbd, ol\xc3\xa9\\n\\\"\xef\xbf\xbd\xef\xbf\xbd\"");
  hg_text_release(&text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_well_formed_characters_have_a_length),
      cmocka_unit_test(malformed_bytes_become_replacement_characters),
      cmocka_unit_test(a_copy_is_cut_between_characters),
      cmocka_unit_test(json_strings_are_utf8_whatever_is_put),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
