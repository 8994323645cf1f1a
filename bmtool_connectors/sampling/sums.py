"""Sums over pairs: how many connections are expected, and how far their numbers spread."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.reciprocity import deviation
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.laws import BlockValues, Clipping, Joint, Values

__all__ = ["BACKWARD", "EDGES", "FORWARD", "RECIPROCAL", "CountSums", "jump", "of_some"]

#: What the numbers of an array stand for: connections of each kind, EDGES those in any direction.
FORWARD, BACKWARD, EDGES, RECIPROCAL = range(4)
#: Relative error up to which the variance of degrees is told from a sample of the pairs.
ROUGH = 0.2


class CountSums:
    """Sums over pairs, and over a sample of pairs that stands for all.

    Parameters
    ----------
    counted : tuple of two bool
        Whether connections of each direction have synapses, and so are edges.
    n_source, n_target : int
        Sizes of the pools.
    symmetric : bool, default False
        The pairs (i, j) and (j, i) are both there, by themselves, with the same probability.

    Attributes
    ----------
    mean, variance, error : ndarray of float, shape (4,)
        Expected connections, their variance over draws, and the standard error of what is
        expected.
    both, clipped, independent, per_rho : float
        Pairs with p0 > 0 and p1 > 0; those of them that are infeasible; reciprocal pairs if the
        directions were independent, and how many more each unit of rho gives.
    """

    def __init__(
        self, counted: tuple[bool, ...], n_source: int, n_target: int, symmetric: bool = False
    ) -> None:
        self.counted, self.symmetric = counted, symmetric
        self.mean, self.variance, self.error, self._squares = np.zeros((4, 4))
        self.both = self.clipped = self.independent = self.per_rho = 0.0
        #: Expected connections of each node: where they start and where they end, by direction.
        self._starts = [np.zeros(n_source), np.zeros(n_target)]
        self._ends = [np.zeros(n_target), np.zeros(n_source)]
        #: Factor of the squares of what a sample of the pairs adds to the variance of those sums.
        self._noise = 0.0
        self._looked_at = 0

    def add(self, values: BlockValues, joint: Joint | None, sign: int = 1) -> None:
        """Add pairs, or take them away."""
        candidates, n, clipping = values.candidates, values.candidates.n, Clipping()
        i, j = candidates.pairs()
        p0, p1 = (np.broadcast_to(p, (n,)) for p in (values.p0, values.p1))
        if candidates.space.self_pairs is not None:  # a self connection has one direction
            p1 = np.where(candidates.space.is_self(i, j), 0.0, p1)
        self.both += sign * np.count_nonzero((p0 > 0) & (p1 > 0))
        pr: Values = 0.0
        if joint is not None:
            p1, pr = joint.drawn(values, np.arange(n), p0, p1, clipping)
        self.clipped += sign * clipping.count
        first, second = self.counted
        p0, p1, pr = p0 * first, p1 * second, np.broadcast_to(pr, (n,)) * (first and second)
        if self.symmetric:
            self.independent += sign * float((p0**2)[i != j].sum()) / 2
        else:
            self.independent += sign * float((p0 * p1).sum())
        self.per_rho += sign * float(deviation(p0, p1).sum())
        variances = [p * (1 - p) for p in (p0, p1, pr)]
        variances.insert(EDGES, variances[0] + variances[1] + 2 * (pr - p0 * p1))
        means = (p0, p1, p0 + p1, pr)
        self.mean += sign * np.array([each.sum() for each in means])
        self.variance += sign * np.array([each.sum() for each in variances])
        self._squares += sign * np.array([(each**2).sum() for each in means])
        for direction, p in enumerate((p0, p1) if joint is not None else (p0,)):
            nodes = (i, j) if direction == 0 else (j, i)
            for sums, place in zip((self._starts, self._ends), nodes, strict=True):
                _add(sums[direction], place, sign * p)
        self._looked_at += candidates.looked_at

    def stand_for(self, n: float) -> None:
        """Multiply the sums of a sample to `n` pairs, and tell how far off they may be."""
        if not self._looked_at:
            return
        times, left = n / self._looked_at, max(1 - self._looked_at / n, 0.0)
        spread = np.maximum(self._squares / self._looked_at - (self.mean / self._looked_at) ** 2, 0)
        self.error = n * np.sqrt(left * spread / self._looked_at)
        self._noise = left * times
        for name in ("mean", "variance", "_squares", "both", "clipped", "independent", "per_rho"):
            setattr(self, name, getattr(self, name) * times)
        for each in (*self._starts, *self._ends):
            each *= times

    def equal_pairs(self, space: PairSpace) -> None:
        """Let nodes expect as many connections as they have pairs: all pairs have one law."""
        for direction, sums in enumerate(zip(self._starts, self._ends, strict=True)):
            pairs = space.pairs_of_nodes(direction == 1)
            for each, share in zip(sums, pairs[::-1] if direction else pairs, strict=True):
                each[:] = each.sum() * share / max(share.sum(), 1)
        self._noise = 0.0

    def deviation(self, share: float = 1.0) -> npt.NDArray[np.float64]:
        """Return standard deviations over draws, shape (4,).

        With a `share` of the sources that is drawn as well, there is one direction only.
        """
        variance = self.variance
        if share < 1:
            rows = self._starts[0]
            variance = share * variance
            spread = self._between(rows, self._squares[FORWARD])
            variance[[FORWARD, EDGES]] += of_some(len(rows), share, spread)
        return np.sqrt(np.maximum(variance, 0.0))

    def jump(self, share: float) -> float:
        """Return by how much one independent event can change the edges forward; see `jump`."""
        return jump(self._starts[0], share)

    def _between(self, expected: npt.NDArray[np.float64], squares: float) -> float:
        """Return the variance of what nodes expect, less what comes from the sample.

        With n - 1 in the denominator, as `of_some` takes it.
        """
        n = len(expected)
        if n < 2:
            return 0.0
        return max(float(np.var(expected, ddof=1)) - self._noise * squares / n, 0.0)

    def _spread(
        self, expected: npt.NDArray[np.float64], variance: float, squares: float
    ) -> tuple[float, float | None]:
        """Return mean and standard deviation of a degree over nodes and draws."""
        n = len(expected)
        total = variance / n + self._between(expected, squares) * (n - 1) / n
        # The fewer pairs of a node are in the sample, the longer the tail of their sum.
        rough = math.sqrt((2 + 3 * n / max(self._looked_at, 1)) / n) * self._noise * squares / n
        known = rough <= ROUGH * total
        return float(expected.mean()), math.sqrt(max(total, 0.0)) if known else None

    def degrees(self, kind: str, share: float = 1.0) -> dict[str, tuple[float, float | None]]:
        """Return mean and standard deviation of degrees, over nodes and draws.

        Parameters
        ----------
        kind : {'one way', 'both ways', 'together', 'undirected'}
            Edges in one direction; in two; in two, between nodes of one population; between
            unordered pairs.
        share : float
            Of the sources that take part, of edges in one direction.
        """
        starts, ends = self._starts, self._ends
        variance, squares = self.variance, self._squares
        of = [variance[FORWARD], squares[FORWARD]]
        if kind == "undirected":
            junctions = self._spread(starts[0] + ends[0], 2 * of[0], 2 * of[1])
            return {"out": junctions, "in": junctions}
        if kind == "together":
            of = [of[0] + variance[BACKWARD], of[1] + squares[BACKWARD]]
            return {
                "out": self._spread(starts[0] + starts[1], *of),
                "in": self._spread(ends[0] + ends[1], *of),
            }
        if share < 1:
            return self._degrees_of_some(share)
        found = {"out": self._spread(starts[0], *of), "in": self._spread(ends[0], *of)}
        if kind == "both ways":
            of = [variance[BACKWARD], squares[BACKWARD]]
            found["backward out"] = self._spread(starts[1], *of)
            found["backward in"] = self._spread(ends[1], *of)
        return found

    def _degrees_of_some(self, share: float) -> dict[str, tuple[float, float | None]]:
        """Return the degrees of forward edges when a share of the sources is drawn."""
        columns = self._ends[0]
        out_mean, out_sd = self._spread(self._starts[0], self.variance[0], self._squares[0])
        if out_sd is None:
            return {"out": (share * out_mean, None), "in": (share * float(columns.mean()), None)}
        # Of a source that takes part, or 0.
        out = share * (out_sd**2 + out_mean**2) - (share * out_mean) ** 2
        n, m = len(self._starts[0]), len(columns)
        between = self._between(columns, self._squares[FORWARD]) * (m - 1) / m
        # Of the probabilities of one target, on average over targets.
        spread = self._squares[FORWARD] / m - (between + columns.mean() ** 2) / n
        chosen = of_some(n, share, spread / max(n - 1, 1))
        inside = share * self.variance[FORWARD] / m + chosen
        return {
            "out": (share * out_mean, math.sqrt(max(out, 0.0))),
            "in": (share * float(columns.mean()), math.sqrt(max(inside + share**2 * between, 0.0))),
        }


def _add(
    sums: npt.NDArray[np.float64], place: npt.NDArray[Any], values: npt.NDArray[np.float64]
) -> None:
    """Add values at places of an array, of which some may be the same."""
    if 8 * len(place) < len(sums):  # not a pass over all for a few
        np.add.at(sums, place, values)
    else:
        sums += np.bincount(place, values, len(sums))


def jump(expected: npt.NDArray[np.float64], share: float) -> float:
    """Return by how much one independent event can change a number of edges: mostly one edge.

    Parameters
    ----------
    expected : ndarray of float, shape (n,)
        Edges of each source, if it takes part.
    share : float
        Of the sources that are chosen: with one come all its edges, and not those of another.
    """
    if share == 1 or not len(expected):
        return 1.0
    return max(1.0, float(np.abs(expected - expected.mean()).max()))


def of_some(n: int, share: float, spread: float) -> float:
    """Return the variance of the sum of some of n numbers that are chosen without replacement.

    Parameters
    ----------
    n : int
    share : float
        How many are chosen, of all.
    spread : float
        Variance of the numbers, with n - 1 in the denominator.
    """
    return n * share * (1 - share) * spread
