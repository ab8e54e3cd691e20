"""Records what scikit-learn says of one run's predictions, for tests/test_scikit_learn.c: predictions.safetensors, every
twentieth of the 10,000 test images of Fashion-MNIST as a small network saw them, and report.json, the figures.

The predictions are those of this study:

    study: fixture
    data: {garments: {source: fashion-mnist, validation: 300, limit: 3000}}
    models:
      cnn:
        encoder: [{conv2d: {filters: 8, kernel_size: 3, activation: relu}}, {max_pool2d: 3}]
        classifier: [flatten, {dense: {units: 32, activation: relu}}, {dense: 10}]
        loss: {classification: cross_entropy}
        train: {epochs: 2, batch_size: 32}

Run with numpy, safetensors and scikit-learn: python3 tests/golden/record_report.py tests/golden [RUN/predictions.safetensors].
Without a run's file the figures are made again from the predictions that are there.
"""

import json
import pathlib
import sys

import numpy as np
import sklearn
from safetensors.numpy import load_file, save_file
from sklearn import metrics

STEP = 20
NAMES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


def figures(shares, labels):
    predicted = shares.argmax(axis=1)
    classes = range(len(NAMES))
    one_hot = np.eye(len(NAMES))[labels]
    precision, recall, f1, support = metrics.precision_recall_fscore_support(labels, predicted, zero_division=0)
    report = {"scikit-learn": sklearn.__version__,
              "text": metrics.classification_report(labels, predicted, digits=4, target_names=NAMES, zero_division=0),
              "precision": list(precision), "recall": list(recall), "f1": list(f1), "support": [int(n) for n in support],
              "confusion": metrics.confusion_matrix(labels, predicted).tolist(),
              "accuracy": metrics.accuracy_score(labels, predicted),
              "log_loss": metrics.log_loss(labels, shares),
              "brier": sum(metrics.brier_score_loss(one_hot[:, k], shares[:, k]) for k in classes),
              "average_precision": list(metrics.average_precision_score(one_hot, shares, average=None)),
              "roc_auc": list(metrics.roc_auc_score(one_hot, shares, average=None))}
    for average in ("macro", "weighted"):
        scores = metrics.precision_recall_fscore_support(labels, predicted, average=average, zero_division=0)
        report |= {f"{average}_{name}": value for name, value in zip(("precision", "recall", "f1"), scores)}
    for average in ("macro", "micro"):
        report[f"average_precision_{average}"] = metrics.average_precision_score(one_hot, shares, average=average)
        report[f"roc_auc_{average}"] = metrics.roc_auc_score(one_hot, shares, average=average)
    return report


def main(folder, run=None):
    path = pathlib.Path(folder) / "predictions.safetensors"
    if run is not None:
        whole = load_file(run)
        save_file({"probabilities": np.ascontiguousarray(whole["probabilities"][::STEP]),
                   "labels": np.ascontiguousarray(whole["labels"][::STEP])}, path)
    kept = load_file(path)
    report = figures(kept["probabilities"].astype(np.float64), kept["labels"])
    (path.parent / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    print(report["text"])


main(*sys.argv[1:])
