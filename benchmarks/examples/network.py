"""A small multilayer perceptron in plain numpy, trained by minibatch gradient descent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Network", "Split", "train"]

Array = NDArray[np.float64]


@dataclass
class Split:
    """Inputs of shape (n, d) and labels of shape (n,)."""

    x: Array
    t: NDArray[np.intp]


@dataclass
class Network:
    """Fully connected, ReLU, softmax output; parameters are updated in place."""

    sizes: tuple[int, ...]
    rng: np.random.Generator
    weights: list[Array] = field(default_factory=list)
    biases: list[Array] = field(default_factory=list)

    def __post_init__(self) -> None:
        for a, b in zip(self.sizes[:-1], self.sizes[1:], strict=True):
            self.weights.append(self.rng.standard_normal((a, b)) * np.sqrt(2.0 / a))
            self.biases.append(np.zeros(b))

    def forward(self, x: Array) -> list[Array]:
        """Activations of every layer, logits last."""
        out = [x]
        for i, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            z = out[-1] @ w + b
            out.append(z if i == len(self.weights) - 1 else np.maximum(z, 0.0))
        return out

    def evaluate(self, data: Split) -> tuple[float, float]:
        """Mean cross-entropy in nats, and accuracy as a fraction."""
        logits = self.forward(data.x)[-1]
        shifted = logits - logits.max(axis=1, keepdims=True)
        loss = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(data.t)), data.t]
        return float(loss.mean()), float(np.mean(logits.argmax(axis=1) == data.t))

    def gradients(self, x: Array, t: NDArray[np.intp]) -> tuple[list[Array], list[Array]]:
        """Gradients of the mean cross-entropy."""
        acts = self.forward(x)
        shifted = acts[-1] - acts[-1].max(axis=1, keepdims=True)
        p = np.exp(shifted)
        p /= p.sum(axis=1, keepdims=True)
        p[np.arange(len(t)), t] -= 1.0
        delta = p / len(t)
        gw: list[Array] = []
        gb: list[Array] = []
        for i in range(len(self.weights) - 1, -1, -1):
            gw.append(acts[i].T @ delta)
            gb.append(delta.sum(axis=0))
            if i:
                delta = (delta @ self.weights[i].T) * (acts[i] > 0)
        return gw[::-1], gb[::-1]


def train(
    network: Network,
    data: Split,
    epochs: int,
    batch: int,
    rate: Callable[[int], float],
    rng: np.random.Generator,
    *,
    momentum: float = 0.9,
    decay: float = 0.0,
) -> Iterator[tuple[int, float]]:
    """Train epoch by epoch; yields (epoch, learning rate) after each, epochs counted from 1."""
    vw = [np.zeros_like(w) for w in network.weights]
    vb = [np.zeros_like(b) for b in network.biases]
    for epoch in range(1, epochs + 1):
        eta = rate(epoch)
        order = rng.permutation(len(data.t))
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            gw, gb = network.gradients(data.x[rows], data.t[rows])
            for i in range(len(vw)):
                vw[i] = momentum * vw[i] - eta * (gw[i] + decay * network.weights[i])
                vb[i] = momentum * vb[i] - eta * gb[i]
                network.weights[i] += vw[i]
                network.biases[i] += vb[i]
        yield epoch, eta
