"""How the edges of a network were made, as its recipe says it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from bmtool_connectors.builder import _bmtk
from bmtool_connectors.builder.edge_table import EdgeTable
from bmtool_connectors.connection_rule import ConnectionRule
from bmtool_connectors.patterns.described import connector_described, described, expected, observed
from bmtool_connectors.sampling import degree, pairwise, sparse
from bmtool_connectors.sonata import recipe as recipes
from bmtool_connectors.sonata.digests import digest_of_json
from bmtool_connectors.sonata.edge_writer import WrittenEdges
from bmtool_connectors.sonata.pair_digests import pair_digests
from bmtool_connectors.sonata.type_tables import type_texts


def make_recipe(
    network: str,
    tables: Sequence[EdgeTable],
    written: Mapping[EdgeTable, WrittenEdges],
    saved: recipes.SavedParts,
) -> recipes.NetworkRecipe:
    """Return what the recipe of a network says of how its edges were made.

    Parameters
    ----------
    network : str
        Name.
    tables : sequence of EdgeTable
        One per edge type.
    written : mapping of EdgeTable to WrittenEdges
        Those that have rows in a file of edges.
    saved : SavedParts
    """
    own = [each for each in tables if saved.ends is None or each.networks in saved.ends]
    return {
        "format": recipes.FORMAT,
        "network": network,
        "versions": {
            "bmtool_connectors": sys.modules["bmtool_connectors"].__version__,
            **{name: version(name) for name in ("bmtk", "numpy", "h5py")},
        },
        "streams": {
            "pairwise": pairwise.STREAM_VERSION,
            "sparse": sparse.STREAM_VERSION,
            "degree": degree.STREAM_VERSION,
        },
        "edge_types": list(_edge_types(own, written, digest_of_json(saved.nodes))),
    }


def _edge_types(
    tables: Sequence[EdgeTable], written: Mapping[EdgeTable, WrittenEdges], nodes: str
) -> Iterator[recipes.EdgeTypeRecipe]:
    """Yield what is said of edge types; what is expected is computed once for both directions."""
    known: dict[Any, Any] = {}
    pairs = {table: each.pairs for table, each in written.items() if each.pairs is not None}
    others = [table for table in tables if table not in pairs]
    if others:
        digests = pair_digests([table.arrays() for table in others])
        pairs |= zip(others, digests, strict=True)
    for table in tables:
        properties = table.edge_type_properties
        found: recipes.EdgeTypeRecipe = {
            "edge_type_id": int(table.edge_type_id),
            "source_network": table.source_network,
            "target_network": table.target_network,
            "source_query": properties.get("source_query"),
            "target_query": properties.get("target_query"),
            "pairs": table.n_pairs,
            "synapses": table.n_syns,
            "blake2b": pairs[table],
            "row_per_synapse": table.has_properties,
            "nodes": nodes,
            "type": type_texts(properties, none="NULL"),
        }
        if table in written:
            found["population"] = written[table].population
            found["indices"] = written[table].indices
            found["values"] = recipes.values_recipe(written[table].values)
        rule = table.connection_map.connector
        if isinstance(rule, ConnectionRule):
            if rule.projection not in known:
                known[rule.projection] = expected(rule.connector, rule.projection)
            found["connector"] = {
                **connector_described(rule.connector),
                "use": rule.projection.number,
                "direction": rule.direction,
                "drawn": observed(rule.connector, rule.projection),
                "wanted": known[rule.projection],
            }
        else:
            found["connection_rule"] = described(rule)
            found["iterator"] = table.connection_map.iterator
        found["properties"] = [_property_call(param) for param in table.connection_map.params]
        yield found


def _property_call(param: Any) -> dict[str, Any]:
    """Return what one call of ``add_properties`` was given."""
    rule, rule_params, _ = _bmtk.property_rule(param)
    return {
        "names": described(param.names),
        "rule": described(rule),
        "rule_params": described(rule_params),
    }
