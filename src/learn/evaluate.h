/* Mean losses and accuracy over a data set, for validation and for hg_evaluate. */
#ifndef HG_LEARN_EVALUATE_H
#define HG_LEARN_EVALUATE_H

#include "net/network.h"

/* HG_USAGE where the network cannot take this data set, with both shapes or both numbers of classes; `what` names the data set.
 */
hg_code hg_check_data_fits(const hg_network *network, const hg_dataset *dataset, const char *what, hg_error *error);

/* Runs a prepared network over all batches of epoch 0. Allocates nothing. */
void hg_score_batches(hg_network *network, const hg_dataset *dataset, hg_batches *batches, hg_scores *scores);

#endif
