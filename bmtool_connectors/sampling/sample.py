"""Pairs that stand for all pairs, where there are too many to look at each."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import FloatArray, Index
from bmtool_connectors.sampling import sparse
from bmtool_connectors.sampling.blocks import PairBlock, PairSpace
from bmtool_connectors.sampling.candidates import Distances, ListedPairs
from bmtool_connectors.sampling.laws import BlockValues, PairLaws
from bmtool_connectors.sampling.tiles import skip

__all__ = ["Sample"]

#: Parts that the pairs are cut into, of which each is sampled by itself, and the fewest pairs that
#: are looked at of one.
STRATA, FEWEST = 32, 2048
#: What chooses pairs: a stream of its own, that starts anew at every call.
Stream = Callable[[], np.random.Generator]
#: Values of pairs, and how many pairs they stand for; None where they are all.
Part = tuple[BlockValues, int | None]


class Sample:
    """Pairs of a space that stand for all pairs that laws can connect.

    Parameters
    ----------
    space : PairSpace
    laws : PairLaws
    most : int
        Pairs up to which all are looked at.
    looks : int
        How many are looked at, if there are more.
    stream : callable
        Returns the generator that chooses pairs.
    reach : float, optional
        Pairs within that distance count, whatever the laws say.
    even : bool, default False
        All pairs are looked at with one probability; else those more often that are more likely
        to be connected.

    Attributes
    ----------
    pairs : int
        How many pairs there are.
    passes : int
        How often they have been evaluated.

    Notes
    -----
    Pairs are numbered: by rank, or, where the laws are functions of distance, by the distance of
    their cells. The numbers are cut into strata, and within each stratum every pair is looked at
    with one probability, independently.
    """

    def __init__(
        self,
        space: PairSpace,
        laws: PairLaws,
        most: int,
        looks: int,
        stream: Stream,
        reach: float | None = None,
        even: bool = False,
    ) -> None:
        self._space, self._laws, self._stream = space, laws, stream
        self._everything = reach is not None
        self._ranges: sparse.DistanceRanges | None = None
        self.pairs, self.passes = space.n_pairs, 0
        self._in_order = self.pairs <= most
        ends, density = np.array([self.pairs]), np.ones(1)
        if not self._in_order and not laws.constant and sparse.why_not(laws) is None:
            self._ranges = sparse.DistanceRanges(space, laws, reach)
            sizes = np.array([(q, pairs.total) for _, q, pairs in self._ranges])
            bounds, totals = sizes.reshape(-1, 2).T
            ends = np.cumsum(totals).astype(np.int64)
            self.pairs = int(totals.sum())
            density = np.ones(len(bounds))
            if not even:
                # Half of the looks go to pairs as they are, so that no pair weighs more than twice
                # what it would among all.
                density += bounds * self.pairs / max(float((bounds * totals).sum()), 1e-300)
        looks = self.pairs if self.pairs <= most else min(looks, self.pairs)
        self._cuts, self._each = _strata(ends, density, looks)

    @property
    def weight(self) -> float:
        """How many pairs each that is looked at stands for, on average."""
        return max(1.0, self.pairs / max(self._each * (len(self._cuts) - 1), 1.0))

    @functools.cached_property
    def visits(self) -> float:
        """How many pairs a sparse draw of these laws visits, on average."""
        ranges = self._ranges or sparse.DistanceRanges(self._space, self._laws)
        return float(sum(q * pairs.total for _, q, pairs in ranges))

    def parts(self) -> Iterator[Part]:
        """Yield the laws evaluated on pairs, and how many pairs these stand for."""
        if self._in_order:
            for values in self._laws.over(self._space, everything=self._everything):
                yield values, None
            return
        rng = self._stream()
        strata = [(low, high - low) for low, high in pairwise(self._cuts) if high > low]
        chosen = [low + _some(rng, min(1.0, self._each / n), n) for low, n in strata]
        stops = np.cumsum([len(each) for each in chosen])
        index, i, j, distances = self._pairs(np.concatenate(chosen or [np.empty(0, np.int64)]))
        start = 0
        for (_, total), numbers, stop in zip(
            strata, chosen, np.searchsorted(index, stops).tolist(), strict=True
        ):
            here = slice(start, stop)
            some = {metric: dist[here] for metric, dist in distances.items()}
            pairs = ListedPairs(self._space, i[here], j[here], some)
            pairs.looked_at = len(numbers)
            yield self._laws.evaluate_on(pairs), None if len(numbers) == total else total
            start = stop

    def evaluate(self) -> Iterator[BlockValues]:
        """Yield the laws evaluated on pairs, and count that it was asked for."""
        self.passes += 1
        return (values for values, _ in self.parts())

    def _pairs(self, number: Index) -> tuple[Index, Index, Index, Distances]:
        """Return which numbers are pairs of the space within reach, the pairs, and distances."""
        if self._ranges is None:
            return np.arange(len(number)), *PairBlock.whole(self._space).of_rank(number), {}
        ranges, start = self._ranges, 0
        none = np.empty(0, dtype=np.int64)
        columns: list[tuple[npt.NDArray[np.generic], ...]] = [(none, none, none, np.empty(0))]
        for _, _, pairs in ranges:
            first, stop = np.searchsorted(number, [start, start + pairs.total])
            if first < stop:
                found = ranges.numbered(pairs, number[first:stop] - start)
                columns.append((first + found.kept, *found.pairs(), found.distance(ranges.metric)))
            start += pairs.total
        index, i, j, dist = (np.concatenate(column) for column in zip(*columns, strict=True))
        return index, i, j, {ranges.metric: dist}


def _strata(ends: Index, density: FloatArray, looks: int) -> tuple[list[int], float]:
    """Cut numbers into strata of which equally many are looked at.

    Parameters
    ----------
    ends : ndarray of int, shape (m,)
        Where runs of numbers end; the first begins at 0.
    density : ndarray of float, shape (m,)
        How often a number of each run is looked at, relative to the others.
    looks : int
        In all.

    Returns
    -------
    cuts : list of int
        Where the strata begin, and where the last one ends.
    each : float
        Looks at each.
    """
    n = int(ends[-1]) if len(ends) else 0
    if n <= looks:
        return [0, n], float(n)
    several = max(1, min(STRATA, looks // FEWEST))
    weight = np.cumsum(density * np.diff(ends, prepend=0))
    levels = np.linspace(0, weight[-1], several + 1)
    cuts = np.interp(levels, np.append(0, weight), np.append(0, ends))
    return [*cuts[:-1].astype(np.int64).tolist(), n], looks / several


def _some(rng: np.random.Generator, share: float, n: int) -> Index:
    """Return numbers below n, ascending, each with a probability, independently."""
    if share == 1:
        return np.arange(n)
    return np.concatenate([np.empty(0, np.int64), *skip(rng, share, n)])
