"""Digests of pairs: blake2b over target id, source id and synapses of all pairs of an edge type.

Pairs are sorted by target, then source; each is three little-endian integers of 8 bytes, and the
digest is one of 32 bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import is_first, order_by
from bmtool_connectors.sonata.layout import TARGET_NODE_ID
from bmtool_connectors.sonata.rows import BLOCK_PAIRS, EdgeArrays, EdgeRows, edge_rows


class PairDigests:
    """The digest of the pairs of each table, while their rows go by.

    Parameters
    ----------
    tables : sequence of EdgeArrays
    """

    def __init__(self, tables: Sequence[EdgeArrays]) -> None:
        self._tables = tables
        self._digests = [hashlib.blake2b(digest_size=32) for _ in tables]
        self._one_count = all(each.n_syn.strides == (0,) for each in tables)
        # Mostly sources ascend already, among those of one target; pairs of other tables wait
        # until all of their target are there.
        none = np.empty((0, 3), dtype="<i8")
        self._block = np.empty((BLOCK_PAIRS, 3), dtype="<i8")
        self._waiting = {
            n: none for n, each in enumerate(tables) if not (np.diff(each.source.ids) > 0).all()
        }

    def add(self, rows: EdgeRows) -> None:
        """Add rows; all rows of the tables, sorted by target, are added in order."""
        counts = None
        if not self._one_count:
            found = (self._tables[each.table].n_syn[each.pairs] for each in rows.pieces)
            counts = rows.ordered(found, np.ones(len(self._tables), dtype=bool))
        numbers = {piece.table for piece in rows.pieces}
        if len(numbers) == 1:
            self._add_pairs(numbers.pop(), rows.source, rows.target, counts)
            return
        order = order_by(rows.table, len(self._tables))
        ends = np.cumsum(np.bincount(rows.table, minlength=len(self._tables)))
        for number in sorted(numbers):
            own = order[ends[number - 1] if number else 0 : ends[number]]
            synapses = None if counts is None else counts.take(own)
            self._add_pairs(number, rows.source.take(own), rows.target.take(own), synapses)

    def _add_pairs(
        self, number: int, source: npt.NDArray[Any], target: npt.NDArray[Any], counts: Any
    ) -> None:
        table = self._tables[number]
        if table.n_rows != len(table.n_syn):  # the rows of a pair follow each other
            first = is_first(source, target)
            source, target = source[first], target[first]
            counts = counts if counts is None else counts[first]
        if counts is None:
            counts = np.broadcast_to(table.n_syn[:1], source.shape)
        for start in range(0, len(source), BLOCK_PAIRS):
            chosen = slice(start, start + BLOCK_PAIRS)
            columns = target[chosen], source[chosen], counts[chosen]
            pairs = self._block[: len(columns[0])]
            for k, column in enumerate(columns):
                pairs[:, k] = column
            if number in self._waiting:
                pairs = np.concatenate([self._waiting[number], pairs])
                pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
                n_whole = int(np.searchsorted(pairs[:, 0], pairs[-1, 0]))
                pairs, self._waiting[number] = pairs[:n_whole], pairs[n_whole:]
            self._digests[number].update(np.ascontiguousarray(pairs).data)

    def found(self) -> list[str]:
        """Return the digest of each table, once all rows have been added."""
        for number, pairs in self._waiting.items():
            self._digests[number].update(np.ascontiguousarray(pairs).data)
        return [digest.hexdigest() for digest in self._digests]


def pair_digests(tables: Sequence[EdgeArrays]) -> list[str]:
    """Return the digest of the pairs of each table."""
    digests = PairDigests(tables)
    for rows in edge_rows(tables, TARGET_NODE_ID, [0] * len(tables)):
        digests.add(rows)
    return digests.found()
