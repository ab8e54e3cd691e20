"""Times t-SNE beside scikit-learn, openTSNE and Rtsne on the same points, from the same start, one after the other: each peer once,
hourglass before, between and after them, of whose runs the median counts, and at last on one thread.

usage: bench/tsne_peer.py [COUNT [PEER ...]]     10000 points; peers: sklearn, opentsne, rtsne; all if none is named
Points are the first COUNT codes of 32 numbers of a fixed mixture, or of the raw float file named by POINTS (COUNT, 32).
Writes build/bench-tsne.json. Every map, ours and theirs, is measured by one program with the same P and all pairs, not by what
each says of itself.
"""

import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

import sides

WIDTH, PERPLEXITY, THREADS = 32, 30, int(os.environ.get("THREADS", "2"))


def load(count):
    path = os.environ.get("POINTS")
    if path:
        return np.fromfile(path, dtype=np.float32, count=count * WIDTH).reshape(count, WIDTH)
    random = np.random.default_rng(1)
    centres = random.normal(scale=3, size=(40, WIDTH))
    return (centres[random.integers(0, 40, count)] + random.normal(size=(count, WIDTH))).astype(np.float32)


def principal(points):
    centred = points - points.mean(0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:2]
    start = centred @ axes.T
    return np.ascontiguousarray(start / start[:, 0].std() * 1e-4, dtype=np.float32)


def joint(points):
    from sklearn.manifold._t_sne import _joint_probabilities_nn
    from sklearn.neighbors import NearestNeighbors

    near = NearestNeighbors(n_neighbors=3 * PERPLEXITY + 1, algorithm="brute", n_jobs=THREADS).fit(points)
    graph = near.kneighbors_graph(mode="distance")
    graph.data **= 2
    return _joint_probabilities_nn(graph, PERPLEXITY, 0).tocoo()


def divergence(p, embedding):
    y = embedding.astype(np.float64)
    z = 0.0
    for first in range(0, len(y), 1000):
        part = y[first : first + 1000]
        d = (part**2).sum(1)[:, None] + (y**2).sum(1)[None] - 2 * part @ y.T
        z += (1 / (1 + np.maximum(d, 0))).sum()
    z -= len(y)
    value = p.data.astype(np.float64)
    distance = ((y[p.row] - y[p.col]) ** 2).sum(1)
    keep = value > 0
    return float((value[keep] * (np.log(value[keep]) + np.log1p(distance[keep]))).sum() + np.log(z))


def hourglass(driver, points, start, threads=THREADS):
    with tempfile.TemporaryDirectory() as folder:
        names = [os.path.join(folder, n) for n in ("points", "start", "map")]
        points.tofile(names[0])
        start.tofile(names[1])
        command = [driver, names[0], str(len(points)), str(WIDTH), names[1], names[2], str(threads)]
        said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        return said["seconds"], np.fromfile(names[2], dtype=np.float32).reshape(-1, 2), said


def sklearn(points, start):
    from sklearn.manifold import TSNE

    begun = time.perf_counter()
    embedding = TSNE(perplexity=PERPLEXITY, init=start.copy(), n_jobs=THREADS).fit_transform(points)
    return time.perf_counter() - begun, embedding, {}


def opentsne(points, start):
    from openTSNE import TSNE

    begun = time.perf_counter()
    embedding = TSNE(perplexity=PERPLEXITY, initialization=start.astype(np.float64), n_jobs=THREADS).fit(points)
    return time.perf_counter() - begun, np.asarray(embedding), {}


RTSNE = """
words <- commandArgs(TRUE); count <- as.integer(words[3]); threads <- as.integer(words[4]); perplexity <- as.numeric(words[5])
read <- function(path, width) matrix(readBin(path, "numeric", count * width, size = 4), count, width, byrow = TRUE)
points <- read(words[1], 32); start <- read(words[2], 2)
begun <- proc.time()[["elapsed"]]
made <- Rtsne::Rtsne(points, pca = FALSE, perplexity = perplexity, Y_init = start, num_threads = threads, check_duplicates = FALSE,
                     stop_lying_iter = 250L, mom_switch_iter = 250L)
cat(proc.time()[["elapsed"]] - begun)
writeBin(as.vector(t(made$Y)), words[6], size = 4)
"""


def rtsne(points, start):
    with tempfile.TemporaryDirectory() as folder:
        names = [os.path.join(folder, n) for n in ("points", "start", "map")]
        points.tofile(names[0])
        start.tofile(names[1])
        command = ["Rscript", "-e", RTSNE, *names[:2], str(len(points)), str(THREADS), str(PERPLEXITY), names[2]]
        seconds = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        return seconds, np.fromfile(names[2], dtype=np.float32).reshape(-1, 2), {}


def version(name):
    if name == "rtsne":
        return subprocess.run(["Rscript", "-e", 'cat(as.character(packageVersion("Rtsne")))'], capture_output=True, text=True).stdout
    return importlib.metadata.version({"sklearn": "scikit-learn", "opentsne": "openTSNE"}[name]) if name != "hourglass" else ""


def main(count="10000", *peers):
    driver = str(sides.BUILD / "release" / "hourglass_bench_tsne")
    rows = sides.Rows(sides.BUILD / "bench-tsne.json", "name", "count", "threads", program=driver)
    points = load(int(count))
    start, p = principal(points), joint(points)
    tools = {"sklearn": sklearn, "opentsne": opentsne, "rtsne": rtsne}
    runs = [("hourglass", lambda a, b: hourglass(driver, a, b))]
    for peer in peers or tools:
        runs += [(peer, tools[peer]), ("hourglass", runs[0][1])]
    took = {}
    runs = [(name, THREADS, run) for name, run in runs] + [("hourglass", 1, lambda a, b: hourglass(driver, a, b, threads=1))]
    for name, threads, run in runs:
        seconds, embedding, said = run(points, start)
        took.setdefault((name, threads), []).append(seconds)
        result = {"name": name, "version": version(name), "count": len(points), "threads": threads}
        result |= {"seconds": round(statistics.median(took[name, threads]), 2), "runs": len(took[name, threads])}
        result["kl_divergence"] = round(divergence(p, embedding), 5)
        result |= {name: value for name, value in said.items() if name == "trustworthiness"}
        rows.put(result)
        print(result, flush=True)


main(*sys.argv[1:])
