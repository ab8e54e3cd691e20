"""What every peer of bench/run.py answers, a line for a line:

version                    of the peer
variants MODE              settings to choose from, between semicolons
parameters VARIANT         how many are trained
train SECONDS VARIANT      images a second: forward, loss, backward, Adam; batches lie in memory, ready; 0: the setting fails here
infer SECONDS VARIANT      images a second: forward
latency COUNT VARIANT      of COUNT forward passes: median and 99th percentile in microseconds
memory                     peak resident memory of this process in bytes

A variant is an object with step(mode), which returns how many images it did, and parameters().
"""

import resource
import statistics
import sys
import time

WARM_STEPS, WARM_SECONDS = 3, 0.3  # no more steps than that, nor a further one after that time


def rate(model, mode, seconds):
    """0 where a setting fails: PyTorch 2.15 cannot train F compiled, its gradient of replicated padding comes in another layout."""
    try:
        return stretch(model, mode, seconds)
    except Exception as error:
        print(mode, type(error).__name__, error, file=sys.stderr)
        return "0"


def stretch(model, mode, seconds):
    start = time.perf_counter()
    for _ in range(WARM_STEPS):
        if time.perf_counter() - start < WARM_SECONDS:
            model.step(mode)
    images, start = 0, time.perf_counter()
    while (now := time.perf_counter() - start) < seconds:
        images += model.step(mode)
    return f"{images / now:.1f}"


def latency(model, count):
    for _ in range(20):
        model.step("infer")
    took = []
    for _ in range(count):
        start = time.perf_counter()
        model.step("infer")
        took.append(1e6 * (time.perf_counter() - start))
    return f"{statistics.median(took):.1f} {sorted(took)[count * 99 // 100]:.1f}"


def answer(command, words, version, variants, model):
    if command == "version":
        return version
    if command == "variants":
        return ";".join(variants(words))
    if command == "memory":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if command == "parameters":
        return model(words).parameters()
    amount, variant = words.split(" ", 1)
    if command == "latency":
        return latency(model(variant), int(amount))
    return rate(model(variant), command, float(amount))


def serve(version, variants, make):
    """variants(mode) names settings, make(name) builds one; each is kept once made."""
    made = {}

    def model(variant):
        if variant not in made:
            made[variant] = make(variant)
        return made[variant]

    for line in sys.stdin:
        command, _, words = line.strip().partition(" ")
        print(answer(command, words, version, variants, model), flush=True)
