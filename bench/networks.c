#include "networks.h"

#include "base/status.h"

#include <stdlib.h>

/* A network as a list of layers; kind HG_LAYER_KINDS ends a block. */
typedef struct row {
  hg_layer_kind kind;
  int out, size; /* units, filters; kernel, window or factor */
  hg_padding padding;
  hg_activation activation;
  float rate;
} row;

enum { MOST_ROWS = 24 };

typedef struct definition {
  hg_shape input;
  hg_reconstruction_loss reconstruction;
  row encoder[MOST_ROWS], head[MOST_ROWS]; /* head: the decoder where there is a reconstruction, else the classifier */
} definition;

#define DENSE(units, activation) \
  { HG_DENSE, units, 0, HG_VALID, activation, 0 }
#define CONV(filters, size, padding, activation) \
  { HG_CONV2D, filters, size, padding, activation, 0 }
#define POOL(padding) \
  { HG_MAX_POOL2D, 0, 2, padding, HG_LINEAR, 0 }
#define UP \
  { HG_UPSAMPLE2D, 0, 2, HG_VALID, HG_LINEAR, 0 }
#define NORM(activation) \
  { HG_BATCH_NORM, 0, 0, HG_VALID, activation, 0 }
#define DROPOUT(rate) \
  { HG_DROPOUT, 0, 0, HG_VALID, HG_LINEAR, rate }
#define FLATTEN \
  { HG_FLATTEN, 0, 0, HG_VALID, HG_LINEAR, 0 }
#define ROWS_END \
  { HG_LAYER_KINDS, 0, 0, HG_VALID, HG_LINEAR, 0 }

static const definition definitions[] = {
    /* A: MLP autoencoder */
    {{28, 28, 1},
     HG_BINARY_CROSS_ENTROPY,
     {DENSE(256, HG_RELU), DENSE(32, HG_RELU), DENSE(16, HG_RELU), ROWS_END},
     {DENSE(32, HG_RELU), DENSE(256, HG_RELU), DENSE(784, HG_SIGMOID), ROWS_END}},
    /* B: wider, on the squared error */
    {{28, 28, 1},
     HG_MSE,
     {DENSE(512, HG_RELU), DENSE(256, HG_RELU), DENSE(64, HG_RELU), ROWS_END},
     {DENSE(256, HG_RELU), DENSE(512, HG_RELU), DENSE(784, HG_LINEAR), ROWS_END}},
    /* C: convolutional denoiser, 49,761 parameters */
    {{28, 28, 1},
     HG_MSE,
     {CONV(64, 3, HG_SAME, HG_RELU), POOL(HG_SAME), CONV(32, 3, HG_SAME, HG_RELU), POOL(HG_SAME), CONV(16, 3, HG_SAME, HG_RELU),
      POOL(HG_SAME), ROWS_END},
     {CONV(16, 3, HG_SAME, HG_RELU), UP, CONV(32, 3, HG_SAME, HG_RELU), UP, CONV(64, 3, HG_VALID, HG_RELU), UP,
      CONV(1, 3, HG_SAME, HG_SIGMOID), ROWS_END}},
    /* D: CNN with dropout, 241,546 parameters */
    {{28, 28, 1},
     HG_NO_RECONSTRUCTION,
     {CONV(32, 3, HG_SAME, HG_RELU), POOL(HG_VALID), DROPOUT(0.2f), CONV(64, 3, HG_SAME, HG_RELU), POOL(HG_VALID), DROPOUT(0.2f),
      CONV(128, 3, HG_SAME, HG_RELU), POOL(HG_VALID), DROPOUT(0.3f), ROWS_END},
     {FLATTEN, DENSE(128, HG_RELU), DROPOUT(0.3f), DENSE(10, HG_LINEAR), ROWS_END}},
    /* E: one wide convolution before a wide dense layer */
    {{28, 28, 1},
     HG_NO_RECONSTRUCTION,
     {CONV(32, 7, HG_SAME, HG_RELU), NORM(HG_LINEAR), POOL(HG_VALID), ROWS_END},
     {FLATTEN, DENSE(1024, HG_RELU), DENSE(10, HG_LINEAR), ROWS_END}},
    /* F: CNN with batch norm and replicate padding on 32x32 in colour */
    {{32, 32, 3},
     HG_NO_RECONSTRUCTION,
     {CONV(32, 3, HG_REPLICATE, HG_LINEAR), NORM(HG_RELU), POOL(HG_VALID), CONV(64, 3, HG_REPLICATE, HG_LINEAR), NORM(HG_RELU),
      POOL(HG_VALID), CONV(128, 3, HG_REPLICATE, HG_LINEAR), NORM(HG_RELU), POOL(HG_VALID), DROPOUT(0.2f), ROWS_END},
     {FLATTEN, DENSE(512, HG_RELU), DENSE(64, HG_RELU), DENSE(10, HG_LINEAR), ROWS_END}},
    /* G: thin CNN without padding, 230,735 parameters */
    {{28, 28, 1},
     HG_NO_RECONSTRUCTION,
     {CONV(10, 3, HG_VALID, HG_LINEAR), NORM(HG_RELU), POOL(HG_VALID), CONV(20, 3, HG_VALID, HG_LINEAR), NORM(HG_RELU),
      CONV(40, 3, HG_VALID, HG_LINEAR), NORM(HG_RELU), CONV(80, 3, HG_VALID, HG_LINEAR), NORM(HG_RELU), POOL(HG_VALID), ROWS_END},
     {FLATTEN, DENSE(265, HG_RELU), DROPOUT(0.5f), DENSE(5, HG_LINEAR), ROWS_END}},
};

static hg_layer layer_of(const row *r) {
  hg_layer layer = hg_layer_default(r->kind);
  layer.units = layer.filters = r->out;
  layer.kernel_size[0] = layer.kernel_size[1] = layer.size[0] = layer.size[1] = r->size;
  if (r->kind == HG_MAX_POOL2D) layer.strides[0] = layer.strides[1] = r->size;
  layer.padding = r->padding;
  layer.activation = r->activation;
  layer.rate = r->rate;
  return layer;
}

typedef struct scaling {
  int width; /* percent */
  int depth; /* convolutions for each one */
} scaling;

static bool read_id(const char *id, scaling *scale) {
  *scale = (scaling){100, 1};
  if (id[0] < 'A' || id[0] > 'G') return false;
  for (const char *at = id + 1; *at != '\0';) {
    char *end;
    int *value = *at == 'w' ? &scale->width : &scale->depth;
    if (*at != 'w' && *at != 'd') return false;
    *value = (int)strtol(at + 1, &end, 10);
    if (end == at + 1 || *value < 1) return false;
    at = end;
  }
  return true;
}

static hg_code add_rows(hg_network *network, hg_block block, const row *rows, const scaling *scale, hg_error *error) {
  hg_code code = HG_OK;
  for (; code == HG_OK && rows->kind != HG_LAYER_KINDS; rows++) {
    bool last = block != HG_ENCODER && rows[1].kind == HG_LAYER_KINDS;
    hg_layer layer = layer_of(rows);
    if (!last) layer.units = layer.filters = rows->out * scale->width / 100;
    int times = rows->kind == HG_CONV2D && !last ? scale->depth : 1;
    while (code == HG_OK && times-- > 0) code = hg_network_add(network, block, &layer, error);
  }
  return code;
}

static hg_code fill(hg_network *network, const definition *d, const scaling *scale, hg_engine engine, hg_error *error) {
  bool classifies = d->reconstruction == HG_NO_RECONSTRUCTION;
  hg_losses losses = hg_losses_default();
  losses.reconstruction = d->reconstruction;
  losses.classification = classifies ? HG_CROSS_ENTROPY : HG_NO_CLASSIFICATION;
  hg_code code = add_rows(network, HG_ENCODER, d->encoder, scale, error);
  if (code == HG_OK) code = add_rows(network, classifies ? HG_CLASSIFIER : HG_DECODER, d->head, scale, error);
  if (code == HG_OK) code = hg_network_set_losses(network, &losses, error);
  if (code == HG_OK) code = hg_network_set_engine(network, engine, error);
  return code == HG_OK ? hg_network_initialize(network, 1, error) : code;
}

hg_network *bench_network(const char *id, hg_engine engine, hg_error *error) {
  scaling scale;
  if (!read_id(id, &scale)) {
    hg_fail(error, HG_USAGE, id, "is no network: A to G, w and a width in percent, d and a depth");
    return NULL;
  }
  const definition *d = &definitions[id[0] - 'A'];
  hg_network *network = hg_network_new(d->input);
  if (network != NULL && fill(network, d, &scale, engine, error) == HG_OK) return network;
  hg_network_free(network);
  return NULL;
}
