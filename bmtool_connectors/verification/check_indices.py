"""Checks of the indices of edge files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import ranges as rows_of_ranges
from bmtool_connectors.sonata import layout
from bmtool_connectors.sonata.datasets import (
    H5Dataset,
    H5Group,
    checked,
    is_dataset,
    is_group,
    parts,
)
from bmtool_connectors.verification.checked_edges import CheckedEdges


def check_indices(h5: H5Group, rows: CheckedEdges) -> None:
    """Check that each index finds each row exactly once, under its own node.

    Parameters
    ----------
    h5 : H5Group
        The population.
    rows : CheckedEdges
    """
    columns = {
        layout.INDEX_OF[layout.SOURCE_NODE_ID]: ("source node", rows.source),
        layout.INDEX_OF[layout.TARGET_NODE_ID]: ("target node", rows.target),
        layout.INDEX_OF[layout.EDGE_TYPE_ID]: ("edge type", rows.types),
    }
    for group in (layout.INDICES, layout.INDICES_OLD):
        for name, index in h5[group].items() if is_group(h5.get(group)) else ():
            if name not in columns or not is_group(index):
                continue
            rows.indices.add(name)
            found_ranges: list[H5Dataset] = []
            for key in (layout.NODE_RANGES, layout.NODE_RANGES_SONATA):
                ranges = index.get(key)
                if is_dataset(ranges) and ranges not in found_ranges:
                    found_ranges.append(ranges)
            if not found_ranges or not is_dataset(index.get(layout.EDGE_RANGES)):
                lacking = layout.EDGE_RANGES if found_ranges else layout.NODE_RANGES
                rows.tell("missing-dataset", f"{group}/{name} lacks {lacking}")
                continue
            for ranges in found_ranges:
                _Index(f"{group}/{name}", ranges, index[layout.EDGE_RANGES], rows).check(
                    *columns[name]
                )


@dataclass(frozen=True)
class _Index:
    """One index: ranges of each node, and the rows of each of these."""

    name: str
    nodes: H5Dataset
    rows: H5Dataset
    table: CheckedEdges

    def _tell(self, code: str, text: str, row: int | None = None, **more: Any) -> None:
        self.table.tell(code, f"{self.name} {text}", row, **more)

    def check(self, kind: str, ids: npt.NDArray[np.int32]) -> None:
        """Check the index of a column of ids."""
        for each in (self.nodes, self.rows):
            if each.ndim != 2 or each.shape[1] != 2 or each.dtype.kind not in "iu":
                own = each.name.rsplit("/", 1)[-1]
                text = f"has {own} of {each.dtype} and {each.shape}, not integers of (n, 2)"
                self._tell("dtype", text)
                return
            checked(each)
        n, n_ranges = len(ids), len(self.rows)
        node_of = self._node_of_ranges(n_ranges, kind)
        if node_of is None:
            return
        n_wrong, held = 0, np.zeros(n, dtype=bool)
        first: tuple[int, int] | None = None
        total = 0
        for part in parts(n_ranges):
            begin, end = self.rows[part].astype(np.int64).T
            bad = (begin < 0) | (end > n) | (begin > end)
            if bad.any():
                k = int(bad.argmax())
                text = f"has range [{begin[k]}, {end[k]}) for {n} rows"
                self._tell("index-range", text, count=int(np.count_nonzero(bad)))
                return
            count = end - begin
            total += int(count.sum())
            if total > n:
                break
            places = rows_of_ranges(begin, count)
            owner = np.repeat(node_of[part], count)
            held[places] = True
            amiss = np.flatnonzero(ids[places] != owner)
            if len(amiss):
                n_wrong += len(amiss)
                lowest = int(amiss[places[amiss].argmin()])
                if first is None or places[lowest] < first[0]:
                    first = int(places[lowest]), int(owner[lowest])
        if first is not None:
            text = f"finds it under {kind} {first[1]}" if first[1] >= 0 else f"gives it no {kind}"
            self._tell("index-node", text, first[0], count=n_wrong)
        if total > n:
            self._tell("index-row", f"holds {total:,} or more rows, and there are {n:,}")
            return
        self.table.tell_first("index-row", ~held, lambda row: f"{self.name} leaves it out")

    def _node_of_ranges(self, n_ranges: int, kind: str) -> npt.NDArray[np.int32] | None:
        """Return the id that each range belongs to, -1 for none."""
        first, last = self.nodes[()].astype(np.int64).T
        bad = (first < 0) | (last > n_ranges) | (first > last)
        text = f"of {n_ranges}"
        if not bad.any():
            used = np.flatnonzero(last > first)
            used = used[np.argsort(first[used], kind="stable")]
            shared = used[1:][first[used[1:]] < last[used[:-1]]]
            bad[shared] = True
            text = "of which another has some, too"
        if bad.any():
            k = int(bad.argmax())
            text = f"gives {kind} {k} ranges [{first[k]}, {last[k]}) {text}"
            self._tell("index-range", text, ids=(k,), count=int(np.count_nonzero(bad)))
            return None
        count = last - first
        owner: npt.NDArray[np.int32] = np.full(n_ranges, -1, dtype=np.int32)
        ids = np.repeat(np.arange(len(count), dtype=np.int32), count)
        owner[rows_of_ranges(first, count)] = ids
        return owner
