"""How the edges of a network were made, and what tells whether they are the same ones."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bmtool_connectors.builder import _bmtk
from bmtool_connectors.builder.edge_table import EdgeTable
from bmtool_connectors.builder.rows import pairs_by_target
from bmtool_connectors.patterns.described import (
    FORMAT,
    connector_described,
    described,
    digest_of_pairs,
    drawn,
    wanted,
)
from bmtool_connectors.rules import ConnectionRule

__all__ = ["write_recipe"]


def write_recipe(file: Path, network: str, tables: Sequence[EdgeTable]) -> None:
    """Write the recipe of a network's edges.

    Parameters
    ----------
    file : Path
    network : str
        Name.
    tables : sequence of EdgeTable
        One per edge type.

    Notes
    -----
    The same network gives the same file, whenever, wherever and however often it is saved.
    """
    known: dict[Any, Any] = {}
    recipe = {
        "format": FORMAT,
        "network": network,
        "versions": {
            "bmtool_connectors": sys.modules["bmtool_connectors"].__version__,
            **{name: version(name) for name in ("bmtk", "numpy", "h5py")},
        },
        "edge_types": [_edge_type(table, known) for table in tables],
    }
    text = json.dumps(recipe, indent=1, allow_nan=False)
    file.write_text(text + "\n", encoding="utf-8")


def _edge_type(table: EdgeTable, known: dict[Any, Any]) -> dict[str, Any]:
    """Return the recipe of an edge type; what is wanted of a use is kept for both directions."""
    properties = table.edge_type_properties
    found: dict[str, Any] = {
        "edge_type_id": int(table.edge_type_id),
        "source_network": table.source_network,
        "target_network": table.target_network,
        "source_query": properties.get("source_query"),
        "target_query": properties.get("target_query"),
        "pairs": table.n_pairs,
        "synapses": table.n_syns,
        "blake2b": digest_of_pairs(pairs_by_target(table)),
    }
    rule = table.connection_map.connector
    if isinstance(rule, ConnectionRule):
        if rule.use not in known:
            known[rule.use] = wanted(rule.connector, rule.use)
        found["connector"] = {
            **connector_described(rule.connector),
            "direction": rule.direction,
            "drawn": drawn(rule.connector, rule.use),
            "wanted": known[rule.use],
        }
    else:
        found["connection_rule"] = described(rule)
        found["iterator"] = table.connection_map.iterator
    found["properties"] = [_property(param) for param in table.connection_map.params]
    return found


def _property(param: Any) -> dict[str, Any]:
    rule, rule_params, _ = _bmtk.property_rule(param)
    return {
        "names": described(param.names),
        "rule": described(rule),
        "rule_params": described(rule_params),
    }
