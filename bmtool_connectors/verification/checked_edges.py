"""The rows of edge files, as the checks know them, and the pairs that they connect."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import Flags, IntArray, is_first, places_among, rows_by_number
from bmtool_connectors.sonata.datasets import parts
from bmtool_connectors.sonata.digests import ColumnDigests
from bmtool_connectors.sonata.type_tables import is_gap_junction
from bmtool_connectors.verification.findings import Findings
from bmtool_connectors.verification.tallies import Tally

#: The source in the number of a pair.
LOW = (1 << 32) - 1


@dataclass(frozen=True)
class SavedValues:
    """The properties that rows of an edge type have.

    Attributes
    ----------
    digests : ColumnDigests
        Of the columns that a recipe tells of.
    names : set of str
        All columns that some of the rows have.
    lacking : set of str
        Columns of the recipe that some of the rows do not have.
    """

    digests: ColumnDigests
    names: set[str]
    lacking: set[str]


@dataclass
class CheckedEdges:
    """The rows of a population of edges.

    Attributes
    ----------
    file : Path
    population : str
    ends : tuple of (str or None)
        Names of the populations of source and target.
    source, target, types : ndarray of int32, shape (n,)
        -1 for ids that cannot be.
    n_syn : ndarray of int64, shape (n,), or None
        Synapses of each row; None: one each.
    per_synapse : set of int
        Edge types that have a row for each synapse, not for each pair.
    table : dict
        Properties of each edge type.
    found : Findings
        Where checks of the rows put what they find.
    values : dict of int to SavedValues
        Of the edge types that a recipe tells of.
    indices : set of str
        Names of the indices that are there.
    """

    file: Path
    population: str
    ends: tuple[str | None, str | None]
    source: npt.NDArray[np.int32]
    target: npt.NDArray[np.int32]
    types: npt.NDArray[np.int32]
    n_syn: npt.NDArray[Any] | None
    per_synapse: set[int]
    table: Mapping[int, Mapping[str, str]]
    found: Findings
    values: dict[int, SavedValues] = field(default_factory=dict)
    indices: set[str] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.source)

    def where(self, row: int) -> dict[str, Any]:
        """Return what a finding says of a row."""
        ids = int(self.source[row]), int(self.target[row])
        kind = int(self.types[row])
        return {"population": self.population, "row": row, "ids": ids, "edge_type": kind}

    def tell(self, code: str, text: str, row: int | None = None, **more: Any) -> None:
        """Add a finding: of one row, if that is given; `more` are further attributes of it."""
        known = {"population": self.population} if row is None else self.where(row)
        self.found.add(code, text, self.file, **{**known, **more})

    def tell_first(
        self, code: str, bad: Flags, text: Callable[[int], str], among: Any = slice(None)
    ) -> None:
        """Add a finding if some of the rows `among` are bad; `text` tells of the first bad row."""
        if bad.any():
            row = int(np.arange(len(self))[among][bad.argmax()])
            self.tell(code, text(row), row, count=int(np.count_nonzero(bad)))

    @functools.cached_property
    def of_type(self) -> dict[int, Any]:
        """Rows of each edge type, in order; a slice where there is one type."""
        return rows_by_number(self.types)

    def gap_types(self) -> list[int]:
        """Return the edge types that are gap junctions."""
        return [number for number, each in self.table.items() if is_gap_junction(each)]


# ---------------------------------------------------------------------- pairs
def pair_key(source: npt.NDArray[Any], target: npt.NDArray[Any]) -> IntArray:
    """Return one number per pair, ordered by target, then source."""
    key = target.astype(np.int64)
    key <<= 32
    key |= source
    return key


def swapped(keys: IntArray) -> IntArray:
    """Return the numbers of the pairs with source and target exchanged, in the same order."""
    return ((keys & LOW) << 32) | (keys >> 32)


def n_reciprocal(forward: IntArray, backward: IntArray) -> int:
    """Return how many pairs are in both directions; numbers of pairs are sorted and unique."""
    _, is_there = places_among(np.sort(swapped(backward)), forward)
    return int(np.count_nonzero(is_there))


@dataclass(frozen=True)
class Pairs:
    """Pairs, sorted by target and then source.

    Attributes
    ----------
    keys : ndarray of int64, shape (m,)
        See `pair_key`.
    n_syn : ndarray of int, shape (m,), or None
        Synapses of each; None: one each.
    repeated : Tally
        Rows of the table with a pair that an earlier row has.
    """

    keys: IntArray
    n_syn: npt.NDArray[Any] | None
    repeated: Tally

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def synapses(self) -> int:
        """How many synapses the pairs have."""
        return len(self) if self.n_syn is None else int(self.n_syn.sum(dtype=np.int64))

    def digest(self) -> str:
        """Return the digest that a recipe holds, as ``sonata.pair_digests`` makes it."""
        digest = hashlib.blake2b(digest_size=32)
        for part in parts(len(self)):
            keys = self.keys[part]
            n_syn = 1 if self.n_syn is None else self.n_syn[part]
            block = np.empty((len(keys), 3), dtype="<i8")
            block[:, 0], block[:, 1], block[:, 2] = keys >> 32, keys & LOW, n_syn
            digest.update(block.data)
        return digest.hexdigest()

    def exchanged(self) -> Pairs:
        """Return the pairs with source and target exchanged."""
        keys = swapped(self.keys)
        order = np.argsort(keys)
        n_syn = None if self.n_syn is None else self.n_syn[order]
        return Pairs(keys[order], n_syn, self.repeated)


def pairs_of(rows: CheckedEdges, edge_type: int, is_synapse: bool = False) -> Pairs:
    """Return the pairs of an edge type; rows of the same pair are one of them.

    Parameters
    ----------
    rows : CheckedEdges
    edge_type : int
    is_synapse : bool, default False
        Whether each row is one synapse, whatever number of them it has.
    """
    chosen = rows.of_type.get(edge_type, np.empty(0, dtype=np.int64))
    source, target = rows.source[chosen], rows.target[chosen]
    n_syn = None if rows.n_syn is None or is_synapse else rows.n_syn[chosen]
    possible = (source >= 0) & (target >= 0)
    if not possible.all():
        chosen = np.arange(len(rows))[chosen][possible]
        source, target = source[possible], target[possible]
        n_syn = None if n_syn is None else n_syn[possible]
    keys, repeated = pair_key(source, target), Tally()
    if (keys[1:] > keys[:-1]).all():
        return Pairs(keys, n_syn, repeated)
    order = None
    if not (keys[1:] >= keys[:-1]).all():
        # The order is needed only for what goes with the keys.
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        n_syn = None if n_syn is None else n_syn[order]
    first = is_first(keys)
    if first.all():
        return Pairs(keys, n_syn, repeated)
    again = np.flatnonzero(~first)
    again = again if order is None else order[again]
    repeated.first = int(np.arange(len(rows))[chosen][again.min()])
    repeated.count = len(again)
    start = np.flatnonzero(first)
    ones = np.ones(len(keys), dtype=np.int64) if n_syn is None else n_syn
    return Pairs(keys[start], np.add.reduceat(ones, start, dtype=np.int64), repeated)
