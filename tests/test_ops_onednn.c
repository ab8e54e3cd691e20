/* Every operator forward and backward, native against oneDNN. Without oneDNN there is nothing to compare, and the test
 * says so by being skipped. */
#include "test_ops.h"

#ifdef HG_HAS_ONEDNN
#include "ops/onednn.h"
#endif

static void compare(const char *name, const char *what, const float *native, const float *library, int64_t count) {
  double largest = 1e-3, worst = 0;
  for (int64_t i = 0; i < count; i++) {
    largest = fmax(largest, fabs((double)native[i]));
    worst = fmax(worst, fabs((double)native[i] - (double)library[i]));
    if (!isfinite(native[i]) || !isfinite(library[i])) fail_msg("%s, %s: value %d is not finite", name, what, (int)i);
  }
  if (worst > 1e-4 * largest) fail_msg("%s, %s: engines differ by %g of %g", name, what, worst, largest);
}

static bool compare_case(const op_case *c, hg_pool *pool) {
  placed_op library = place_case(c, HG_ONEDNN, pool);
  if (library.op == NULL) return false;
  placed_op native = place_case(c, HG_NATIVE, pool);
  for (int round = 0; round < 2; round++) {
    run_forward(&native);
    run_forward(&library);
    compare(c->name, "output", native.call.output, library.call.output, native.out);
    run_backward(&native);
    run_backward(&library);
    if (!c->first_layer) compare(c->name, "input's gradient", native.gradient_buffer, library.gradient_buffer, native.in);
    for (int i = 0; i < native.parameter_count; i++) {
      int64_t count = hg_parameter_count(&native.parameters[i]);
      compare(c->name, native.parameters[i].name, native.call.values[i], library.call.values[i], count);
      if (native.call.gradients[i] != NULL)
        compare(c->name, "parameter's gradient", native.call.gradients[i], library.call.gradients[i], count);
    }
  }
  release_case(&native);
  release_case(&library);
  return true;
}

static void native_and_onednn_agree_on_every_operator(void **state) {
  (void)state;
  hg_pool *pool;
  assert_int_equal(hg_pool_new(2, &pool, NULL), HG_OK);
  int compared[HG_LAYER_KINDS] = {0}, all = 0;
  for (int i = 0; i < OP_CASES; i++)
    if (compare_case(&op_cases[i], pool)) compared[op_cases[i].kind]++, all++;
  hg_pool_free(pool);
  if (all == 0) skip();
  static const hg_layer_kind kinds[] = {HG_DENSE,      HG_CONV2D,         HG_CONV2D_TRANSPOSE,
                                        HG_MAX_POOL2D, HG_AVERAGE_POOL2D, HG_GLOBAL_AVERAGE_POOL2D,
                                        HG_BATCH_NORM, HG_ACTIVATION};
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) assert_true(compared[kinds[i]] > 0);
}

static void onednn_says_no_to_what_it_cannot_do(void **state) {
  (void)state;
  hg_op_node node = {.layer = hg_layer_default(HG_CONV2D), .input = {5, 5, 2}, .output = {5, 5, 3}, .batch = 1};
  node.layer.padding = HG_REPLICATE;
  assert_null(hg_op_onednn(&node));
  node.layer.kind = HG_DROPOUT;
  assert_null(hg_op_onednn(&node));
}

/* A frozen weight, a frozen bias, a first batch_norm: calls that ask for less than the library gives. */
static void gradients_that_are_not_wanted_are_left_alone(void **state) {
  (void)state;
  static const op_case cases[] = {
      {.name = "frozen batch_norm", .kind = HG_BATCH_NORM, .input = {3, 3, 4}, .n = 5, .activation = HG_RELU},
      {.name = "frozen dense", .kind = HG_DENSE, .input = {1, 1, 9}, .n = 4, .units = 6, .activation = HG_TANH},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    for (int frozen = 1; frozen <= 3; frozen++) {
      placed_op library = place_case(&cases[i], HG_ONEDNN, NULL);
      if (library.op == NULL) skip();
      placed_op native = place_case(&cases[i], HG_NATIVE, NULL);
      float *kept[2][2];
      for (int k = 0; k < 2; k++) {
        placed_op *p = k == 0 ? &native : &library;
        for (int g = 0; g < 2; g++) {
          kept[k][g] = p->call.gradients[g];
          if (frozen & (1 << g)) p->call.gradients[g] = NULL;
        }
        run_forward(p);
        run_backward(p);
      }
      compare(cases[i].name, "input's gradient", native.gradient_buffer, library.gradient_buffer, native.in);
      for (int g = 0; g < 2; g++)
        compare(cases[i].name, "gradient", kept[0][g], kept[1][g], hg_parameter_count(&native.parameters[g]));
      for (int k = 0; k < 2; k++)
        for (int g = 0; g < 2; g++) (k == 0 ? &native : &library)->call.gradients[g] = kept[k][g];
      release_case(&native);
      release_case(&library);
    }
  }
}

#ifdef HG_HAS_ONEDNN
/* A step asked for an argument that its primitive does not know stands for whatever the library may fail on. */
static void a_step_that_the_library_fails_leaves_nan(void **state) {
  (void)state;
  static const op_case dense = {.name = "dense", .kind = HG_DENSE, .input = {1, 1, 9}, .n = 4, .units = 6};
  placed_op library = place_case(&dense, HG_ONEDNN, NULL);
  if (library.op == NULL) {
    skip();
    return;
  }
  run_forward(&library);
  for (int64_t i = 0; i < library.out; i++) assert_true(isfinite(library.call.output[i]));
  hg_onednn_variant_made(&library.call)->step[HG_ONEDNN_FORWARD].operand[0].argument = DNNL_ARG_MULTIPLE_SRC;
  run_forward(&library);
  for (int64_t i = 0; i < library.out; i++) assert_true(isnan(library.call.output[i]));
  release_case(&library);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(native_and_onednn_agree_on_every_operator),
      cmocka_unit_test(onednn_says_no_to_what_it_cannot_do),
      cmocka_unit_test(gradients_that_are_not_wanted_are_left_alone),
#ifdef HG_HAS_ONEDNN
      cmocka_unit_test(a_step_that_the_library_fails_leaves_nan),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
