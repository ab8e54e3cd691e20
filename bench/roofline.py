"""Where the time of each network goes, step by step: writes build/bench-profile.json from hourglass_bench's own tables."""

import sys

import sides

CASES = [("A", 64), ("B", 100), ("C", 128), ("D", 256), ("E", 100), ("F", 256), ("G", 100)]
COLUMNS = ["step", "us", "share", "gflops", "percent_of_peak", "percent_done", "least_mb", "gb_per_second", "percent_of_memory"]


def cells(line):
    words = [word.strip() for word in line.strip("|").split("|")]
    return [words[0], *(float(word) if word else None for word in words[1:])]


def table(side, seconds, mode):
    read = lambda: side.process.stdout.readline().strip()
    title, _ = side.ask("profile", seconds, mode), read()
    lines = list(iter(read, ""))
    return title, [dict(zip(COLUMNS, cells(line))) for line in lines[2:]]


def main(seconds="2"):
    rows = sides.Rows(sides.BUILD / "bench-profile.json", "id", "mode", "threads")
    for name, batch in CASES:
        for mode in ("train", "infer"):
            side = sides.hourglass(name, batch, 1)
            title, steps = table(side, seconds, mode)
            rows.put({"id": name, "mode": mode, "batch": batch, "threads": 1, "title": title, "steps": steps})
            print(name, mode, title, steps[-1], flush=True)
            side.close()


main(*sys.argv[1:])
