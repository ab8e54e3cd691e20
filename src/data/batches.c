#define _GNU_SOURCE
#include "data/batches.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "base/shape.h"
#include "kernels/pointwise.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

/* One is with the caller while the thread fills the others. */
enum { SLOTS = 3 };

typedef struct slot {
  hg_batch batch;
  float *input, *target; /* target is NULL where nothing corrupts */
  int32_t *labels;
  int64_t *index;
  uint32_t epoch;
  int64_t number; /* of the batch in its epoch */
} slot;

struct hg_batches {
  const hg_dataset *dataset;
  hg_batches_settings settings;
  int64_t image; /* floats of one image: H*W*C */
  int64_t per_epoch;
  bool same;  /* every epoch is the same: nothing shuffles or augments, so all count as epoch 0 */
  bool plain; /* pixels are only scaled. Then the caller makes its batches: to wake a thread for it takes longer */
  slot slots[SLOTS];

  /* The thread's own, or the caller's where there is none. */
  pthread_t thread;
  int64_t *order;      /* (count) the epoch's permutation */
  int64_t order_epoch; /* of `order`; -1 = none yet */
  float *scratch;      /* one image */

  /* Shared, under the mutex. Slots first, first + 1, ... (ready of them) hold batches that follow each other. */
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  int first, ready;
  bool lent;           /* slot `first` is with the caller; it is not counted in `ready` */
  uint32_t make_epoch; /* what the thread makes next */
  int64_t make_number;
  uint32_t generation;   /* raised by a seek: a batch under way is thrown away */
  int64_t wanted_number; /* of the caller's next batch in its epoch */
  bool stop, started;
};

/* ---------------------------------------------------------------- making a batch */

static void set_order(hg_batches *batches, uint32_t epoch) {
  if (batches->order_epoch == (batches->settings.shuffle ? (int64_t)epoch : 0)) return;
  for (int64_t i = 0; i < batches->dataset->count; i++) batches->order[i] = i;
  batches->order_epoch = 0;
  if (!batches->settings.shuffle) return;
  hg_rng rng = hg_rng_at(batches->settings.seed, HG_RNG_SHUFFLE, epoch, 0);
  hg_rng_shuffle(&rng, batches->order, batches->dataset->count);
  batches->order_epoch = epoch;
}

static void read_sample(const hg_batches *batches, const slot *made, int place) {
  const hg_dataset *dataset = batches->dataset;
  int64_t sample = made->index[place];
  hg_pointwise()->scale_pixels(batches->image, hg_dataset_image(dataset, sample), made->input + place * batches->image);
  made->labels[place] = dataset->labels == NULL ? -1 : dataset->labels[sample];
}

static void change_sample(hg_batches *batches, slot *made, int place) {
  const hg_batches_settings *settings = &batches->settings;
  hg_shape shape = batches->dataset->shape;
  int64_t sample = made->index[place];
  float *input = made->input + place * batches->image;
  if (!hg_augmentation_is_off(&settings->augment))
    hg_augment_image(&settings->augment, shape, settings->seed, made->epoch, sample, input, batches->scratch);
  if (made->target == NULL) return;
  memcpy(made->target + place * batches->image, input, (size_t)batches->image * sizeof *input);
  hg_corrupt_image(&settings->corrupt, shape, settings->seed, settings->shuffle ? made->epoch : 0, sample, input);
}

/* Names the samples of a batch. */
static void begin_batch(hg_batches *batches, slot *made, uint32_t epoch, int64_t number) {
  set_order(batches, epoch);
  int64_t first = number * batches->settings.batch_size, rest = batches->dataset->count - first;
  made->batch.n = rest < batches->settings.batch_size ? (int)rest : batches->settings.batch_size;
  memcpy(made->index, batches->order + first, (size_t)made->batch.n * sizeof *made->index);
  made->epoch = epoch;
  made->number = number;
}

/* ---------------------------------------------------------------- the thread's side */

static void advance(const hg_batches *batches, uint32_t *epoch, int64_t *number) {
  if (++*number < batches->per_epoch) return;
  *number = 0;
  if (!batches->same) ++*epoch;
}

static int free_slot(const hg_batches *batches) {
  int used = batches->ready + batches->lent;
  return used < SLOTS ? (batches->first + used) % SLOTS : -1;
}

static void *make_batches(void *context) {
  hg_batches *batches = context;
  pthread_mutex_lock(&batches->mutex);
  while (!batches->stop) {
    int place = free_slot(batches);
    if (place < 0) {
      pthread_cond_wait(&batches->changed, &batches->mutex);
      continue;
    }
    uint32_t epoch = batches->make_epoch, generation = batches->generation;
    int64_t number = batches->make_number;
    pthread_mutex_unlock(&batches->mutex);
    slot *made = &batches->slots[place];
    begin_batch(batches, made, epoch, number);
    for (int i = 0; i < made->batch.n; i++) {
      read_sample(batches, made, i);
      change_sample(batches, made, i);
    }
    pthread_mutex_lock(&batches->mutex);
    if (generation != batches->generation) continue;
    batches->ready++;
    advance(batches, &batches->make_epoch, &batches->make_number);
    pthread_cond_broadcast(&batches->changed);
  }
  pthread_mutex_unlock(&batches->mutex);
  return NULL;
}

/* ---------------------------------------------------------------- the caller's side */

static void take_back(hg_batches *batches) {
  if (!batches->lent) return;
  batches->lent = false;
  batches->first = (batches->first + 1) % SLOTS;
  pthread_cond_broadcast(&batches->changed);
}

void hg_batches_seek(hg_batches *batches, uint32_t epoch, int64_t batch) {
  if (batches->plain) {
    batches->make_epoch = batches->same ? 0 : epoch;
    batches->wanted_number = batch;
    return;
  }
  pthread_mutex_lock(&batches->mutex);
  take_back(batches);
  if (batches->same) epoch = 0;
  batches->wanted_number = batch;
  /* The thread runs on into the next epoch by itself, so this finds its batch ready between two epochs. */
  const slot *next = &batches->slots[batches->first];
  bool there = batches->ready > 0 && next->epoch == epoch && next->number == batch;
  bool coming = batches->ready == 0 && batches->make_epoch == epoch && batches->make_number == batch;
  if (!there && !coming && batch < batches->per_epoch) {
    batches->generation++;
    batches->ready = 0;
    batches->make_epoch = epoch;
    batches->make_number = batch;
    pthread_cond_broadcast(&batches->changed);
  }
  pthread_mutex_unlock(&batches->mutex);
}

static void read_samples(const void *context, int64_t first, int64_t last) {
  const hg_batches *batches = context;
  for (int64_t i = first; i < last; i++) read_sample(batches, &batches->slots[0], (int)i);
}

static const hg_batch *make_next(hg_batches *batches) {
  if (batches->wanted_number >= batches->per_epoch) return NULL;
  slot *made = &batches->slots[0];
  begin_batch(batches, made, batches->make_epoch, batches->wanted_number++);
  hg_parallel_range(batches->settings.pool, made->batch.n, hg_samples_per_task(batches->image), read_samples, batches);
  return &made->batch;
}

const hg_batch *hg_batches_next(hg_batches *batches) {
  if (batches->plain) return make_next(batches);
  const hg_batch *batch = NULL;
  pthread_mutex_lock(&batches->mutex);
  take_back(batches);
  if (batches->wanted_number < batches->per_epoch) {
    while (batches->ready == 0) pthread_cond_wait(&batches->changed, &batches->mutex);
    batch = &batches->slots[batches->first].batch;
    batches->lent = true;
    batches->ready--;
    batches->wanted_number++;
  }
  pthread_mutex_unlock(&batches->mutex);
  return batch;
}

int64_t hg_batches_per_epoch(const hg_batches *batches) { return batches->per_epoch; }

/* ---------------------------------------------------------------- settings, memory, start */

static hg_code check_share(float value, const char *name, hg_error *error) {
  if (value >= 0 && value <= 1) return HG_OK;
  return hg_fail(error, HG_USAGE, name, "is %g; it must be within 0 and 1", (double)value);
}

static hg_code check_amount(float value, const char *name, float most, hg_error *error) {
  if (value >= 0 && value <= most) return HG_OK;
  return hg_fail(error, HG_USAGE, name, "is %g; it must be within 0 and %g", (double)value, (double)most);
}

static hg_code check_settings(const hg_dataset *dataset, const hg_batches_settings *settings, hg_error *error) {
  const hg_augmentation *augment = &settings->augment;
  const hg_corruption *corrupt = &settings->corrupt;
  int side = dataset->shape.height > dataset->shape.width ? dataset->shape.height : dataset->shape.width;
  if (settings->batch_size < 1)
    return hg_fail(error, HG_USAGE, "batch_size", "is %d; it must be at least 1", settings->batch_size);
  if (dataset->count < 1) return hg_fail(error, HG_DATA, dataset->source, "holds no images");
  hg_code code = check_amount(augment->rotate, "rotate", 180, error);
  if (code == HG_OK) code = check_share(augment->shift, "shift", error);
  if (code == HG_OK) code = check_amount((float)augment->crop, "crop", (float)side, error);
  if (code == HG_OK) code = check_amount(augment->gaussian_noise, "gaussian_noise", 100, error);
  if (code == HG_OK) code = check_amount((float)augment->cutout, "cutout", (float)side, error);
  if (code == HG_OK) code = check_share(corrupt->salt_and_pepper, "salt_and_pepper", error);
  if (code == HG_OK) code = check_amount(corrupt->gaussian, "gaussian", 100, error);
  if (code == HG_OK) code = check_share(corrupt->masking, "masking", error);
  return code;
}

static bool take_slot_memory(hg_batches *batches, slot *made, int size) {
  size_t floats = (size_t)size * (size_t)batches->image;
  bool corrupts = !hg_corruption_is_off(&batches->settings.corrupt);
  made->input = hg_alloc_aligned(floats * sizeof(float));
  made->target = corrupts ? hg_alloc_aligned(floats * sizeof(float)) : NULL;
  made->labels = hg_malloc((size_t)size * sizeof *made->labels);
  made->index = hg_malloc((size_t)size * sizeof *made->index);
  made->batch = (hg_batch){0, made->input, corrupts ? made->target : made->input, made->labels, made->index};
  return made->input != NULL && (made->target != NULL || !corrupts) && made->labels != NULL && made->index != NULL;
}

static hg_code take_memory(hg_batches *batches, hg_error *error) {
  int64_t count = batches->dataset->count;
  int size = batches->settings.batch_size < count ? batches->settings.batch_size : (int)count;
  bool good = true;
  int slots = batches->plain ? 1 : SLOTS;
  for (int i = 0; i < slots; i++) good = good && take_slot_memory(batches, &batches->slots[i], size);
  batches->order = hg_malloc((size_t)count * sizeof *batches->order);
  batches->scratch = hg_alloc_aligned((size_t)batches->image * sizeof(float));
  if (good && batches->order != NULL && batches->scratch != NULL) return HG_OK;
  return hg_fail_memory(error, "batches", (size_t)slots * (size_t)size * (size_t)batches->image * sizeof(float));
}

/* Signals stay with the program's own threads. */
static hg_code start(hg_batches *batches, hg_error *error) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int number = pthread_create(&batches->thread, NULL, make_batches, batches);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (number != 0) return hg_fail(error, HG_FAILED, "batches", "no thread could be started: %s", strerror(number));
  batches->started = true;
  return HG_OK;
}

hg_code hg_batches_new(const hg_dataset *dataset, const hg_batches_settings *settings, hg_batches **batches, hg_error *error) {
  *batches = NULL;
  hg_code code = check_settings(dataset, settings, error);
  if (code != HG_OK) return code;
  hg_batches *made = hg_calloc(1, sizeof *made);
  if (made == NULL) return hg_fail_memory(error, "batches", sizeof *made);
  made->dataset = dataset;
  made->settings = *settings;
  made->image = hg_shape_count(dataset->shape);
  made->per_epoch = (dataset->count + settings->batch_size - 1) / settings->batch_size;
  made->same = !settings->shuffle && hg_augmentation_is_off(&settings->augment);
  made->plain = hg_augmentation_is_off(&settings->augment) && hg_corruption_is_off(&settings->corrupt);
  made->order_epoch = -1;
  pthread_mutex_init(&made->mutex, NULL);
  pthread_cond_init(&made->changed, NULL);
  code = take_memory(made, error);
  if (code == HG_OK && !made->plain) code = start(made, error);
  if (code == HG_OK)
    *batches = made;
  else
    hg_batches_free(made);
  return code;
}

void hg_batches_free(hg_batches *batches) {
  if (batches == NULL) return;
  if (batches->started) {
    pthread_mutex_lock(&batches->mutex);
    batches->stop = true;
    pthread_cond_broadcast(&batches->changed);
    pthread_mutex_unlock(&batches->mutex);
    pthread_join(batches->thread, NULL);
  }
  for (int i = 0; i < SLOTS; i++) {
    hg_free_aligned(batches->slots[i].input);
    hg_free_aligned(batches->slots[i].target);
    hg_free(batches->slots[i].labels);
    hg_free(batches->slots[i].index);
  }
  hg_free_aligned(batches->scratch);
  hg_free(batches->order);
  pthread_cond_destroy(&batches->changed);
  pthread_mutex_destroy(&batches->mutex);
  hg_free(batches);
}
