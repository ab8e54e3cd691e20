/* The table itself. */
#include "cli/options.h"

#define TAKES_SET HG_TAKES(HG_OPTION_SET)
#define TAKES_JSON HG_TAKES(HG_OPTION_JSON)

const hg_option hg_option_table[HG_OPTIONS] = {
    [HG_OPTION_OUT] = {"out", 'o', "DIR", NULL, "folder for the results; default runs/NAME, NAME being the file's `study:`"},
    [HG_OPTION_SET] = {"set", 's', "PATH=VALUE", NULL,
                       "change one setting of the study: --set models.cnn.train.epochs=5; may be repeated"},
    [HG_OPTION_SEED] = {"seed", 0, "N", NULL,
                        "train with this seed in place of the study's, beside runs of other seeds in DIR; may be repeated"},
    [HG_OPTION_THREADS] = {"threads", 'j', "N", NULL,
                           "threads; default: as many as this process may use. Results do not depend on it"},
    [HG_OPTION_OFFLINE] = {"offline", 0, NULL, NULL, "never use the network"},
    [HG_OPTION_JSON] = {"json", 0, NULL, NULL, "print the result as JSON"},
    [HG_OPTION_FIGURES] = {"figures", 0, "OUT", NULL, "write every figure into this folder too"},
    [HG_OPTION_RESIZE] = {"resize", 0, "SIDE", NULL, "bring the images to squares of SIDE pixels, as a study's `resize` does"},
    [HG_OPTION_GRAYSCALE] = {"grayscale", 0, NULL, NULL, "look at one channel, as with a study's `grayscale: true`"},
    [HG_OPTION_QUIET] = {"quiet", 'q', NULL, NULL, "no progress on standard error"},
    [HG_OPTION_COLOR] = {"color", 0, "WHEN", "auto always never",
                         "colours: auto (on a terminal, unless NO_COLOR is set), always, never"},
    [HG_OPTION_HELP] = {"help", 'h', NULL, NULL, "print this help"},
    [HG_OPTION_VERSION] = {"version", 'V', NULL, NULL, "print the version"},
};

const hg_command hg_command_table[] = {
    {"run", "STUDY", "study", 1, 1,
     HG_TAKES(HG_OPTION_OUT) | TAKES_SET | HG_TAKES(HG_OPTION_SEED) | HG_TAKES(HG_OPTION_THREADS) | TAKES_JSON |
         HG_TAKES(HG_OPTION_QUIET),
     hg_run_command, "carry out a study and write its page",
     "Trains every model of the study once per seed, skips what is done already, and writes DIR/report.html, DIR/report.json\n"
     "and DIR/study.db. Ctrl-C stops after a checkpoint; the same command then goes on, and ends with the same weights to the "
     "bit.\n"
     "A run whose settings changed is trained anew in its place, and runs that the study no longer describes are removed from "
     "DIR,\n"
     "which is told with --quiet too; another --out keeps both. Runs of other seeds than those asked for stay in DIR and are\n"
     "averaged with them; another --out leaves them out. Without --threads, the study's `threads` holds."},
    {"check", "STUDY", "study", 1, 1, TAKES_SET | TAKES_JSON, hg_check_command, "check a study file without running it",
     "Reads the study, its references and the shapes of every network against its data."},
    {"show", "STUDY [MODEL]", "study", 1, 2, TAKES_SET | TAKES_JSON, hg_show_command,
     "print the layers, sizes and costs of models",
     "Output shapes, parameters, multiply-adds and bytes are those of one image; the memory below the table is that of\n"
     "training on one batch."},
    {"data", "COMMAND", NULL, 0, 0, 0, hg_data_command, "list, look at and download data sets", NULL},
    {"data list", "", NULL, 0, 0, TAKES_JSON, hg_data_list_command, "list the data sets known by name, and where they are", NULL},
    {"data inspect", "NAME|PATH", "data", 1, 1, TAKES_JSON | HG_TAKES(HG_OPTION_RESIZE) | HG_TAKES(HG_OPTION_GRAYSCALE),
     hg_data_inspect_command, "count and preview the images of a data set",
     "Images of a folder that differ in size need --resize."},
    {"data fetch", "NAME", "data", 1, 1, HG_TAKES(HG_OPTION_OFFLINE) | HG_TAKES(HG_OPTION_QUIET), hg_data_fetch_command,
     "download a data set into the user's cache",
     "Every file is checked against its recorded checksum; an interrupted download goes on where it stopped. With --offline\n"
     "nothing is downloaded: it is an error where the cache has not every file, whole, already."},
    {"runs", "DIR [MODEL]", "folder", 1, 2, TAKES_JSON, hg_runs_command, "list the runs of a results folder",
     "With MODEL, a classifier: precision, recall and F1 of each class on the test images for every seed, as scikit-learn's\n"
     "classification_report prints them."},
    {"compare", "A B", "folder", 2, 2, TAKES_JSON | HG_TAKES(HG_OPTION_THREADS), hg_compare_command,
     "test whether two finished models differ",
     "A and B are DIR:MODEL, a model of a results folder (:MODEL alone means the first one's folder), or both DIR: every model "
     "that\n"
     "both folders have. Prints their scores, the differences with intervals, p-values and a verdict in words, parameters and\n"
     "training time. Models are paired on the same test images and over all seeds both have; better and worse are said only "
     "where\n"
     "p is below 0.05 after Holm's correction."},
    {"report", "DIR", "folder", 1, 1, TAKES_JSON | HG_TAKES(HG_OPTION_FIGURES), hg_report_command,
     "write report.json and report.html again from the store",
     "With --figures, every figure of the page is written as its Vega-Lite specification (.vl.json) and its data (.csv), and, "
     "where\n"
     "Chromium or Chrome is in PATH, drawn for a paper: .svg, .png and .pdf. Without one, grids of images alone become .png\n"
     "files, pixel for pixel and without the names of their rows."},
    {"help", "[COMMAND...]", "command", 0, 2, 0, hg_help_command, "print the help of a command", NULL},
    {"completion", "bash", "bash", 1, 1, 0, hg_completion_command, "print a completion script for the shell",
     "Add to ~/.bashrc:  source <(hourglass completion bash)"},
    {"man", "", NULL, 0, 0, 0, hg_man_command, "print the manual page (roff)", "View it with:  hourglass man | man -l -"},
};

const int hg_command_count = sizeof hg_command_table / sizeof hg_command_table[0];
