/* How near one image is to another. Pixels in [0, 1], (H, W, C). */
#ifndef HG_EVAL_IMAGES_H
#define HG_EVAL_IMAGES_H

#include "base/status.h"

double hg_image_mse(const float *a, const float *b, int64_t count);
double hg_image_psnr(double mse); /* 10 log10(1 / mse), in dB; infinity for 0 */
/* The same, but 100 dB at most: a perfect image's infinity no mean over images survives. */
double hg_image_psnr_for_mean(double mse);
/* Mean structural similarity (Wang et al. 2004): Gaussian window 11x11, sigma 1.5, K1 .01, K2 .03, averaged over channels and
 * over the places where the window fits whole; images smaller than 11 use one uniform window. */
double hg_image_ssim(const float *a, const float *b, hg_shape shape);

/* The median of each pixel's neighbourhood, window x window (odd, at most HG_MOST_WINDOW), channel by channel; the edge pixels
 * are repeated outwards, as in scipy.ndimage.median_filter(mode="nearest"). out must not be image. */
enum { HG_MOST_WINDOW = 7 };
void hg_image_median(const float *image, hg_shape shape, int window, float *out);

/* Pixels as bytes, 0 to 255; what lies outside [0, 1] becomes its nearer end. */
void hg_image_bytes(const float *values, int64_t count, uint8_t *bytes);

#endif
