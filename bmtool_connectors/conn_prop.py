"""Drawn edges as the mappings that build scripts know: ``{source id: {target id: value}}``."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from bmtool_connectors.edges import EdgeList
from bmtool_connectors.nodes import NodeArrays

__all__ = ["ConnProp"]


class ConnProp(Mapping[int, "Mapping[int, Any]"]):
    """Values of ``p_arg`` of connected pairs by node ids, read from the edge arrays.

    Parameters
    ----------
    edges : EdgeList
    source, target : NodeArrays
        The pools that the edges index.

    Notes
    -----
    Nothing is copied: the mapping costs no memory per edge. Keys are Python ints, sources
    without edges are not in it, values are floats (None without ``p_arg``).
    """

    def __init__(self, edges: EdgeList, source: NodeArrays, target: NodeArrays) -> None:
        self._edges, self._source, self._target = edges, source, target

    def _range(self, source_id: int) -> tuple[int, int]:
        i = self._source.index(source_id)
        if i is None:
            return 0, 0
        start, stop = self._edges.indptr[i : i + 2].tolist()
        return start, stop

    def __getitem__(self, source_id: int) -> Mapping[int, Any]:
        start, stop = self._range(source_id)
        if start == stop:
            raise KeyError(f"no connection from node {source_id} in {self._source.label}")
        return _Row(self, source_id, start, stop)

    def __iter__(self) -> Iterator[int]:
        return iter(self._source.ids[np.flatnonzero(np.diff(self._edges.indptr))].tolist())

    def __len__(self) -> int:
        return int(np.count_nonzero(np.diff(self._edges.indptr)))

    def __repr__(self) -> str:
        return f"<{len(self._edges)} connections from {self._source.label} to {self._target.label}>"

    def find(self, source_id: int, target_id: int) -> int:
        """Return the number of the edge between two nodes, or -1."""
        return self._find(*self._range(source_id), target_id)

    def _find(self, start: int, stop: int, target_id: int) -> int:
        j = self._target.index(target_id)
        if j is None or start == stop:
            return -1
        # A bisection in Python: for one number it beats any call of NumPy's.
        edge = bisect_left(self._edges.target, j, start, stop)
        return edge if edge < stop and self._edges.target[edge] == j else -1

    def value(self, edge: int) -> Any:
        """Return the value of an edge as a Python object."""
        arg = self._edges.pair_arg
        if arg is None:
            return None
        value = arg[edge]
        return value.item() if isinstance(value, np.generic) else value


class _Row(Mapping[int, Any]):
    """The connections of one source: ``{target id: value}``."""

    def __init__(self, table: ConnProp, source_id: int, start: int, stop: int) -> None:
        self._table, self._source_id = table, source_id
        self._start, self._stop = start, stop

    def __getitem__(self, target_id: int) -> Any:
        edge = self._table._find(self._start, self._stop, target_id)
        if edge < 0:
            raise KeyError(f"no connection from node {self._source_id} to node {target_id}")
        return self._table.value(edge)

    def __iter__(self) -> Iterator[int]:
        targets = self._table._edges.target[self._start : self._stop]
        return iter(self._table._target.ids[targets].tolist())

    def __len__(self) -> int:
        return self._stop - self._start

    def __repr__(self) -> str:
        return repr(dict(self))
