/* How a model is tested. None of it is part of a model's settings: a trained model is tested again without training. */
#include <stddef.h>

#include "study/schema.h"

#define FIELDS(rows) .fields = rows, .count = (int)(sizeof(rows) / sizeof *(rows))

static const hg_field test_augmentation_fields[] = {
    {.key = "flip",
     .type = HG_FIELD_BOOL,
     .offset = offsetof(hg_model, views.flip),
     .fallback = "false",
     .doc = "each image mirrored left to right too"},
    {.key = "shift",
     .type = HG_FIELD_INT,
     .offset = offsetof(hg_model, views.shift),
     .low = 0,
     .high = 8,
     .fallback = "0",
     .doc = "moved by every whole number of pixels up to this, each way, zeros outside: (2 shift + 1) squared views"},
};
static const hg_table test_augmentation = {.name = "test_time_augmentation", FIELDS(test_augmentation_fields)};

static const hg_field evaluate_fields[] = {
    {.key = "test_time_augmentation",
     .type = HG_FIELD_TABLE,
     .table = &test_augmentation,
     .flags = HG_OR_OFF,
     .fallback = "off",
     .doc = "classifiers: probabilities averaged over changed copies of each test image, told beside those without as "
            "test.accuracy_tta and test.log_loss_tta"},
};
const hg_table hg_evaluate_table = {.name = "evaluate", FIELDS(evaluate_fields)};
