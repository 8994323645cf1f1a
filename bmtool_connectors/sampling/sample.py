"""Pairs that stand for all pairs, where there are too many to look at each."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from bmtool_connectors.arrays import FloatArray, Index
from bmtool_connectors.distances import Metric
from bmtool_connectors.sampling import sparse
from bmtool_connectors.sampling.blocks import PairBlock, PairSpace
from bmtool_connectors.sampling.candidates import ListedPairs
from bmtool_connectors.sampling.laws import BlockValues, PairLaws
from bmtool_connectors.sampling.strata import Looks, Strata
from bmtool_connectors.sampling.tiles import CellTiles, skip

__all__ = ["Sample"]

#: Parts that pairs without distances are cut into, of which each is sampled by itself, and the
#: fewest pairs that are looked at of one.
RUNS, FEWEST = 32, 2048
#: The fewest pairs that are looked at of a stratum of distances.
FEWEST_OF = 256
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

    Attributes
    ----------
    pairs : int
        How many pairs there are.

    Notes
    -----
    Where the laws are functions of distance, pairs are told apart by the distance of their cells,
    else by rank. Of each such stratum every pair is looked at with one probability, independently;
    more often where pairs are more likely to be connected.
    """

    def __init__(
        self,
        space: PairSpace,
        laws: PairLaws,
        most: int,
        looks: int,
        stream: Stream,
        reach: float | None = None,
    ) -> None:
        self._space, self._laws, self._stream = space, laws, stream
        self._everything = reach is not None
        self._looks = looks
        self._strata: Strata | None = None
        self.pairs = space.n_pairs
        self._in_order = self.pairs <= most
        if not self._in_order and not laws.constant and sparse.why_not(laws) is None:
            self._strata = Strata(space, laws, reach, max(1, looks // FEWEST_OF))
            self.pairs = self._strata.total
        if self.pairs <= most:
            self._looks = self.pairs

    @functools.cached_property
    def visits(self) -> float:
        """How many pairs a sparse draw of these laws visits, on average."""
        return CellTiles(self._space, self._laws).visits

    def parts(self) -> Iterator[Part]:
        """Yield the laws evaluated on pairs, and how many pairs these stand for."""
        if self._in_order:
            for values in self._laws.over(self._space, everything=self._everything):
                yield values, None
        elif self._strata is None:
            yield from self._runs()
        elif self._looks >= self.pairs:
            for pairs in self._strata.every():
                yield self._laws.evaluate_on(pairs), None
        else:
            yield from self._of_strata(self._strata)

    def evaluate(self) -> Iterator[tuple[BlockValues, float | None]]:
        """Yield the laws evaluated on pairs, and their weights."""
        for values, total in self.parts():
            yield values, None if total is None else total / max(values.candidates.looked_at, 1)

    def _runs(self) -> Iterator[Part]:
        """Yield runs of pairs by rank."""
        rng, whole = self._stream(), PairBlock.whole(self._space)
        share = min(1.0, self._looks / max(self.pairs, 1))
        several = max(1, min(RUNS, self._looks // FEWEST)) if share < 1 else 1
        for low, high in pairwise(k * self.pairs // several for k in range(several + 1)):
            chosen = low + _some(rng, share, high - low)
            values = self._laws.evaluate_on(ListedPairs(self._space, *whole.of_rank(chosen)))
            yield values, None if share == 1 else high - low

    def _of_strata(self, strata: Strata) -> Iterator[Part]:
        """Yield pairs of each stratum."""
        looks = list(strata.look(strata.shares(self._looks), self._stream()))
        n = np.zeros(len(strata) + 1, dtype=np.int64)
        for each in looks:
            n += np.bincount(each.stratum, minlength=len(n))
        stratum, i, j, dist = (
            np.concatenate(column)
            for column in zip(*(_columns(each, strata.metric) for each in looks), strict=True)
        )
        order = np.argsort(stratum, kind="stable")
        ends = np.searchsorted(stratum[order], np.arange(len(n)))
        for k, (start, stop) in enumerate(pairwise(ends.tolist())):
            here = order[start:stop]
            pairs = ListedPairs(self._space, i[here], j[here], {strata.metric: dist[here]})
            pairs.looked_at = int(n[k])
            total = int(strata.size[k])
            yield self._laws.evaluate_on(pairs), None if n[k] == total else total


def _columns(looks: Looks, metric: Metric) -> tuple[Index, Index, Index, FloatArray]:
    """Return stratum, source, target and distance of pairs that were looked at."""
    pairs = looks.pairs
    return looks.stratum.take(looks.kept), *pairs.pairs(), pairs.distance(metric)


def _some(rng: np.random.Generator, share: float, n: int) -> Index:
    """Return numbers below n, ascending, each with a probability, independently."""
    if share == 1:
        return np.arange(n)
    return np.concatenate([np.empty(0, np.int64), *skip(rng, share, n)])
