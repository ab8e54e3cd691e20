"""Records tests/golden/tsne.safetensors: scikit-learn's t-SNE of 300 small digits and its trustworthiness, for tests/test_tsne.c.

Run with numpy, safetensors and scikit-learn: python3 tests/golden/record_tsne.py tests/golden
"""

import sys

import numpy as np
from safetensors.numpy import save_file
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, trustworthiness
from sklearn.manifold._t_sne import _joint_probabilities_nn, _kl_divergence_bh
from sklearn.neighbors import NearestNeighbors

COUNT, PERPLEXITY = 300, 30


def affinities(points):
    near = NearestNeighbors(n_neighbors=3 * PERPLEXITY + 1).fit(points).kneighbors_graph(mode="distance")
    near.data **= 2
    return _joint_probabilities_nn(near, PERPLEXITY, 0)


def divergence_of(p, embedding):
    """By the definition; kl_divergence_ is what a tree of some angle makes of it, one step before the last."""
    p = np.asarray(p.todense(), dtype=np.float64)
    d = ((embedding[:, None].astype(np.float64) - embedding[None]) ** 2).sum(-1)
    q = 1 / (1 + d)
    np.fill_diagonal(q, 0)
    q /= q.sum()
    return (p[p > 0] * np.log(p[p > 0] / q[p > 0])).sum()


def main(folder):
    random = np.random.default_rng(7)
    digits = load_digits().data[:COUNT] / 16
    # A little noise, so that no two distances are equal.
    points = (digits + random.normal(scale=0.01, size=digits.shape)).astype(np.float32)
    start = PCA(n_components=2, svd_solver="full").fit_transform(points.astype(np.float64))
    start = np.ascontiguousarray((start / start[:, 0].std() * 1e-4).astype(np.float32))
    fit = TSNE(perplexity=PERPLEXITY, init=start.copy()).fit(points)
    embedding = np.ascontiguousarray(fit.embedding_.astype(np.float32))
    p = affinities(points)
    divergence = divergence_of(p, embedding)
    # scikit-learn's own sum over this map; at angle 0 its tree leaves nothing out.
    own, _ = _kl_divergence_bh(embedding.ravel(), p, degrees_of_freedom=1, n_samples=COUNT, n_components=2, angle=0)
    trust = [trustworthiness(points, embedding, n_neighbors=k) for k in (5, 12)]
    noise = random.normal(size=(COUNT, 2)).astype(np.float32)
    trust += [trustworthiness(points, noise, n_neighbors=12)]
    save_file(
        {
            "digits.points": points,
            "digits.start": start,
            "digits.embedding": embedding,
            "digits.noise": noise,
            "digits.divergence": np.array([divergence], dtype=np.float64),
            "digits.own_divergence": np.array([own], dtype=np.float64),
            "digits.trustworthiness": np.array(trust, dtype=np.float64),
        },
        f"{folder}/tsne.safetensors",
    )
    print(divergence, own, fit.kl_divergence_, trust)


main(sys.argv[1])
