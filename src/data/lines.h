/* Generated line images: 28 x 28 x 3, black, one line of length {7, 15}, width {1, 3}, angle {0, 15, ..., 165} degrees and
 * colour {red, blue}: 96 classes in this order, colour changing fastest. The line is turned by nearest-neighbour rotation
 * about its middle and then moved by whole pixels: 17 x 17 placements of a short line, 9 x 9 of a long one. */
#ifndef HG_DATA_LINES_H
#define HG_DATA_LINES_H

#include "data/data.h"

enum { HG_LINES_SIDE = 28, HG_LINES_CLASSES = 96 };

/* Training and test part (either may be NULL):
 *   random        per_class images at random placements, cut by test_share: the parts share images, as published
 *   deduplicated  the same images without their duplicates, cut by test_share
 *   held_out      the placements are cut by test_share, and per_class images drawn from either side of the cut
 * HG_USAGE where per_class is not within 2 and 100,000 or test_share not within (0, 1). */
hg_code hg_lines_make(const hg_lines_settings *settings, uint64_t seed, hg_dataset **train, hg_dataset **test, hg_error *error);

/* Names the 96 classes of `dataset`. */
hg_code hg_lines_name_classes(hg_dataset *dataset, hg_error *error);

/* Draws class `label`, moved by (dx, dy), into (28, 28, 3). */
void hg_lines_draw(int label, int dx, int dy, uint8_t *pixels);

/* A class's placements are dx, dy in [-reach, reach]. */
int hg_lines_reach(int label);

#endif
