"""A second peer of bench/run.py: the seven networks in Keras, as its users run them: compile, fit, predict on arrays in memory.

usage: peer_keras.py ID BATCH THREADS      answers the commands of bench/peer.py; its only variant is "fit"
KERAS_BACKEND says whose kernels run: tensorflow (the default; oneDNN inside) or jax. TensorFlow's just-in-time compiler is left
off: with it D trains slower.
"""

import argparse
import os

arguments = argparse.ArgumentParser()
arguments.add_argument("id")
arguments.add_argument("batch", type=int)
arguments.add_argument("threads", type=int)
arguments = arguments.parse_args()
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if os.environ["KERAS_BACKEND"] == "tensorflow":
    import tensorflow

    tensorflow.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)

import keras
import numpy as np
from keras import layers

import peer

CLASSES = {"D": 10, "E": 10, "F": 10, "G": 5}
IMAGES, FEWEST, MOST = 8192, 4, 32  # in memory, and in one call of fit: so many images, at least and at most so many batches


def mlp(*sizes, last=None):
    hidden = [layers.Dense(size, activation="relu") for size in sizes[:-1]]
    return [layers.Flatten(), *hidden, layers.Dense(sizes[-1], activation=last)]


def conv(filters, size=3, padding="same", activation="relu"):
    return layers.Conv2D(filters, size, padding=padding, activation=activation)


def normed(filters, padding="same"):
    return [conv(filters, padding=padding, activation=None), layers.BatchNormalization(momentum=0.9, epsilon=1e-5), layers.ReLU()]


class Replicate(layers.Layer):
    """One pixel of the edge repeated on all sides."""

    def call(self, x):
        x = keras.ops.concatenate([x[:, :1], x, x[:, -1:]], axis=1)
        return keras.ops.concatenate([x[:, :, :1], x, x[:, :, -1:]], axis=2)


def replicated(filters):
    return [Replicate(), *normed(filters, "valid")]


def pool(padding="valid"):
    return layers.MaxPooling2D(2, padding=padding)


def network(name):
    """The layers of bench/networks.c."""
    dense, dropout, up = layers.Dense, layers.Dropout, layers.UpSampling2D
    if name == "A":
        return mlp(256, 32, 16, 32, 256, 784, last="sigmoid")
    if name == "B":
        return mlp(512, 256, 64, 256, 512, 784)
    if name == "C":
        encoder = [conv(64), pool("same"), conv(32), pool("same"), conv(16), pool("same")]
        return [*encoder, conv(16), up(2), conv(32), up(2), conv(64, padding="valid"), up(2), conv(1, activation="sigmoid")]
    if name == "D":
        maps = [conv(32), pool(), dropout(0.2), conv(64), pool(), dropout(0.2), conv(128), pool(), dropout(0.3)]
        return [*maps, layers.Flatten(), dense(128, activation="relu"), dropout(0.3), dense(10)]
    if name == "E":
        maps = [conv(32, 7), layers.BatchNormalization(momentum=0.9, epsilon=1e-5), pool()]
        return [*maps, layers.Flatten(), dense(1024, activation="relu"), dense(10)]
    if name == "F":
        maps = [layer for filters in (32, 64, 128) for layer in (*replicated(filters), pool())]
        return [*maps, dropout(0.2), layers.Flatten(), dense(512, activation="relu"), dense(64, activation="relu"), dense(10)]
    maps = [*normed(10, "valid"), pool(), *normed(20, "valid"), *normed(40, "valid"), *normed(80, "valid"), pool()]
    return [*maps, layers.Flatten(), dense(265, activation="relu"), dropout(0.5), dense(5)]


class Keras:
    def __init__(self, name, batch):
        keras.utils.set_random_seed(1)
        shape = (32, 32, 3) if name == "F" else (28, 28, 1)
        self.batch = batch
        images = batch * max(FEWEST, min(MOST, IMAGES // batch))
        self.images = np.random.default_rng(1).random((images, *shape), dtype=np.float32)
        flat = self.images.reshape(images, -1)
        labels = np.random.default_rng(2).integers(0, CLASSES.get(name, 10), images)
        self.target = {"A": flat, "B": flat, "C": self.images}.get(name, labels)
        self.model = keras.Sequential([layers.Input(shape), *network(name)])
        losses = {"A": "binary_crossentropy", "B": "mse", "C": "mse"}
        loss = losses.get(name, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        self.model.compile(optimizer=keras.optimizers.Adam(), loss=loss, jit_compile=keras.backend.backend() == "jax")

    def parameters(self):
        return sum(int(np.prod(weight.shape)) for weight in self.model.trainable_weights)

    def step(self, mode):
        if mode == "train":
            self.model.fit(self.images, self.target, batch_size=self.batch, epochs=1, shuffle=False, verbose=0)
        else:
            self.model.predict(self.images, batch_size=self.batch, verbose=0)
        return len(self.images)


def main():
    made = Keras(arguments.id, arguments.batch)
    version = f"keras {keras.__version__} on {keras.backend.backend()}"
    peer.serve(version, lambda mode: ["fit"], lambda variant: made)


if __name__ == "__main__":
    main()
