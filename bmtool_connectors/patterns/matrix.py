"""Connections given as a matrix, or as a list of its entries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bmtool_connectors.checks import floats
from bmtool_connectors.errors import NodeError, ParameterError
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.patterns.example_laws import synapses_of_ids
from bmtool_connectors.patterns.explicit import Column, ExplicitConnector
from bmtool_connectors.patterns.parameters import parameter

__all__ = ["MatrixConnector"]

ORIENTATIONS = ("source_rows", "target_rows")
_ALLOWED = (
    "a two-dimensional array or scipy.sparse matrix, a tuple (rows, columns) or (rows, columns, "
    "values), or a DataFrame with columns source and target"
)


def _values(value: Any, owner: str) -> str:
    if isinstance(value, str) and value:
        return value
    raise ParameterError(f"{owner} must be 'n_syn' or the name of a property, got {value!r}.")


class MatrixConnector(ExplicitConnector):
    """Connect the pairs that are entries of a matrix, with the values that they have there.

    Parameters
    ----------
    matrix : array_like, scipy.sparse matrix or array, tuple, or DataFrame
        What is connected, by position in the pools:

        - a dense array, shape (n_source, n_target) or transposed: its nonzero entries;
        - a sparse one: its stored entries;
        - a tuple (rows, columns) or (rows, columns, values) of arrays of shape (m,), with
          `values` also a mapping of names to such arrays;
        - a DataFrame with columns ``source`` and ``target``, and any others with a value per
          connection.
    orientation : {'source_rows', 'target_rows'}
        What the rows of the matrix are. Must be given, except with a DataFrame, which says it.
    values : str, default 'n_syn'
        What the entries are: numbers of synapses, or a property of the edges by this name, such
        as ``'syn_weight'``.
    n_syn : int or callable, default 1
        Synapses of a pair where the matrix does not say: a number or a function of (source
        node, target node). 0 means no edge.
    verbose, save_report, report_name
        See :class:`BaseConnector`.

    Attributes
    ----------
    columns : mapping of str to ndarray
        Properties of the edges, a value per entry; read-only.

    Raises
    ------
    ParameterError
        If a parameter is not allowed, a number of synapses is not a whole number >= 0, or a
        pair is listed again with properties (numbers of synapses of one pair are added up).
    NodeError
        In ``setup_nodes``, if the pools do not have the size of the matrix.

    Notes
    -----
    Nothing is drawn. Properties become columns of the edges with
    ``edges.add_properties(**connector.edge_properties())``.

    Examples
    --------
    >>> connector = MatrixConnector([[0, 2], [1, 0]], orientation='source_rows')
    >>> weights = MatrixConnector(
    ...     ([0, 1], [1, 0], {'syn_weight': [0.5, 0.7], 'delay': [1.0, 1.5]}),
    ...     orientation='source_rows',
    ... )
    >>> sorted(weights.columns)
    ['delay', 'syn_weight']
    """

    examples = (
        {
            "matrix": np.nonzero(np.arange(154).reshape(14, 11) % 3 == 0),
            "orientation": "source_rows",
            "n_syn": synapses_of_ids,
        },
        {"matrix": np.arange(154).reshape(14, 11) % 3, "orientation": "source_rows"},
        {
            "matrix": ([0, 3, 5, 2], [1, 1, 0, 10], {"delay": [1.0, 2.0, 3.0, 4.0]}),
            "orientation": "target_rows",
        },
    )

    matrix: Any = parameter(shown=False, kept=False)
    orientation: str | None = parameter(default=None, kw_only=True)
    values: str = parameter(default="n_syn", check=_values, kw_only=True)

    def _check(self) -> None:
        self._shape: tuple[int, int] | None = None
        matrix = self.__dict__.pop("matrix")
        is_table = hasattr(matrix, "columns") and hasattr(matrix, "to_numpy")
        rows, columns, found = self._of_table(matrix) if is_table else self._of_matrix(matrix)
        self._check_orientation(is_table)
        if self.orientation == "target_rows":
            rows, columns = columns, rows
            self._shape = None if self._shape is None else self._shape[::-1]
        self._take((rows, columns), found, "entry")
        if self._counts is None or self.columns:  # else the synapses of a pair can be added up
            self._check_repeated()

    @property
    def _origin(self) -> str:
        return f"matrix of {type(self).__name__} is a list of {len(self._ends[0])} entries"

    def _describe(self, k: int) -> str:
        return f"entry {k}"

    def _refused(self, shown: str) -> ParameterError:
        return ParameterError(f"matrix of {type(self).__name__} must be {_ALLOWED}, got {shown}.")

    def _check_orientation(self, is_table: bool) -> None:
        own = f"orientation of {type(self).__name__}"
        if is_table and self.orientation is not None:
            raise ParameterError(
                f"{own} is {self.orientation!r}, but the columns of a DataFrame say it; leave it "
                "out."
            )
        wrong = not isinstance(self.orientation, str) or self.orientation not in ORIENTATIONS
        if not is_table and wrong:
            raise ParameterError(
                f"{own} must be 'source_rows' or 'target_rows', got {self.orientation!r}."
            )

    # ------------------------------------------------------------------ reading
    def _of_table(self, table: Any) -> tuple[Column, Column, dict[str, Column]]:
        """Return ends and values by name of a DataFrame."""
        columns = {str(name): np.array(table[name]) for name in table.columns}
        if not {"source", "target"} <= set(columns):
            raise self._refused(f"a DataFrame with columns {', '.join(columns)}")
        return self._ends_of(columns.pop("source"), columns.pop("target"), columns)

    def _of_matrix(self, matrix: Any) -> tuple[Column, Column, dict[str, Column]]:
        """Return rows, columns and values by name of a matrix or a tuple."""
        if isinstance(matrix, tuple):
            if len(matrix) not in (2, 3):
                raise self._refused(repr(matrix))
            values: Any = matrix[2] if len(matrix) == 3 else {}
            values = values if isinstance(values, Mapping) else {self.values: values}
            return self._ends_of(matrix[0], matrix[1], values)
        if hasattr(matrix, "tocoo") and len(matrix.shape) == 2:
            entries = matrix.tocoo()
            self._shape = tuple(map(int, entries.shape))  # type: ignore[assignment]
            return self._ends_of(entries.row, entries.col, {self.values: entries.data})
        dense = floats(matrix)
        if dense.ndim != 2:
            raise self._refused(repr(matrix))
        self._shape = dense.shape
        rows, columns = np.nonzero(dense)  # NaN is not zero, and refused with the other values
        return self._ends_of(rows, columns, {self.values: dense[rows, columns]})

    def _ends_of(
        self, rows: Any, columns: Any, values: Mapping[str, Any]
    ) -> tuple[Column, Column, dict[str, Column]]:
        try:
            arrays = [np.array(each) for each in (rows, columns, *values.values())]
        except ValueError:  # sequences of different lengths
            raise self._refused(repr((rows, columns, values))) from None
        shapes = [each.shape for each in arrays]
        if len(shapes[0]) != 1 or len(set(shapes)) > 1:
            raise ParameterError(
                f"matrix of {type(self).__name__} must have rows, columns and values that are "
                f"one-dimensional arrays of one length, got shapes {', '.join(map(str, shapes))}."
            )
        ends = "a position in the pool, from 0 (not a node id)"
        found = dict(zip(map(str, values), arrays[2:], strict=True))
        return self._whole(arrays[0], "matrix", ends), self._whole(arrays[1], "matrix", ends), found

    def _places(self, source: NodeArrays, target: NodeArrays) -> tuple[Column, Column, Column]:
        pools = (len(source), len(target))
        fits = pools == self._shape
        if self._shape is None:
            fits = all(
                not len(end) or end.max() < n for end, n in zip(self._ends, pools, strict=True)
            )
        if not fits:
            size = " x ".join(map(str, self._shape or (int(e.max()) + 1 for e in self._ends)))
            raise NodeError(
                f"matrix of {type(self).__name__} connects {size} nodes (source x target), and "
                f"{source.label} and {target.label} have {pools[0]} x {pools[1]}; check the "
                "orientation and the pools."
            )
        return *self._ends, np.arange(len(self._ends[0]))
