"""Every private name of BMTK that the package relies on, in one place.

``CHANGES`` says what of it this version of BMTK lacks. While that is nothing,
``network`` builds on :class:`HookedNetwork`, which gives BMTK's private hooks
and attributes names of our own; else on BMTK's network as it is.

One more name stands in ``nodes`` (the filter of a pool), which must not import
BMTK and does without it where it is missing.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

try:
    from bmtk.builder import NetworkBuilder, builder_utils, connection_map
    from bmtk.builder import connector as connectors
    from bmtk.builder.network_adaptors import DenseNetwork
    from bmtk.builder.node_pool import NodePool
except RuntimeError as error:  # raised by mpi4py, which BMTK imports
    raise RuntimeError(
        f"BMTK cannot be imported ({error}); mpi4py is installed but finds no MPI library: "
        "install one (for example openmpi), or uninstall mpi4py."
    ) from error

__all__ = [
    "CHANGES",
    "DenseNetwork",
    "HookedNetwork",
    "NetworkBuilder",
    "NodePool",
    "connection_iterator",
    "created_rule",
    "n_ranks",
    "property_rule",
]

#: Methods that are overridden or called, with the parameters that are relied on.
_METHODS: dict[str, tuple[str, ...]] = {
    "_add_edges": ("self", "connection_map"),
    "_add_nodes": ("self", "nodes"),
    "add_edges": ("self", "source", "target"),
    "build": ("self", "force"),
    "save": ("self", "output_dir"),
    "save_edges": ("self", "edges_file_name", "edge_types_file_name", "output_dir"),
    "save_nodes": ("self", "nodes_file_name", "node_types_file_name", "output_dir"),
    **dict.fromkeys(("_build_nodes", "_clear", "clear", "edges", "edges_table"), ("self",)),
    **dict.fromkeys(("get_connections", "import_nodes", "nodes", "nodes_iter"), ("self",)),
}

#: Attributes of a network.
_ATTRIBUTES = (
    *("_connection_maps", "_edges_built", "_node_id_gen", "_node_sets", "_nodes", "_nodes_built"),
    *("_network_name", "_nnodes", "_node_types_properties", "_target_networks"),
)


def _changes() -> list[str]:
    """Return what is not there, or not as it is relied on."""
    found = []
    for name, needed in _METHODS.items():
        method = getattr(DenseNetwork, name, None)
        parameters = list(inspect.signature(method).parameters) if callable(method) else []
        if not set(needed) <= set(parameters):
            found.append(f"DenseNetwork.{name}({', '.join(needed)})")
    probe = DenseNetwork("probe")
    found += [f"DenseNetwork.{name}" for name in _ATTRIBUTES if not hasattr(probe, name)]
    rule = connection_map.ConnectionMap.ParamsRules("delay", 1.0, {"a": 1}, float)
    for name, value in (("_rule", 1.0), ("_rule_params", {"a": 1})):
        if getattr(rule, name, None) != value:
            found.append(f"ParamsRules.{name}")
    if connection_map.ListIterator([1]).my_list != [1]:
        found.append("ListIterator.my_list")
    if getattr(NodePool(probe, a=1), "_NodePool__properties", None) != {"a": 1}:
        found.append("NodePool.__properties")
    if probe.edges_table() is not probe.edges_table():  # must be the list itself
        found.append("DenseNetwork.edges_table()")
    return found


try:
    CHANGES: list[str] = _changes()
except Exception as error:  # whatever a changed BMTK does, its own network still builds
    CHANGES = [f"{type(error).__name__} {error}"]


class HookedNetwork(DenseNetwork):  # type: ignore[misc]
    """BMTK's network with names of our own for its private parts.

    A subclass gives ``make_nodes``; tables go into ``edges_table()``.
    """

    def make_nodes(self) -> None:
        """Make the nodes that have been declared and are not made yet."""
        raise NotImplementedError

    @property
    def node_list(self) -> list[Any]:
        """All nodes made so far."""
        return self._nodes  # type: ignore[no-any-return]

    @property
    def declared(self) -> Sequence[Any]:
        """What each call of ``add_nodes`` declared."""
        return self._node_sets  # type: ignore[no-any-return]

    @property
    def node_types(self) -> list[Mapping[str, Any]]:
        """Properties of all node types."""
        return list(self._node_types_properties.values())

    def make(self, declared: Any) -> list[Any]:
        """Make the nodes of one call of ``add_nodes`` and store them."""
        nodes: list[Any] = declared.build(self._node_id_gen)
        self._add_nodes(nodes)
        return nodes

    def set_built(self, *, nodes: bool | None = None, edges: bool | None = None) -> None:
        """Say what has been made."""
        if nodes is not None:
            self._nodes_built = nodes
            self._nnodes = len(self._nodes)
        if edges is not None:
            self._edges_built = edges

    def remember_target(self, pool: Any) -> None:
        """Register the network of a pool of targets, as BMTK does when it makes edges."""
        self._target_networks[pool.network_name] = pool.network

    # ------------------------------------------------------------------ BMTK's hooks
    def _build_nodes(self) -> None:
        self.make_nodes()

    def _clear(self) -> None:
        """Do nothing: BMTK sets its counts to 0 here, and ours follow from what is there."""


def n_ranks() -> int:
    """Return the number of MPI processes that BMTK sees."""
    return getattr(builder_utils, "mpi_size", 1)


def connection_iterator(edge_type: Any) -> Iterable[tuple[Any, Any, Any]]:
    """Return BMTK's own iterator of (source id, target id, synapses) of an edge type."""
    return edge_type.connection_itr()  # type: ignore[no-any-return]


def property_rule(param: Any) -> tuple[Any, Mapping[str, Any], bool]:
    """Return what ``add_properties`` was given: rule, rule_params, and whether it is values."""
    rule = param._rule
    if isinstance(rule, connection_map.ListIterator):
        return rule.my_list, {}, True
    return rule, param._rule_params or {}, False


def created_rule(rule: Any) -> Any:
    """Return what BMTK makes of a rule that is no callable: a constant, or a registered name."""
    return connectors.create(rule)
