"""How cost grows with batch, width, depth, data and threads: writes build/bench-scale.json.

usage: bench/scale.py [SECONDS]     of a stretch; 1

The cases of a series take turns, stretches of a second; medians are written. A quota of one processor is that of a control group
where this process may make one; else those rows are left out.
"""

import contextlib
import pathlib
import sys

import sides
from rounds import Rounds

FEWEST, MOST = 5, 7
NETWORKS = [("A", 64), ("B", 100), ("C", 128), ("C", 2048), ("D", 256), ("E", 100), ("F", 64), ("F", 256), ("G", 100)]
TWO = {"threads": 2, "processors": 2}
PLACES = {
    "1 thread": {"threads": 1, "processors": 1},
    "2 threads": TWO,
    "8 threads on 2 processors": {"threads": 8, "processors": 2},
    "2 threads on 1 processor": {"threads": 2, "processors": 1},
    "2 threads, quota of 1 processor": {"threads": 2, "processors": 2, "quota": 1},
}
QUOTAS = [  # where a group is made, its file, its words: control groups of version 1, of version 2
    ("/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", "100000"),
    ("/sys/fs/cgroup", "cpu.max", "100000 100000"),
]


def make_group():
    """The folder of a control group that may use one processor's time; None where none can be made."""
    for parent, file, words in QUOTAS:
        group = pathlib.Path(parent) / "hourglass-bench"
        with contextlib.suppress(OSError):
            group.mkdir(exist_ok=True)
            if (group / file).exists() and (group / "cgroup.procs").exists():  # else it is a folder like any other
                (group / file).write_text(words)
                return group
        with contextlib.suppress(OSError):
            group.rmdir()
    return None


@contextlib.contextmanager
def quota_of_one():
    group = make_group()
    try:
        yield group
    finally:
        if group:
            group.rmdir()


def case(name, batch, images, label="2 threads", mode="train"):
    return {"label": label, "id": name, "mode": mode, "batch": batch, "images": images, **PLACES[label]}


def series():
    threads = ("2 threads", "1 thread")
    yield "batch", [case("D", batch, 2048, label) for batch in (1, 4, 16, 64, 256, 1024) for label in threads]
    yield "width", [case(f"Dw{width}", 256, 2048) for width in (25, 50, 100, 200, 400)]
    yield "depth", [case(f"Dd{depth}", 256, 2048) for depth in (1, 2, 4, 8)]
    yield "data", [case("D", 256, images) for images in (512, 4096, 15000, 60000)]
    for name, batch in NETWORKS:
        for mode in ("train", "infer"):
            yield "threads", [case(name, batch, 8 * batch, label, mode) for label in threads]
        yield "crowds", [case(name, batch, 8 * batch, label) for label in PLACES]


def one_round(cases, open_, seconds):
    """A stretch of each; between them the transfer, asked of one that has two processors."""
    far = next(side for place, side in zip(cases, open_) if place["threads"] == 2 and place["processors"] == 2)
    transfers, rates = [float(far.ask("transfer"))], {}
    for at, (place, side) in enumerate(zip(cases, open_)):
        rates[at] = float(side.ask(place["mode"], seconds))
        transfers.append(float(far.ask("transfer")))
    return rates, transfers


def row_of(place, side, rate, each):
    """`each` is the peak of a processor."""
    parameters, forward, training, _, _ = map(int, side.ask("info").split())
    work, peak = training if place["mode"] == "train" else forward, each * place.get("quota", place["processors"])
    row = {**place, "rate": round(rate, 1), "us_per_image": round(1e6 / rate, 2), "parameters": parameters, "multiply_adds": work}
    return row | {"gflops": round(2 * rate * work / 1e9, 1), "percent_of_peak": round(200 * rate * work / peak, 1)}


def measured(cases, group, seconds):
    open_ = [sides.hourglass(c["id"], c["batch"], c["threads"], images=c["images"], cores=c["processors"],
                             group=group if "quota" in c else None) for c in cases]
    try:
        rounds = Rounds(lambda: one_round(cases, open_, seconds), FEWEST, MOST)
        # Of a processor, by each thread's own time; the greatest, since two processors that share a core for a while have half.
        each = max(float(side.ask("peak", 0.2)) / place["threads"] for place, side in zip(cases, open_))
        return [row_of(place, side, rounds.median(at), each) | rounds.described() for at, (place, side) in enumerate(zip(cases, open_))]
    finally:
        for side in open_:
            side.close()


def main(seconds="1"):
    rows = sides.Rows(sides.BUILD / "bench-scale.json", "series", "label", "id", "mode", "batch", "images")
    with quota_of_one() as group:
        for name, cases in series():
            cases = [place for place in cases if group or "quota" not in place]
            for row in measured(cases, group, float(seconds)):
                rows.put({"series": name, **row})
                print(name, row, flush=True)


main(*sys.argv[1:])
