"""Pairs in row-major order, cut into blocks that fit the cache.

A pair space is the rectangle of all pairs of two pools, or the upper triangle
of one; a block is a run of its pairs in that order. The order is the contract
(it is the order of the random stream), the blocks are not: every result is the
same for every block size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from bmtool_connectors.arrays import Flags, Index, places_in_ranges
from bmtool_connectors.nodes import NodeArrays

#: Pairs per block. Larger blocks leave the cache, smaller ones cost calls.
BLOCK_SIZE = 1 << 16
#: Pairs in a tile of rows, about: each tile has a private stream of its own. No block lies in two.
TILE_PAIRS = 1 << 20


@dataclass(frozen=True)
class PairSpace:
    """The pairs that a connector looks at.

    Attributes
    ----------
    source, target : NodeArrays
        The pools; the same object for a recurrent population.
    kind : {'all', 'upper', 'upper and diagonal'}
        All ordered pairs, or unordered pairs i < j (or i <= j) of one population.
    autapses : bool
        Whether a node and itself are a pair (always, for 'upper and diagonal').
    """

    source: NodeArrays
    target: NodeArrays
    kind: Literal["all", "upper", "upper and diagonal"] = "all"
    autapses: bool = True
    self_columns: Index | None = field(init=False)  #: of each source, or -1; None without any

    def __post_init__(self) -> None:
        columns = None if self.kind == "upper" else self.source.places_in(self.target)
        object.__setattr__(self, "self_columns", columns)

    @property
    def left_out(self) -> Index | None:
        """For each source the one target index that is no pair, or -1."""
        return None if self.autapses or self.kind != "all" else self.self_columns

    @property
    def self_pairs(self) -> Index | None:
        """For each source the one target index that is a pair of a node with itself, or -1."""
        return self.self_columns if self.left_out is None else None

    def is_self(self, i: Index, j: Index) -> Flags:
        """Return which pairs are self connections."""
        columns = self.self_pairs
        return np.zeros(len(i), dtype=bool) if columns is None else columns[i] == j

    def first_column(self, rows: Index) -> Index:
        """Return the first target index of each row."""
        if self.kind == "all":
            return np.zeros_like(rows)
        return rows + (1 if self.kind == "upper" else 0)

    def row_pairs(self) -> Index:
        """Return the number of pairs of each source, shape (n_source,)."""
        rows = np.arange(len(self.source))
        numbers = len(self.target) - self.first_column(rows)
        return numbers if self.left_out is None else numbers - (self.left_out >= 0)

    def pairs_of_nodes(self, backward: bool) -> tuple[Index, Index]:
        """Return in how many pairs each source and each target may be connected in a direction.

        Of pairs without an order, where a node comes first or second by chance of its position,
        all nodes count the same.
        """
        n, m = len(self.source), len(self.target)
        rows, columns = np.full(n, m), np.full(m, n)
        holes = self.self_columns if backward or not self.autapses else None
        if self.kind == "all" and holes is not None:  # a node and itself has no backward direction
            rows -= holes >= 0
            columns -= np.bincount(holes[holes >= 0], minlength=m)
        return rows, columns

    @property
    def n_pairs(self) -> int:
        """Number of pairs."""
        n, m = len(self.source), len(self.target)
        if self.kind == "upper":
            return n * (n - 1) // 2
        if self.kind == "upper and diagonal":
            return n * (n + 1) // 2
        return n * m - (0 if self.left_out is None else int((self.left_out >= 0).sum()))

    @property
    def tile_rows(self) -> int:
        """Number of rows in a tile."""
        return max(1, TILE_PAIRS // max(len(self.target), 1))

    def blocks(self, size: int | None = None) -> Iterator[PairBlock]:
        """Cut the space into blocks of about `size` pairs, in row-major order."""
        size = BLOCK_SIZE if size is None else size
        n_rows, stop = len(self.source), len(self.target)
        row = 0
        while row < n_rows:
            start = int(self.first_column(np.array([row]))[0])
            width = stop - start
            if width > size:  # a row in several pieces
                for column in range(start, stop, size):
                    yield PairBlock(self, row, row + 1, column, min(column + size, stop))
                row += 1
            else:
                rows = min(max(1, size // max(width, 1)), n_rows - row)
                rows = min(rows, self.tile_rows - row % self.tile_rows)
                yield PairBlock(self, row, row + rows, start, stop)
                row += rows


class PairBlock:
    """Pairs of the rows ``[i0, i1)`` and the columns ``[j0, j1)``, less those outside the space.

    A pair of a block has two numbers: its *flat* index in the dense rectangle of rows and
    columns, and its *rank* among the valid pairs, both row-major.
    """

    def __init__(self, space: PairSpace, i0: int, i1: int, j0: int, j1: int) -> None:
        self.space, self.i0, self.i1, self.j0, self.j1 = space, i0, i1, j0, j1
        self.width = j1 - j0
        self.size = (i1 - i0) * self.width
        self.is_full = space.kind == "all" and space.left_out is None
        self.n = self.size
        if not self.is_full:
            # First column of each row, the column left out (j1: none), and how many pairs
            # there are before the row, and up to and including it.
            self._first = np.maximum(space.first_column(np.arange(i0, i1)), j0)
            holes = space.left_out
            self._hole = np.full(i1 - i0, j1) if holes is None else holes[i0:i1]
            inside = (self._hole >= self._first) & (self._hole < j1)
            self._hole = np.where(inside, self._hole, j1)
            sizes = np.maximum(j1 - self._first, 0) - inside
            self._ends = np.cumsum(sizes)
            self._starts = self._ends - sizes
            self.n = int(self._ends[-1])
            self.is_full = self.n == self.size

    @classmethod
    def whole(cls, space: PairSpace) -> PairBlock:
        """Return all pairs of a space as one block."""
        return cls(space, 0, len(space.source), 0, len(space.target))

    def of_rank(self, rank: Index) -> tuple[Index, Index]:
        """Return the source and target indices of valid pairs by rank, ascending."""
        if self.is_full:
            return self.of_flat(rank)
        if not len(rank):
            return rank, rank
        row = places_in_ranges(self._ends, rank)
        column = rank - self._starts[row] + self._first[row]
        column += column >= self._hole[row]
        return row + self.i0, column

    def of_flat(self, index: Index) -> tuple[Index, Index]:
        """Return the source and target indices of flat indices in the rectangle."""
        row = index // self.width
        column = index - row * self.width
        column += self.j0
        row += self.i0
        return row, column

    def flat(self, chosen: Flags | None = None) -> Index:
        """Return the flat indices of pairs of the space, in order, of those `chosen` or of all."""
        chosen = np.ones(self.size, dtype=bool) if chosen is None else chosen
        if not self.is_full:
            table = chosen.reshape(-1, self.width)
            # Pairs before the first column stand in the left part only.
            left = min(int(self._first[-1]) - self.j0, self.width)
            table[:, :left] &= np.arange(self.j0, self.j0 + left) >= self._first[:, None]
            rows = np.flatnonzero(self._hole < self.j1)
            table[rows, self._hole[rows] - self.j0] = False
        return np.flatnonzero(chosen).astype(np.int32)
