"""Pairs that may connect: of a block, listed one by one, or known by their cells."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from bmtool_connectors.arrays import FloatArray, Index
from bmtool_connectors.distances import Metric, squared_distances
from bmtool_connectors.sampling.blocks import PairBlock, PairSpace

Distances = dict[Metric, FloatArray]


class Candidates(ABC):
    """Some pairs of a space, numbered 0 .. n - 1.

    Attributes
    ----------
    space : PairSpace
    n : int
    looked_at : int
        Pairs of the space that had to be looked at to find these.
    memo : dict
        What laws want to remember about these candidates.
    """

    def __init__(self, space: PairSpace, n: int, distances: Distances | None = None) -> None:
        self.space, self.n, self.looked_at = space, n, n
        self._distances: Distances = {} if distances is None else distances
        self.memo: dict[int, Any] = {}

    @abstractmethod
    def pairs(self, chosen: Index | None = None) -> tuple[Index, Index]:
        """Return source and target indices of the chosen candidates (all when None)."""

    def distance(self, metric: Metric) -> FloatArray:
        """Return the distance of each candidate, shape (n,), um."""
        if metric not in self._distances:
            source, target = self.space.source.positions, self.space.target.positions
            assert source is not None  # checked in setup_nodes
            assert target is not None
            i, j = self.pairs()
            total = metric.squared(metric.coordinates(source[i]), metric.coordinates(target[j]))
            self._distances[metric] = np.sqrt(total, out=total)
        return self._distances[metric]

    def subset(self, chosen: Index) -> Candidates:
        """Return the chosen candidates (by their numbers, ascending)."""
        distances = {metric: dist[chosen] for metric, dist in self._distances.items()}
        return ListedPairs(self.space, *self.pairs(chosen), distances)

    def forget(self) -> None:
        """Drop what is remembered and can be computed again."""
        self.memo.clear()

    def describe(self, k: int) -> str:
        """Name candidate `k` by node ids and distance, for messages."""
        i, j = (int(index[0]) for index in self.pairs(np.array([k])))
        source, target = self.space.source, self.space.target
        text = f"the pair of nodes {source.ids[i]} and {target.ids[j]}"
        if source.positions is None or target.positions is None:
            return text
        dist = float(np.linalg.norm(source.positions[i] - target.positions[j]))
        return f"{text} ({dist:.4g} um apart)"


class ListedPairs(Candidates):
    """Pairs given one by one, with distances where they are known already."""

    def __init__(
        self, space: PairSpace, i: Index, j: Index, distances: Distances | None = None
    ) -> None:
        super().__init__(space, len(i), distances)
        self.i, self.j = i, j

    def pairs(self, chosen: Index | None = None) -> tuple[Index, Index]:
        """Return source and target indices of the chosen candidates (all when None)."""
        return (self.i, self.j) if chosen is None else (self.i[chosen], self.j[chosen])


class BlockPairs(Candidates):
    """The pairs of a block at some flat indices; all valid ones when `flat` is None."""

    def __init__(
        self, block: PairBlock, flat: Index | None = None, squared: Distances | None = None
    ) -> None:
        super().__init__(block.space, block.n if flat is None else len(flat))
        self.block, self.flat, self.looked_at = block, flat, block.n
        #: Squared distances of the whole rectangle of the block, flat, um^2.
        self._squared: Distances = {} if squared is None else squared

    def pairs(self, chosen: Index | None = None) -> tuple[Index, Index]:
        """Return source and target indices of the chosen candidates (all when None)."""
        if self.flat is not None:
            return self.block.of_flat(self.flat if chosen is None else self.flat[chosen])
        return self.block.of_rank(np.arange(self.n) if chosen is None else chosen)

    def _rectangle(self, metric: Metric) -> FloatArray:
        if metric not in self._squared:
            block = self.block
            source, target = self.space.source.positions, self.space.target.positions
            assert source is not None  # checked in setup_nodes
            assert target is not None
            self._squared[metric] = squared_distances(
                source[block.i0 : block.i1], target[block.j0 : block.j1], metric
            ).ravel()
        return self._squared[metric]

    def distance(self, metric: Metric) -> FloatArray:
        """Return the distance of each candidate, shape (n,), um."""
        squared = self._rectangle(metric)
        if self.flat is not None:
            squared = squared[self.flat]
        elif not self.block.is_full:
            squared = squared[self.block.flat()]
        return np.sqrt(squared)

    def within(self, reach: dict[Metric, float]) -> BlockPairs:
        """Return the candidates within any of the distances."""
        # A little more than the reach: the law itself decides at the edge.
        near = [
            self._rectangle(metric) <= limit * limit * (1 + 1e-9) for metric, limit in reach.items()
        ]
        flat = self.block.flat(functools.reduce(np.logical_or, near))
        return BlockPairs(self.block, flat, self._squared)

    def subset(self, chosen: Index) -> BlockPairs:
        """Return the chosen candidates (by their numbers, ascending)."""
        flat = self.block.flat() if self.flat is None else self.flat
        return BlockPairs(self.block, flat[chosen], self._squared)

    def forget(self) -> None:
        """Drop what is remembered and can be computed again."""
        super().forget()
        self._squared.clear()
