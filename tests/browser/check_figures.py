#!/usr/bin/env python3
"""Looks at a folder written by `hourglass report DIR --figures OUT`: every specification has its data, no colour that only the
page knows, and, where one figure was drawn, all were, in every format. Needs nothing but Python.

    check_figures.py OUT
"""

import csv
import json
import pathlib
import sys

DRAWN = {".svg": b"<svg", ".png": b"\x89PNG", ".pdf": b"%PDF-"}


def fields(node):
    """Every column that a specification speaks of."""
    if isinstance(node, dict):
        if isinstance(node.get("field"), str):
            yield node["field"]
        for inner in node.values():
            yield from fields(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from fields(inner)


def check(path, drawn):
    name = path.name[: -len(".vl.json")]
    text = path.read_text()
    spec = json.loads(text)
    if "var(--" in text:
        yield "a colour is a variable of the page"
    with open(path.with_name(spec["data"]["url"]), newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        yield "no data"
    elif missing := set(fields(spec)) - set(rows[0]) - {"at"}:
        yield f"columns that are not in the data: {sorted(missing)}"
    for ending, magic in DRAWN.items():
        file = path.with_name(name + ending)
        if file.exists() != drawn:
            yield f"{ending} is there: {file.exists()}"
        elif drawn and not file.read_bytes().startswith(magic):
            yield f"{ending} does not begin with {magic!r}"
        elif drawn and ending == ".svg" and "mark-" not in file.read_text():
            yield ".svg is empty"


folder = pathlib.Path(sys.argv[1])
specifications = sorted(folder.glob("*.vl.json"))
is_drawn = any(folder.glob("*.svg"))
faults = [f"{path.name}: {fault}" for path in specifications for fault in check(path, is_drawn)]
print(f"{len(specifications)} figures, drawn: {is_drawn}, {len(faults)} faults", *faults, sep="\n")
sys.exit(1 if faults or not specifications else 0)
