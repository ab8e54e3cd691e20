"""Peak memory of D's training beside PyTorch's process, and how it grows beside what the plan predicts.

Writes build/bench-memory.json.
"""

import sides

BATCHES, IMAGES = (32, 64, 128, 256, 512, 1024, 2048), (2048, 15000, 60000)
SECONDS = 0.3
PARTS = ("weights", "gradients", "arena", "arena_without_sharing", "optimizer", "data", "batches")


def trained(batch, images):
    side = sides.hourglass("D", batch, 2, images=images)
    empty = int(side.ask("memory"))
    side.ask("train", SECONDS)
    parts = dict(zip(PARTS, map(int, side.numbers("plan"))))
    row = {"side": "hourglass", "batch": batch, "images": images, "measured": int(side.ask("memory")), "before": empty, **parts}
    row["predicted"] = sum(parts[part] for part in PARTS if part != "arena_without_sharing")
    side.close()
    return row


def of_torch(label, side, variant):
    side.ask("train", 1, variant)
    row = {"side": label, "batch": 256, "images": 2048, "measured": int(side.ask("memory"))}
    side.close()
    return row


def main():
    rows = sides.Rows(sides.BUILD / "bench-memory.json", "side", "batch", "images")
    jobs = [lambda batch=batch: trained(batch, 2048) for batch in BATCHES]
    jobs += [lambda images=images: trained(256, images) for images in IMAGES[1:]]
    jobs += [lambda: of_torch("torch, as installed", sides.torch_as_installed("D", 256), "as installed")]
    jobs += [lambda: of_torch("torch, tuned", sides.torch("D", 256, 2), "channels_last, eager")]
    for job in jobs:
        row = job()
        rows.put(row)
        print(row, flush=True)


main()
