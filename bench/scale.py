"""How the cost of training grows with batch, width, depth, data and threads: writes build/bench-scale.json.

A quota of one core is stood in for by binding to one processor, where the control group is not ours to write.
"""

import statistics
import sys

import sides

TURNS = 3
SERIES = [
    ("batch", [("D", batch, 2048) for batch in (1, 4, 16, 64, 256, 1024)]),
    ("width", [(f"Dw{width}", 256, 2048) for width in (25, 50, 100, 200, 400)]),
    ("depth", [(f"Dd{depth}", 256, 2048) for depth in (1, 2, 4, 8)]),
    ("data", [("D", 256, images) for images in (512, 4096, 15000, 60000)]),
]
THREADS = [("1 thread", 1, 1), ("2 threads", 2, 2), ("8 threads on 2 processors", 8, 2), ("2 threads on 1 processor", 2, 1)]


def cost(name, batch, images, seconds, threads=2, cores=None):
    side = sides.hourglass(name, batch, threads, images=images, cores=cores)
    parameters, _, training, _, _ = map(int, side.ask("info").split())
    peak = float(side.ask("peak", 0.2)) * (cores or threads) / threads  # it is asked of each thread's own time
    rate = statistics.median(float(side.ask("train", seconds)) for _ in range(TURNS))
    side.close()
    row = {"id": name, "batch": batch, "images": images, "threads": threads, "processors": cores or threads, "rate": round(rate, 1)}
    row |= {"us_per_image": round(1e6 / rate, 2), "parameters": parameters, "multiply_adds": training}
    return row | {"gflops": round(2 * rate * training / 1e9, 1), "percent_of_peak": round(200 * rate * training / peak, 1)}


def main(seconds="0.5"):
    rows = sides.Rows(sides.BUILD / "bench-scale.json", "series", "label", "id", "batch", "images")
    jobs = [(series, "", case, {}) for series, cases in SERIES for case in cases]
    for name, batch in (("A", 64), ("B", 100), ("C", 128), ("D", 256), ("E", 100), ("F", 256), ("G", 100)):
        jobs += [("threads", label, (name, batch, 8 * batch), {"threads": n, "cores": cores}) for label, n, cores in THREADS]
    for series, label, case, placed in jobs:
        row = {"series": series, "label": label, **cost(*case, float(seconds), **placed), "build": sides.build()}
        rows.put(row)
        print(row, flush=True)


main(*sys.argv[1:])
