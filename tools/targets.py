"""What the engine set out to reach, beside what results/bench.jsonl says: the table of targets of docs/performance.md."""

RATIOS = {  # to PyTorch's best setting
    ("train", 2): dict(A=2, G=2, B=1.6, C=1.6, D=1.5, E=1.5, F=1.5),
    ("train", 1): dict(A=1.3, C=1.3, F=1.3, G=1.7, B=1.15, D=1.15, E=1.15),
    ("infer", 2): dict(A=1.5, C=1.5, E=1.5, F=1.5, G=1.5, B=1.3, D=1.3),
}
PERCENT_OF_PEAK = dict(A=70, B=70, C=70, D=70, E=70, F=70, G=65)
SCALING = dict(A=1, B=1, C=1.8, D=1.8, E=1.8, F=1.8, G=1.8)
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


def scaling(rows):
    one = {(row["id"], row["batch"]): row["hourglass"] for row in rows if (row["mode"], row["threads"]) == ("train", 1)}
    two = [row for row in rows if (row["mode"], row["threads"]) == ("train", 2) and (row["id"], row["batch"]) in one]
    found = [(label(row, two), row["id"], round(row["hourglass"] / one[row["id"], row["batch"]], 2)) for row in two]
    return [line("training, two threads over one", SCALING, found)]


def crowded(rows):
    """More threads than processors, and two threads where one processor is all there is, beside as many threads as processors."""
    rate = {(row["id"], row["threads"], row["processors"]): row["rate"] for row in rows if row["series"] == "threads"}
    lines = []
    for threads, processors, what in ((8, 2, "8 threads on 2 processors"), (2, 1, "2 threads on 1 processor")):
        names = sorted({name for name, *_ in rate if (name, threads, processors) in rate})
        found = [(name, name, round(rate[name, threads, processors] / rate[name, processors, processors], 2)) for name in names]
        if found:
            values = ", ".join(f"{name} {value:g}" for name, _, value in found)
            lines.append([f"{what}, times {processors} there", "no collapse", values, ""])
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
    for row in of(rows, "svm"):
        words = f"{row['ratio']:g}; {row['vectors']:,} and {row['sklearn_vectors']:,} support vectors"
        lines.append([f"SVM, {row['kernel']}, times scikit-learn", "2", words, "met" if row["ratio"] >= 2 else "missed"])
    return lines


def tsne_contests(rows):
    """For each number of points and machine: hourglass' row, its peers', times the fastest of them, whether the target is met."""
    for count, cpu in dict.fromkeys((row["count"], row["cpu"]) for row in sorted(rows, key=lambda row: row["count"])):
        here = [row for row in rows if (row["count"], row["cpu"]) == (count, cpu)]
        own, peers = next(row for row in here if row["name"] == "hourglass"), [row for row in here if row["name"] != "hourglass"]
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


def lines_of(rows):
    timed = of(rows, "ratios")
    return beside_pytorch(timed) + of_peak(timed) + scaling(timed) + crowded(of(rows, "scale")) + others(rows) + tsne(of(rows, "tsne"))
