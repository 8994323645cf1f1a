"""The properties of synapses, as ``add_properties`` declares them."""

from __future__ import annotations

import copy
import functools
from collections.abc import Hashable, Iterable, Iterator, Sequence
from numbers import Number
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from bmtool_connectors.builder import _bmtk
from bmtool_connectors.builder.edge_table import EdgeTable
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.progress import progress
from bmtool_connectors.randomness import property_streams
from bmtool_connectors.synapses.helpers import evaluations
from bmtool_connectors.synapses.rules import ALL, Block, Evaluation
from bmtool_connectors.synapses.synapse_block import Rows

#: Synapses between two steps of the progress bar.
_SYNAPSES_PER_STEP = 1 << 14
#: What NumPy raises for a value that an array cannot hold.
_REFUSED = (TypeError, ValueError, OverflowError, FloatingPointError)


def add_properties(table: EdgeTable, param: Any, key: tuple[Hashable, ...], show: bool) -> None:
    """Evaluate one call of ``add_properties`` for all synapses of an edge type.

    Parameters
    ----------
    table : EdgeTable
        Gets a column per name.
    param : ConnectionMap.ParamsRules
    key : tuple
        Of the edge type, for private streams.
    show : bool
        Whether progress may be shown.

    Raises
    ------
    ParameterError
        If values are missing, or do not fit the type of their column.
    """
    several = isinstance(param.names, list | tuple | np.ndarray)
    names = list(param.names) if several else [param.names]
    missing = [name for name in names if name not in param.dtypes]
    if missing:
        raise ParameterError(
            f"dtypes of add_properties() of edge type {table.edge_type_id} has none for "
            f"{missing[0]!r}; pass names and dtypes as lists of one length."
        )
    columns = _Columns(table, names, [param.dtypes[name] for name in names], several)
    rule, rule_params, is_values = _bmtk.property_rule(param)
    if is_values:
        columns.set_values(rule)
        return
    if isinstance(rule, Number | np.generic):
        columns.set_constant(rule)
        return
    # Bound here, because BMTK cannot pass on a parameter that is called ``connector``.
    bound = functools.partial(rule, **rule_params) if callable(rule) else _bmtk.created_rule(rule)
    with property_streams(*key, names=tuple(map(str, names))):
        try:
            found = evaluations(bound, table)
        except ParameterError as error:
            raise _explained(error, columns.owner) from error
        if found is None:
            columns.set_calls(bound, show)
        else:
            columns.set_evaluated(found, show)


def _with_owner(blocks: Iterable[Block], owner: str) -> Iterator[Block]:
    """Yield what a rule gives; its errors say whose rule it is."""
    try:
        yield from blocks
    except ParameterError as error:
        raise _explained(error, owner) from error


def _explained(error: ParameterError, owner: str) -> ParameterError:
    return ParameterError(f"{error} It is the rule of {owner}.")


class _Columns:
    """The columns of one rule, and what may be put into them."""

    def __init__(
        self, table: EdgeTable, names: Sequence[str], dtypes: Sequence[Any], several: bool
    ) -> None:
        self._table, self._names, self._several = table, names, several
        self._columns = [
            table.add_column(name, dtype) for name, dtype in zip(names, dtypes, strict=True)
        ]

    def set_constant(self, value: Any) -> None:
        """Give all synapses one value."""
        if self._several:
            self._refuse(value, "one value for each name")
        self._set(self._columns[0], value)

    def set_evaluated(self, evaluations: Sequence[Evaluation], show: bool) -> None:
        """Put in what a rule of this package gives; each part of it as that can be evaluated."""
        n = sum(len(rule.names) for _, rule, _ in evaluations)
        if n > 1 and not self._several:
            self._refuse(f"{n} values", "as many names as a rule gives values")
        if n < len(self._columns):
            self._refuse(f"{n} values", f"{len(self._columns)} values, one for each name")
        for indices, rule, blocks in evaluations:
            columns = self if len(evaluations) == 1 else self._of(indices)
            if blocks is None:
                columns.set_calls(rule, show)
            else:
                columns.set_blocks(blocks, show)

    def _of(self, indices: Sequence[slice]) -> _Columns:
        """Return some of the columns, for a rule that gives only those."""
        chosen = copy.copy(self)
        chosen._columns = [column for index in indices for column in self._columns[index]]
        chosen._several = len(chosen._columns) > 1
        return chosen

    def set_blocks(self, blocks: Iterable[Block], show: bool) -> None:
        """Put in arrays of one value per synapse, for some synapses after the other."""
        with self._progress(show) as advance:
            for rows, block in _with_owner(blocks, self.owner):
                for column, values in zip(self._columns, block, strict=False):
                    self._set(column, values, rows)
                advance(len(block[0]))

    def _progress(self, show: bool) -> Any:
        table = self._table
        return progress(table.n_syns, show, "synapse", f"edge type {table.edge_type_id}")

    def set_values(self, values: Any) -> None:
        """Put in the first values of a list or an array, in the order of the synapses."""
        n = self._table.n_syns
        if len(values) < n:
            raise ParameterError(
                f"values of {self.owner} must be one per synapse, pair by pair in order of source "
                f"and target, got {len(values)} for {n} synapses."
            )
        if isinstance(values, np.ndarray) and values.ndim == 1 and not self._several:
            self._set(self._columns[0], values[:n])
            return
        for k in range(n):
            self._put(k, values[k])

    def set_calls(self, rule: Any, show: bool) -> None:
        """Call the rule with source and target node, once per synapse, in order."""
        table = self._table
        ends = [(nodes.nodes, table.per_synapse(index)) for nodes, index in table.ends]
        (sources, i), (targets, j) = ends
        with self._progress(show) as advance:
            for start in range(0, table.n_syns, _SYNAPSES_PER_STEP):
                part = slice(start, start + _SYNAPSES_PER_STEP)
                pairs = zip(i[part].tolist(), j[part].tolist(), strict=True)
                for k, (source, target) in enumerate(pairs, start):
                    self._put(k, rule(sources[source], targets[target]))
                advance(len(i[part]))

    def _put(self, k: int, value: Any) -> None:
        """Store what a rule gave for a synapse."""
        each: Sequence[Any] = (value,)
        if self._several:
            try:
                each = tuple(value)
            except TypeError:
                self._refuse(value, "one value for each name")
            self._check_enough(each)
        for column, one in zip(self._columns, each, strict=False):
            try:
                column[k] = one
            except _REFUSED:
                self._refuse(one, f"what fits {column.dtype}")

    def _set(self, column: npt.NDArray[Any], values: Any, rows: Rows = ALL) -> None:
        """Store values for all synapses, or some."""
        try:
            with np.errstate(invalid="raise"):  # NaN as a whole number
                column[rows] = values
        except _REFUSED:
            self._refuse(values, f"what fits {column.dtype}")

    def _check_enough(self, values: Sequence[Any]) -> None:
        if len(values) < len(self._columns):
            self._refuse(values, f"{len(self._columns)} values, one for each name")

    @property
    def owner(self) -> str:
        """What messages call it."""
        names = ", ".join(map(repr, self._names))
        return f"add_properties({names}) of edge type {self._table.edge_type_id}"

    def _refuse(self, value: Any, allowed: str) -> NoReturn:
        raise ParameterError(
            f"rule of {self.owner} must give {allowed}, got {value!r}: correct the rule, or names "
            "and dtypes."
        )
