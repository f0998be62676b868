"""What may a portfolio be worth in ten years? Real months of four shares, drawn again and again.

The monthly prices of Apple, Amazon, IBM and Microsoft from 2000 to 2010 come with vega_datasets.
One task draws a thousand futures of one mix of shares: whole half-years of the past, in any order,
so that shares go on falling together and bad months go on following bad ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import starburst

__all__ = ["MIXES", "Outlook", "futures_of", "load", "main", "outlook"]

Floats = NDArray[np.float64]

MIXES = {
    "Apple alone": (1.0, 0.0, 0.0, 0.0),
    "IBM alone": (0.0, 0.0, 1.0, 0.0),
    "a quarter of each": (0.25, 0.25, 0.25, 0.25),
}
"""Shares of the money in Apple, Amazon, IBM and Microsoft, set right again each month."""

YEARS, BLOCK, PATHS = 10, 6, 1_000


@dataclass(frozen=True)
class Outlook:
    """What 1 USD became: in the middle, and in the worst twentieth of futures; and how far it fell.

    Attributes:
        median: of what it was worth at the end, in USD.
        poor: a twentieth of all futures ended with less than that, in USD.
        fall: the worst fall from a height, in the middle of all futures; 0.4 is 40 %.
    """

    median: float
    poor: float
    fall: float


def load() -> Floats:
    """Return monthly returns: a row for each of 122 months, a column for each share."""
    from vega_datasets import local_data  # noqa: PLC0415 - the client's alone

    prices = local_data.stocks().pivot_table(index="date", columns="symbol", values="price")
    held = prices[["AAPL", "AMZN", "IBM", "MSFT"]].to_numpy()
    return np.asarray(held[1:] / held[:-1] - 1, dtype=np.float64)


def futures_of(months: Floats, mix: Sequence[float], rng: np.random.Generator) -> Floats:
    """Return for each of a thousand futures its end and its worst fall: an array of 1,000 by 2."""
    begins = rng.integers(len(months) - BLOCK + 1, size=(PATHS, YEARS * 12 // BLOCK))
    drawn = (begins[:, :, None] + np.arange(BLOCK)).reshape(PATHS, -1)
    worth = np.cumprod(1 + months[drawn] @ np.asarray(mix), axis=1)
    falls = 1 - worth / np.maximum.accumulate(worth, axis=1)
    found = np.stack([worth[:, -1], falls.max(axis=1)], axis=1)
    return np.asarray(found, dtype=np.float64)


def outlook(parts: Sequence[Floats]) -> Outlook:
    """Put the futures of all tasks together."""
    ends, falls = np.concatenate(parts).T
    return Outlook(
        median=float(np.median(ends)),
        poor=float(np.quantile(ends, 0.05)),
        fall=float(np.median(falls)),
    )


def draw(months: Floats, mix: Sequence[float], _: int) -> Floats:
    """One task: its random numbers are its own, on whatever worker, and the same at each run."""
    return futures_of(months, mix, starburst.rng())


def main(tasks: int = 40, seed: int = 2026) -> dict[str, Outlook]:
    """Print the outlook of each mix, and return it.

    Args:
        tasks: for each mix, of a thousand futures each.
        seed: of all random numbers.
    """
    months = starburst.put(load())  # sent once, read in place by all tasks of a worker
    calls = [(months, mix, number) for mix in MIXES.values() for number in range(tasks)]
    parts = starburst.starmap(draw, calls, workers=2, cpu=0.25, memory=0.5, seed=seed)
    found = {
        name: outlook(parts[first * tasks : (first + 1) * tasks])
        for first, name in enumerate(MIXES)
    }
    print(f"1 USD after {YEARS} years, {tasks * PATHS:,} futures each:")
    for name, each in found.items():
        print(
            f"  {name:18} middle {each.median:6.2f}   poor {each.poor:5.2f}   fall {each.fall:4.0%}"
        )
    return found


if __name__ == "__main__":
    main()
