"""A profile from a table, as recordings give it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import FloatArray, Index
from bmtool_connectors.checks import floats
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.profiles.formula import FormulaProfile

__all__ = ["Tabulated"]


class Tabulated(FormulaProfile):
    """Values in bins of distance, 0 outside of them, cut at 0 and 1 as a probability.

    Parameters
    ----------
    bin_edges : array_like of float, shape (n + 1,), um
        Edges of the bins, ascending, the first at least 0; the last may be infinite.
    p : array_like of float, shape (n,)
        Value in each bin, finite. ``raw`` gives values outside of [0, 1] as they are, so that a
        table can hold a rate as well.
    interpolation : {'step', 'linear'}
        'step': constant in each bin ``[left, right)``, the last one with its right edge.
        'linear': `p` holds in the middle of each bin, straight lines lie between, and the outer
        halves of the outer bins are constant.

    Raises
    ------
    ParameterError
        If the edges are not ascending, numbers do not fit, or with 'linear' an edge is infinite.

    Examples
    --------
    >>> p = Tabulated([0, 50, 100], [0.3, 0.1])
    >>> p(49.0), p(50.0), p(101.0)
    (0.3, 0.1, 0.0)
    >>> Tabulated([0, 40, 80], [0.5, 0.25], interpolation="linear")(40.0)
    0.375
    """

    examples = (
        {"bin_edges": (0.0, 30.0, 70.0, 120.0), "p": (0.5, 0.1, 0.3)},
        {"bin_edges": (0.0, 30.0, 70.0, 120.0), "p": (0.5, 0.1, 0.3), "interpolation": "linear"},
        {"bin_edges": (10.0, 20.0, 40.0, 90.0, 100.0), "p": (-0.5, 1.5, 0.2, 0.4)},
        {"bin_edges": (10.0, 90.0), "p": (0.4,), "interpolation": "linear"},
    )

    def __init__(
        self, bin_edges: npt.ArrayLike, p: npt.ArrayLike, interpolation: str = "step"
    ) -> None:
        edges = checked_edges(bin_edges, "bin_edges of Tabulated")
        values = floats(p)
        if values.shape != (len(edges) - 1,) or not np.isfinite(values).all():
            raise ParameterError(
                f"p of Tabulated must be {len(edges) - 1} finite numbers, one for each bin, got "
                f"{p!r}."
            )
        if not isinstance(interpolation, str) or interpolation not in ("step", "linear"):
            raise ParameterError(
                f"interpolation of Tabulated must be 'step' or 'linear', got {interpolation!r}."
            )
        if interpolation == "linear" and np.isinf(edges[-1]):
            raise ParameterError(
                f"bin_edges of Tabulated is {bin_edges!r}; with interpolation='linear' the last "
                "edge must be finite."
            )
        super().__init__(edges[0], edges[-1])
        self.bin_edges, self.p = tuple(edges.tolist()), tuple(values.tolist())
        self.interpolation = interpolation
        self._edges, self._values = edges, values
        middles = (edges[1:] + edges[:-1]) / 2
        #: Where values hold that the interval between two distances may contain.
        self._places = edges[:-1] if interpolation == "step" else middles
        self._tops, self._bottoms = _Extremes(values), _Extremes(-values)

    def _parameters(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("bin_edges", "p", "interpolation")}

    def _formula(self, dist: FloatArray) -> Any:
        if self.interpolation == "linear":
            return np.interp(dist, self._places, self._values)
        return self._values[self._bin(dist)]

    def _bin(self, dist: FloatArray) -> Index:
        found = np.searchsorted(self._edges, dist, side="right") - 1
        return np.clip(found, 0, len(self._values) - 1)

    def _within(self, low: FloatArray, high: FloatArray) -> tuple[Index, Index]:
        """Return the first and the last value that holds somewhere on the intervals."""
        if self.interpolation == "step":
            return self._bin(low), self._bin(high)
        first = np.searchsorted(self._places, low, side="left")
        return first, np.searchsorted(self._places, high, side="right") - 1

    def _greatest(self, low: FloatArray, high: FloatArray) -> Any:
        top = self._tops.of(*self._within(low, high))
        return np.maximum(top, super()._greatest(low, high))

    def _least(self, low: FloatArray, high: FloatArray) -> Any:
        bottom = -self._bottoms.of(*self._within(low, high))
        return np.minimum(bottom, super()._least(low, high))

    def _kinks(self) -> Iterable[float]:
        return *super()._kinks(), *self._places.tolist()


def checked_edges(bin_edges: Any, owner: str) -> FloatArray:
    """Return the edges of bins of distance, ascending from at least 0."""
    edges = floats(bin_edges)
    if edges.ndim != 1 or len(edges) < 2 or not edges[0] >= 0 or not (edges[1:] > edges[:-1]).all():
        raise ParameterError(
            f"{owner} must be at least two distances >= 0 (um), ascending, got {bin_edges!r}."
        )
    return edges


class _Extremes:
    """The greatest of any run of values, from those of all runs whose length is a power of 2."""

    def __init__(self, values: FloatArray) -> None:
        levels = [values]
        while 2 ** len(levels) <= len(values):
            half = 2 ** (len(levels) - 1)
            last = levels[-1]
            levels.append(np.maximum(last[:-half], last[half:]))
        n = len(values)
        self._table = np.array(
            [np.pad(level, (0, n - len(level)), constant_values=-np.inf) for level in levels]
        )

    def of(self, first: Index, last: Index) -> FloatArray:
        """Return the greatest value from number `first` to `last`; -inf where there is none."""
        length = np.maximum(last - first + 1, 1)
        level = np.frexp(length)[1] - 1  # the greatest power of 2 that fits
        top = self._table.shape[1] - 1
        start = self._table[level, np.minimum(first, top)]
        stop = self._table[level, np.clip(last + 1 - 2**level, 0, top)]
        return np.where(last >= first, np.maximum(start, stop), -np.inf)
