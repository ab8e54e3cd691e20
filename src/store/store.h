/* What a study leaves behind: one SQLite database (WAL) for runs and figures, and a folder per run for artifacts.
 *
 *   OUT/study.db
 *   OUT/runs/NAME-seedN/settings.json            resolved settings
 *                       checkpoint.safetensors   resumable state of a training under way; removed when it is done
 *                       weights.safetensors      final weights of a network, by the names of its layers
 *                       model.safetensors        a classical model: what was fitted, by scikit-learn's names of the method's
 *                                                attributes (support_vectors_, coef_, ...) and of its features'
 *                       predictions.safetensors  labels I32 (N); probabilities F32 (N, K); decisions F32 (N, K): what support
 *                                                vector machines rank by; reconstruction_mse, _psnr, _ssim F32 (N).
 *                                                Metadata: test_shape (HxWxC) and test_sha256 of the test part they are of.
 *                       views.safetensors        labels I32 (N); probabilities F32 (N, K), averaged over views of each test
 *                                                image (test-time augmentation)
 *                       samples.safetensors      index I64 (M), original / input / reconstruction U8 (M, H, W, C),
 *                                                labels I32 (M), probabilities F32 (M, K): test images the page may show
 *                       denoising.safetensors    index I64 (M), levels F32 (L), original U8 (M, H, W, C), noisy / denoised /
 *                                                median U8 (L * M, H, W, C), level by level; model_mse, median_mse F32 (L, N).
 *                                                Metadata: corruption, own (the level it was trained with).
 *                       codes.safetensors        index I64 (P): places in the test set; labels I32 (P); predictions I32 (P);
 *                                                tsne F32 (P, 2); pca F32 (P, 2); drawn I64 (D): the places in 0..P that a
 *                                                page draws, in the order of the data's thumbnails. Metadata: width, space
 *                                                (code or penultimate), perplexity, iterations, reduced (principal components
 *                                                that t-SNE was given; 0 = the codes), kl_divergence, trustworthiness,
 *                                                neighbours, pca_trustworthiness. First seed of a model only.
 *   OUT/data/NAME/thumbnails.safetensors         index I64 (D): places in the test set; images U8 (D, h, w, C)
 *                 leaks.safetensors              part I64 (M), image I64 (M), against I64 (M), other I64 (M), distance I32 (M),
 *                                                difference F32 (M), alteration I32 (M, 3): mirrored and moved right and
 *                                                down, gain F32 (M; 0 = unaltered): pairs of the leak check, for each
 *                                                two parts some that are equal byte for byte, then the nearest, then
 *                                                altered ones (parts: 0 training, 1 validation, 2 test; data/leaks.h
 *                                                defines both distances); images, others U8 (M, H, W, C). None of these
 *                                                where M is 0. Metadata: digest of the data, method, counts.
 * Absent tensors mean that the run has no such output, absent files that it was made by an older version. */
#ifndef HG_STORE_STORE_H
#define HG_STORE_STORE_H

#include "base/status.h"

typedef struct hg_store hg_store;

/* Opens OUT/study.db, making folder and tables if create. HG_USAGE if it is not there and !create; HG_DATA if it is not ours
 * or of a newer schema; one of an older schema is brought up to date, its new figures empty. Another process writing the same
 * store is refused with HG_USAGE (lock file OUT/study.lock) when create.
 *
 * A folder that may only be read is read as it stands if !create; HG_FAILED where a run's last figures are still in study.db-wal.
 */
hg_code hg_store_open(const char *folder, bool create, hg_store **store, hg_error *error);
/* The same store once more, for another thread of the process that holds it; closed before `holder`. */
hg_code hg_store_open_beside(const hg_store *holder, hg_store **store, hg_error *error);
void hg_store_close(hg_store *store);
const char *hg_store_folder(const hg_store *store);

/* What is put between the two is kept whole or not at all, and waits for the disk once. They may be nested: an inner pair that
 * fails takes back its own part. Nothing that takes long belongs in between: until the outermost finish a kill loses it. */
hg_code hg_store_begin(hg_store *store, hg_error *error);
/* Keeps it if code is HG_OK, else takes it back; returns the first failure. */
hg_code hg_store_finish(hg_store *store, hg_code code, hg_error *error);

/* Facts about the study by key: name, about, yaml, yaml_path, version, threads, instruction_set, command, seeds, started;
 * rows: JSON, {"models": {"cnn": {"id": "A1", "note": "..."}}, "published": [{"run", "metric", "id", "note"}]}, where rows of a
 * table of results are named. */
hg_code hg_store_set_fact(hg_store *store, const char *key, const char *value, hg_error *error);
/* hg_malloc'ed, "" if absent; NULL only when out of memory. */
char *hg_store_fact(hg_store *store, const char *key);

/* Of one model. What compares and averages over seeds has room for so many; studies with more are refused. */
enum { HG_MOST_SEEDS = 256 };

typedef struct hg_run_record {
  int64_t id; /* 0 = new */
  char name[HG_NAME_SIZE];
  uint64_t seed;
  int position;            /* in the study: order of the page */
  char kind[32];           /* network, logistic_regression, naive_bayes, svm, knn, linear_svm */
  char status[16];         /* pending, running, interrupted (killed too), done, failed, diverged */
  char identity[65];       /* SHA-256 of resolved settings, data and program version: same identity, not run again */
  char data[HG_NAME_SIZE]; /* name of its data in the study */
  char *settings;          /* JSON; owned by the record */
  char message[512];       /* of a failure */
  int64_t parameters;
  int epochs, best_epoch;
  double seconds, images_per_second;
  char weights_sha256[65];
} hg_run_record;

void hg_run_record_release(hg_run_record *record);

/* Inserts or replaces by (name, seed); sets record->id. A run that is new, or has a new identity, begins without old figures,
 * files in its folder and comparisons of its model. */
hg_code hg_store_put_run(hg_store *store, hg_run_record *record, hg_error *error);
/* What a run that is made anew begins without: its figures, what the store wrote in its folder, comparisons of its model. */
hg_code hg_store_clear_run(hg_store *store, const hg_run_record *record, hg_error *error);
/* What was found out about a finished run: figures whose names fit the pattern ("codes.*"), and their file. Either may be absent.
 */
hg_code hg_store_drop_findings(hg_store *store, const hg_run_record *record, const char *figures, const char *file,
                               hg_error *error);
/* *found says if there is one. */
hg_code hg_store_get_run(hg_store *store, const char *name, uint64_t seed, hg_run_record *record, bool *found, hg_error *error);
/* All, model by model: by its least position, then by seed. The caller releases each and frees the array. */
hg_code hg_store_list_runs(hg_store *store, hg_run_record **records, int *count, hg_error *error);
/* Removes runs (with their folders and comparisons) that the study no longer has. */
hg_code hg_store_keep_only(hg_store *store, const hg_run_record *kept, int count, hg_error *error);
/* OUT/runs/NAME-seedN, made if need be; hg_malloc'ed. */
hg_code hg_store_run_folder(hg_store *store, const hg_run_record *record, char **folder, hg_error *error);
/* Where a file of a run is, or would be: no folder is made. hg_malloc'ed. */
hg_code hg_store_run_file(const hg_store *store, const hg_run_record *record, const char *file, char **path, hg_error *error);
/* Adds to an error in a file of a run what mends it: its folder's removal. */
void hg_store_tell_mend(hg_error *error, const char *path);

/* The whole history at once, replacing what was there. */
hg_code hg_store_put_history(hg_store *store, int64_t run, const hg_epoch *epochs, int count, hg_error *error);
hg_code hg_store_get_history(hg_store *store, int64_t run, hg_epoch **epochs, int *count, hg_error *error);

/* One figure: name "test.accuracy", "test.loss", "test.macro_f1", "test.psnr", ... docs/evaluation.md lists and defines them. */
typedef struct hg_metric {
  char name[64];
  double value;
} hg_metric;
hg_code hg_store_put_metric(hg_store *store, int64_t run, const char *name, double value, hg_error *error);
hg_code hg_store_list_metrics(hg_store *store, int64_t run, hg_metric **metrics, int *count, hg_error *error);

/* One row of `show`'s table. */
typedef struct hg_layer_row {
  char block[16], layer[HG_NAME_SIZE], kind[32], detail[128];
  hg_shape output;
  int64_t parameters, multiply_adds, activation_bytes;
} hg_layer_row;
hg_code hg_store_put_layers(hg_store *store, int64_t run, const hg_layer_row *rows, int count, hg_error *error);
hg_code hg_store_get_layers(hg_store *store, int64_t run, hg_layer_row **rows, int *count, hg_error *error);

typedef struct hg_warning {
  char code[32];
  char message[512];
} hg_warning;

/* One pair of models and one score. b may be "median filter". */
typedef struct hg_comparison {
  char a[HG_NAME_SIZE], b[HG_NAME_SIZE], metric[64];
  char test[32];                         /* mcnemar, paired-bootstrap, seeds-and-images; "" = not tested */
  double difference, low, high, p_value; /* a - b, its 95 % interval; p_value as it stands alone */
  double value_a, value_b;               /* means over the common seeds */
  double p_holm;                         /* corrected for all comparisons of this metric in the study */
  int seeds;                             /* common ones, all of them used */
  int64_t only_a, only_b;                /* accuracy: pairs of seed and image that a alone has right, b alone; else 0 */
  char verdict[16]; /* of a: "better", "worse" where p_holm < 0.05; "undecided"; "untested"; "" in an old store */
  char text[384];   /* the finding as a sentence */
} hg_comparison;

typedef struct hg_published {
  char run[HG_NAME_SIZE], metric[64];
  double published, measured; /* measured: mean over the finished seeds */
  double low, high;           /* 95 % interval of measured: over seeds, of one over the test images; NaN = none */
  int seeds;
  char id[HG_NAME_SIZE]; /* row of a table of results; "" = none */
} hg_published;

/* Each replaces the whole list. */
hg_code hg_store_put_warnings(hg_store *store, const hg_warning *rows, int count, hg_error *error);
hg_code hg_store_get_warnings(hg_store *store, hg_warning **rows, int *count, hg_error *error);
hg_code hg_store_put_comparisons(hg_store *store, const hg_comparison *rows, int count, hg_error *error);
hg_code hg_store_get_comparisons(hg_store *store, hg_comparison **rows, int *count, hg_error *error);
hg_code hg_store_put_published(hg_store *store, const hg_published *rows, int count, hg_error *error);
hg_code hg_store_get_published(hg_store *store, hg_published **rows, int *count, hg_error *error);

/* ---- Scores of a run on its test set; scores.c. Each put replaces the run's list. */

/* One class against the rest. */
typedef struct hg_class_row {
  int label;
  int64_t support;
  double precision, recall, f1;
  double average_precision, roc_auc; /* NaN where the class, or its rest, has no test image */
} hg_class_row;
hg_code hg_store_put_classes(hg_store *store, int64_t run, const hg_class_row *rows, int count, hg_error *error);
hg_code hg_store_get_classes(hg_store *store, int64_t run, hg_class_row **rows, int *count, hg_error *error);

/* A cell of the confusion matrix that is not 0. */
typedef struct hg_confusion_cell {
  int truth, predicted;
  int64_t count;
} hg_confusion_cell;
hg_code hg_store_put_confusion(hg_store *store, int64_t run, const hg_confusion_cell *cells, int count, hg_error *error);
hg_code hg_store_get_confusion(hg_store *store, int64_t run, hg_confusion_cell **cells, int *count, hg_error *error);

/* Predictions whose largest probability lies in (low, high]. */
typedef struct hg_calibration_row {
  double low, high;
  int64_t count;
  double confidence, accuracy; /* means; NaN in an empty bin */
} hg_calibration_row;
hg_code hg_store_put_calibration(hg_store *store, int64_t run, const hg_calibration_row *rows, int count, hg_error *error);
hg_code hg_store_get_calibration(hg_store *store, int64_t run, hg_calibration_row **rows, int *count, hg_error *error);

/* How near the clean test images a method comes at one noise level; means over the images. */
typedef struct hg_denoising_row {
  char corruption[32]; /* salt_and_pepper, gaussian, masking */
  double level;
  char method[16]; /* noisy (nothing done), model, median_3, median_5, median (the one of both that validation chose) */
  double mse, psnr, ssim;
} hg_denoising_row;
hg_code hg_store_put_denoising(hg_store *store, int64_t run, const hg_denoising_row *rows, int count, hg_error *error);
hg_code hg_store_get_denoising(hg_store *store, int64_t run, hg_denoising_row **rows, int *count, hg_error *error);

/* Images of `part` that stand in `against` too. Replaced whole, for the study. */
typedef struct hg_leak_row {
  char data[HG_NAME_SIZE];
  char part[16], against[16]; /* test, validation, training */
  int64_t images;             /* of part */
  int64_t exact;              /* byte for byte */
  int64_t near;               /* nearly, beside the exact ones (data/leaks.h says when) */
} hg_leak_row;
hg_code hg_store_put_leaks(hg_store *store, const hg_leak_row *rows, int count, hg_error *error);
hg_code hg_store_get_leaks(hg_store *store, hg_leak_row **rows, int *count, hg_error *error);

/* OUT/data/NAME, made if need be; hg_malloc'ed. */
hg_code hg_store_data_folder(hg_store *store, const char *name, char **folder, hg_error *error);

/* Class names of a data entry, and its sizes, for the page. */
typedef struct hg_data_record {
  char name[HG_NAME_SIZE], source[256], digest[65];
  hg_shape shape;
  int64_t train, validation, test;
  int classes;
  char *class_names; /* JSON array; owned */
} hg_data_record;
/* Replaces by name. What leaks are told of it belongs to its images: it goes where the digest is another. */
hg_code hg_store_put_data(hg_store *store, const hg_data_record *record, hg_error *error);
/* Removes data sets (with their leaks and folders) that the study no longer has. */
hg_code hg_store_keep_data(hg_store *store, const char *const *kept, int count, hg_error *error);
hg_code hg_store_list_data(hg_store *store, hg_data_record **records, int *count,
                           hg_error *error); /* caller frees class_names too */
/* The names as strings; NULL and 0 where the data has none. Released by hg_store_class_names_free, after a failure too. */
hg_code hg_store_class_names(const hg_data_record *record, char ***names, int *count, hg_error *error);
void hg_store_class_names_free(char **names, int count);

#endif
