"""Times kernel support vector machines beside scikit-learn's SVC on 5,000 images of 3,072 values: build/bench-svm.json.

usage: bench/svm_peer.py [ARCHIVE [COUNT]]     CIFAR-10 as JPEG images, tar.gz
"""

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time

import numpy as np
from PIL import Image
from sklearn import __version__ as sklearn_version
from sklearn.svm import SVC

import sides

ARCHIVE = sides.HERE.parent / ".." / "shared" / "data" / "cifar10" / "cifar10-jpeg.tar.gz"
THREADS = int(os.environ.get("THREADS", "2"))
TESTED = 1000
DRIVER = str(sides.BUILD / "release" / "hourglass_bench_svm")


def load(archive, count):
    """As many of every class, the classes in turn; training images, then test images."""
    images, labels, wanted = {"train": [], "test": []}, {"train": [], "test": []}, {"train": count // 10, "test": TESTED // 10}
    seen, names = {}, {}
    with tarfile.open(archive) as packed:
        for member in packed:
            part, name = member.name.split("/")[-3:-1] if member.isfile() else ("", "")
            if part not in wanted or seen.get((part, name), 0) == wanted[part]:
                continue
            seen[part, name] = seen.get((part, name), 0) + 1
            images[part].append(np.asarray(Image.open(io.BytesIO(packed.extractfile(member).read())), dtype=np.float32).ravel() / 255)
            labels[part].append(names.setdefault(name, len(names)))
    order = np.random.default_rng(1).permutation(len(images["train"]))
    features = np.concatenate([np.array(images["train"])[order], np.array(images["test"])]).astype(np.float32)
    return features, np.concatenate([np.array(labels["train"])[order], np.array(labels["test"])]).astype(np.int32)


def hourglass(kernel, features, labels, count, threads=THREADS):
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("features", "labels", "predictions", "vectors")]
        features.tofile(paths[0])
        labels.tofile(paths[1])
        shape = [count, len(features) - count, features.shape[1]]
        command = [DRIVER, kernel, threads, *shape, *paths]
        said = json.loads(subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout)
        vectors = np.fromfile(paths[3], dtype=np.float32).reshape(-1, features.shape[1])
        return {**said, "rows": {row.tobytes() for row in vectors}}, np.fromfile(paths[2], dtype=np.int32)


def sklearn(kernel, features, labels, count):
    start = time.perf_counter()
    model = SVC(kernel=kernel).fit(features[:count], labels[:count])
    fitted = time.perf_counter()
    predictions = model.predict(features[count:])
    now = time.perf_counter()
    rows = {row.tobytes() for row in model.support_vectors_.astype(np.float32)}
    return {"fit_seconds": fitted - start, "predict_seconds": now - fitted, "vectors": int(model.n_support_.sum()), "rows": rows}, predictions


def main(archive=ARCHIVE, count="5000"):
    rows = sides.Rows(sides.BUILD / "bench-svm.json", "kernel", "count", "threads", program=DRIVER)
    features, labels = load(archive, int(count))
    count = int(count)
    for kernel in ("rbf", "poly", "linear"):
        ours, our_labels = hourglass(kernel, features, labels, count)
        theirs, their_labels = sklearn(kernel, features, labels, count)
        row = {"kernel": kernel, "count": count, "threads": THREADS, "hourglass_seconds": ours["fit_seconds"],
               "sklearn_version": sklearn_version, "sklearn_seconds": round(theirs["fit_seconds"], 3), "ratio": round(theirs["fit_seconds"] / ours["fit_seconds"], 2),
               "vectors": ours["vectors"], "sklearn_vectors": theirs["vectors"],
               "same_vectors": len(ours["rows"] & theirs["rows"]),
               "equal_predictions": int((our_labels == their_labels).sum()), "predictions": len(our_labels),
               "accuracy": round(float((our_labels == labels[count:]).mean()), 4),
               "predict_ratio": round(theirs["predict_seconds"] / ours["predict_seconds"], 2)}
        rows.put(row)
        print(row, flush=True)
        alone, _ = hourglass(kernel, features, labels, count, threads=1)
        row = {"kernel": kernel, "count": count, "threads": 1, "hourglass_seconds": alone["fit_seconds"], "vectors": alone["vectors"]}
        rows.put(row)
        print(row, flush=True)


main(*sys.argv[1:])
