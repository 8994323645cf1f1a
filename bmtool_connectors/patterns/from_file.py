"""Connections listed in a CSV file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from bmtool_connectors import lifting
from bmtool_connectors.checks import flag
from bmtool_connectors.edges import Connectivity, EdgeList, sort_pairs
from bmtool_connectors.errors import NodeError, ParameterError
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.patterns import parameters
from bmtool_connectors.patterns.base import BaseConnector
from bmtool_connectors.patterns.use import Use
from bmtool_connectors.randomness import SharedGenerator

__all__ = ["FileBasedConnector"]

_ENDS = ("source_node_id", "target_node_id")


class FileBasedConnector(BaseConnector):
    """Connect the pairs that a CSV file lists.

    Parameters
    ----------
    filename : str or path
        A CSV file with the columns ``source_node_id`` and ``target_node_id``, optionally
        ``n_syn``, and any further columns with a value per connection.
    n_syn : int or callable, default 1
        Synapses of a listed pair, or a function of (source node, target node); a column
        ``n_syn`` in the file takes its place.
    verbose : bool, default True
        Print what is connected.
    save_report : bool, default False
        Append a row to the CSV connection report.
    report_name : str or path, optional
        The report; default ``bmtool_connectors.report_name``.
    use_relative_ids : bool, default True
        Whether the file counts the nodes of each pool from 0, in pool order. False: it holds
        the node ids of the network.

    Attributes
    ----------
    columns : mapping of str to ndarray
        Further columns of the file, a value per row of the file; read-only.

    Raises
    ------
    ParameterError
        If the file cannot be read, lacks a column, lists no row, or holds ids or counts that
        are not whole numbers >= 0.

    Notes
    -----
    Rows that name nodes outside the pools are left out with a warning, and a NodeError is
    raised when none is left. A pair that is listed more than once is one connection: with a
    column ``n_syn`` its synapses are added up, without one the repetitions are dropped with a
    warning; further columns keep the first value. Nothing is random but what `n_syn` draws.
    """

    parameter_names: ClassVar[tuple[str, ...]] = ("filename", "n_syn", "use_relative_ids")
    is_random: ClassVar[bool] = False

    def __init__(
        self,
        filename: str | os.PathLike[str],
        n_syn: Any = 1,
        verbose: bool = True,
        save_report: bool = False,
        report_name: str | None = None,
        use_relative_ids: bool = True,
    ) -> None:
        super().__init__(verbose=verbose, save_report=save_report, report_name=report_name)
        self.filename = filename
        self.use_relative_ids = flag(use_relative_ids, f"use_relative_ids of {type(self).__name__}")
        parameters.synapses(n_syn, f"n_syn of {type(self).__name__}")
        self.vars = {"p": 1.0, "p_arg": None, "n_syn": n_syn}
        columns = self._read()
        self._ends = tuple(self._whole(columns.pop(name), name) for name in _ENDS)
        counts = columns.pop("n_syn", None)
        self._counts = None if counts is None else self._whole(counts, "n_syn")
        for values in columns.values():
            values.flags.writeable = False
        self.columns: Mapping[str, npt.NDArray[Any]] = MappingProxyType(columns)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "columns": dict(self.columns)}

    def _read(self) -> dict[str, npt.NDArray[Any]]:
        """Return the columns of the file by name."""
        import pandas as pd

        own = f"filename of {type(self).__name__}"
        try:
            table = pd.read_csv(self.filename, skipinitialspace=True)
        except (OSError, TypeError, ValueError) as error:  # parser errors are ValueErrors
            reason = str(error).splitlines()[0]
            raise ParameterError(
                f"{own} is {self.filename!r}, which cannot be read as CSV ({reason}); allowed is "
                f"a file with the columns {_ENDS[0]} and {_ENDS[1]}."
            ) from error
        missing = [name for name in _ENDS if name not in table.columns]
        if missing or not len(table):
            lacks = f"column {' and '.join(missing)}" if missing else "any row"
            raise ParameterError(
                f"{own} is {self.filename!r}, which lacks {lacks}; write a header "
                f"{_ENDS[0]},{_ENDS[1]} and a row per connection."
            )
        # Text as objects, whatever kind of column this pandas makes of it.
        kinds = {name: None if table[name].dtype.kind in "biuf" else object for name in table}
        return {str(name): np.array(table[name], dtype=kinds[name]) for name in table.columns}

    def _whole(self, values: npt.NDArray[Any], name: str) -> npt.NDArray[np.int64]:
        """Return a column as whole numbers >= 0, or name the first row that is none."""

        def describe(k: int) -> str:
            return f"row {k + 1} of {os.fspath(self.filename)}"

        what = f"{name} of {type(self).__name__}"
        if values.dtype == object:  # a column with text in it: numbers, and the text that is none
            import pandas as pd

            numbers = pd.to_numeric(pd.Series(values), errors="coerce").to_numpy()
            values = np.where(np.isnan(numbers), values, numbers)
        return lifting.checked_counts(
            values, len(values), describe, what, "a whole number >= 0: correct the file"
        )

    def _begin(self, use: Use) -> None:
        self._matched(use.source, use.target)
        super()._begin(use)

    def _matched(
        self, source: NodeArrays, target: NodeArrays
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
        """Return positions of sources and targets, and the row of each, in canonical order."""
        places = [
            self._positions(ids, nodes)
            for ids, nodes in zip(self._ends, (source, target), strict=True)
        ]
        rows = np.flatnonzero((places[0] >= 0) & (places[1] >= 0))
        lost = len(places[0]) - len(rows)
        own = type(self).__name__
        kind = "positions in the pools, from 0" if self.use_relative_ids else "node ids"
        other = f"use_relative_ids={not self.use_relative_ids}"
        if not len(rows):
            raise NodeError(
                f"filename of {own} is {self.filename!r}, and none of its {lost} rows names a pair "
                f"of {source.label} and {target.label}; its ids are taken as {kind}: correct the "
                f"file, or pass {other}."
            )
        if lost:
            self.warn_once(
                "unmatched",
                f"filename of {own} is {self.filename!r}, and {lost} of its {lost + len(rows)} "
                f"rows name no pair of {source.label} and {target.label}; they are left out. Ids "
                f"are taken as {kind}.",
            )
        i, j = places[0][rows], places[1][rows]
        i, j, columns = sort_pairs(i, j, (len(source), len(target)), (rows,))
        return i, j, columns[0]

    def _positions(self, ids: npt.NDArray[np.int64], nodes: NodeArrays) -> npt.NDArray[np.int64]:
        """Return the position of each id in the pool, or -1."""
        if self.use_relative_ids:
            return np.where(ids < len(nodes), ids, -1)
        order = np.argsort(nodes.ids)
        place = np.minimum(np.searchsorted(nodes.ids, ids, sorter=order), len(nodes) - 1)
        return np.where(nodes.ids[order[place]] == ids, order[place], -1)

    def draw(self, source: NodeArrays, target: NodeArrays, rng: SharedGenerator) -> Connectivity:
        """Return the listed edges."""
        i, j, n_syn, _ = self._listed(source, target)
        connected = n_syn > 0
        shape = (len(source), len(target))
        edges = EdgeList.from_sorted(i[connected], j[connected], shape, n_syn[connected])
        return Connectivity(
            edges,
            pairs=shape[0] * shape[1],
            possible=(shape[0] * shape[1],),
            connected=(len(edges),),
            dropped=int((~connected).sum()),
        )

    def edge_properties(self) -> dict[str, Any]:
        """Return the further columns of the file as arguments for ``add_properties``.

        Returns
        -------
        dict
            ``names``, ``rule`` and ``dtypes``; all synapses of a pair get its values.

        Raises
        ------
        ParameterError
            If the file has no further columns.

        Examples
        --------
        ::

            edges = net.add_edges(**connector.edge_params())
            edges.add_properties(**connector.edge_properties())
        """
        if not self.columns:
            raise ParameterError(
                f"filename of {type(self).__name__} is {self.filename!r}, which has no columns "
                f"beside {', '.join(_ENDS)} and n_syn; add a column with a value per row."
            )
        return {
            "names": list(self.columns),
            "rule": _ColumnValues(self, self.use),
            "dtypes": [values.dtype for values in self.columns.values()],
        }

    def _listed(self, source: NodeArrays, target: NodeArrays) -> tuple[npt.NDArray[Any], ...]:
        """Return each listed pair once: positions, synapses, and its first row."""
        i, j, rows = self._matched(source, target)
        new = np.ones(len(i), dtype=bool)
        new[1:] = (i[1:] != i[:-1]) | (j[1:] != j[:-1])
        first = np.flatnonzero(new)
        own = type(self).__name__
        if self._counts is not None:
            return i[first], j[first], np.add.reduceat(self._counts[rows], first), rows[first]
        if len(first) < len(i):
            self.warn_once(
                "repeated",
                f"filename of {own} is {self.filename!r}, which lists {len(i) - len(first)} pairs "
                "again; each pair is connected once. Give the number of synapses in a column "
                "n_syn.",
            )
        i, j = i[first], j[first]
        n_syn = self.vars["n_syn"]
        if callable(n_syn):
            found = lifting.of_pairs(n_syn, source, target, i, j, f"n_syn of {own}")

            def describe(k: int) -> str:
                return f"the pair of nodes {source.ids[i[k]]} and {target.ids[j[k]]}"

            n_syn = lifting.checked_counts(found, len(i), describe, f"n_syn of {own}")
        else:
            n_syn = np.broadcast_to(np.asarray(parameters.synapses(n_syn, own)), i.shape)
        return i, j, n_syn, rows[first]


class _ColumnValues:
    """A property rule: the values of a connection's row, looked up by node ids."""

    def __init__(self, connector: FileBasedConnector, use: Use) -> None:
        self._columns = list(connector.columns.values())
        self._source, self._target = use.source, use.target
        i, j, _, self._rows = connector._listed(use.source, use.target)
        self._listed = EdgeList.from_sorted(i, j, (len(use.source), len(use.target)))

    def __call__(self, source: Any, target: Any) -> tuple[Any, ...]:
        i, j = self._source.index(source.node_id), self._target.index(target.node_id)
        row = -1 if i is None or j is None else self._listed.find(i, j)
        if row < 0:
            pair = f"{source.node_id} to {target.node_id}"
            raise KeyError(f"the file lists no connection from {pair}")
        return tuple(column[self._rows[row]] for column in self._columns)
