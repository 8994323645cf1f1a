"""Immutable edges of one direction.

Inside the package an edge is a pair of *indices* into the node pools; node ids
appear only at the doors. Index arrays use the smallest signed type that fits,
so that differences of indices never wrap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import Flags, Index, IntArray, index_dtype, is_first, order_by
from bmtool_connectors.errors import ParameterError, must_be
from bmtool_connectors.nodes import NodeArrays

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_matrix

__all__ = ["EdgeList"]


#: Pairs up to which an ordinary sort is faster than counting sorts.
FEW = 1 << 12


def sort_pairs(
    source: npt.NDArray[Any],
    target: npt.NDArray[Any],
    shape: tuple[int, int],
    columns: Sequence[Any] = (),
    *,
    by_target: bool = False,
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], list[Any]]:
    """Return source, target and columns sorted by source, then target.

    Parameters
    ----------
    source, target : ndarray of int, shape (m,)
    shape : tuple of int
        ``(n_source, n_target)``.
    columns : sequence of (ndarray of shape (m,) or one value)
        One value stays one value.
    by_target : bool, default False
        The targets of each source stand in ascending order already.

    Notes
    -----
    Two counting sorts; the first carries the sources along, so that neither they nor the order
    are gathered in between, and the sorted sources are written from their counts.
    """
    from scipy.sparse import csr_matrix

    m = len(source)
    if m < FEW:  # a sort takes less than making matrices
        order = np.argsort(source.astype(np.int64) * shape[1] + target, kind="stable")
        return source[order], target[order], [c[order] if np.ndim(c) else c for c in columns]
    place = np.arange(m, dtype=index_dtype(max(m, 1 << 16)))
    key = source
    if not by_target:
        rows = csr_matrix((source, (target, place)), shape=(shape[1], max(m, 1)))
        key, place = rows.data, rows.indices
        del rows
    column = np.arange(m, dtype=index_dtype(max(m, 1 << 16)))
    rows = csr_matrix((place, (key, column)), shape=(shape[0], max(m, 1)))
    order = rows.data
    sources = np.repeat(np.arange(shape[0], dtype=source.dtype), np.diff(rows.indptr))
    del rows, place, column, key
    return sources, target[order], [c[order] if np.ndim(c) else c for c in columns]


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    array = array.view()
    array.flags.writeable = False
    return array


@dataclass(frozen=True, eq=False, repr=False)
class EdgeList:
    """Connected pairs of one direction, sorted by source, then target, each pair once.

    Make one with :meth:`from_arrays`, which sorts and checks.

    Attributes
    ----------
    source, target : ndarray of int, shape (m,)
        Indices into the source and the target pool; read-only.
    n_syn : ndarray of int, shape (m,)
        Synapses per pair, at least 1; read-only.
    pair_arg : ndarray of float, shape (m,), or None
        Value of ``p_arg`` of the pair, usually its distance (um); objects when the user's
        function gives something that is not a number; read-only.
    shape : tuple of int
        ``(n_source, n_target)``.
    """

    source: Index
    target: Index
    n_syn: Index
    pair_arg: npt.NDArray[Any] | None
    shape: tuple[int, int]
    _cache: dict[str, Any] = field(default_factory=dict, init=False)

    @classmethod
    def from_arrays(
        cls,
        source: npt.ArrayLike,
        target: npt.ArrayLike,
        shape: tuple[int, int],
        n_syn: npt.ArrayLike = 1,
        pair_arg: npt.ArrayLike | None = None,
    ) -> EdgeList:
        """Make the canonical edge list from pairs in any order.

        Parameters
        ----------
        source, target : array_like of int, shape (m,)
            Indices into the pools.
        shape : tuple of int
            ``(n_source, n_target)``.
        n_syn : int or array_like of int, shape (m,), default 1
            Synapses per pair, at least 1.
        pair_arg : float or array_like, shape (m,), optional
            Values to keep per pair.

        Raises
        ------
        ParameterError
            If lengths differ, an index is out of range, a pair occurs twice, or a count is
            not a whole number of at least 1.

        Examples
        --------
        >>> edges = EdgeList.from_arrays([1, 0], [2, 1], shape=(2, 3))
        >>> edges.source.tolist(), edges.target.tolist()
        ([0, 1], [1, 2])
        """
        s, t = np.asarray(source), np.asarray(target)
        counts = np.asarray(n_syn)
        arg = None if pair_arg is None else np.asarray(pair_arg)
        _check_arrays(s, t, shape, counts, arg)
        s, t, columns = sort_pairs(s, t, shape, (counts, arg))
        edges = cls.from_sorted(s, t, shape, *columns)
        twice = np.flatnonzero(~is_first(edges.source, edges.target))
        if len(twice):
            k = twice[0]
            raise ParameterError(
                f"source and target of EdgeList contain the pair ({edges.source[k]}, "
                f"{edges.target[k]}) more than once; give each pair once and say its number of "
                "synapses with n_syn."
            )
        return edges

    @classmethod
    def from_sorted(
        cls,
        source: npt.NDArray[Any],
        target: npt.NDArray[Any],
        shape: tuple[int, int],
        n_syn: npt.ArrayLike = 1,
        pair_arg: npt.ArrayLike | None = None,
    ) -> EdgeList:
        """Make an edge list from pairs that are canonical already (not checked)."""
        m = len(source)
        counts = np.asarray(n_syn)
        greatest = int(counts.max()) if counts.size else 1
        # One number for all edges costs no memory: a view with stride 0.
        counts = np.broadcast_to(counts.astype(index_dtype(greatest + 1)), (m,))
        arg = None
        if pair_arg is not None:
            arg = np.asarray(pair_arg)
            arg = arg if arg.dtype == object else arg.astype(float, copy=False)
            arg = _frozen(np.broadcast_to(arg, (m,)))
        return cls(
            _frozen(source.astype(index_dtype(shape[0]), copy=False)),
            _frozen(target.astype(index_dtype(shape[1]), copy=False)),
            _frozen(counts),
            arg,
            (int(shape[0]), int(shape[1])),
        )

    def __len__(self) -> int:
        return len(self.source)

    def __repr__(self) -> str:
        return f"EdgeList({len(self)} edges, shape={self.shape})"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            frozen = _frozen(value) if isinstance(value, np.ndarray) else value
            object.__setattr__(self, name, frozen)

    # ------------------------------------------------------------------ look-up
    @property
    def indptr(self) -> IntArray:
        """Where the edges of each source start, shape (n_source + 1,)."""
        if "indptr" not in self._cache:
            n, m = self.shape[0], len(self)
            if m > 16 * n:  # sorted as they are, many edges need not be counted
                rows = np.arange(n, dtype=self.source.dtype)
                self._cache["indptr"] = np.append(np.searchsorted(self.source, rows), m)
            else:
                self._cache["indptr"] = _starts(self.source, n)
        return self._cache["indptr"]  # type: ignore[no-any-return]

    def _columns(self) -> tuple[IntArray, npt.NDArray[Any]]:
        """Return where the edges of each target start in the order by target, and that order."""
        if "columns" not in self._cache:
            order = order_by(self.target, self.shape[1])
            self._cache["columns"] = (_starts(self.target, self.shape[1]), order)
        return self._cache["columns"]  # type: ignore[no-any-return]

    def row(self, i: int) -> tuple[Index, Index]:
        """Return the targets of source index `i` and their synapse counts."""
        start, stop = self.indptr[i : i + 2]
        return self.target[start:stop], self.n_syn[start:stop]

    def column(self, j: int) -> tuple[Index, Index]:
        """Return the sources of target index `j` and their synapse counts."""
        starts, order = self._columns()
        edges = order[starts[j] : starts[j + 1]]
        return self.source[edges], self.n_syn[edges]

    def find(self, i: npt.ArrayLike, j: npt.ArrayLike) -> IntArray:
        """Return the number of the edge of each pair ``(i, j)``, or -1 where there is none."""
        n_target = self.shape[1]
        if "keys" not in self._cache:
            self._cache["keys"] = self.source.astype(np.int64) * n_target + self.target
        keys = self._cache["keys"]
        key = np.asarray(i, dtype=np.int64) * n_target + np.asarray(j, dtype=np.int64)
        if not len(keys):
            return np.full(key.shape, -1)
        index = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
        return np.where(keys[index] == key, index, -1)

    def contains(self, i: npt.ArrayLike, j: npt.ArrayLike) -> Any:
        """Return whether the pairs ``(i, j)`` are connected: bool, or ndarray of bool."""
        found = self.find(i, j) >= 0
        return bool(found) if found.ndim == 0 else found

    # ------------------------------------------------------------------ numbers
    def out_degree(self) -> IntArray:
        """Return the number of connected targets of each source, shape (n_source,)."""
        return np.diff(self.indptr)

    def in_degree(self) -> IntArray:
        """Return the number of connected sources of each target, shape (n_target,)."""
        return np.bincount(self.target, minlength=self.shape[1])

    def reciprocal(self, backward: EdgeList | None = None) -> Flags:
        """Return which edges have a partner in the other direction, shape (m,).

        Parameters
        ----------
        backward : EdgeList, optional
            Edges from this list's targets to its sources; this list itself when omitted (a
            recurrent population). A self connection counts as its own partner.
        """
        other = self if backward is None else backward
        return np.asarray(other.find(self.target, self.source) >= 0)

    # ------------------------------------------------------------------ other forms
    def transpose(self) -> EdgeList:
        """Return the edges with source and target swapped."""
        _, order = self._columns()
        arg = None if self.pair_arg is None else self.pair_arg[order]
        return EdgeList.from_sorted(
            self.target[order], self.source[order], self.shape[::-1], self.n_syn[order], arg
        )

    def both_directions(self) -> EdgeList:
        """Return these edges and their transposes; for edges stored once per unordered pair.

        Raises
        ------
        ParameterError
            If a pair is there in both orders already, or is a self connection.
        """
        if "both" not in self._cache:
            arg = self.pair_arg
            self._cache["both"] = EdgeList.from_arrays(
                np.concatenate([self.source, self.target]),
                np.concatenate([self.target, self.source]),
                self.shape,
                np.concatenate([self.n_syn, self.n_syn]),
                None if arg is None else np.concatenate([arg, arg]),
            )
        return self._cache["both"]  # type: ignore[no-any-return]

    def to_csr(self) -> csr_matrix:
        """Return the synapse counts as ``scipy.sparse.csr_matrix``, rows are sources."""
        from scipy.sparse import csr_matrix

        return csr_matrix((np.array(self.n_syn), self.target, self.indptr), shape=self.shape)

    def to_dense(self) -> npt.NDArray[Any]:
        """Return the synapse counts as an array of shape (n_source, n_target)."""
        dense = np.zeros(self.shape, dtype=self.n_syn.dtype)
        dense[self.source, self.target] = self.n_syn
        return dense

    def to_frame(self, source: NodeArrays, target: NodeArrays) -> pd.DataFrame:
        """Return a table with node ids: source_node_id, target_node_id, n_syn and pair_arg."""
        import pandas as pd

        columns = {
            "source_node_id": source.ids[self.source],
            "target_node_id": target.ids[self.target],
            "n_syn": np.array(self.n_syn),
        }
        if self.pair_arg is not None:
            columns["pair_arg"] = np.array(self.pair_arg)
        table: pd.DataFrame = pd.DataFrame(columns)
        return table


def _starts(key: npt.NDArray[Any], n: int) -> IntArray:
    return np.concatenate([[0], np.cumsum(np.bincount(key, minlength=n))]).astype(np.int64)


def _check_arrays(
    source: npt.NDArray[Any],
    target: npt.NDArray[Any],
    shape: tuple[int, int],
    n_syn: npt.NDArray[Any],
    pair_arg: npt.NDArray[Any] | None,
) -> None:
    m = len(source) if source.ndim == 1 else -1
    for name, array in (("target", target), ("n_syn", n_syn), ("pair_arg", pair_arg)):
        fits = array is None or array.shape == (m,) or (array.ndim == 0 and name != "target")
        if m < 0 or not fits:
            raise ParameterError(
                f"{name} and source of EdgeList must be one-dimensional arrays of one length, got "
                f"shapes {getattr(array, 'shape', None)} and {source.shape}."
            )
    for name, array, low, high in (
        ("source", source, 0, shape[0] - 1),
        ("target", target, 0, shape[1] - 1),
        ("n_syn", n_syn, 1, np.iinfo(np.uint32).max),
    ):
        if not array.size:
            continue
        integers = array.dtype.kind in "iu"
        if not integers or array.min() < low or array.max() > high:
            values = f" from {array.min()}" if array.dtype.kind in "iuf" else ""
            allowed = "whole numbers of at least 1: leave unconnected pairs out"
            if name != "n_syn":
                values += f" to {array.max()}" if values else ""
                allowed = f"integer positions from {low} to {high} (not node ids)"
            got = f"{array.dtype} values{values}"
            raise ParameterError(must_be(f"{name} of EdgeList", allowed, got))
