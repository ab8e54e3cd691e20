/* Every operator's backward against central differences of its forward. */
#include "test_ops.h"

static double projected(placed_op *p) {
  double sum = 0;
  run_forward(p);
  for (int64_t i = 0; i < p->out; i++) sum += (double)p->call.output[i] * (double)p->projection[i];
  return sum;
}

/* What central and one-sided differences say of one value. */
typedef struct differences {
  double slope; /* central */
  double bend;  /* right-hand minus left-hand: falls with the step where the function is smooth */
} differences;

static differences differ(placed_op *p, float *value, float step) {
  float kept = *value, above = kept + step, below = kept - step;
  double here = projected(p);
  *value = above;
  double high = projected(p);
  *value = below;
  double low = projected(p);
  *value = kept;
  double right = (high - here) / ((double)above - (double)kept), left = (here - low) / ((double)kept - (double)below);
  return (differences){(high - low) / ((double)above - (double)below), right - left};
}

/* Compares some of a tensor's gradients. A place whose bend does not fall with the step, or whose slope depends on it, is
 * a kink (relu at 0, a tie of maxima) and is passed over; most must not be. */
static void check_tensor(placed_op *p, const char *name, const char *tensor, float *values, const float *gradient,
                         int64_t count) {
  enum { PLACES = 60 };
  double largest = 0, worst = 0;
  int checked = 0, kinks = 0;
  for (int64_t i = 0; i < count; i++) largest = fmax(largest, fabs((double)gradient[i]));
  double scale = fmax(largest, 1e-2);
  int64_t stride = count > PLACES ? count / PLACES : 1;
  for (int64_t i = 0; i < count; i += stride) {
    differences wide = differ(p, &values[i], 0x1p-8f), narrow = differ(p, &values[i], 0x1p-9f);
    if (fabs(wide.slope - narrow.slope) > 3e-4 * scale || fabs(wide.bend - 2 * narrow.bend) > 1e-3 * scale) {
      kinks++;
      continue;
    }
    worst = fmax(worst, fabs(narrow.slope - (double)gradient[i]) / scale);
    checked++;
  }
  if (checked < kinks) fail_msg("%s, %s: %d of %d places are kinks", name, tensor, kinks, kinks + checked);
  if (!(worst < 1e-3)) fail_msg("%s, %s: gradients differ by %g of the largest", name, tensor, worst);
}

static void check_case(const op_case *c) {
  placed_op p = place_case(c, HG_NATIVE, NULL);
  run_forward(&p);
  run_backward(&p);
  if (p.call.input_gradient != NULL) check_tensor(&p, c->name, "input", p.input, p.gradient_buffer, p.in);
  for (int i = 0; i < p.parameter_count; i++)
    if (p.parameters[i].trainable)
      check_tensor(&p, c->name, p.parameters[i].name, p.call.values[i], p.call.gradients[i],
                   hg_parameter_count(&p.parameters[i]));
  release_case(&p);
}

static void gradients_of_every_layer_agree_with_central_differences(void **state) {
  (void)state;
  for (int i = 0; i < OP_CASES; i++) check_case(&op_cases[i]);
}

/* ---- losses */

typedef double loss_function(const hg_loss_call *call);

static double center(const hg_loss_call *call) {
  static float centers[4 * 12], scratch[4 * 13];
  for (int i = 0; i < 4 * 12; i++) centers[i] = (float)(i % 7) * 0.3f - 1;
  if (call->gradient != NULL) memset(call->gradient, 0, (size_t)(call->n * 12) * sizeof(float));
  return hg_loss_center(call, centers, 4, 0, scratch);
}

static void check_loss(const char *name, loss_function *loss, hg_shape shape, float smoothing, bool probabilities) {
  enum { N = 3 };
  static const int32_t labels[N] = {2, 0, 3};
  int64_t count = N * count_of(shape);
  float *output = random_values(count, 1, 1), *target = random_values(count, 2, 1), *gradient = random_values(count, 3, 1),
        means[N];
  for (int64_t i = 0; i < count; i++) {
    target[i] = 1 / (1 + expf(-target[i]));
    if (probabilities) output[i] = 1 / (1 + expf(-output[i] / 2));
  }
  hg_loss_call call = {.n = N,
                       .shape = shape,
                       .output = output,
                       .target = target,
                       .labels = labels,
                       .weight = 0.7f,
                       .label_smoothing = smoothing,
                       .gradient = gradient,
                       .per_sample = means};
  loss(&call);
  call.gradient = NULL;
  double largest = 0;
  for (int64_t i = 0; i < count; i++) largest = fmax(largest, fabs((double)gradient[i]));
  for (int64_t i = 0; i < count; i++) {
    float kept = output[i], above = kept + 0x1p-8f, below = kept - 0x1p-8f;
    output[i] = above;
    double high = loss(&call);
    output[i] = below;
    double low = loss(&call);
    output[i] = kept;
    double expected = 0.7 * (high - low) / ((double)above - (double)below);
    if (!(fabs(expected - (double)gradient[i]) < 1e-3 * largest))
      fail_msg("%s: gradient %d is %g, differences give %g", name, (int)i, (double)gradient[i], expected);
  }
  hg_free_aligned(output);
  hg_free_aligned(target);
  hg_free_aligned(gradient);
}

static void gradients_of_every_loss_agree_with_central_differences(void **state) {
  (void)state;
  check_loss("mse", hg_loss_mse, (hg_shape){3, 5, 2}, 0, false);
  check_loss("binary cross-entropy on logits", hg_loss_bce_logits, (hg_shape){3, 5, 1}, 0, false);
  check_loss("binary cross-entropy on probabilities", hg_loss_bce_probabilities, (hg_shape){3, 2, 3}, 0, true);
  check_loss("cross-entropy", hg_loss_cross_entropy, (hg_shape){1, 1, 10}, 0, false);
  check_loss("cross-entropy with label smoothing", hg_loss_cross_entropy, (hg_shape){1, 1, 21}, 0.2f, false);
  check_loss("center loss", center, (hg_shape){1, 1, 12}, 0, false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gradients_of_every_layer_agree_with_central_differences),
      cmocka_unit_test(gradients_of_every_loss_agree_with_central_differences),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
