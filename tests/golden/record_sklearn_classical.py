"""Records tests/golden/classical.safetensors, figures of scikit-learn that tests/test_classical.c holds: real digits (the 8 x 8
images of sklearn.datasets.load_digits), and what logistic regression, naive Bayes and support vectors make of them.

Run with numpy, scikit-learn and safetensors: python3 tests/golden/record_sklearn_classical.py
"""

import pathlib

import numpy as np
import sklearn
from safetensors.numpy import save_file
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC

TRAIN, TEST = 300, 200
PAIR = (3, 8)
SVMS = {
    "linear": SVC(kernel="linear", C=1),
    "poly": SVC(kernel="poly", degree=3, gamma="auto", coef0=1, C=2),
    "rbf": SVC(kernel="rbf", gamma="scale", C=1),
}


def main():
    digits = load_digits()
    features, labels = (digits.data / 16).astype(np.float32), digits.target.astype(np.int32)
    train_x, train_y = features[:TRAIN].astype(np.float64), labels[:TRAIN]
    test_x = features[TRAIN : TRAIN + TEST].astype(np.float64)
    figures = {
        "train.features": features[:TRAIN],
        "train.labels": train_y,
        "test.features": features[TRAIN : TRAIN + TEST],
        "test.labels": labels[TRAIN : TRAIN + TEST],
    }

    logistic = LogisticRegression(C=1, tol=1e-10, max_iter=100000).fit(train_x, train_y)
    figures |= {"logistic.coef": logistic.coef_, "logistic.intercept": logistic.intercept_}
    figures |= {"logistic.probabilities": logistic.predict_proba(test_x)}

    chosen = np.isin(train_y, PAIR)
    two = LogisticRegression(C=0.5, tol=1e-10, max_iter=100000).fit(train_x[chosen], train_y[chosen])
    figures |= {"pair.coef": two.coef_, "pair.intercept": two.intercept_, "pair.probabilities": two.predict_proba(test_x)}

    rest = OneVsRestClassifier(LogisticRegression(solver="liblinear", C=1, tol=1e-8)).fit(train_x, train_y)
    figures |= {"liblinear.coef": np.concatenate([one.coef_ for one in rest.estimators_])}
    figures |= {"liblinear.probabilities": rest.predict_proba(test_x)}

    bayes = GaussianNB(var_smoothing=1e-3).fit(train_x, train_y)
    figures |= {"bayes.theta": bayes.theta_, "bayes.var": bayes.var_, "bayes.probabilities": bayes.predict_proba(test_x)}

    for name, svm in SVMS.items():
        svm.fit(train_x, train_y)
        figures[f"svm_{name}.predictions"] = svm.predict(test_x).astype(np.int32)
        figures[f"svm_{name}.support"] = svm.n_support_.astype(np.int32)

    path = pathlib.Path(__file__).parent / "classical.safetensors"
    figures = {name: np.ascontiguousarray(value) for name, value in figures.items()}
    save_file(figures, path, {"recorded_with": f"scikit-learn {sklearn.__version__}"})


if __name__ == "__main__":
    main()
