"""Records tests/golden/metrics.h: figures of scikit-learn, SciPy and NumPy that tests/test_metrics.c and tests/test_compare.c hold.

Run with numpy, scipy and scikit-learn: python3 tests/golden/record_metrics.py > tests/golden/metrics.h
"""

import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn import metrics

COUNT, CLASSES = 60, 4
NAMES = ["T-shirt/top", "trouser", "a rather long name", "Stiefel für Kinder"]


def array(kind, name, values, form):
    print(f"static const {kind} {name}[] = {{{', '.join(form(v) for v in np.ravel(values))}}};")


def text(name, value):
    print(f"static const char {name}[] =")
    lines = value.split("\n")
    for line in lines[:-1]:
        print('    "' + line + '\\n"')
    print('    "' + lines[-1] + '";')


def samples():
    """Probabilities in 1/1024ths, exact in float; class 3 is never predicted, so that its precision is undefined."""
    random = np.random.default_rng(5)
    labels = random.integers(0, CLASSES, COUNT)
    cuts = np.sort(random.integers(0, 1025, (COUNT, CLASSES - 1)), axis=1)
    shares = np.diff(np.concatenate([np.zeros((COUNT, 1)), cuts, np.full((COUNT, 1), 1024)], axis=1))
    for row, label in zip(shares, labels):
        if label != 3 and random.random() < 0.6:
            best = np.argmax(row)
            row[best], row[label] = row[label], row[best]
        if np.argmax(row) == 3:
            row[0], row[3] = row[3], row[0]
    return shares.astype(np.float32) / 1024, labels


def ssim(a, b):
    """Plain form: every window in turn, 11x11 Gaussian of sigma 1.5."""
    x = np.arange(11) - 5
    g = np.exp(-(x**2) / (2 * 1.5**2))
    g /= g.sum()
    w = np.outer(g, g)
    c1, c2 = 0.01**2, 0.03**2
    out = []
    for c in range(a.shape[2]):
        for i in range(a.shape[0] - 10):
            for j in range(a.shape[1] - 10):
                p, q = a[i : i + 11, j : j + 11, c], b[i : i + 11, j : j + 11, c]
                mp, mq = (w * p).sum(), (w * q).sum()
                vp, vq = (w * (p - mp) ** 2).sum(), (w * (q - mq) ** 2).sum()
                cov = (w * (p - mp) * (q - mq)).sum()
                out.append((2 * mp * mq + c1) * (2 * cov + c2) / ((mp**2 + mq**2 + c1) * (vp + vq + c2)))
    return np.mean(out)


def images():
    """The two images of tests/test_metrics.c, from integer arithmetic."""
    i = np.arange(14 * 13 * 2)
    a = ((i * 37 + i * i % 19 * 5) % 256).astype(np.float64)
    b = np.minimum(255, a * 3 // 4 + (i * 11) % 40)
    shape = (14, 13, 2)
    return (a / 256).reshape(shape), (b / 256).reshape(shape)


def main():
    print("/* Written by record_metrics.py with")
    print(f" * scikit-learn {sklearn.__version__}, SciPy {scipy.__version__}, NumPy {np.__version__}. */")
    print("/* clang-format off */")
    p, y = samples()
    predicted = p.argmax(axis=1)
    print(f"enum {{ GOLDEN_COUNT = {COUNT}, GOLDEN_CLASSES = {CLASSES} }};")
    array("float", "golden_probabilities", p * 1024, lambda v: f"{int(v)}.0f / 1024")
    array("int32_t", "golden_labels", y, str)
    array("int64_t", "golden_confusion", metrics.confusion_matrix(y, predicted), str)
    array("char *const", "golden_names", NAMES, lambda v: f'"{v}"')
    text("golden_report", metrics.classification_report(y, predicted, digits=4, target_names=NAMES, zero_division=0))
    print(f"static const double golden_log_loss = {metrics.log_loss(y, p.astype(np.float64)):.17g};")
    precision = [metrics.average_precision_score(y == k, p[:, k]) for k in range(CLASSES)]
    array("double", "golden_average_precision", precision, lambda v: f"{v:.17g}")
    a, b = images()
    print(f"static const double golden_mse = {np.mean((a - b) ** 2):.17g};")
    print(f"static const double golden_ssim = {ssim(a, b):.17g};")

    pairs = [(0, 0), (1, 0), (5, 5), (10, 2), (2, 10), (40, 25), (501, 499), (600, 520), (3000, 2700)]
    rows = []
    for n, m in pairs:
        if n + m == 0:
            q = 1.0
        elif n + m <= 1000:
            q = stats.binomtest(min(n, m), n + m, 0.5).pvalue
        else:
            q = stats.chi2.sf((abs(n - m) - 1) ** 2 / (n + m), 1)
        rows.append((n, m, q))
    print("static const struct { int64_t b, c; double p; } golden_mcnemar[] = {")
    print("".join(f"    {{{n}, {m}, {q:.17g}}},\n" for n, m, q in rows) + "};")
    print("static const struct { int64_t hits, count; double low, high; } golden_wilson[] = {")
    for hits, count in [(0, 10), (10, 10), (9310, 10000), (1, 3), (500, 1000)]:
        interval = stats.binomtest(hits, count).proportion_ci(0.95, "wilson")
        print(f"    {{{hits}, {count}, {interval.low:.17g}, {interval.high:.17g}}},")
    print("};")
    print("static const struct { int count; double values[8], mean, deviation, low, high; } golden_interval[] = {")
    for values in [[0.92, 0.93], [0.921, 0.924, 0.919], [1, 2, 4, 8], [0.1, 0.4, 0.2, 0.9, 0.3, 0.35, 0.6, 0.7]]:
        mean, deviation = np.mean(values), np.std(values, ddof=1)
        half = stats.t.ppf(0.975, len(values) - 1) * deviation / np.sqrt(len(values))
        body = ", ".join(f"{v:.17g}" for v in values)
        print(f"    {{{len(values)}, {{{body}}}, {mean:.17g}, {deviation:.17g}, {mean - half:.17g}, {mean + half:.17g}}},")
    print("};")


main()
