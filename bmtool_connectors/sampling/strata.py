"""Pairs within reach in strata by the distance of their cells, looked at in part."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bmtool_connectors.arrays import FloatArray, Index, is_first
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.candidates import Candidates
from bmtool_connectors.sampling.frame import sample_edge
from bmtool_connectors.sampling.grid import Cells, cell_edges
from bmtool_connectors.sampling.laws import PairLaws
from bmtool_connectors.sampling.tiles import NEARLY_ALL, CellPairList, CellTiles, skip_through

#: Strata at most, and pairs that are looked at of each at least.
STRATA, FEWEST = 256, 64
#: Share of the looks that go to pairs as they are, so that none weighs much more than the others.
EVEN = 0.5


@dataclass(frozen=True)
class Looks:
    """Pairs that were looked at.

    Attributes
    ----------
    pairs : Candidates
        Those of them that are pairs of the space within reach.
    kept : ndarray of int, shape (pairs.n,)
        Which of all they are.
    stratum : ndarray of int, shape (n,)
        Of all; the number of strata for one that has been looked at already.
    x : ndarray of float, shape (n,)
        Squared distance, less the mean of the stratum, um^2.
    """

    pairs: Candidates
    kept: Index
    stratum: Index
    x: FloatArray


class Strata:
    """The pairs that laws of distance can connect, by the distance between their cells.

    Parameters
    ----------
    space : PairSpace
    laws : PairLaws
        Some of them functions of a distance, with bounds.
    reach : float, um, optional
        Pairs within that distance count, whatever the laws say.
    most : int
        Strata at most.

    Attributes
    ----------
    metric : Metric
        Of the distance between cells.
    size : ndarray of float, shape (n,)
        Pairs of each stratum. Some are no pairs of the space, or beyond the reach.
    bound : ndarray of float, shape (n,)
        Greatest probability of any connection of them.

    Notes
    -----
    The size and the mean of the squared distance of a stratum are known exactly, from number, mean
    and spread of the nodes of each cell.
    """

    def __init__(
        self, space: PairSpace, laws: PairLaws, reach: float | None = None, most: int = STRATA
    ) -> None:
        self._tiles = tiles = CellTiles(space, laws, reach, sample_edge)
        self.metric, grid = tiles.metric, tiles.grid
        # Offsets that differ in order and sign of the axes are alike.
        centre = np.round(grid.least + grid.most, 6) - grid.alone
        order = np.argsort(centre, kind="stable")
        alike = np.cumsum(is_first(centre[order])) - 1
        n = int(alike[-1]) + 1 if len(alike) else 0
        self._of_offset = np.empty(len(order), dtype=np.int64)
        self._of_offset[order] = alike * min(n, most) // max(n, 1)
        n = min(n, most)
        sizes, squares = self._sums()
        self.size = np.bincount(self._of_offset, sizes, n)
        mean = np.bincount(self._of_offset, squares, n) / np.maximum(self.size, 1.0)
        self._mean = np.append(mean, 0.0)
        self.bound = np.zeros(n)
        np.maximum.at(self.bound, self._of_offset, tiles.q)

    def __len__(self) -> int:
        return len(self.size)

    @property
    def total(self) -> int:
        """Pairs of all strata."""
        return int(self.size.sum())

    def _sums(self) -> tuple[FloatArray, FloatArray]:
        """Return the number of pairs at each offset, and the sum of their squared distances."""
        grid = self._tiles.grid
        edges = cell_edges(grid.metric, self._tiles.edge)
        source = _moments(grid.source, edges)
        target = source if grid.target is grid.source else _moments(grid.target, edges)
        target = np.append(target, np.zeros((1, target.shape[1])), axis=0)  # no cell has no nodes
        k, n_offsets = target.shape[1], len(grid.offsets)
        sums = np.zeros((k, n_offsets * k))
        for start, stop in grid.runs(0, len(source)):
            there = target.take(grid.targets_of(start, stop).ravel(), axis=0)
            # A product of matrices would depend on the number of threads, in the last bits.
            sums += np.einsum(
                "ai,aj->ij", source[start:stop], there.reshape(stop - start, sums.shape[1])
            )
        s = sums.reshape(k, n_offsets, k)
        if np.isfinite(grid.metric.periods).any():  # on which way around is shorter
            return s[0, :, 0], np.zeros(n_offsets)
        between = grid.offsets * edges
        squares = s[0, :, -1] + s[-1, :, 0] + (between**2).sum(axis=1) * s[0, :, 0]
        for axis in range(1, k - 1):
            shift = s[0, :, axis] - s[axis, :, 0]
            squares += 2 * (between[:, axis - 1] * shift - s[axis, :, axis])
        return s[0, :, 0], squares

    def shares(self, looks: float) -> FloatArray:
        """Return which share of each stratum to look at, where nothing but bounds is known."""
        likely = self.bound * self.size
        weight = EVEN * self.size / self.size.sum() + (1 - EVEN) * likely / likely.sum()
        return self._at_least(looks * weight)

    def best_shares(self, spread: FloatArray, variance: float) -> FloatArray:
        """Return the shares with the fewest looks for a variance of the sum of some values.

        Parameters
        ----------
        spread : ndarray of float, shape (n,)
            Standard deviation of the values within each stratum.
        variance : float
        """
        each = self.size * spread
        room = variance + float((each * spread).sum())
        return self._at_least(each * (each.sum() / room if room else 0.0))

    def _at_least(self, looks: FloatArray) -> FloatArray:
        return np.minimum(np.maximum(looks, FEWEST) / np.maximum(self.size, 1.0), 1.0)

    def look(self, shares: FloatArray, rng: np.random.Generator) -> Iterator[Looks]:
        """Look at a share of each stratum, at every pair with this probability by itself."""
        grid = self._tiles.grid
        every = shares >= NEARLY_ALL
        rate = np.where(every, 0.0, -np.log1p(-np.minimum(shares, NEARLY_ALL)))[self._of_offset]
        every = every[self._of_offset]
        for start, stop in grid.runs(0, len(grid.source.key)):
            cells = CellPairList(grid, start, stop)
            for pairs, a, b, once in skip_through(rng, cells, rate[cells.offset]):
                stratum = self._of_offset.take(cells.offset.take(pairs))
                stratum[~once] = len(self)
                found = self._tiles.within_reach(cells, pairs, a, b, once)
                x = found.squared - self._mean.take(stratum)
                yield Looks(found, found.kept, stratum, x)
            if every.any():
                for pairs, a, b in cells.every(np.flatnonzero(every[cells.offset])):
                    stratum = self._of_offset.take(cells.offset.take(pairs))
                    found = self._tiles.within_reach(cells, pairs, a, b)
                    x = found.squared - self._mean.take(stratum)
                    yield Looks(found, found.kept, stratum, x)

    def every(self) -> Iterator[Candidates]:
        """Yield all pairs of the space within reach."""
        return self._tiles.every()

    @property
    def knows_means(self) -> bool:
        """Whether the mean of the squared distance is known."""
        return not np.isfinite(self._tiles.metric.periods).any()


def _moments(cells: Cells, edges: FloatArray) -> FloatArray:
    """Return of each cell: nodes, sums of their places from its centre, and of the squares."""
    columns = [cells.count.astype(float)]
    squares = np.zeros(cells.points.shape[1])
    for points, numbers, layer, edge in zip(
        cells.points, cells.numbers, cells.layer, edges.tolist(), strict=True
    ):
        place = points - np.repeat((numbers[layer] + 0.5) * edge, cells.count)
        columns.append(np.add.reduceat(place, cells.first))
        squares += place * place
    columns.append(np.add.reduceat(squares, cells.first))
    return np.stack(columns, axis=1)


class StratumSums:
    """Sums over looks at strata, from which those over all pairs are estimated.

    Within each stratum a line is fitted to the values over the squared distance, whose mean over
    all pairs is known (the regression estimator; Cochran 1977, Sampling Techniques, chapter 7).

    Parameters
    ----------
    strata : Strata
    values : int
        How many values pairs have.
    """

    def __init__(self, strata: Strata, values: int = 1) -> None:
        n = len(strata)
        self._strata = strata
        self.n, self._x, self._xx = np.zeros((3, n))
        self._y, self._xy, self._yy = np.zeros((3, values, n))

    def copy(self) -> StratumSums:
        """Return sums that can be added to apart from these."""
        return copy.deepcopy(self, {id(self._strata): self._strata})

    def add_looks(self, looks: Looks) -> None:
        """Add looks, with values that are 0 where nothing else is added."""
        n = len(self._strata) + 1
        self.n += np.bincount(looks.stratum, minlength=n)[:-1]
        if self._strata.knows_means:
            self._x += np.bincount(looks.stratum, looks.x, n)[:-1]
            self._xx += np.bincount(looks.stratum, looks.x * looks.x, n)[:-1]

    def add_values(self, stratum: Index, x: FloatArray, *values: FloatArray) -> None:
        """Add values of looks by their stratum and squared distance."""
        n = len(self._strata)
        for k, y in enumerate(values):
            self._y[k] += np.bincount(stratum, y, n)
            self._yy[k] += np.bincount(stratum, y * y, n)
            if self._strata.knows_means:
                self._xy[k] += np.bincount(stratum, y * x, n)

    def _line(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return means of x and of the values, the variance of x, and slopes."""
        n = np.maximum(self.n, 1.0)
        x, y = self._x / n, self._y / n
        variance = np.maximum(self._xx / n - x * x, 0.0)
        known = variance > 1e-9 * self._xx / n
        slope = np.where(known, (self._xy / n - x * y) / np.where(known, variance, 1.0), 0.0)
        return x, y, variance, slope

    def totals(self) -> FloatArray:
        """Return the estimates of the sums of the values over all pairs, shape (values,)."""
        x, y, _, slope = self._line()
        total: FloatArray = (self._strata.size * (y - slope * x)).sum(axis=1)
        return total

    def spreads(self) -> FloatArray:
        """Return standard deviations from the line in each stratum, shape (values, n)."""
        _, y, variance, slope = self._line()
        n = np.maximum(self.n, 1.0)
        left = self._yy / n - y * y - slope * slope * variance
        # A stratum that looks more even than it is must not be left out.
        found: FloatArray = np.sqrt(
            np.maximum(left, 1e-3 * self._yy / n) * n / np.maximum(n - 2, 1)
        )
        return found

    def errors(self) -> FloatArray:
        """Return standard errors of `totals`, shape (values,)."""
        size = self._strata.size
        left = np.maximum(1.0 / np.maximum(self.n, 1.0) - 1.0 / np.maximum(size, 1.0), 0.0)
        found: FloatArray = np.sqrt(((size * self.spreads()) ** 2 * left).sum(axis=1))
        return found

    def weights(self, stratum: Index, x: FloatArray) -> FloatArray:
        """Return for how many pairs looks stand, by their stratum and squared distance."""
        mean, _, variance, _ = self._line()
        known = variance > 1e-9 * self._xx / np.maximum(self.n, 1.0)
        tilt = np.where(known, mean / np.where(known, variance, 1.0), 0.0)
        each = self._strata.size / np.maximum(self.n, 1.0)
        return each[stratum] * (1.0 - tilt[stratum] * (x - mean[stratum]))
