"""The edges of one edge type as BMTK's savers and iterators ask for them.

BMTK stores a row per connected pair with its number of synapses, and as soon
as a property exists, a row per synapse. Here pairs are stored in either case,
as indices into the node pools; node ids and rows are made when asked for.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.builder.portable import common_value
from bmtool_connectors.connection_rule import ConnectionRule
from bmtool_connectors.edges import EdgeList
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.patterns.views import ConnectorViews
from bmtool_connectors.sonata import layout
from bmtool_connectors.sonata.rows import EdgeArrays, EdgeEnd
from bmtool_connectors.synapses.synapse_block import TargetOrder

if TYPE_CHECKING:
    import pandas as pd

#: Type in which BMTK stores synapse counts.
COUNTS = np.dtype(np.uint32)


class EdgeTable:
    """The edges of one edge type, with the properties of its synapses.

    Parameters
    ----------
    connection_map : ConnectionMap
        What ``add_edges`` returned.
    edges : EdgeList
        As indices into the pools; its arrays are kept, not copied.
    source, target : NodeArrays
        The pools of the edge type.

    Attributes
    ----------
    ends : tuple of (NodeArrays, ndarray of int)
        Sources and targets: the pool, and the index of each pair into it.
    networks : tuple of str
        Names of the source and the target network.
    edge_type_properties : dict
        As given to ``add_edges``.
    edge_group_id : int
        Given by BMTK when it saves.
    n_pairs, n_syns, n_edges : int
        Connected pairs, synapses, and rows: synapses once there is a property, else pairs.
    """

    def __init__(
        self, connection_map: Any, edges: EdgeList, source: NodeArrays, target: NodeArrays
    ) -> None:
        self.edges, self.source, self.target = edges, source, target
        self.ends = (source, edges.source), (target, edges.target)
        self.connection_map = connection_map
        self.source_network: str = connection_map.source_network_name
        self.target_network: str = connection_map.target_network_name
        self.networks = self.source_network, self.target_network
        self.edge_type_id: int = connection_map.edge_type_id
        self.edge_type_properties: dict[str, Any] = connection_map.edge_type_properties
        self.edge_group_id = -1
        #: How many calls of ``add_properties`` it holds.
        self.n_params = len(connection_map.params)
        self.n_pairs = len(edges)
        self.n_syns = int(edges.n_syn.sum(dtype=np.int64))
        self._columns: dict[str, npt.NDArray[Any]] = {}

    def __repr__(self) -> str:
        return f"<EdgeTable {self.edge_type_id}: {self.n_pairs} pairs, {self.n_syns} synapses>"

    @property
    def is_gap_junction(self) -> bool:
        """Whether the edges are gap junctions, which also stand in a file of their own."""
        return bool(self.edge_type_properties.get("is_gap_junction", False))

    @property
    def has_properties(self) -> bool:
        """Whether synapses have properties, and rows of their own; else ``nsyns`` counts them."""
        return bool(self._columns)

    @property
    def n_edges(self) -> int:
        """Number of rows."""
        return self.n_syns if self.has_properties else self.n_pairs

    # ------------------------------------------------------------------ properties
    @functools.cached_property
    def by_target(self) -> TargetOrder:
        """The pairs in the order of their targets, kept until :meth:`complete`."""
        return TargetOrder(self.edges, self.n_syns)

    def complete(self) -> EdgeTable:
        """Return the table without what only the evaluation of properties needs."""
        self.__dict__.pop("by_target", None)
        return self

    def add_column(self, name: str, dtype: Any) -> npt.NDArray[Any]:
        """Add a property with a value per synapse, and return the array to be filled in.

        Raises
        ------
        ParameterError
            If it is there already.
        """
        if name in self._columns:
            raise ParameterError(
                f"names of add_properties() of edge type {self.edge_type_id} must have one rule "
                f"per property, got {name!r} twice: join rules with properties()."
            )
        self._columns[name] = np.zeros(self.n_syns, dtype=dtype)
        return self._columns[name]

    def per_synapse(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return values of pairs as values of synapses; the same array if that is the same."""
        if self.n_syns == self.n_pairs:
            return values
        return np.repeat(values, self.edges.n_syn)

    def is_of(self, connector: Any) -> bool:
        """Whether the ``pair_arg`` of the edges is what this connector has stored for them."""
        rule = self.connection_map.connector
        return (
            isinstance(rule, ConnectionRule)
            and rule.connector is connector
            and not rule.projection.overlay
            and type(connector).get_conn_prop is ConnectorViews.get_conn_prop
        )

    def arrays(self) -> EdgeArrays:
        """Return the edges as they are written."""
        source, target = (EdgeEnd(index, nodes.ids) for nodes, index in self.ends)
        return EdgeArrays(
            self.edge_type_id,
            source,
            target,
            self.edges.n_syn,
            self.n_edges,
            {name: each.dtype for name, each in self._columns.items()} or {layout.NSYNS: COUNTS},
            self._columns,
            functools.partial(common_value, self.connection_map),
        )

    # ------------------------------------------------------------------ what BMTK asks for
    @property
    def edge_type_node_ids(self) -> npt.NDArray[Any]:
        """Source and target node id of each row, shape (n_edges, 2)."""
        # BMTK's types: unsigned for pairs, signed for synapses.
        return self.node_ids(np.int64, synapses=True) if self._columns else self.node_ids(np.uint64)

    def node_ids(self, dtype: Any, synapses: bool = False) -> npt.NDArray[Any]:
        """Return source and target node id of each pair, or synapse, shape (n, 2)."""
        ids: npt.NDArray[Any] = np.empty((self.n_syns if synapses else self.n_pairs, 2), dtype, "F")
        for k, (nodes, index) in enumerate(self.ends):
            ids[:, k] = nodes.ids[self.per_synapse(index) if synapses else index]
        return ids

    def get_property_metatadata(self) -> list[dict[str, Any]]:
        """Return name and dtype of each property (the name is BMTK's)."""
        if not self._columns:
            return [{"name": "nsyns", "dtype": COUNTS}]
        return [{"name": name, "dtype": each.dtype} for name, each in self._columns.items()]

    @property
    def hash_key(self) -> tuple[tuple[str, str], ...]:
        """Equal for edge types with equal properties, which BMTK stores in one group."""
        columns = self.get_property_metatadata()
        return tuple(sorted((each["name"], str(each["dtype"])) for each in columns))

    def get_property_value(self, prop_name: str) -> npt.NDArray[Any]:
        """Return the values of a property, one per row; ``nsyns`` where there are none."""
        if self._columns:
            return self._columns[prop_name]
        return self.edges.n_syn.astype(COUNTS)

    def to_dataframe(self, **ignored: Any) -> pd.DataFrame:
        """Return the rows: source_node_id, target_node_id, then the properties."""
        import pandas as pd

        source, target = self.edge_type_node_ids.T
        columns = {"source_node_id": source, "target_node_id": target}
        for name in (each["name"] for each in self.get_property_metatadata()):
            columns[name] = self.get_property_value(name)
        return pd.DataFrame(columns)

    def free_data(self) -> None:
        """Do nothing. BMTK's savers call this to free memory; here edges can be saved again."""
