#include "base/words.h"

#include <ctype.h>
#include <string.h>

enum { LONGEST = 40 };

static int least(int a, int b) { return a < b ? a : b; }

int hg_word_distance(const char *a, const char *b) {
  int rows = (int)strlen(a), columns = (int)strlen(b), d[LONGEST + 1][LONGEST + 1];
  if (rows > LONGEST || columns > LONGEST) return LONGEST;
  for (int i = 0; i <= rows; i++) d[i][0] = i;
  for (int j = 0; j <= columns; j++) d[0][j] = j;
  for (int i = 1; i <= rows; i++) {
    for (int j = 1; j <= columns; j++) {
      int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
      d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + (x != y));
      if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) && y == tolower((unsigned char)a[i - 2])) {
        d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[rows][columns];
}

const char *hg_word_nearest(const char *word, const char *const *names, int count) {
  const char *nearest = NULL;
  int best = least(3, (int)strlen(word) / 2) + 1; /* farther than this is no help */
  for (int i = 0; i < count; i++) {
    int d = hg_word_distance(word, names[i]);
    if (strlen(word) >= 3 && strncmp(word, names[i], strlen(word)) == 0) d = least(d, 2); /* val_acc: val_accuracy */
    if (d < best) {
      best = d;
      nearest = names[i];
    }
  }
  return nearest;
}
