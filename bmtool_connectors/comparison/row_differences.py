"""Compare two tables of nodes, edges or gap junctions whose rows are in any order.

Rows are gathered by (type, source, target), here called a pair; the pairs of the
two tables are matched; of the matched ones the synapse counts are compared, and
where these agree the property values, as a multiset of rows (``values``).

Cost: one sort of 8-byte keys per table, O(n log n), and about ten arrays of n
numbers; property columns are read one at a time. Tables that hold the same rows
in the same order are not sorted at all.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bmtool_connectors.arrays import IntArray, distinct, is_first, ranges, runs
from bmtool_connectors.comparison.values import (
    N_EXAMPLES,
    AlignedRows,
    Difference,
    Mask,
    Recorder,
    row_ids,
    value_differences,
)
from bmtool_connectors.sonata.populations import Table

__all__ = ["diff_tables"]


def diff_tables(
    item: str, population: str, a: Table, b: Table, rtol: float = 0.0, atol: float = 0.0
) -> list[Difference]:
    """Return what differs between two tables of one population.

    Parameters
    ----------
    item, population : str
        For the result.
    a, b : Table
        The tables.
    rtol, atol : float
        Float values x and y agree when ``|x - y| <= atol + rtol max(|x|, |y|)``;
        integers and text must be equal, NaN equals NaN.

    Returns
    -------
    list of Difference
        Empty when the tables hold the same rows.

    Notes
    -----
    With a tolerance, rows of one pair that differ within it in several
    properties at once may in rare cases be matched up wrongly and reported; the
    reverse does not happen.
    """
    tolerance = rtol, atol
    key_a, key_b = _keys(a, b)
    if a.names == b.names and np.array_equal(key_a, key_b):
        nothing = np.empty(0, dtype=np.int64)
        in_order = AlignedRows(a, b, slice(None), slice(None), nothing, nothing, nothing)
        if not any(in_order.column(name).unequal(tolerance).any() for name in a.names):
            return []

    def record(kind: str, type_id: int, **rest: Any) -> Difference:
        return Difference(item, population, kind, type_id if item == "edges" else None, **rest)

    pairs_a, pairs_b = GatheredPairs.of(a, key_a), GatheredPairs.of(b, key_b)
    in_a, in_b = _common(pairs_a.keys, pairs_b.keys)
    found = [
        *_unmatched(record, "missing", pairs_a, in_a),
        *_unmatched(record, "added", pairs_b, in_b),
    ]
    synapses = pairs_a.synapses[in_a], pairs_b.synapses[in_b]
    rows = pairs_a.rows[in_a], pairs_b.rows[in_b]
    recounted = synapses[0] != synapses[1]
    restored = ~recounted & (rows[0] != rows[1])
    found += _recounted(record, "synapses", pairs_a, in_a[recounted], *_at(synapses, recounted))
    found += _recounted(record, "rows", pairs_a, in_a[restored], *_at(rows, restored))
    absent = set()
    for kind, name, type_id, count in _one_sided_columns(pairs_a, pairs_b):
        found.append(record(kind, type_id, property=name, count=count))
        absent.add((name, type_id))
    same = ~recounted & ~restored
    aligned = _aligned(pairs_a, pairs_b, in_a[same], in_b[same], absent)
    found += value_differences(record, aligned, sorted(a.names & b.names), tolerance)
    # By type first, and as found (missing, added, counts, properties) within a type.
    return sorted(found, key=lambda each: each.type_id or 0)


def _at(arrays: tuple[IntArray, IntArray], mask: Mask) -> tuple[IntArray, IntArray]:
    return arrays[0][mask], arrays[1][mask]


def _keys(a: Table, b: Table) -> tuple[IntArray, IntArray]:
    # One integer per row, equal where type and ids are, and sorted by type first.
    key = a.types, b.types
    for ids in zip(a.ids, b.ids, strict=True):
        (high, n_high), (low, n_low) = _narrow(key), _narrow(ids)
        if n_high * n_low >= 2**63:
            (high, n_high), (low, n_low) = _rank(high), _rank(low)
        key = high[0] * n_low + low[0], high[1] * n_low + low[1]
    return key


def _narrow(columns: tuple[IntArray, IntArray]) -> tuple[tuple[IntArray, IntArray], int]:
    filled = [column for column in columns if len(column)]
    if not filled:
        return columns, 1
    least = min(int(column.min()) for column in filled)
    span = max(int(column.max()) for column in filled) - least + 1
    return (columns[0] - least, columns[1] - least), span


def _rank(columns: tuple[IntArray, IntArray]) -> tuple[tuple[IntArray, IntArray], int]:
    # Not np.unique, which takes ten times as long at 1e7 values in NumPy 2.4.
    values = distinct(np.sort(np.concatenate(columns)))
    return (np.searchsorted(values, columns[0]), np.searchsorted(values, columns[1])), len(values)


def _common(a: IntArray, b: IntArray) -> tuple[IntArray, IntArray]:
    if np.array_equal(a, b):
        return np.arange(len(a)), np.arange(len(b))
    if not len(b):
        return np.arange(0), np.arange(0)
    place = np.minimum(np.searchsorted(b, a), len(b) - 1)
    hit = b[place] == a
    return np.flatnonzero(hit), place[hit]


@dataclass(frozen=True)
class GatheredPairs:
    """The rows of a table, gathered by pair: `first` and `rows` are places in `order`."""

    table: Table
    order: IntArray
    first: IntArray
    rows: IntArray
    synapses: IntArray
    types: IntArray
    keys: IntArray

    @classmethod
    def of(cls, table: Table, key: IntArray) -> GatheredPairs:
        # Stable, so that rows of a pair that were written in one order stay comparable as they are.
        order = np.argsort(key, kind="stable")
        key = key[order]
        first = np.flatnonzero(is_first(key))
        rows = np.diff(np.append(first, len(key)))
        each = table.synapses()
        # reduceat refuses an empty array.
        synapses = rows if each is None or not len(each) else np.add.reduceat(each[order], first)
        types = table.types[order[first]]
        return cls(table, order, first, rows, synapses, types, key[first])

    def ids(self, pair: int) -> tuple[int, ...]:
        return row_ids(self.table, self.order[self.first[pair]])

    @functools.cached_property
    def by_type(self) -> dict[int, slice]:
        return dict(runs(self.types))


def _unmatched(
    record: Recorder, kind: str, pairs: GatheredPairs, matched: IntArray
) -> Iterator[Difference]:
    lone = np.ones(len(pairs.keys), dtype=bool)
    lone[matched] = False
    places = np.flatnonzero(lone)
    for type_id, part in runs(pairs.types[places]):
        here = places[part]
        counts = [int(count) for count in pairs.synapses[here[:N_EXAMPLES]]]
        examples = tuple(
            (pairs.ids(place), *((n, None) if kind == "missing" else (None, n)))
            for place, n in zip(here, counts, strict=False)
        )
        total = int(pairs.synapses[here].sum())
        yield record(kind, type_id, count=len(here), synapses=total, examples=examples)


def _recounted(
    record: Recorder,
    kind: str,
    pairs: GatheredPairs,
    places: IntArray,
    n_a: IntArray,
    n_b: IntArray,
) -> Iterator[Difference]:
    for type_id, part in runs(pairs.types[places]):
        before, after = n_a[part], n_b[part]
        examples = tuple(
            (pairs.ids(place), int(old), int(new))
            for place, old, new in zip(places[part][:N_EXAMPLES], before, after, strict=False)
        )
        largest = float(np.abs(before - after).max())
        yield record(kind, type_id, count=len(before), largest=largest, examples=examples)


def _one_sided_columns(a: GatheredPairs, b: GatheredPairs) -> Iterator[tuple[str, str, int, int]]:
    types = [type_id for type_id in a.by_type if type_id in b.by_type]
    for name in sorted(a.table.names | b.table.names):
        rows_a, rows_b = _rows_with(a, name), _rows_with(b, name)
        for type_id in types:
            n_a, n_b = rows_a.get(type_id, 0), rows_b.get(type_id, 0)
            if (n_a > 0) != (n_b > 0):
                yield "column missing" if n_a else "column added", name, type_id, n_a or n_b


def _aligned(
    a: GatheredPairs,
    b: GatheredPairs,
    in_a: IntArray,
    in_b: IntArray,
    absent: Collection[tuple[str, int]],
) -> AlignedRows:
    count = a.rows[in_a]
    rows_a = a.order[ranges(a.first[in_a], count)]
    rows_b = b.order[ranges(b.first[in_b], count)]
    start = np.cumsum(count) - count
    return AlignedRows(a.table, b.table, rows_a, rows_b, start, count, a.types[in_a], absent)


def _rows_with(pairs: GatheredPairs, name: str) -> dict[int, int]:
    if name not in pairs.table.names:
        return {}
    present = pairs.table.present(name)
    if present is None:
        return {type_id: int(pairs.rows[part].sum()) for type_id, part in pairs.by_type.items()}
    number = np.add.reduceat(present[pairs.order].astype(np.int64), pairs.first)
    return {type_id: int(number[part].sum()) for type_id, part in pairs.by_type.items()}
