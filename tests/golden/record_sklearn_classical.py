"""Records figures of scikit-learn.

tests/golden/classical.safetensors, which tests/test_classical.c holds: real digits (the 8 x 8 images of
sklearn.datasets.load_digits), and what logistic regression, naive Bayes and support vectors make of them.
tests/golden/garments.safetensors, which tests/test_svm.c, test_knn.c and test_features.c hold: every second pixel of images of
Fashion-MNIST (Debian package dataset-fashion-mnist), and what support vectors, neighbours, scaling and PCA make of them, and scikit-image of their
gradients.

Run with numpy, scikit-learn, scikit-image and safetensors: python3 tests/golden/record_sklearn_classical.py
"""

import gzip
import pathlib

import numpy as np
import sklearn
from safetensors.numpy import save_file
from skimage.feature import hog
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

TRAIN, TEST = 300, 200
PAIR = (3, 8)
SVMS = {
    "linear": SVC(kernel="linear", C=1),
    "poly": SVC(kernel="poly", degree=3, gamma="auto", coef0=1, C=2),
    "rbf": SVC(kernel="rbf", gamma="scale", C=1),
}


GARMENTS = pathlib.Path("/usr/share/datasets/fashion-mnist")
GARMENTS_TRAIN, GARMENTS_TEST, COMPONENTS = 1000, 400, 12


def save(name, figures):
    figures = {name: np.ascontiguousarray(value) for name, value in figures.items()}
    path = pathlib.Path(__file__).parent / f"{name}.safetensors"
    save_file(figures, path, {"recorded_with": f"scikit-learn {sklearn.__version__}"})


def objectives(svm, features):
    """The dual objective of each pair of classes: beta K beta / 2 - sum |beta|."""
    start = np.concatenate([[0], np.cumsum(svm.n_support_)])
    vectors = features[svm.support_]
    kernel = {
        "linear": lambda a, b: a @ b.T,
        "poly": lambda a, b: (svm._gamma * a @ b.T + svm.coef0) ** svm.degree,
        "rbf": lambda a, b: np.exp(-svm._gamma * ((a[:, None] - b[None]) ** 2).sum(2)),
    }[svm.kernel]
    found = []
    for a in range(10):
        for b in range(a + 1, 10):
            of_a, of_b = np.arange(start[a], start[a + 1]), np.arange(start[b], start[b + 1])
            beta = np.concatenate([svm.dual_coef_[b - 1, of_a], svm.dual_coef_[a, of_b]])
            chosen = vectors[np.concatenate([of_a, of_b])]
            found.append(beta @ kernel(chosen, chosen) @ beta / 2 - np.abs(beta).sum())
    return np.array(found)


def garments():
    pixels = np.frombuffer(gzip.open(GARMENTS / "train-images-idx3-ubyte.gz").read(), np.uint8, offset=16)
    pixels = pixels.reshape(-1, 28, 28)[: GARMENTS_TRAIN + GARMENTS_TEST, ::2, ::2].reshape(-1, 196)
    labels = np.frombuffer(gzip.open(GARMENTS / "train-labels-idx1-ubyte.gz").read(), np.uint8, offset=8)
    labels = labels[: len(pixels)].astype(np.int32)
    features = (pixels.astype(np.float32) / np.float32(255)).astype(np.float64)
    train_x, test_x = features[:GARMENTS_TRAIN], features[GARMENTS_TRAIN:]
    train_y = labels[:GARMENTS_TRAIN]
    figures = {
        "train.pixels": pixels[:GARMENTS_TRAIN],
        "train.labels": train_y,
        "test.pixels": pixels[GARMENTS_TRAIN:],
        "test.labels": labels[GARMENTS_TRAIN:],
    }
    for name, svm in SVMS.items():
        svm.fit(train_x, train_y)
        figures[f"svm_{name}.support"] = svm.support_.astype(np.int32)
        figures[f"svm_{name}.objectives"] = objectives(svm, train_x)
        figures[f"svm_{name}.decisions"] = svm.decision_function(test_x)
        one_hot = np.eye(10)[labels[GARMENTS_TRAIN:]]
        areas = [score(one_hot, svm.decision_function(test_x), average=average)
                 for score in (average_precision_score, roc_auc_score) for average in ("macro", "micro")]
        figures[f"svm_{name}.areas"] = np.array(areas)
        figures[f"svm_{name}.predictions"] = svm.predict(test_x).astype(np.int32)
    for weights in "uniform", "distance":
        knn = KNeighborsClassifier(n_neighbors=5, weights=weights, algorithm="brute").fit(train_x, train_y)
        figures[f"knn_{weights}.probabilities"] = knn.predict_proba(test_x)
        figures[f"knn_{weights}.predictions"] = knn.predict(test_x).astype(np.int32)
    scaler = StandardScaler().fit(train_x)
    figures |= {"scale.mean": scaler.mean_, "scale.scale": scaler.scale_}
    pca = PCA(n_components=COMPONENTS, svd_solver="full").fit(train_x)
    figures |= {"pca.components": pca.components_, "pca.variance": pca.explained_variance_, "pca.test": pca.transform(test_x)}
    images = features.reshape(-1, 14, 14)[:3]
    described = [hog(image, 9, (4, 4), (2, 2), block_norm="L2-Hys") for image in images]
    rows = features[:3, :192].reshape(3, 8, 8, 3)
    coloured = [hog(image, 6, (2, 2), (1, 1), block_norm="L2-Hys", channel_axis=-1) for image in rows]
    figures |= {"hog.grey": np.array(described), "hog.coloured": np.array(coloured)}
    return figures


def digits():
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

    return figures


if __name__ == "__main__":
    save("classical", digits())
    save("garments", garments())
