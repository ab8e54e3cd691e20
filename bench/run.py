"""Times the seven networks beside PyTorch and writes build/bench.json, one object a line: see bench/run.sh.

Both sides run on the same processors, as many as threads, and take turns: a stretch of one, a stretch of the other, five
times. What is written are the medians. The peer runs in its fastest setting, found by a short trial of each; its rate as
installed stands beside it.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
CASES = [("A", 64), ("B", 100), ("C", 128), ("C", 2048), ("D", 256), ("E", 100), ("F", 64), ("F", 256), ("G", 100)]
AS_INSTALLED = "as installed"


class Side:
    """A process that answers commands; None for one that cannot do what it is asked."""

    def __init__(self, command, threads):
        processors = sorted(os.sched_getaffinity(0))[:threads]
        bind = lambda: os.sched_setaffinity(0, processors)
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=bind)

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.process.args} gave no answer to {words}")
        return answer.strip()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measure(case, mode, threads, ours, peer, options):
    name, batch = case
    row = {"id": name, "mode": mode, "batch": batch, "threads": threads}
    parameters, forward, training = map(int, ours.ask("info").split())
    peak = float(ours.ask("peak", 0.3))
    best = None
    if peer is not None:
        trials = {variant: float(peer.ask(mode, options.trial, variant)) for variant in peer.ask("variants").split(";")}
        best = max(trials, key=trials.get)
    rates, peer_rates, installed_rates, transfers = [], [], [], [float(ours.ask("transfer"))]
    for _ in range(options.stretches):
        rates.append(float(ours.ask(mode, options.seconds)))
        if peer is not None:
            peer_rates.append(float(peer.ask(mode, options.seconds, best)))
            installed_rates.append(float(peer.ask(mode, options.seconds, AS_INSTALLED)))
        transfers.append(float(ours.ask("transfer")))
    peak = max(peak, float(ours.ask("peak", 0.3)))
    rate = statistics.median(rates)
    flops = 2 * rate * (training if mode == "train" else forward)
    row["hourglass"] = round(rate, 1)
    if peer is not None:
        peer_rate, installed = statistics.median(peer_rates), statistics.median(installed_rates)
        row |= {"peer": f"{peer.ask('version')}, {best}", "peer_rate": round(peer_rate, 1), "ratio": round(rate / peer_rate, 2)}
        row |= {"peer_as_installed_rate": round(installed, 1), "ratio_as_installed": round(rate / installed, 2)}
        row["peer_memory_bytes"] = int(peer.ask("memory"))
    row |= {"gflops": round(flops / 1e9, 1), "peak_gflops": round(peak / 1e9, 1), "percent_of_peak": round(100 * flops / peak, 1)}
    row |= {"parameters": parameters, "memory_bytes": int(ours.ask("memory")), "transfer_ns": statistics.median(transfers)}
    return row


def print_row(row):
    peer = f"{row['peer_rate']:>9.0f} {row['ratio']:>6.2f} {row['ratio_as_installed']:>9.2f}" if "ratio" in row else " " * 26
    print(f"{row['id']}  {row['mode']:<5} {row['batch']:>5} {row['threads']:>7} {row['hourglass']:>10.0f} {peer} {row['gflops']:>7.1f} "
          f"{row['percent_of_peak']:>5.1f} %  {row.get('peer', '')}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the built hourglass_bench")
    parser.add_argument("output", help="file of JSON lines to write")
    parser.add_argument("--quick", action="store_true", help="short stretches, no compiled peer")
    parser.add_argument("--no-peer", action="store_true", help="hourglass alone")
    parser.add_argument("--only", default="ABCDEFG", help="letters of the networks")
    options = parser.parse_args()
    options.seconds, options.trial, options.stretches = (0.2, 0.1, 3) if options.quick else (1.0, 0.3, 5)
    available = len(os.sched_getaffinity(0))
    partial = pathlib.Path(options.output + ".part")
    print("id mode  batch threads  hourglass   PyTorch  ratio  installed  GFLOP/s    peak  the peer's setting")
    with partial.open("w") as out:
        for case in CASES:
            if case[0] not in options.only:
                continue
            for threads in [count for count in (1, 2) if count <= available]:
                common = [case[0], str(case[1]), str(threads)]
                ours = Side([options.program, *common], threads)
                command = [sys.executable, str(HERE / "peer_torch.py"), *common, *([] if options.quick else ["--compile"])]
                peer = None if options.no_peer else Side(command, threads)
                for mode in ("train", "infer"):
                    row = measure(case, mode, threads, ours, peer, options)
                    out.write(json.dumps(row) + "\n")
                    out.flush()
                    print_row(row)
                ours.close()
                if peer is not None:
                    peer.close()
    partial.rename(options.output)
    print(f"written: {options.output}")


if __name__ == "__main__":
    main()
