"""What connectors share whose pairs, with values of each, are listed one by one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from bmtool_connectors import vectorization
from bmtool_connectors.arrays import is_first
from bmtool_connectors.checks import floats, number
from bmtool_connectors.conn_prop import ConnProp
from bmtool_connectors.connectivity import Connectivity
from bmtool_connectors.edges import EdgeList, sort_pairs
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.patterns.base import BaseConnector
from bmtool_connectors.patterns.parameters import Count, parameter
from bmtool_connectors.patterns.projection import Projection
from bmtool_connectors.randomness import SharedGenerator

Column = npt.NDArray[Any]

#: All properties of a rule, or all synapses.
_ALL = slice(None)

#: Properties that BMTK gives a meaning: least and greatest value, and whether it is whole.
KNOWN = {
    "syn_weight": (-np.inf, np.inf, False),
    "delay": (0.0, np.inf, False),
    "afferent_section_id": (0.0, np.inf, True),
    "afferent_section_pos": (0.0, 1.0, False),
}


def checked_column(values: Column, name: str, describe: Callable[[int], str], owner: str) -> Column:
    """Return the values of a property, those that BMTK knows as numbers in their range."""
    if name not in KNOWN:
        return values
    low, high, whole = KNOWN[name]
    numbers = floats(values)
    wrong = ~((numbers >= low) & (numbers <= high) & np.isfinite(numbers))
    if whole:
        wrong |= np.floor(numbers) != numbers
    within = f" from {low:g} to {high:g}" if high < np.inf else f" >= {low:g}"
    kind = f"a {'whole' if whole else 'finite'} number{within if low > -np.inf else ''}"
    vectorization.refuse_first(wrong, values, describe, f"{name} of {owner}", kind)
    return numbers.astype(np.int64) if whole else numbers


class ExplicitConnector(BaseConnector):
    """A list of pairs: ``_take`` gives it, ``_places`` finds the nodes of each row.

    Attributes
    ----------
    columns : mapping of str to ndarray
        Properties of the edges, a value per row of the list; read-only.
    """

    n_syn: Count = parameter(default=1, kw_only=True, in_vars=True)
    p: float = parameter(default=1.0, kw_only=True, init=False, in_vars=True)
    p_arg: None = parameter(default=None, kw_only=True, init=False, in_vars=True)
    is_random: ClassVar[bool] = False
    _without = ("rng", "name", "sampler")

    def _take(self, ends: tuple[Column, Column], columns: dict[str, Column], place: str) -> None:
        """Keep the list: ends of each row, its synapses (or `n_syn` counts), its properties."""
        own = type(self).__name__
        counts = columns.pop("n_syn", None)
        if counts is not None:
            counts = self._whole(counts, "n_syn", f"a whole number >= 0: correct the {place}")
        self._ends, self._counts = ends, counts
        checked = {
            name: np.array(checked_column(values, name, self._describe, own))
            for name, values in columns.items()
        }
        for values in checked.values():
            values.flags.writeable = False
        self.columns: Mapping[str, Column] = MappingProxyType(checked)

    def _whole(self, values: Column, name: str, allowed: str) -> Column:
        """Return whole numbers >= 0, or refuse the first that is none."""
        own = f"{name} of {type(self).__name__}"
        return vectorization.checked_counts(values, len(values), self._describe, own, allowed)

    def _check_repeated(self) -> None:
        """Refuse a pair that is listed again: it can have one value of each property."""
        order = np.lexsort(self._ends[::-1])  # not by counting: ids may be large
        i, j = (end[order] for end in self._ends)
        twice = np.flatnonzero(~is_first(i, j))
        if len(twice):
            k = twice[0]
            values = f" with values of {', '.join(self.columns)}" if self.columns else ""
            raise ParameterError(
                f"{self._origin}, which lists source {i[k]} and target {j[k]} more than once"
                f"{values}; give each pair once, and say its number of synapses with n_syn."
            )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "columns": dict(self.columns)}

    @property
    @abstractmethod
    def _origin(self) -> str:
        """Which parameter of which class the list is, for messages."""

    @abstractmethod
    def _describe(self, k: int) -> str:
        """Say which row of the list it is."""

    @abstractmethod
    def _places(self, source: NodeArrays, target: NodeArrays) -> tuple[Column, Column, Column]:
        """Return the rows that name pairs of the pools: positions and numbers of the rows."""

    def _check_pools(self, projection: Projection) -> None:
        self._places(*projection.ends)

    def draw(self, source: NodeArrays, target: NodeArrays, rng: SharedGenerator) -> Connectivity:
        """Return the listed edges."""
        i, j, n_syn, _ = self.listed(source, target)
        connected = n_syn > 0
        shape = (len(source), len(target))
        edges = EdgeList.from_sorted(i[connected], j[connected], shape, n_syn[connected])
        return Connectivity.from_edges(edges, dropped=int((~connected).sum()))

    def listed(self, source: NodeArrays, target: NodeArrays) -> tuple[Column, ...]:
        """Return each listed pair once: positions, synapses, and its first row."""
        i, j, rows = self._places(source, target)
        i, j, columns = sort_pairs(i, j, (len(source), len(target)), (rows,))
        rows = columns[0]
        first = np.flatnonzero(is_first(i, j))
        own = type(self).__name__
        if self._counts is not None:
            counts = self._counts[rows]
            counts = np.add.reduceat(counts, first) if len(first) else counts
            return i[first], j[first], counts, rows[first]
        if len(first) < len(i):
            self.warn_once(
                "repeated",
                f"{self._origin}, which lists {len(i) - len(first)} pairs again; each pair is "
                "connected once. Give the number of synapses in a column n_syn.",
                (source, target),
            )
        i, j = i[first], j[first]
        if callable(self.n_syn):
            found = vectorization.of_pairs(self.n_syn, source, target, i, j, f"n_syn of {own}")

            def describe(k: int) -> str:
                return f"the pair of nodes {source.ids[i[k]]} and {target.ids[j[k]]}"

            n_syn = vectorization.checked_counts(found, len(i), describe, f"n_syn of {own}")
        else:
            n_syn = np.broadcast_to(np.asarray(self.n_syn), i.shape)
        return i, j, n_syn, rows[first]

    def edge_properties(self, scale: Mapping[str, float] | None = None) -> dict[str, Any]:
        """Return the listed properties as arguments for ``add_properties``.

        Parameters
        ----------
        scale : mapping of str to float, optional
            Factors for some of the columns, by name, for instance to convert units.

        Returns
        -------
        dict
            ``names``, ``rule`` and ``dtypes``; all synapses of a pair get its values.

        Raises
        ------
        ParameterError
            If nothing is listed but pairs and synapses, a pair is listed again, or `scale` names
            no column of numbers.
        NodeError
            Before ``setup_nodes``.

        Examples
        --------
        ::

            edges = net.add_edges(**connector.edge_params())
            edges.add_properties(**connector.edge_properties(scale={"syn_weight": 1e-3}))
        """
        if not self.columns:
            raise ParameterError(
                f"{self._origin}, which has no columns but pairs and n_syn; add a column with a "
                "value per connection."
            )
        self._check_repeated()
        columns = {**self.columns, **self._scaled({} if scale is None else scale)}
        return {
            "names": list(columns),
            "rule": ColumnValues(self, self.use, columns),
            "dtypes": [values.dtype for values in columns.values()],
        }

    def _scaled(self, scale: Any) -> dict[str, Column]:
        own = f"scale of {type(self).__name__}.edge_properties()"
        numbers = [name for name, values in self.columns.items() if values.dtype.kind in "biuf"]
        if not isinstance(scale, Mapping) or not set(scale) <= set(numbers):
            raise ParameterError(
                f"{own} must be factors for the columns {', '.join(numbers)}, by name, got "
                f"{scale!r}."
            )
        return {
            name: self.columns[name] * number(factor, own, "finite factors", -1e300, 1e300)
            for name, factor in scale.items()
        }


class ColumnValues:
    """A property rule: the values of a connection's row, looked up by node ids.

    BMTK asks once per synapse, so all synapses of a connection get the same.
    """

    def __init__(
        self, connector: ExplicitConnector, projection: Projection, columns: dict[str, Column]
    ) -> None:
        self.names = tuple(columns)
        i, j, _, rows = connector.listed(*projection.ends)
        self._pools = projection.source, projection.target
        self._edges = EdgeList.from_sorted(i, j, projection.shape)
        self._table = ConnProp(self._edges, *self._pools)
        self._columns = [column[rows] for column in columns.values()]

    def __call__(self, source: Any, target: Any) -> tuple[Any, ...]:
        edge = self._table.find(source.node_id, target.node_id)
        if edge < 0:
            pair = f"{source.node_id} to {target.node_id}"
            raise KeyError(f"no connection is listed from node {pair}")
        return tuple(column[edge] for column in self._columns)

    def evaluations(self, table: Any) -> list[tuple[list[slice], ColumnValues, Any]]:
        """Return the values of all synapses, as :class:`synapses.rules.Evaluation` has them."""
        return [([_ALL], self, self._blocks(table))]

    def _blocks(self, table: Any) -> list[tuple[slice, tuple[Column, ...]]] | None:
        """Return the values of all synapses at once; None where the rule has to be called."""
        pools = table.source, table.target
        if not all(own.same_nodes(other) for own, other in zip(self._pools, pools, strict=True)):
            return None
        found = self._edges.find(table.edges.source, table.edges.target)
        if (found < 0).any() or any(column.dtype == object for column in self._columns):
            return None
        return [(_ALL, tuple(table.per_synapse(column[found]) for column in self._columns))]
