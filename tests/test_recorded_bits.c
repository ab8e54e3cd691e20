/* Trained weights are those that were recorded, on every instruction set: a build, compiler or machine that trains others than
 * the last one did breaks the promise of the same bits. Where a change means to train others, record what this test prints. */
#include "kernels/isa.h"
#include "test_study_run.h"

#define LAYERS                                                                                            \
  "encoder: [{conv2d: {filters: 16, kernel_size: 3, activation: relu}}, {max_pool2d: 2}, "                \
  "{conv2d: {filters: 24, kernel_size: 3, padding: same}}, {batch_norm: {activation: relu}}, "            \
  "{max_pool2d: 2}, {dropout: 0.2}], classifier: [flatten, {dense: 96}], "                                \
  "loss: {classification: {cross_entropy: {label_smoothing: 0.1}}}, augment: {rotate: 10, shift: 0.08}, " \
  "train: {batch_size: 32, epochs: 1, optimizer: {sgd: {learning_rate: 0.05, momentum: 0.9, nesterov: yes}}}"

static const char study[] =
    "study: x\ndata:\n"
    "  lines: {source: lines, lines: {per_class: 2}, validation: 0.1}\n"
    "  few: {source: lines, lines: {per_class: 2}, validation: 0.1, limit: 60, test_limit: 10}\n"
    "models:\n"
    "  dense: {data: lines, encoder: [flatten, {dense: {units: 40, activation: gelu}}, {dropout: 0.3}], classifier: [{dense: "
    "96}], "
    "loss: {classification: cross_entropy}, train: {batch_size: 24, epochs: 3, schedule: one_cycle}}\n"
    "  winograd: {data: lines, " LAYERS
    "}\n"
    "  direct: {data: lines, engine: direct, " LAYERS
    "}\n"
    "  denoiser: {data: lines, corrupt: {salt_and_pepper: 0.1}, "
    "encoder: [{conv2d: {filters: 8, kernel_size: 5, strides: 2, padding: same, activation: tanh}}], "
    "decoder: [{conv2d_transpose: {filters: 12, kernel_size: 3, strides: 2, padding: same, activation: leaky_relu}}, "
    "{conv2d: {filters: 3, kernel_size: 3, padding: same, activation: sigmoid}}], loss: {reconstruction: binary_cross_entropy}, "
    "train: {batch_size: 32, epochs: 1, optimizer: {adamw: {learning_rate: 3e-3, weight_decay: 0.02}}}}\n"
    "  wide: {data: few, encoder: [{conv2d: {filters: 20, kernel_size: 3, padding: same, activation: gelu, "
    "kernel_initializer: whitening, freeze: yes}}, {conv2d: {filters: 128, kernel_size: 3, padding: same, use_bias: no, "
    "kernel_initializer: dirac}}, {batch_norm: {activation: gelu}}, {conv2d: {filters: 128, kernel_size: 3, padding: same}}, "
    "{max_pool2d: 2}, {batch_norm: {activation: relu}}], classifier: [global_average_pool2d, {dense: 96}], "
    "loss: {classification: cross_entropy}, train: {batch_size: 54, epochs: 1}}\n";

static const char recorded[] =
    "dense 6d5fd5acf6d198dc1c041b4c6d2209317c44bd8e39f5fadf0a6d215bfcb7410c\n"
    "winograd d35b5bd0063147006a67e1ab4ddaf42604d620607fc93a7b22903af2ec31d4cc\n"
    "direct b5669dccebcdd5f48cc21a22a50c32bdc4b77ca6a1e08ce7c8861b5b91af6b4b\n"
    "denoiser d56f3a0d858335f876113e4a50cab26220b4afc7d8e6444074423b058aed39ac\n"
    "wide cb428c90ed47d52fe9c573c0f4a13ed011ec8f28bb0acfdabcd8937460d041ba\n";

static int weights(const hg_run_record *record, char *to, size_t room) {
  return snprintf(to, room, "%s %s\n", record->name, record->weights_sha256);
}

static void trained_weights_are_those_recorded(void **state) {
  (void)state;
  hg_isa best = hg_isa_best();
  for (hg_isa isa = HG_ISA_GENERIC; isa <= best; isa++) {
    told t = {0};
    hg_error error = {0};
    char got[1024];
    assert_int_equal(hg_isa_set(isa, NULL), HG_OK);
    snprintf(out, sizeof out, "%s/%s", folder, hg_isa_name(isa));
    if (run_study(study, (hg_run_settings){.threads = 2}, &t, &error) != HG_OK) fail_msg("%s: %s", error.place, error.message);
    list_runs(got, sizeof got, weights);
    if (strcmp(got, recorded) != 0) fail_msg("%s trains\n%s", hg_isa_name(isa), got);
  }
  hg_isa_set(best, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(trained_weights_are_those_recorded)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
