"""What the processors and their memory can do, which percents of peak and of memory are of: writes build/bench-power.json.

Peak is that of independent fused multiply-adds in registers, by each thread's own time on its processor; reading is of memory that
each thread has a part of; a cache line's way is half a round trip. Each is asked several times: least, median and greatest.
"""

import statistics

import sides

TURNS = 9
ASKED = [
    ("fused multiply-adds, GFLOP/s", "peak", "", 1e9),
    ("read from memory, 512 MiB, GB/s", "read", 512, 1e9),
    ("read from the last-level cache, 8 MiB, GB/s", "read", 8, 1e9),
    ("read from the second-level caches, 1 MiB, GB/s", "read", 1, 1e9),
    ("a cache line from one to the other, ns", "transfer", "", 1),
]


def main():
    rows = sides.Rows(sides.BUILD / "bench-power.json", "what", "threads")
    for threads in (1, 2):
        side = sides.hourglass("A", 64, threads)
        found = {words[0]: [] for words in ASKED if threads > 1 or words[1] != "transfer"}
        for _ in range(TURNS):
            for what, command, mebibytes, unit in ASKED:
                if what in found:
                    found[what].append(float(side.ask(command, 0.2, mebibytes)) / unit)
        for what, values in found.items():
            row = {"what": what, "threads": threads, "least": min(values), "median": statistics.median(values), "greatest": max(values)}
            rows.put({name: float(f"{value:.3g}") if isinstance(value, float) else value for name, value in row.items()})
        side.close()
    print(*rows.rows, sep="\n")


main()
