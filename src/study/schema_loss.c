#include <math.h>
#include <stddef.h>

#include "study/schema.h"

#define FIELDS(rows) .fields = rows, .count = (int)(sizeof(rows) / sizeof *(rows))

#define ROW_WEIGHT(member, default_text)                                                                   \
  {                                                                                                        \
    .key = "weight", .type = HG_FIELD_FLOAT, .offset = offsetof(hg_losses, member), .low = 0, .high = 1e6, \
    .flags = HG_ABOVE_LOW, .fallback = default_text, .doc = "factor in the sum of losses"                  \
  }

static const hg_field reconstruction_fields[] = {ROW_WEIGHT(reconstruction_weight, "1")};
static const hg_table mse = {.name = "mse", .shorthand = "weight", FIELDS(reconstruction_fields)};
static const hg_table binary_cross_entropy = {
    .name = "binary_cross_entropy", .shorthand = "weight", FIELDS(reconstruction_fields)};

static const hg_field cross_entropy_fields[] = {
    ROW_WEIGHT(classification_weight, "1"),
    {.key = "label_smoothing",
     .type = HG_FIELD_FLOAT,
     .offset = offsetof(hg_losses, label_smoothing),
     .low = 0,
     .high = 1,
     .flags = HG_BELOW_HIGH,
     .fallback = "0",
     .doc = "share of the target spread over all classes"},
};
static const hg_table cross_entropy = {.name = "cross_entropy", .shorthand = "weight", FIELDS(cross_entropy_fields)};

static const hg_field center_fields[] = {
    {.key = "weight",
     .type = HG_FIELD_FLOAT,
     .offset = offsetof(hg_losses, center_weight),
     .low = 0,
     .high = 1e6,
     .flags = HG_ABOVE_LOW | HG_REQUIRED,
     .doc = "factor in the sum of losses (lambda)"},
    {.key = "rate",
     .type = HG_FIELD_FLOAT,
     .offset = offsetof(hg_losses, center_rate),
     .low = 0,
     .high = 1,
     .fallback = "0.5",
     .doc = "how fast the centers follow their classes (alpha)"},
};
static const hg_table center = {.name = "center", .shorthand = "weight", FIELDS(center_fields)};

static const hg_variant reconstruction_variants[] = {
    {"mse", HG_MSE, &mse, "mean squared error"},
    {"binary_cross_entropy", HG_BINARY_CROSS_ENTROPY, &binary_cross_entropy, "binary cross-entropy of every value"},
};
static const hg_variant classification_variants[] = {
    {"cross_entropy", HG_CROSS_ENTROPY, &cross_entropy, "cross-entropy of the softmax of the logits"},
};

static hg_code read_reconstruction(hg_reader *reader, const hg_node *node, void *target) {
  hg_losses *losses = target;
  const hg_variant *variant;
  const hg_node *body;
  hg_code code = hg_variant_read(reader, reconstruction_variants, 2, "a reconstruction loss", node, &variant, &body);
  if (code != HG_OK) return code;
  losses->reconstruction = (hg_reconstruction_loss)variant->value;
  return hg_variant_options(reader, variant, node, body, losses);
}

static hg_code read_classification(hg_reader *reader, const hg_node *node, void *target) {
  hg_losses *losses = target;
  const hg_variant *variant;
  const hg_node *body;
  hg_code code = hg_variant_read(reader, classification_variants, 1, "a classification loss", node, &variant, &body);
  if (code != HG_OK) return code;
  losses->classification = (hg_classification_loss)variant->value;
  return hg_variant_options(reader, variant, node, body, losses);
}

static const hg_field loss_fields[] = {
    {.key = "reconstruction",
     .type = HG_FIELD_READ,
     .read = read_reconstruction,
     .table = &mse,
     .type_doc = "mse or binary_cross_entropy; [options](#mse) are the same",
     .doc = "of the decoder's output against the clean input"},
    {.key = "classification",
     .type = HG_FIELD_READ,
     .read = read_classification,
     .table = &cross_entropy,
     .type_doc = "[cross_entropy](#cross_entropy)",
     .doc = "of the classifier's output against the labels"},
    {.key = "center",
     .type = HG_FIELD_TABLE,
     .table = &center,
     .flags = HG_OR_OFF,
     .fallback = "off",
     .doc = "center loss on the code (Wen et al. 2016): pulls codes towards the center of their class"},
};
const hg_table hg_loss_table = {.name = "loss", FIELDS(loss_fields)};
