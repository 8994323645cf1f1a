"""Types of arrays, and what is done with whole numbers: sorted ones, ranges, smallest types."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Index = npt.NDArray[Any]  #: whole numbers, of the smallest type that holds them
Values = Any  #: one value for all pairs, or an ndarray of shape (m,)


def is_first(*columns: npt.NDArray[Any]) -> Flags:
    """Return which rows differ from the one before, of columns that are sorted together."""
    first = np.ones(len(columns[0]), dtype=bool)
    first[1:] = functools.reduce(np.logical_or, (each[1:] != each[:-1] for each in columns))
    return first


def distinct(numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return sorted numbers, each once (np.unique takes twenty times longer)."""
    return numbers[is_first(numbers)]


def present_numbers(numbers: Index) -> IntArray:
    """Return which numbers there are, ascending, of unsorted ones that are mostly near."""
    if not len(numbers):
        return np.empty(0, dtype=np.int64)
    low, high = int(numbers.min()), int(numbers.max())
    if high - low < max(1 << 20, 2 * len(numbers)):
        return np.flatnonzero(np.bincount(numbers - low)) + low
    return distinct(np.sort(numbers)).astype(np.int64)


def is_repeated(numbers: Index) -> Flags:
    """Return which numbers stand in an earlier row, too."""
    order = np.argsort(numbers, kind="stable")
    repeated = np.zeros(len(numbers), dtype=bool)
    repeated[order] = ~is_first(numbers[order])
    return repeated


def places_among(numbers: Index, values: Index) -> tuple[IntArray, Flags]:
    """Return where values are among sorted numbers, and whether they are there at all."""
    if not len(numbers):
        return np.zeros(len(values), dtype=np.int64), np.zeros(len(values), dtype=bool)
    place = np.minimum(np.searchsorted(numbers, values), len(numbers) - 1)
    return place, numbers[place] == values


def runs(numbers: Index) -> Iterator[tuple[int, slice]]:
    """Yield each number of sorted ones, and where it stands."""
    start = np.flatnonzero(is_first(numbers))
    for begin, end in zip(start, [*start[1:], len(numbers)], strict=False):
        yield int(numbers[begin]), slice(int(begin), int(end))


def rows_by_number(numbers: Index) -> dict[int, Any]:
    """Return which rows have each number, in order; a slice where there is one number."""
    if not len(numbers):
        return {}
    low, high = int(numbers.min()), int(numbers.max())
    if low == high:
        return {low: slice(None)}
    keys = (numbers - low).astype(np.uint16) if high - low < 1 << 16 else numbers
    order = np.argsort(keys, kind="stable")
    return {number: order[part] for number, part in runs(numbers[order])}


def ranges(first: Index, length: Index) -> Index:
    """Return first, first + 1, ... up to each length, one range after the other."""
    if length.max(initial=1) == length.min(initial=1) == 1:
        return first.astype(np.int64)
    ends = np.cumsum(length)
    total = int(ends[-1]) if len(ends) else 0
    found: Index = np.arange(total) + np.repeat(first - ends + length, length)
    return found


def places_in_ranges(ends: npt.NDArray[Any], numbers: npt.NDArray[Any]) -> Index:
    """Return in which of some ranges, told by their ends, numbers are; both are ascending.

    The fewer are looked up in the more, and only the ranges from the first number to the last.
    """
    first, last = np.searchsorted(ends, numbers[[0, -1]], side="right")
    if last - first > len(numbers):
        places: Index = np.searchsorted(ends[first:last], numbers, side="right")
    else:
        counts = np.diff(np.searchsorted(numbers, ends[first:last]), prepend=0)
        counts = np.append(counts, len(numbers) - counts.sum())
        places = np.repeat(np.arange(len(counts)), counts)
    places += first
    return places


def bunches(lengths: npt.NDArray[Any], most: int) -> Iterator[tuple[int, int]]:
    """Cut a sequence of parts into runs (start, stop) with `most` in all, or of one part."""
    ends = np.cumsum(lengths)
    start = 0
    while start < len(ends):
        before = int(ends[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + most, side="right")))
        yield start, stop
        start = stop


def index_dtype(n: int) -> np.dtype[Any]:
    """Return the smallest signed integer type that holds ``n - 1``."""
    return np.dtype(np.int16 if n <= 1 << 15 else np.int32 if n <= 1 << 31 else np.int64)


def order_by(key: npt.NDArray[Any], n_keys: int) -> npt.NDArray[Any]:
    """Return the stable order that sorts `key`, whole numbers in ``[0, n_keys)``.

    Notes
    -----
    A counting sort, O(m + n_keys): SciPy's transposition of a matrix with one entry per row, whose
    row numbers come out in order. About ten times faster than a stable ``argsort``, but for a few
    keys, where making a matrix takes longer.
    """
    m = len(key)
    if m < 1 << 12:
        return np.argsort(key, kind="stable")
    from scipy.sparse import csr_matrix

    starts = np.arange(m + 1, dtype=index_dtype(max(m + 1, 1 << 16)))
    entries = csr_matrix((np.zeros(m, dtype=np.int8), key, starts), shape=(m, n_keys))
    return entries.tocsc().indices  # type: ignore[no-any-return]
