/* Figures as a reader wants them. Missing figures (NaN) are an en dash. */
#ifndef HG_REPORT_FORMAT_H
#define HG_REPORT_FORMAT_H

#include "report/text.h"

void hg_text_percent(hg_text *text, double share);                /* 92.61 % */
void hg_text_count(hg_text *text, int64_t count);                 /* 241,546 */
void hg_text_figure(hg_text *text, double value);                 /* 0.2104, 0.00093, 1,234 */
void hg_text_duration(hg_text *text, double seconds);             /* 0.4 s, 61.2 s, 12 min 5 s, 2 h 3 min */
void hg_text_memory(hg_text *text, int64_t bytes);                /* 392 B, 98.0 KiB */
void hg_text_score(hg_text *text, double value, bool share);      /* a percentage or a figure */
void hg_text_difference(hg_text *text, double value, bool share); /* of two such scores, with its sign */

void hg_text_words(hg_text *text, const char *name); /* naive_bayes as "naive bayes", escaped */

void hg_text_shape(hg_text *text, hg_shape shape); /* 28 x 28 x 32; a vector is its length */

#endif
