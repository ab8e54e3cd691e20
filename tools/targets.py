"""What the engine set out to reach, beside what results/bench.jsonl says: the table of targets of docs/performance.md."""

import json

from figures import ROOT

RATIOS = {  # to PyTorch's best setting
    ("train", 2): dict(A=2, G=2, B=1.6, C=1.6, D=1.5, E=1.5, F=1.5),
    ("train", 1): dict(A=1.3, C=1.3, F=1.3, G=1.7, B=1.15, D=1.15, E=1.15),
    ("infer", 2): dict(A=1.5, C=1.5, E=1.5, F=1.5, G=1.5, B=1.3, D=1.3),
}
PERCENT_OF_PEAK = dict(A=70, B=70, C=70, D=70, E=70, F=70, G=65)
SCALING = dict(A=1, B=1, C=1.8, D=1.8, E=1.8, F=1.8, G=1.8)
CROWDED = dict.fromkeys("ABCDEFG", 0.8)  # "must not collapse"
MODES = {"train": "training", "infer": "inference"}


def of(rows, name):
    return [row for row in rows if row["table"] == name]


def label(row, rows):
    """A network, with its batch where there are two of it."""
    batches = {other["batch"] for other in rows if other["id"] == row["id"]}
    return row["id"] if len(batches) == 1 else f"{row['id']} {row['batch']}"


def wanted_words(wanted):
    groups = {}
    for name, value in wanted.items():
        groups.setdefault(value, []).append(name)
    return "; ".join(f"{', '.join(names)} {value:g}" for value, names in sorted(groups.items(), reverse=True))


def line(what, wanted, found):
    """`found`: (label, network, value)."""
    missed = [name for name, network, value in found if value < wanted[network]]
    values = ", ".join(f"{name} {value:g}" for name, _, value in found)
    return [what, wanted_words(wanted), values, "met" if not missed else "missed: " + ", ".join(missed)]


def beside_pytorch(rows):
    lines = []
    for (mode, threads), wanted in RATIOS.items():
        found = [row for row in rows if (row["mode"], row["threads"]) == (mode, threads) and "ratio" in row]
        what = f"{MODES[mode]} on {threads} thread{'s' if threads > 1 else ''}, times PyTorch's best setting"
        lines.append(line(what, wanted, [(label(row, found), row["id"], row["ratio"]) for row in found]))
    found = [row for row in rows if row["mode"] == "train" and row["id"] in "AB" and "ratio_as_installed" in row]
    installed = [(row["id"], row["id"], row["ratio_as_installed"]) for row in found]
    return lines + [line("training on 2 threads, times PyTorch as installed", dict(A=3, B=3), installed)]


def of_peak(rows):
    found = [row for row in rows if (row["mode"], row["threads"]) == ("train", 2)]
    return [line("training on 2 threads, % of peak", PERCENT_OF_PEAK,
                 [(label(row, found), row["id"], row["percent_of_peak"]) for row in found])]


def placed(rows, series, mode, crowd, base):
    """(label, network, times): how fast each is placed in one way, beside another that took turns with it."""
    rows = [row for row in rows if (row["series"], row["mode"]) == (series, mode)]
    rate = {(row["id"], row["batch"], row["label"]): row["rate"] for row in rows}
    found = [row for row in rows if row["label"] == crowd and (row["id"], row["batch"], base) in rate]
    return [(label(row, found), row["id"], round(row["rate"] / rate[row["id"], row["batch"], base], 2)) for row in found]


def scaling(rows):
    return [line(f"{words}, two threads over one", SCALING, placed(rows, "threads", mode, "2 threads", "1 thread")) for mode, words in MODES.items()]


def crowded(rows):
    """More threads than processors, and two threads where there is one processor's time."""
    lines = []
    for crowd, base in (("8 threads on 2 processors", "2 threads"), ("2 threads on 1 processor", "1 thread"),
                        ("2 threads, quota of 1 processor", "1 thread")):
        lines.append(line(f"training, {crowd}, times {base}", CROWDED, placed(rows, "crowds", "train", crowd, base)))
    return lines


def at_most(what, value, target, words):
    return [what, f"at most {target:g}", words, "met" if value <= target else "missed"]


def others(rows):
    lines = []
    for row in of(rows, "startup"):
        lines.append(at_most(f"{row['what']}, ms", row["ms"], row["target_ms"], f"{row['ms']:g}"))
    used = {row["side"]: row["measured"] for row in of(rows, "memory") if (row["batch"], row["images"]) == (256, 2048)}
    peers = [value for side, value in used.items() if side != "hourglass"]
    if "hourglass" in used and peers:
        share = used["hourglass"] / min(peers)
        lines.append(at_most("peak memory of D's training, of PyTorch's", share, 0.25, f"{share:.3f}"))
    lost = [row for row in of(rows, "data") if "loss_percent" in row]
    if lost:
        words = ", ".join(f"{row['threads']} thread{'s' if row['threads'] > 1 else ''} {row['loss_percent']:g}" for row in lost)
        lines.append(at_most("D with rotation, shift and noise, % lost", max(row["loss_percent"] for row in lost), 5, words))
    for row in [row for row in of(rows, "svm") if "ratio" in row]:
        same = row["vectors"] == row["sklearn_vectors"] == row.get("same_vectors")
        words = f"{row['ratio']:g}; {row['vectors']:,} and {row['sklearn_vectors']:,} support vectors"
        words += f", {row['same_vectors']:,} in both" if "same_vectors" in row else ""
        lines.append([f"SVM, {row['kernel']}, times scikit-learn; the same support vectors", "2; all", words,
                      "met" if row["ratio"] >= 2 and same else "missed"])
    return lines


def threads_beside_networks(rows):
    """t-SNE's and the SVM's two threads over one, where both ran on one machine."""
    lines = []
    for table, name, seconds in (("tsne", "count", "seconds"), ("svm", "kernel", "hourglass_seconds")):
        own = [row for row in of(rows, table) if row.get("name", "hourglass") == "hourglass"]
        one = {(row[name], row["cpu"]): row[seconds] for row in own if row["threads"] == 1}
        found = [(row[name], one[row[name], row["cpu"]] / row[seconds]) for row in own if row["threads"] == 2 and (row[name], row["cpu"]) in one]
        if found:
            words = ", ".join(f"{label:,} points {times:.2f}" if name == "count" else f"{label} {times:.2f}" for label, times in found)
            what = {"tsne": "t-SNE", "svm": "SVM"}[table]
            lines.append([f"{what}, two threads over one", "1", words, "met" if min(times for _, times in found) >= 1 else "missed"])
    return lines


def tsne_contests(rows):
    """For each number of points and machine: hourglass' row, its peers', times the fastest of them, whether the target is met."""
    rows = [row for row in rows if row["threads"] == 2]
    for count, cpu in dict.fromkeys((row["count"], row["cpu"]) for row in sorted(rows, key=lambda row: row["count"])):
        here = [row for row in rows if (row["count"], row["cpu"]) == (count, cpu)]
        own, peers = ([row for row in here if (row["name"] == "hourglass") == ours] for ours in (True, False))
        if not own or not peers:
            continue
        own = own[0]
        ratio = min(row["seconds"] for row in peers) / own["seconds"]
        good = own["kl_divergence"] <= min(row["kl_divergence"] for row in peers) and own["trustworthiness"] >= 0.98
        yield own, peers, ratio, ratio >= 2 and good


def tsne(rows):
    lines = []
    for own, peers, ratio, met in tsne_contests(rows):
        least = min(row["kl_divergence"] for row in peers)
        words = f"{ratio:.1f}; {own['kl_divergence']:.3f} to {least:.3f}; {own['trustworthiness']:.3f}"
        names = ", ".join(row["name"] for row in peers)
        lines.append([f"t-SNE of {own['count']:,}, times the fastest of {names}; KL divergence; trustworthiness",
                      "2; at most theirs; .98", words, "met" if met else "missed"])
    return lines


def codes_of_mnist():
    """Trustworthiness of every map of MNIST codes in results/*.json, with the study and the model."""
    for path in sorted((ROOT / "results").glob("*.json")):
        report = json.loads(path.read_text())
        digits = {data["name"] for data in report.get("data", []) if data["source"] == "MNIST"}
        for run in report.get("runs", []):
            value = (run.get("codes") or {}).get("tsne_trustworthiness")
            if run["data"] in digits and value is not None:
                yield value, f"{report['study']}: {run['name']}"


def trustworthiness():
    found = sorted(codes_of_mnist())
    if not found:
        return []
    (least, name), (most, _) = found[0], found[-1]
    words = f"{len(found)} maps, {least:.4f} ({name}) to {most:.4f}"
    return [["trustworthiness of the maps of MNIST codes in results/", "0.98", words, "met" if least >= 0.98 else "missed"]]


def lines_of(rows):
    timed = of(rows, "ratios")
    return beside_pytorch(timed) + of_peak(timed) + scaling(of(rows, "scale")) + crowded(of(rows, "scale")) + others(rows) + threads_beside_networks(rows) + tsne(of(rows, "tsne")) + trustworthiness()
