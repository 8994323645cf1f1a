"""Sums over pairs: how many connections are expected, and how far their numbers spread."""

from __future__ import annotations

import math

import numpy as np

from bmtool_connectors.arrays import FloatArray, Index, Values
from bmtool_connectors.bernoulli import deviation
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.laws import BlockValues, Clipping, Joint

__all__ = ["BACKWARD", "EDGES", "FORWARD", "RECIPROCAL", "CountSums", "max_step", "of_some"]

#: What the numbers of an array stand for: connections of each kind, EDGES those in any direction.
FORWARD, BACKWARD, EDGES, RECIPROCAL = range(4)
#: Relative error up to which the variance of degrees is told from a sample of the pairs.
ROUGH = 0.2
#: What is left of a difference of sums by rounding, of the sums.
NOISE = 1e-12


class CountSums:
    """Sums over pairs, of which some may stand for more.

    Parameters
    ----------
    counted : tuple of two bool
        Whether connections of each direction have synapses, and so are edges.
    n_source, n_target : int
        Sizes of the pools.
    symmetric : bool, default False
        (i, j) and (j, i) are drawn independently, with the same probability.

    Attributes
    ----------
    mean, variance : ndarray of float, shape (4,)
        Expected connections, and their variance over draws.
    within, both, clipped, independent, reciprocal_per_rho : float
        Pairs that laws are evaluated on; pairs with p0 > 0 and p1 > 0; those of them that are
        infeasible; reciprocal pairs if the directions were independent, and how many more each
        unit of rho gives.
    worst : str or None
        The largest change that clipping makes.
    """

    def __init__(
        self, counted: tuple[bool, ...], n_source: int, n_target: int, symmetric: bool = False
    ) -> None:
        self.counted, self.symmetric = counted, symmetric
        self.mean, self.variance, self._squares, self._gross = np.zeros((4, 4))
        self.both = self.clipped = self.independent = self.within = 0.0
        self.reciprocal_per_rho = 0.0
        self.worst: str | None = None
        self._worst_excess = 0.0
        #: Expected connections of each node: where they start and where they end, by direction.
        self._starts = [np.zeros(n_source), np.zeros(n_target)]
        self._ends = [np.zeros(n_target), np.zeros(n_source)]
        #: Variances of `mean` over samples; of the expected connections of nodes, summed over
        #: nodes, for starts and ends by direction; and sums of the 2nd and the 4th power of what
        #: the pairs of samples add to them.
        self._error2 = np.zeros(4)
        self._noise = np.zeros((2, 2))
        self._powers = np.zeros((2, 2))

    @property
    def error(self) -> FloatArray:
        """Standard errors of `mean`, shape (4,); 0 where all pairs were looked at."""
        return np.sqrt(self._error2)

    def add(
        self, values: BlockValues, joint: Joint | None, total: int | None = None, sign: int = 1
    ) -> None:
        """Add pairs, or take them away.

        Parameters
        ----------
        values : BlockValues
            Of the pairs.
        joint : Joint or None
        total : int, optional
            How many pairs there are, if these are a random sample that stands for all.
        sign : {1, -1}
        """
        i, j = values.candidates.pairs()
        looked_at = values.candidates.looked_at
        times = sign * (1.0 if total is None else total / max(looked_at, 1))
        p0, p1, pr = self._probabilities(values, joint, times)
        if self.symmetric:
            self.independent += times * float((p0**2)[i != j].sum()) / 2
        else:
            self.independent += times * float((p0 * p1).sum())
        self.reciprocal_per_rho += times * float(deviation(p0, p1).sum())
        variances = [p * (1 - p) for p in (p0, p1, pr)]
        variances.insert(EDGES, variances[0] + variances[1] + 2 * (pr - p0 * p1))
        means = (p0, p1, p0 + p1, pr)
        sums = np.array([each.sum() for each in means])
        squares = np.array([(each**2).sum() for each in means])
        self.mean += times * sums
        self.variance += times * np.array([each.sum() for each in variances])
        self._squares += times * squares
        self._gross += abs(times) * sums
        self._gross[RECIPROCAL] += abs(times) * float((p0 * p1).sum())
        if total is not None and looked_at > 1:
            spread = np.maximum(squares - sums**2 / looked_at, 0.0) / (looked_at - 1)
            self._error2 += total * (times - 1) * spread
        for direction, p in enumerate((p0, p1) if joint is not None else (p0,)):
            for side, index in enumerate((i, j) if direction == 0 else (j, i)):
                self._add_to_nodes((side, direction), index, p, times, looked_at)
            if total is not None:
                weighed = times * p
                self._powers[direction] += (weighed**2).sum(), (weighed**4).sum()

    def _probabilities(
        self, values: BlockValues, joint: Joint | None, times: float
    ) -> tuple[FloatArray, ...]:
        """Return p0, p1 and pr of edges, counting what is clipped."""
        candidates, n, clipping = values.candidates, values.candidates.n, Clipping()
        p0, p1 = (np.broadcast_to(p, (n,)) for p in (values.p0, values.p1))
        if candidates.space.self_pairs is not None:  # a self connection has one direction
            p1 = np.where(candidates.space.is_self(*candidates.pairs()), 0.0, p1)
        self.within += times * n
        self.both += times * np.count_nonzero((p0 > 0) & (p1 > 0))
        pr: Values = 0.0
        if joint is not None:
            p1, pr = joint.to_draw(values, np.arange(n), p0, p1, clipping)
        self.clipped += times * clipping.count
        if clipping.excess > self._worst_excess:
            self.worst, self._worst_excess = clipping.worst, clipping.excess
        first, second = self.counted
        return p0 * first, p1 * second, np.broadcast_to(pr, (n,)) * (first and second)

    def _add_to_nodes(
        self,
        which: tuple[int, int],
        index: Index,
        p: FloatArray,
        times: float,
        looked_at: int,
    ) -> None:
        """Add to what nodes expect, and to how far that varies over samples."""
        side, direction = which
        sums = (self._starts, self._ends)[side][direction]
        if abs(times) == 1:
            _add(sums, index, times * p)
            return
        own = np.bincount(index, p, len(sums))
        sums += times * own
        if looked_at > 1:
            # Of pairs chosen without replacement. A pair that stands for n has n (n - 1) p^2.
            spread = float((p**2).sum() - (own**2).sum() / looked_at)
            self._noise[which] += times * (times - 1) * spread * looked_at / (looked_at - 1)

    def equal_pairs(self, space: PairSpace) -> None:
        """Let nodes expect as many connections as they have pairs: all pairs have one law."""
        for direction, sums in enumerate(zip(self._starts, self._ends, strict=True)):
            pairs = space.pairs_of_nodes(direction == 1)
            for each, share in zip(sums, pairs[::-1] if direction else pairs, strict=True):
                each[:] = each.sum() * share / max(share.sum(), 1)
        self._noise[:] = self._powers[:] = 0.0

    def settle(self) -> None:
        """Make 0 of what rounding has left of numbers that are 0."""
        none = self.mean <= NOISE * self._gross
        self.mean[none] = self.variance[none] = 0.0
        for direction in (FORWARD, BACKWARD):
            if none[direction]:
                self._starts[direction][:] = self._ends[direction][:] = 0.0
        if self.independent <= NOISE * self._gross[RECIPROCAL]:
            self.independent = 0.0
        if self.reciprocal_per_rho <= NOISE * self._gross[EDGES]:
            self.reciprocal_per_rho = 0.0

    def deviation(self, share: float = 1.0) -> FloatArray:
        """Return standard deviations over draws, shape (4,).

        With a `share` of the sources that is drawn as well, there is one direction only.
        """
        variance = self.variance
        if share < 1:
            rows = self._starts[0]
            variance = share * variance
            spread = self._between(rows, self._noise[0, 0], self._error2[FORWARD])
            variance[[FORWARD, EDGES]] += of_some(len(rows), share, spread)
        return np.sqrt(np.maximum(variance, 0.0))

    def max_step(self, share: float) -> float:
        """Return the largest change of the edges forward by one event; see `max_step`."""
        return max_step(self._starts[0], share)

    @staticmethod
    def _between(expected: FloatArray, noise: float, error2: float) -> float:
        """Return the variance of what nodes expect, less what comes from the sample.

        With n - 1 in the denominator, as `of_some` takes it. `noise` is the sum of the variances of
        the nodes, over samples, and `error2` the variance of their sum.
        """
        n = len(expected)
        if n < 2:
            return 0.0
        return max(float(np.var(expected, ddof=1)) - (noise - error2 / n) / (n - 1), 0.0)

    def _spread(
        self, expected: FloatArray, side: int, *directions: int, times: float = 1.0
    ) -> tuple[float, float | None]:
        """Return mean and standard deviation of a degree over nodes and draws.

        Of the edges that nodes have on one side, where they start or end, in some directions.
        """
        n, which = len(expected), list(directions)
        kind = EDGES if len(which) > 1 else which[0]
        noise = times * float(self._noise[side, which].sum())
        between = self._between(expected, noise, times**2 * float(self._error2[kind]))
        total = times * float(self.variance[which].sum()) / n + between * (n - 1) / n
        # The fewer pairs of a node are in the sample, the longer the tail of their sum.
        second, fourth = times * self._powers[which].sum(axis=0)
        rough = math.sqrt((2 + n * fourth / second**2) / n) * noise / n if second else 0.0
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
        if kind == "undirected":  # each counts for both of its nodes
            junctions = self._spread(starts[0] + ends[0], 0, FORWARD, times=2)
            return {"out": junctions, "in": junctions}
        if kind == "together":
            return {
                "out": self._spread(starts[0] + starts[1], 0, FORWARD, BACKWARD),
                "in": self._spread(ends[0] + ends[1], 1, FORWARD, BACKWARD),
            }
        if share < 1:
            return self._degrees_of_some(share)
        found = {}
        for direction, prefix in enumerate(("", "backward ") if kind == "both ways" else ("",)):
            for side, name in enumerate(("out", "in")):
                expected = (starts, ends)[side][direction]
                found[prefix + name] = self._spread(expected, side, direction)
        return found

    def _degrees_of_some(self, share: float) -> dict[str, tuple[float, float | None]]:
        """Return the degrees of forward edges when a share of the sources is drawn."""
        columns = self._ends[0]
        out_mean, out_sd = self._spread(self._starts[0], 0, FORWARD)
        if out_sd is None:
            return {"out": (share * out_mean, None), "in": (share * float(columns.mean()), None)}
        # Of a source that takes part, or 0.
        out = share * (out_sd**2 + out_mean**2) - (share * out_mean) ** 2
        n, m = len(self._starts[0]), len(columns)
        between = self._between(columns, self._noise[1, 0], self._error2[FORWARD]) * (m - 1) / m
        # Of the probabilities of one target, on average over targets.
        spread = self._squares[FORWARD] / m - (between + columns.mean() ** 2) / n
        chosen = of_some(n, share, spread / max(n - 1, 1))
        inside = share * self.variance[FORWARD] / m + chosen
        return {
            "out": (share * out_mean, math.sqrt(max(out, 0.0))),
            "in": (share * float(columns.mean()), math.sqrt(max(inside + share**2 * between, 0.0))),
        }


def _add(sums: FloatArray, index: Index, values: FloatArray) -> None:
    """Add values at indices of an array, of which some may be the same."""
    if 8 * len(index) < len(sums):  # not a pass over all for a few
        np.add.at(sums, index, values)
    else:
        sums += np.bincount(index, values, len(sums))


def max_step(expected: FloatArray, share: float) -> float:
    """Return the largest change of a number of edges by one independent event: mostly one edge.

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
