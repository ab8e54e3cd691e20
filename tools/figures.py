"""Figures of a report.json (means over seeds, intervals, tables) and of the timings, for the scripts of this folder."""

import json
import math
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIMINGS = ROOT / "results" / "bench.jsonl"
# Student's t at 97.5 %, by degrees of freedom.
T_975 = [None, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262]


def lower_is_better(metric):
    return metric.removesuffix("_tta").endswith(("loss", "mse"))


def is_at_most_one(metric):
    return metric.removesuffix("_tta").endswith(("accuracy", "f1", "ssim"))


def measure(runs, metric):
    """Values of a figure by run, finished ones only: `test.accuracy`, `codes.separation`, `first_epoch.loss`, `run.seconds`."""
    part, _, name = metric.partition(".")

    def figures(run):
        if part == "first_epoch":
            return (run.get("history") or [{}])[0]
        return run if part == "run" else run.get(part) or {}

    values = [figures(run).get(name) for run in runs if run["status"] == "done"]
    return [value for value in values if value is not None]


def interval(values, metric, images, deviations=()):
    """Mean, low and high, within what the figure can be; none below 0 is shown. Of one seed, or of seeds that change nothing, it is
    that of the choice of images: of an accuracy Wilson's; of a mean over them its standard deviation, of which `deviations` holds
    some run's, tells it."""
    mean, z = sum(values) / len(values), 1.959964

    def around(half):
        return mean, max(mean - half, 0), min(mean + half, 1 if is_at_most_one(metric) else math.inf)

    if 1 < len(values) <= len(T_975) and len(set(values)) > 1:
        return around(T_975[len(values) - 1] * math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1) / len(values)))
    if images and deviations:
        student = z + (z**3 + z) / (4 * (images - 1))  # of many degrees of freedom: Abramowitz and Stegun 26.7.5
        return around(student * deviations[-1] / math.sqrt(images))
    if metric not in ("test.accuracy", "test.accuracy_tta") or not images:
        return mean, None, None
    centre = (mean + z * z / (2 * images)) / (1 + z * z / images)
    half = z / (1 + z * z / images) * math.sqrt(mean * (1 - mean) / images + z * z / (4 * images * images))
    return mean, centre - half, centre + half


def number(value, metric):
    if value is None:
        return ""
    return f"{value:.4f}" if is_at_most_one(metric) else f"{value:.4g}"


def table(rows):
    return "\n".join("| " + " | ".join(row) + " |" for row in [rows[0], ["---"] * len(rows[0])] + rows[1:])


def timings():
    """Rows of results/bench.jsonl, which tools/performance collects."""
    return [json.loads(line) for line in TIMINGS.read_text().splitlines()] if TIMINGS.exists() else []


def models(report):
    grouped = {}
    for run in report["runs"]:
        grouped.setdefault(run["name"], []).append(run)
    return grouped


def seeds_wanted(report, runs):
    """How many seeds the study file asks of a model; a method that draws no numbers is fitted once."""
    path = ROOT / "studies" / f"{report['study']}.yaml"
    seeds = re.search(r"^seeds: \[(.*)\]", path.read_text(), re.MULTILINE) if path.exists() else None
    trained = seeds is not None and runs[0].get("kind") == "network"
    return max(len(runs), len(seeds.group(1).split(",")) if trained else 1)


def seeds_done(report, runs, done):
    wanted = seeds_wanted(report, runs)
    return str(done) if done == wanted else f"{done} of {wanted}"


def test_images(report, runs):
    return next((data["test"] for data in report.get("data", []) if data["name"] == runs[0]["data"]), None)
