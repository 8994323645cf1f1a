"""What is asked of a network in memory: what its edge types will be, and what was built."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

from bmtool_connectors.builder.edge_table import EdgeTable
from bmtool_connectors.connection_rule import ConnectionRule
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.filters import pool_label
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.reports.connections import Connections
from bmtool_connectors.reports.of_connector import connections_of, preview_of
from bmtool_connectors.reports.preview import Preview, PreviewEntry
from bmtool_connectors.reports.summary import Summary, entry


def preview_of_network(network: Any) -> Preview:
    """Return what the declared edge types of a network will give, one entry for each connector."""
    entries: list[PreviewEntry] = []
    seen: set[Any] = set()
    for each in network.get_connections():
        rule = each.connector
        if not isinstance(rule, ConnectionRule):
            pools = each.source_nodes, each.target_nodes
            n_source, n_target = (len(NodeArrays.from_pool(pool)) for pool in pools)
            source, target = map(pool_label, pools)
            name = _rule_name(rule)
            entries.append(PreviewEntry(source, target, name, n_source, n_target, None))
        elif rule.projection not in seen:  # once for both directions
            seen.add(rule.projection)
            entries.append(preview_of(rule.connector, rule.projection))
    return Preview(tuple(entries))


def _rule_name(rule: Any) -> str:
    """Return what a connection rule that is no connector is called."""
    plain = rule.func if isinstance(rule, functools.partial) else rule
    return f"connection_rule {getattr(plain, '__name__', None) or repr(plain)}"


def summary_of_network(network: Any) -> Summary:
    """Return what was expected of each connector of a network and what was built."""
    return Summary(tuple(map(entry, connections_of_network(network))))


def connections_of_network(network: Any) -> list[Connections]:
    """Return the edges of a built network, those of one projection of a connector together."""
    if network.get_connections() and not network.edges_built:
        raise ParameterError(
            f"network {network.name!r} is not built; call its build() first, or look at its "
            "preview()."
        )
    groups: dict[Any, dict[str, EdgeTable]] = {}
    for table in network.edges_table():
        if not isinstance(table, EdgeTable):
            raise ParameterError(
                f"network {network.name!r} has edges that are spread over MPI processes; save it, "
                "and look at its folder."
            )
        rule = table.connection_map.connector
        whole = _is_whole(table)
        direction = rule.direction if whole else "forward"
        key: Any = rule.projection if whole else table
        while direction in groups.get(key, {}):  # one rule in several edge types
            key = (key, table)
        groups.setdefault(key, {})[direction] = table
    return [_connections_of_tables(group) for group in groups.values()]


def _is_whole(table: EdgeTable) -> bool:
    """Whether the edges of a table are all edges of a rule of ours, in one direction."""
    rule = table.connection_map.connector
    if not isinstance(rule, ConnectionRule) or rule.projection.connectivity is None:
        return False
    return table.edges is rule.projection.connectivity.edges(rule.direction)


def _connections_of_tables(group: dict[str, EdgeTable]) -> Connections:
    """Return the edges of the edge types of one projection, or of one that is no connector's."""
    first = next(iter(group.values()))
    rule = first.connection_map.connector
    types = tuple(
        int(group[name].edge_type_id) for name in ("forward", "backward") if name in group
    )
    if not _is_whole(first):
        edge_type = first.connection_map
        recurrent = first.source is first.target
        is_ours = isinstance(rule, ConnectionRule)  # some of the edges that it drew
        return Connections(
            pool_label(edge_type.source_nodes),
            pool_label(edge_type.target_nodes),
            first.edges,
            recurrent=recurrent,
            undirected=first.is_gap_junction and recurrent,
            connector=type(rule.connector).__name__ if is_ours else _rule_name(rule),
            edge_types=types,
            positions=(first.source.known_positions, first.target.known_positions),
        )
    return replace(connections_of(rule.connector, rule.projection).only(group), edge_types=types)
