"""Does the data path keep up? Writes build/bench-data.json.

D's training with every image rotated, shifted and with noise, beside training without; and a tar of 60,000 JPEG images, decoded
and then read from the cache, on one and two processors, beside Pillow decoding the same bytes on one.

usage: bench/data.py [ARCHIVE]     CIFAR-10 as JPEG images, tar.gz; ../shared/data/cifar10/cifar10-jpeg.tar.gz if not named
"""

import gzip
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time

from PIL import Image

import sides
from rounds import Rounds

ARCHIVE = sides.HERE.parent / ".." / "shared" / "data" / "cifar10" / "cifar10-jpeg.tar.gz"
FEWEST, MOST = 5, 10


def one_round(side):
    rates, transfers = {}, [float(side.ask("transfer"))]
    for command in ("train", "augmented"):
        rates[command] = float(side.ask(command, 1))
        transfers.append(float(side.ask("transfer")))
    return rates, transfers


def augmented(threads):
    side = sides.hourglass("D", 256, threads, images=8192)
    rounds = Rounds(lambda: one_round(side), FEWEST, MOST)
    side.close()
    loss = statistics.median(1 - b / a for a, b in zip(rounds.values("train"), rounds.values("augmented")))
    row = {"what": "augmented training of D", "threads": threads, "plain": round(rounds.median("train"), 1),
           "augmented": round(rounds.median("augmented"), 1), "loss_percent": round(100 * loss, 1), "target_percent": 5}
    return row | rounds.described()


def decoded(tar, cores):
    with tempfile.TemporaryDirectory() as cache:
        bound = lambda: os.sched_setaffinity(0, sides.processors(cores))
        command = [str(sides.BUILD / "release" / "hourglass_bench_data"), tar]
        said = subprocess.run(command, check=True, capture_output=True, text=True, preexec_fn=bound,
                              env={**os.environ, "XDG_CACHE_HOME": cache})
    return json.loads(said.stdout)


def pillow(tar):
    with tarfile.open(tar) as archive:
        files = [archive.extractfile(member).read() for member in archive if member.isfile()]
    start = time.perf_counter()
    for file in files:
        Image.open(io.BytesIO(file)).load()
    return len(files), time.perf_counter() - start


def main(archive=ARCHIVE):
    rows = sides.Rows(sides.BUILD / "bench-data.json", "what", "threads")
    for threads in (2, 1):
        rows.put(augmented(threads))
    with tempfile.TemporaryDirectory() as folder:
        tar = os.path.join(folder, "cifar10-jpeg.tar")
        with gzip.open(archive) as packed, open(tar, "wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
        images, seconds = pillow(tar)
        rows.put({"what": "Pillow, decoding from memory", "threads": 1, "images": images, "rate": round(images / seconds)})
        for cores in (1, 2):
            said = decoded(tar, cores)
            rows.put({"what": "tar of JPEG images", "threads": cores, "images": images, "rate": round(images / said["decoded_seconds"]),
                      "seconds": said["decoded_seconds"], "cached_seconds": said["cached_seconds"]})
    print(*rows.rows, sep="\n")


main(*sys.argv[1:])
