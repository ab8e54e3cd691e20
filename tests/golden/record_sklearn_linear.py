"""Records scikit-learn's LinearSVC on the digits of classical.safetensors, in linear_svm.safetensors.

    python record_sklearn_linear.py      (scikit-learn, safetensors)
"""

import pathlib

import numpy as np
from safetensors.numpy import load_file, save_file
from sklearn.svm import LinearSVC

HERE = pathlib.Path(__file__).resolve().parent
digits = load_file(HERE / "classical.safetensors")
x, y = digits["train.features"].reshape(-1, 64).astype(float), digits["train.labels"]
test = digits["test.features"].reshape(-1, 64).astype(float)

out = {}
for name, keep in (("many", y >= 0), ("pair", (y == 3) | (y == 8))):
    machine = LinearSVC(C=0.1, dual=False, tol=1e-10, max_iter=100000).fit(x[keep], y[keep])
    out[f"{name}.coef"] = np.ascontiguousarray(machine.coef_)
    out[f"{name}.intercept"] = machine.intercept_
    out[f"{name}.decisions"] = machine.decision_function(test)
    out[f"{name}.predictions"] = machine.predict(test).astype(np.int32)
save_file(out, HERE / "linear_svm.safetensors")
