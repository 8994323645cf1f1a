"""Nodes, edges and gap junctions as tables in memory, and the populations they belong to."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import IntArray
from bmtool_connectors.checks import floats
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.sonata.layout import NSYNS

#: Synapses that a row may stand for: their sum fits into 8 bytes.
MOST_SYNAPSES = 1 << 32


@dataclass(frozen=True)
class ColumnGroup:
    """Rows of a table that share their property columns.

    Attributes
    ----------
    rows : ndarray of int, shape (m,), or None
        Which rows of the table; None stands for all of them.
    index : ndarray of int, shape (m,), or None
        Where their values are in each column; None stands for in order.
    columns : mapping of str to callable
        Each returns the values of one column, shape (>= m,).
    """

    rows: IntArray | None
    index: IntArray | None
    columns: Mapping[str, Callable[[], npt.NDArray[Any]]]


@dataclass(frozen=True)
class Table:
    """Nodes, edges or gap junctions: what identifies a row, and its properties.

    Attributes
    ----------
    ids : tuple of ndarray of int64, shape (n,)
        (node,) or (source, target).
    types : ndarray of int64, shape (n,)
        Edge type ids; zeros for nodes and gap junctions.
    groups : tuple of ColumnGroup
        The property columns, read when asked.
    origin : str
        File or network, for messages.
    """

    ids: tuple[IntArray, ...]
    types: IntArray
    groups: tuple[ColumnGroup, ...] = ()
    origin: str = ""

    def __len__(self) -> int:
        return len(self.types)

    @property
    def names(self) -> frozenset[str]:
        """Names of the columns that at least one row has."""
        return frozenset(name for group in self.groups for name in group.columns)

    def present(self, name: str) -> npt.NDArray[np.bool_] | None:
        """Say which rows have the column; None means all.

        Parameters
        ----------
        name : str
            Column.

        Returns
        -------
        ndarray of bool, shape (n,), or None
        """
        groups = [group for group in self.groups if name in group.columns]
        if any(group.rows is None for group in groups):
            return None
        mask = np.zeros(len(self), dtype=bool)
        for group in groups:
            mask[group.rows] = True
        return None if mask.all() else mask

    def column(self, name: str) -> npt.NDArray[Any]:
        """Return one value per row, 0 (or an empty text) where a row has none.

        Parameters
        ----------
        name : str
            Column.

        Returns
        -------
        ndarray of int, float, or object (text), shape (n,)
        """
        parts = [
            (group.rows, self._values(group, name))
            for group in self.groups
            if name in group.columns
        ]
        if len(parts) == 1 and parts[0][0] is None:
            return parts[0][1]
        if any(values.dtype == object for _, values in parts):
            parts = [(rows, values.astype(str).astype(object)) for rows, values in parts]
            whole = np.full(len(self), "", dtype=object)
        else:
            dtype = np.result_type(*(values.dtype for _, values in parts))
            whole = np.zeros(len(self), dtype=dtype)
        for rows, values in parts:
            whole[slice(None) if rows is None else rows] = values
        return whole

    def synapses(self) -> IntArray | None:
        """Return the synapses that each row stands for; None means one each.

        Returns
        -------
        ndarray of int64, shape (n,), or None

        Raises
        ------
        ParameterError
            If one is no whole number of at least 0.
        """
        if NSYNS not in self.names:
            return None
        given = self.column(NSYNS)
        numbers = floats(given)
        wrong = ~((numbers >= 0) & (numbers < MOST_SYNAPSES) & (np.floor(numbers) == numbers))
        if wrong.any():
            row = int(wrong.argmax())
            raise ParameterError(
                f"{self.origin}: nsyns must be whole numbers of synapses, got {given[row]} in row "
                f"{row}: save the network again."
            )
        counts = numbers.astype(np.int64)
        has_count = self.present(NSYNS)
        return counts if has_count is None else np.where(has_count, counts, 1)

    def _values(self, group: ColumnGroup, name: str) -> npt.NDArray[Any]:
        values = group.columns[name]()
        needed = len(self) if group.rows is None else len(group.rows)
        if group.index is not None:
            needed = int(group.index.max(initial=-1)) + 1
        lowest = 0 if group.index is None else int(group.index.min(initial=0))
        if len(values) < needed or lowest < 0:
            refer = f"{needed}" if lowest == 0 else f"number {lowest}"
            raise ParameterError(
                f"{self.origin}: property {name!r} has {len(values)} values but its rows refer to "
                f"{refer}; save the network again."
            )
        return values[:needed] if group.index is None else values[group.index]


@dataclass(frozen=True)
class Population:
    """One node or edge population, or the gap junctions of one network.

    Attributes
    ----------
    item : {'nodes', 'edges', 'gap junctions'}
        What it holds.
    name : str
        SONATA population name, or the network's name.
    origin : str
        File or network, for messages.
    load : callable
        Returns a context manager that gives the rows as a `Table`.
    stem : str
        What its files are called before ``_nodes.h5`` and the like.
    endpoints : tuple of str or None
        Names of the source and the target node population, where known.
    types : dict of int to dict of str, or None
        Type id to properties, as text; absent ones left out. None: no table.
    has_rows : bool
        False when there is a type table only.
    """

    item: str
    name: str
    origin: str
    load: Callable[[], contextlib.AbstractContextManager[Table]]
    stem: str
    endpoints: tuple[str, str] | None = None
    types: dict[int, dict[str, str]] | None = None
    has_rows: bool = True
