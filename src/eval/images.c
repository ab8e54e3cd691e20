#include "eval/images.h"

#include <math.h>

double hg_image_mse(const float *a, const float *b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) {
    double difference = (double)a[i] - (double)b[i];
    sum += difference * difference;
  }
  return count == 0 ? 0 : sum / (double)count;
}

double hg_image_psnr(double mse) { return mse == 0 ? INFINITY : -10 * log10(mse); }

double hg_image_psnr_for_mean(double mse) {
  const double most = 100;
  return fmin(hg_image_psnr(mse), most);
}

enum { WINDOW = 11 };

/* Weighted sums of a, b, a a, b b, a b. */
typedef struct moments {
  double a, b, aa, bb, ab;
} moments;

static void add_weighted(moments *sum, const moments *part, double weight) {
  sum->a += weight * part->a;
  sum->b += weight * part->b;
  sum->aa += weight * part->aa;
  sum->bb += weight * part->bb;
  sum->ab += weight * part->ab;
}

static moments pixel_moments(const float *a, const float *b, int64_t at) {
  double x = a[at], y = b[at];
  return (moments){x, y, x * x, y * y, x * y};
}

static double similarity(const moments *m) {
  const double c1 = 0.01 * 0.01, c2 = 0.03 * 0.03; /* (K L)^2 with L = 1 */
  double variance_a = m->aa - m->a * m->a, variance_b = m->bb - m->b * m->b, covariance = m->ab - m->a * m->b;
  return (2 * m->a * m->b + c1) * (2 * covariance + c2) / ((m->a * m->a + m->b * m->b + c1) * (variance_a + variance_b + c2));
}

static double ssim_uniform(const float *a, const float *b, hg_shape shape, int channel) {
  int64_t pixels = (int64_t)shape.height * shape.width;
  moments sum = {0};
  for (int64_t i = 0; i < pixels; i++) {
    moments here = pixel_moments(a, b, i * shape.channels + channel);
    add_weighted(&sum, &here, 1.0 / (double)pixels);
  }
  return similarity(&sum);
}

/* The window is separable: one column of windows keeps the last 11 horizontal sums in a ring. */
static double ssim_column(const float *a, const float *b, hg_shape shape, int channel, int left, const double weight[WINDOW]) {
  moments ring[WINDOW] = {{0}};
  double total = 0;
  for (int y = 0; y < shape.height; y++) {
    moments *row = &ring[y % WINDOW];
    *row = (moments){0};
    for (int i = 0; i < WINDOW; i++) {
      moments here = pixel_moments(a, b, ((int64_t)y * shape.width + left + i) * shape.channels + channel);
      add_weighted(row, &here, weight[i]);
    }
    if (y < WINDOW - 1) continue;
    moments window = {0};
    for (int i = 0; i < WINDOW; i++) add_weighted(&window, &ring[(y + 1 + i) % WINDOW], weight[i]);
    total += similarity(&window);
  }
  return total;
}

static void gaussian_window(double weight[WINDOW]) {
  double sum = 0;
  for (int i = 0; i < WINDOW; i++) {
    int place = i - WINDOW / 2;
    double x = place / 1.5;
    weight[i] = exp(-x * x / 2);
    sum += weight[i];
  }
  for (int i = 0; i < WINDOW; i++) weight[i] /= sum;
}

static double ssim_channel(const float *a, const float *b, hg_shape shape, int channel) {
  if (shape.height < WINDOW || shape.width < WINDOW) return ssim_uniform(a, b, shape, channel);
  double weight[WINDOW], total = 0;
  gaussian_window(weight);
  int columns = shape.width - WINDOW + 1, rows = shape.height - WINDOW + 1;
  for (int left = 0; left < columns; left++) total += ssim_column(a, b, shape, channel, left, weight);
  return total / ((double)columns * rows);
}

double hg_image_ssim(const float *a, const float *b, hg_shape shape) {
  double total = 0;
  for (int channel = 0; channel < shape.channels; channel++) total += ssim_channel(a, b, shape, channel);
  return total / shape.channels;
}

/* ---------------------------------------------------------------- the median filter */

static int within(int place, int size) { return place < 0 ? 0 : place >= size ? size - 1 : place; }

static void sort_values(float *values, int count) {
  for (int i = 1; i < count; i++) {
    float value = values[i];
    int place = i;
    for (; place > 0 && values[place - 1] > value; place--) values[place] = values[place - 1];
    values[place] = value;
  }
}

void hg_image_median(const float *image, hg_shape shape, int window, float *out) {
  float values[HG_MOST_WINDOW * HG_MOST_WINDOW] = {0};
  int reach = window / 2;
  for (int y = 0; y < shape.height; y++)
    for (int x = 0; x < shape.width; x++)
      for (int c = 0; c < shape.channels; c++) {
        int count = 0;
        for (int i = -reach; i <= reach; i++)
          for (int j = -reach; j <= reach; j++)
            values[count++] =
                image[((int64_t)within(y + i, shape.height) * shape.width + within(x + j, shape.width)) * shape.channels + c];
        sort_values(values, count);
        out[((int64_t)y * shape.width + x) * shape.channels + c] = values[count / 2];
      }
}

void hg_image_bytes(const float *values, int64_t count, uint8_t *bytes) {
  for (int64_t i = 0; i < count; i++) bytes[i] = (uint8_t)lrintf(fminf(fmaxf(values[i], 0), 1) * 255);
}
