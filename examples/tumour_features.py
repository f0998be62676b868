"""A permutation test on real tumours: which cell features differ between malignant and benign?

The Wisconsin breast cancer data (569 biopsies, 30 features of their cell nuclei) come with
scikit-learn. Thirty features tested at once would give false alarms, so the test is Westfall and
Young's: under shuffled labels, how large does the *largest* of thirty t statistics get by chance?
One shuffle is one task.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Feature", "Shuffle", "adjusted", "load", "shuffle_test"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shuffle:
    """What one shuffle found: its seed, and the largest absolute t statistic by chance."""

    seed: int
    largest: float


@dataclass(frozen=True)
class Feature:
    """One feature's verdict: its t statistic, and its p value adjusted for testing thirty."""

    name: str
    t: float
    p: float


def load() -> tuple[Floats, NDArray[np.bool_], list[str]]:
    """Return the features (569 by 30), who is malignant, and the features' names."""
    from sklearn.datasets import load_breast_cancer  # noqa: PLC0415 - slow, and the client's alone

    data: Any = load_breast_cancer()
    return data.data, data.target == 0, [str(name) for name in data.feature_names]


def t_statistics(values: Floats, malignant: NDArray[np.bool_]) -> Floats:
    """Return Welch's t for each column."""
    a, b = values[malignant], values[~malignant]
    spread = a.var(axis=0, ddof=1) / len(a) + b.var(axis=0, ddof=1) / len(b)
    return (a.mean(axis=0) - b.mean(axis=0)) / np.sqrt(spread)


def shuffle_test(values: Floats, malignant: NDArray[np.bool_]) -> Callable[[int], Shuffle]:
    """Return the task: shuffle the labels with a seed, and take the largest statistic."""

    def one_shuffle(seed: int) -> Shuffle:
        labels = np.random.default_rng(seed).permutation(malignant)
        return Shuffle(seed=seed, largest=float(np.abs(t_statistics(values, labels)).max()))

    return one_shuffle


def adjusted(
    values: Floats,
    malignant: NDArray[np.bool_],
    *,
    names: Sequence[str],
    shuffles: Sequence[Shuffle],
) -> list[Feature]:
    """Return each feature with its adjusted p value, the least certain first."""
    observed = t_statistics(values, malignant)
    chance = np.array([shuffle.largest for shuffle in shuffles])
    features = [
        Feature(
            name=name,
            t=float(t),
            p=float((1 + np.count_nonzero(chance >= abs(t))) / (1 + len(chance))),
        )
        for name, t in zip(names, observed, strict=True)
    ]
    return sorted(features, key=lambda feature: (-feature.p, abs(feature.t)))
