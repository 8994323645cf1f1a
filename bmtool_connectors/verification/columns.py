"""Datasets of a SONATA file, read part by part and never trusted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from bmtool_connectors.sonata.datasets import (
    IntArray,
    checked,
    datasets,
    integers,
    is_integer,
)
from bmtool_connectors.verification.findings import Findings

__all__ = [
    "CHUNK",
    "Ids",
    "IntArray",
    "Mask",
    "Tally",
    "datasets",
    "integers",
    "is_table",
    "lengths_agree",
    "missing",
    "parts",
]

#: Rows that are read at a time: 4 MB of ids.
CHUNK = 1 << 19

Mask = npt.NDArray[np.bool_]


class Tally:
    """The first of the bad rows, and how many there are."""

    def __init__(self) -> None:
        self.first = -1
        self.count = 0

    def add(self, bad: Mask, start: int = 0) -> None:
        """Add rows, the first of which is number `start`."""
        n = int(np.count_nonzero(bad))
        if n and not self.count:
            self.first = start + int(bad.argmax())
        self.count += n

    def __bool__(self) -> bool:
        return self.count > 0


class Ids:
    """A set of ids, such as those of a node file.

    Parameters
    ----------
    values : ndarray of int64
    """

    def __init__(self, values: IntArray) -> None:
        self.sorted = np.sort(values)
        n = len(values)
        # Mostly 0, 1, 2, ...
        self._is_run = bool(n and self.sorted[0] == 0 and self.sorted[-1] == n - 1) and bool(
            (np.diff(self.sorted) == 1).all()
        )

    def __len__(self) -> int:
        return len(self.sorted)

    def holds(self, values: IntArray) -> Mask:
        """Return which values are among the ids."""
        if self._is_run:
            return values.view(np.uint64) < len(self.sorted)
        if not len(self.sorted):
            return np.zeros(len(values), dtype=bool)
        place = np.minimum(np.searchsorted(self.sorted, values), len(self.sorted) - 1)
        same: Mask = self.sorted[place] == values
        return same


def parts(n: int) -> Iterator[slice]:
    """Cut rows into parts."""
    for start in range(0, n, CHUNK):
        yield slice(start, min(start + CHUNK, n))


def is_table(
    columns: dict[str, h5py.Dataset], file: Path, population: str, found: Findings
) -> bool:
    """Report columns that are no whole numbers or differ in length; say whether there are none.

    A ValueError if one declares more rows than it holds.
    """
    wrong = [name for name, each in columns.items() if not is_integer(each)]
    for name in wrong:
        each = columns[name]
        text = f"{name} is {each.dtype}, not a column of whole numbers"
        found.add("id-floats" if _holds_whole(each) else "dtype", text, file, population=population)
    if wrong or not lengths_agree(columns, file, population, found):
        return False
    for each in columns.values():
        checked(each)
    return True


def _holds_whole(dataset: h5py.Dataset) -> bool:
    """Say whether a column holds whole numbers, as floats."""
    if dataset.dtype.kind != "f" or dataset.ndim != 1:
        return False
    checked(dataset)
    return all(bool((dataset[part] % 1 == 0).all()) for part in parts(len(dataset)))


def missing(h5: h5py.Group, names: Iterable[str], file: Path, found: Findings) -> bool:
    """Report datasets that are not there, and say whether there are any."""
    absent = [name for name in names if not isinstance(h5.get(name), h5py.Dataset)]
    population = h5.name.rsplit("/", 1)[-1] or None
    for name in absent:
        found.add("missing-dataset", f"{name} is missing", file, population=population)
    return bool(absent)


def lengths_agree(
    columns: dict[str, h5py.Dataset], file: Path, population: str, found: Findings
) -> bool:
    """Report datasets that differ in length, and say whether there are none."""
    lengths = {name: int(each.shape[0]) if each.ndim else 0 for name, each in columns.items()}
    if len(set(lengths.values())) < 2:
        return True
    text = ", ".join(f"{name} has {n}" for name, n in lengths.items())
    found.add("length", f"datasets differ in length ({text})", file, population=population)
    return False
