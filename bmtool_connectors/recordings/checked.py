"""Counts of pairs in bins of distance: whole numbers that fit each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from bmtool_connectors.arrays import Flags, FloatArray, IntArray
from bmtool_connectors.checks import floats
from bmtool_connectors.errors import ParameterError, must_be


def whole_numbers(values: Any, name: str, n: int) -> IntArray:
    """Return whole numbers >= 0, one for each bin."""
    numbers = floats(values)
    if numbers.ndim == 0:
        numbers = numbers.reshape(1)
    wrong = ~((numbers >= 0) & (numbers <= 2**53) & (np.floor(numbers) == numbers))
    if numbers.shape != (n,) or wrong.any():
        raise ParameterError(
            f"{name} of PairCounts must be {n} whole numbers >= 0, one for each bin, got "
            f"{values!r}."
        )
    return numbers.astype(np.int64)


def check_fit(
    bin_edges: FloatArray,
    tested: IntArray,
    forward: IntArray,
    backward: IntArray | None,
    both: IntArray,
) -> None:
    """Refuse counts that no pairs of cells can have; see :class:`PairCounts`."""

    def refuse(wrong: Flags, name: str, counts: IntArray, allowed: str) -> None:
        if wrong.any():
            k = int(np.flatnonzero(wrong)[0])
            low, high = bin_edges[k : k + 2]
            got = f"{counts[k]} from {low:g} to {high:g} um"
            raise ParameterError(must_be(f"{name} of PairCounts", allowed, got))

    refuse(tested < 1, "n_tested", tested, "at least 1: merge bins without pairs")
    if backward is None:
        connected, most = forward - both, "2 n_both at least, and one or two for each pair"
        refuse(forward < 2 * both, "n_forward", forward, most)
        refuse(connected > tested, "n_forward", forward, most)
        return
    refuse(forward > tested, "n_forward", forward, "at most n_tested")
    refuse(backward > tested, "n_backward", backward, "at most n_tested")
    most = "at most n_forward and n_backward"
    refuse(both > np.minimum(forward, backward), "n_both", both, most)
    least = "at least n_forward + n_backward - n_tested"
    refuse(both < forward + backward - tested, "n_both", both, least)
