"""A peer of bench/run.py for inference: PyTorch's networks, written as ONNX and run by ONNX Runtime.

usage: peer_onnx.py ID BATCH THREADS      answers the commands of bench/peer.py; its only variant is "session"
"""

import io
import sys

import numpy as np
import onnxruntime
import torch

import peer
import peer_torch


def exported(name, images):
    model = peer_torch.network(name).eval()
    program = torch.onnx.export(model, (torch.from_numpy(images),), dynamo=True, input_names=["images"], verbose=False)
    file = io.BytesIO()
    program.save(file)
    return file.getvalue()


class Session:
    def __init__(self, name, batch, threads):
        shape = (batch, 3, 32, 32) if name == "F" else (batch, 1, 28, 28)
        self.images = np.random.default_rng(1).random(shape, dtype=np.float32)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(exported(name, self.images), options, providers=["CPUExecutionProvider"])

    def step(self, mode):
        self.session.run(None, {"images": self.images})
        return len(self.images)


def main(name, batch, threads):
    version = f"onnxruntime {onnxruntime.__version__}"
    peer.serve(version, lambda mode: ["session"], lambda variant: Session(name, int(batch), int(threads)))


if __name__ == "__main__":
    main(*sys.argv[1:])
