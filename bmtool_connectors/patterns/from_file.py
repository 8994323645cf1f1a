"""Connections listed in a CSV file."""

from __future__ import annotations

import os

import numpy as np

from bmtool_connectors.errors import NodeError, ParameterError
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.patterns.example_laws import listed_pairs
from bmtool_connectors.patterns.explicit import KNOWN, Column, ExplicitConnector
from bmtool_connectors.patterns.parameters import Count, parameter
from bmtool_connectors.patterns.unidirection import UnidirectionConnector

__all__ = ["FileBasedConnector"]

_ENDS = ("source_node_id", "target_node_id")


class FileBasedConnector(ExplicitConnector):
    """Connect the pairs that a CSV file lists.

    Parameters
    ----------
    filename : str or path
        A CSV file with the columns ``source_node_id`` and ``target_node_id``, optionally
        ``n_syn``, and any further columns with a value per connection. Those that BMTK knows
        must be numbers: ``syn_weight``, ``delay`` (ms, >= 0), ``afferent_section_id`` (whole),
        ``afferent_section_pos`` (from 0 to 1).
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
        are not whole numbers >= 0, or lists a pair again with ``n_syn`` and further columns.

    Notes
    -----
    Rows that name nodes outside the pools are left out with a warning, and a NodeError is
    raised when none is left. A pair that is listed more than once is one connection: with a
    column ``n_syn`` its synapses are added up, without one the repetitions are dropped with a
    warning. Its further columns would have several values, so that such a file is refused, one
    without ``n_syn`` by ``edge_properties()``. Nothing is random but what `n_syn` draws.
    """

    examples = (listed_pairs,)

    filename: str | os.PathLike[str] = parameter()
    n_syn: Count = parameter(default=1, kw_only=True, in_vars=True)
    save_report: bool = parameter(default=False, kw_only=True, shown=False, assignable=True)
    use_relative_ids: bool = parameter(default=True, kw_only=True)
    _positional = ("n_syn", "verbose", "save_report", "report_name", "use_relative_ids")

    def _check(self) -> None:
        columns = self._read()
        numbers = {*_ENDS, "n_syn", *KNOWN} & columns.keys()
        columns |= {name: _numbers(columns[name]) for name in numbers}
        allowed = "a whole number >= 0: correct the file"
        source, target = (self._whole(columns.pop(name), name, allowed) for name in _ENDS)
        self._take((source, target), columns, "file")
        if self._counts is not None and self.columns:
            self._check_repeated()

    @property
    def _origin(self) -> str:
        return f"filename of {type(self).__name__} is {self.filename!r}"

    def _describe(self, k: int) -> str:
        return f"row {k + 1} of {os.fspath(self.filename)}"

    def _read(self) -> dict[str, Column]:
        """Return the columns of the file by name."""
        import pandas as pd

        own = f"filename of {type(self).__name__}"
        try:
            table = pd.read_csv(self.filename, skipinitialspace=True)
        except (OSError, TypeError, ValueError) as error:  # parser errors are ValueErrors
            reason = str(error).splitlines()[0]
            raise ParameterError(
                f"{own} must be a file with the columns {_ENDS[0]} and {_ENDS[1]}, got "
                f"{self.filename!r}, which cannot be read as CSV ({reason})."
            ) from error
        missing = [name for name in _ENDS if name not in table.columns]
        if missing or not len(table):
            lacks = " and ".join(f"column {name}" for name in missing) if missing else "any row"
            raise ParameterError(
                f"{own} is {self.filename!r}, which lacks {lacks}; write a header "
                f"{_ENDS[0]},{_ENDS[1]} and a row per connection."
            )
        # Text as objects, whatever kind of column this pandas makes of it.
        kinds = {name: None if table[name].dtype.kind in "biuf" else object for name in table}
        return {str(name): np.array(table[name], dtype=kinds[name]) for name in table.columns}

    def _places(self, source: NodeArrays, target: NodeArrays) -> tuple[Column, Column, Column]:
        """Return positions of sources and targets of the rows that name pairs, and these rows."""
        ends = zip(self._ends, (source, target), strict=True)
        if self.use_relative_ids:
            places = [np.where(ids < len(nodes), ids, -1) for ids, nodes in ends]
        else:
            places = [nodes.find(ids) for ids, nodes in ends]
        rows = np.flatnonzero((places[0] >= 0) & (places[1] >= 0))
        lost = len(places[0]) - len(rows)
        kind = "positions in the pools, from 0" if self.use_relative_ids else "node ids"
        other = f"use_relative_ids={not self.use_relative_ids}"
        if not len(rows):
            raise NodeError(
                f"{self._origin}, and none of its {lost} rows names a pair "
                f"of {source.label} and {target.label}; its ids are taken as {kind}: correct the "
                f"file, or pass {other}."
            )
        if lost:
            self.warn_once(
                "unmatched",
                f"{self._origin}, and {lost} of its {lost + len(rows)} "
                f"rows name no pair of the pools; they are left out. Ids are taken as {kind}.",
                (source, target),
            )
        return places[0][rows], places[1][rows], rows


def _numbers(values: Column) -> Column:
    """Return a column with text in it as numbers, and the text that is none."""
    if values.dtype != object:
        return values
    import pandas as pd

    numbers = pd.to_numeric(pd.Series(values), errors="coerce").to_numpy()
    return np.where(np.isnan(numbers), values, numbers)


# For ``isinstance`` only: nothing is drawn from a probability.
UnidirectionConnector.register(FileBasedConnector)
