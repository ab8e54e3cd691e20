"""What docs/results.md shows beside the table of a study's rows: further figures of a row, and tables of what the reports say in
words, class by class, or not at all."""

import statistics

import targets
from figures import interval, measure, models, number, table, timings

# Figures of a row beside its published ones. Each has the models that a report publishes it of, with the value, or none: then
# every model of the row shows it. What a loss was after the first epoch is a place on the way and is not judged.
MORE_FIGURES = {
    "A1": {"first_epoch.loss": {"cnn": 1.062}},
    "A2": {"first_epoch.reconstruction_loss": {"joint": 0.115}, "first_epoch.classification_loss": {"joint": 1.709},
           "test.accuracy": {}, "test.classification_loss": {}, "test.mse": {}, "test.psnr": {}, "test.ssim": {}},
    "A3": {"test.accuracy": {}, "test.classification_loss": {}, "test.mse": {}, "test.psnr": {}, "test.ssim": {}},
    "C1": {"first_epoch.loss": {"softmax": 0.6998}, "codes.tsne_kl_divergence": {}, "codes.tsne_trustworthiness": {}},
    "D3": {"test.loss": {}, "test.macro_f1": {}},
    "D4": {"test.loss": {}, "test.macro_f1": {}},
    "D5": {"test.loss": {}, "test.macro_f1": {}},
    "C5": {"codes.intra_class_distance": {}, "codes.inter_class_distance": {}, "codes.separation": {}},
}
# Test accuracy class by class, where a report prints it: row, model, published, and the model that the row's reason names.
BY_CLASS = {
    "small-image-classifiers": ("C7", "cnn", [0.88, 0.95, 0.77, 0.66, 0.78, 0.75], "cnn-moved"),
    "five-garments": ("E1", "cnn", [0.9850, 0.9893, 0.9703, 0.9773, 0.9463], "cnn[epochs=8]"),
}
# Parameters that a report publishes: row, model, published, and how many of these hourglass counts otherwise: running means and variances
# of batch normalisation, which Keras adds up too, and the weights of a 97th output that the reports' networks of 96 classes have.
PARAMETERS = {
    "denoise-and-transfer": [("B1", "denoiser", 49761, 0, 0), ("B2", "p", 241546, 0, 0), ("B3", "transfer", 26298, 0, 0)],
    "autoencoder-from-scratch": [("C1", "autoencoder", 420192, 0, 0)],
    "small-image-classifiers": [("C7", "cnn", 1176006, 0, 0)],
    "convnet-foundations": [("D1", "wide", 6435530, 64, 0), ("D2", "thin", 50370, 192, 0), ("D3", "wide-lines", 6527841, 64, 1025),
                            ("D4", "thin-lines", 83929, 192, 129), ("D5", "variation-lines", 222305, 0, 1025)],
    "five-garments": [("E1", "cnn", 230735, 0, 0), ("E5", "denoiser", 1100112, 0, 0), ("E7", "denoiser-large", 2167596, 0, 0)],
}
# What a report says in words: row, words, and what bears on it: two models, a figure for a test of this study, and what the first must
# come out as for the words to hold, or None where nothing is claimed; or two models, a figure, and the greatest share of the second's that
# the first's may be.
CLAIMS = {
    "joint-autoencoder": [("A4", "the CNN beats the autoencoder's head", [("cnn", "joint", "accuracy", "better")])],
    "denoise-and-transfer": [
        ("B4", "P, of 92.4 %, is better than P', of 91.9 % (by itself half a percent of 10,000 images, which no test tells from none)", [("p", "transfer", "accuracy", "better"), ("p", "transfer-one-cycle", "accuracy", "better")])],
    "autoencoder-from-scratch": [
        ("C2", "the library's kernels give less (85 %)",
         [("autoencoder", "autoencoder-onednn", "mse", "better"), ("codes", "codes-onednn", "accuracy", "better")]),
        ("C5", "center loss beside cross-entropy alone",
         [("head", "head-center", "accuracy", None), ("denoised-head", "denoised-head-center", "accuracy", None)])],
    "small-image-classifiers": [
        ("C8", "the feed-forward network is below the CNN, above the rest",
         [("cnn", "feed-forward", "accuracy", "better")]
         + [("feed-forward", f"all-{method}", "accuracy", "better") for method in ("svm-linear", "svm-polynomial", "logistic", "bayes")]
         + [("feed-forward-thousand", method, "accuracy", "better") for method in ("svm-linear", "svm-polynomial", "logistic", "bayes")])],
    "convnet-foundations": [
        ("D2", "about a third of D1's training time", [("thin", "wide", "run.seconds", 1 / 3)])],
    "five-garments": [
        ("E1", "1 % less without augmentation", [("cnn", "cnn-plain", "accuracy", "better")]),
        ("E2", "8 and 10 epochs give less than 5",
         [("cnn", "cnn[epochs=8]", "accuracy", "better"), ("cnn", "cnn[epochs=10]", "accuracy", "better")]),
        ("E3", "SGD gives less than Adam", [("cnn", "cnn[optimizer=sgd]", "accuracy", "better")]),
        ("E6", "a rate of .01 gives less; there the training fails, here it does not", [("denoiser-head", "denoiser-fast-head", "accuracy", "better")]),
        ("E7", "the larger network overfits",
         [("denoiser-head", "denoiser-large-head", "accuracy", "better"), ("denoiser-large-head", "denoiser-head", "train.loss", None),
          ("denoiser-large-head", "denoiser-head", "test.loss", None)])],
}
# The same network by two engines: row, hourglass's own, oneDNN's, the figure on test images.
ENGINES = {
    "autoencoder-from-scratch": [
        ("C2", "autoencoder", "autoencoder-onednn", "test.mse"),
        ("C4", "denoiser", "denoiser-onednn", "test.mse"),
        ("C4", "convolutional", "convolutional-onednn", "test.mse")],
}
ABOUT = {
    "records": "The figures to go beyond, each as far as two cores come in about an hour (`five`, `five-denoiser-head` and `cifar10` took 68 to 76 "
               "minutes). R7 and R8 were trained by the default engine, the other networks by its direct sums; one seed is done of all.",
}


def more_figures(report, key, shown):
    """Rows as (model, metric, published, note), each model's further figures behind its own."""
    rows = []
    for model in dict.fromkeys(row[0] for row in shown):
        rows += [row for row in shown if row[0] == model]
        there = {row[1] for row in rows if row[0] == model}
        for metric, published in MORE_FIGURES.get(key, {}).items():
            wanted = metric not in there and (not published or model in published)
            if wanted and measure(models(report).get(model, []), metric):
                rows.append((model, metric, published.get(model), None))
    return rows


def is_judged(metric):
    return not metric.startswith("first_epoch.")


def p_of(row):
    p = row.get("p_holm") if row.get("verdict") else row["p_value"]
    return "" if p is None else "< 0.0001" if p < 1e-4 else f"{p:.4f}"


def bounds_of(row):
    return "" if row["low"] is None else f"{row['low']:+.3g} to {row['high']:+.3g}"


def comparisons(report):
    rows = [["a", "b", "figure", "difference", "95 % interval", "p", "a is"]]
    rows += [[row["a"], row["b"], row["metric"], f"{row['difference']:+.3g}", bounds_of(row), p_of(row), row.get("verdict", "")]
             for row in report["comparisons"] if row["metric"] in ("accuracy", "accuracy_tta", "mse")]
    return ["", "Paired on the same test images. p is Holm's over all comparisons of one figure in the study; an interval is of "
            "its pair alone, so that it may leave out 0 where p is above .05:", "", table(rows)] if len(rows) > 1 else []


def denoising(report):
    rows = [["model", "noise", "MSE", "median filter's", "difference", "95 % interval", "p", "model is"]]
    for row in report["comparisons"]:
        if row["b"] == "median filter":
            noise = row["metric"].removeprefix("mse (").removesuffix(")").replace("_", " ")
            rows.append([row["a"], noise, f"{row['value_a']:.4g}", f"{row['value_b']:.4g}", f"{row['difference']:+.3g}",
                         bounds_of(row), p_of(row), row.get("verdict", "")])
    return ["", "Denoisers beside a median filter (the better of 3x3 and 5x5), on test images:", "", table(rows)] if len(rows) > 1 else []


def recalls(report, model, count):
    """(mean, low, high) of each class."""
    runs = [run for run in models(report).get(model, []) if run["status"] == "done" and run.get("classes")]
    return [interval([run["classes"][i]["recall"] for run in runs], "test.accuracy", None) for i in range(count)] if runs else []


def class_verdict(measured, other, published, least):
    mean, _, high = measured
    if mean >= published:
        return "met"
    return "explained" if other >= published else "undecided" if mean >= least or (high or 0) >= published else "not met"


def by_class(name, report):
    row, model, published, reason = BY_CLASS.get(name, (None, None, [], None))
    found, others = (recalls(report, which, len(published)) for which in (model, reason))
    if not found or not others:
        return []
    data = models(report)[model][0]["data"]
    rows = [[f"{row}, {model}"] + next(part["classes"] for part in report["data"] if part["name"] == data)]
    images = [one["support"] for one in next(run for run in models(report)[model] if run.get("classes"))["classes"]]
    leasts = [interval([value], "test.accuracy", count)[1] for value, count in zip(published, images)]
    rows += [["published"] + [f"{value:g}" for value in published],
             ["as many images leave open from"] + [f"{least:.4f}" for least in leasts], ["measured"] + [f"{mean:.4f}" for mean, _, _ in found],
             ["95 % interval"] + [f"{low:.4f} to {high:.4f}" if low is not None else "" for _, low, high in found],
             [reason] + [f"{mean:.4f}" for mean, _, _ in others],
             [""] + [class_verdict(mean, other[0], *value) for mean, other, value in zip(found, others, zip(published, leasts))]]
    return ["", f"Test accuracy by class, mean over the seeds; explained where `{reason}`, which {row}'s reason names, gives as much; undecided "
            "where the interval takes the published share in, or Wilson's of that, which is of one training, the measured one:", "", table(rows)]


def of_test(report, a, b, metric, claimed):
    """What the test says, and whether that bears the claim out: None where it decides nothing, or nothing is claimed."""
    row = next((row for row in report["comparisons"] if (row["a"], row["b"], row["metric"]) == (a, b, metric)), None)
    if row is None:
        return f"`{a}` and `{b}`: not compared", None
    verdict = row.get("verdict") or "not tested"
    holds = verdict == claimed if claimed and verdict in ("better", "worse") else None
    return f"`{a}` against `{b}`: {verdict}, {metric} {row['difference']:+.3g}, p {p_of(row)}", holds


def of_figures(report, a, b, metric, most):
    means = [statistics.mean(measure(models(report).get(model, []), metric) or [0]) for model in (a, b)]
    if not all(means):
        return f"`{a}` and `{b}`: not yet run", None
    shown = " and ".join(number(mean, metric) for mean in means)
    name = metric.removeprefix("run.").replace(".", " ")
    return f"`{a}` and `{b}`: {name} {shown}", None if most is None else means[0] <= most * means[1]


def apart(pairs):
    """The greatest relative difference of two figures that should be alike."""
    return f"{max(abs(a - b) / abs(b) for a, b in pairs):.1g}"


def engines(name, report):
    rows = [["row", "model", "seeds", "loss of the first epoch, at most apart", "of the last", "test figure", "here", "oneDNN",
             "images/s here", "oneDNN"]]
    for row, own, library, metric in ENGINES.get(name, []):
        pair = [{run["seed"]: run for run in models(report).get(model, []) if run["status"] == "done"} for model in (own, library)]
        both = [(pair[0][seed], pair[1][seed]) for seed in pair[0] if seed in pair[1]]
        if both:
            epochs = [apart([(a["history"][e]["loss"], b["history"][e]["loss"]) for a, b in both]) for e in (0, -1)]
            values = [sum(measure(runs, metric)) / len(runs) for runs in zip(*both)]
            speeds = [statistics.median(run["images_per_second"] for run in runs) for runs in zip(*both)]
            rows.append([row, own, str(len(both)), *epochs, metric, *(number(value, metric) for value in values),
                         *(f"{speed:,.0f}" for speed in speeds)])
    return ["", "Both engines from the same first weights and the same order of images, so that they part only by how sums are "
            "rounded; \"apart\" is relative. Images a second are those of these trainings, the median seed's, on a machine that did other "
            "work too; of `autoencoder` and `denoiser` hourglass trains two seeds side by side, a thread each, all else alone on two. "
            "[performance.md](performance.md) has both engines taking turns on one machine: its network A is `autoencoder`, its C a convolutional "
            "denoiser of other layers (B1's).", "", table(rows)] if len(rows) > 1 else []


def claims(name, report):
    rows = [["row", "the report says", "here", ""]]
    for row, words, bearing in CLAIMS.get(name, []):
        here = [(of_figures if "." in item[2] else of_test)(report, *item) for item in bearing]
        held = [holds for _, holds in here]
        claimed = sum(item[3] is not None for item in bearing)
        verdict = "" if claimed == 0 else "not so" if False in held else "so" if held.count(True) == claimed else "undecided"
        rows.append([row, words, "; ".join(said for said, _ in here), verdict])
    return ["", "What the report says in words:", "", table(rows)] if len(rows) > 1 else []


def parameters(name, report):
    rows = [["row", "model", "published", "here", "of the published"]]
    for row, model, published, running, further in PARAMETERS.get(name, []):
        runs = [run for run in models(report).get(model, []) if run["status"] == "done"]
        if runs:
            words = [f"{running} running means and variances, which are not trained"] if running else []
            words += [f"{further:,} of an output that no class of 96 has"] if further else []
            same = runs[0]["parameters"] + running + further == published
            rows.append([row, model, f"{published:,}", f"{runs[0]['parameters']:,}", "; ".join(words) if same else "not so many"])
    return ["", "Parameters:", "", table(rows)] if len(rows) > 1 else []


def leaks(report):
    rows = [["data", "images of", "stand in", "images", "byte for byte", "nearly"]]
    rows += [[row["data"], row["part"], row["against"], f"{row['images']:,}", f"{row['exact']:,}", f"{row['near']:,}"]
             for row in report.get("leaks", []) if row["exact"] + row["near"] > 0]
    return ["", "Images that stand in two parts of a data set:", "", table(rows)] if len(rows) > 1 else []


def evidence(name, report):
    """The lines below a study's table."""
    return (comparisons(report) + by_class(name, report) + denoising(report) + engines(name, report) + claims(name, report)
            + parameters(name, report) + leaks(report))


def tsne_rows(key, system):
    """A row for each number of points and machine that hourglass and peers were timed on, from what docs/performance.md shows."""
    rows = []
    for own, peers, ratio, met in targets.tsne_contests(targets.of(timings(), "tsne")):
        words = ", ".join(f"{row['name']} {row['seconds']:g} s and {row['kl_divergence']:.3f}" for row in peers)
        rows.append([key if not rows else "", system if not rows else "", f"{own['count']:,} points",
                     "times as fast as the fastest", "2", f"{ratio:.1f}", "", "", "met" if met else "not met",
                     f"{own['seconds']:g} s, KL divergence {own['kl_divergence']:.3f}, trustworthiness "
                     f"{own['trustworthiness']:.3f} (at least .98); {words}; on {own['cpu']}"])
    return rows
