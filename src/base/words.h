/* How near two words are, for "did you mean". */
#ifndef HG_BASE_WORDS_H
#define HG_BASE_WORDS_H

/* Damerau-Levenshtein distance (adjacent swaps count once), without regard to case; large where a word is longer than 40. */
int hg_word_distance(const char *a, const char *b);

/* The nearest of the names to a word, as long as it is near enough to be meant; NULL where none is. */
const char *hg_word_nearest(const char *word, const char *const *names, int count);

#endif
