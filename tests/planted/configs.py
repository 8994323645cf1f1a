"""Faults of configurations that name the files of a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from planted.folders import CONFIG, SIMULATION
from planted.plants import fault


def circuit(name: str, function: Callable[[Any], Any], about: str = "") -> None:
    """Plant a change of the circuit configuration, which is then checked."""
    words = f"{CONFIG} {about}"
    fault(name, "configured", words, lambda f: f.json(CONFIG, function), CONFIG)


def items(key: str, function: Callable[[Any], Any]) -> Callable[[Any], None]:
    """Return what changes a list of the configuration in place, whatever `function` returns."""

    def change(config: Any) -> None:
        function(config["networks"][key])

    return change


def edges(function: Callable[[Any], Any]) -> Callable[[Any], None]:
    return items("edges", function)


def nodes(function: Callable[[Any], Any]) -> Callable[[Any], None]:
    return items("nodes", function)


def swap(key: str) -> Callable[[Any], None]:
    """Exchange what two items name."""

    def change(items: Any) -> None:
        items[0][key], items[1][key] = items[1][key], items[0][key]

    return change


circuit(
    "configuration with a wrong name of edges",
    edges(lambda e: e[0].update(edges_file="$DIR/cortex_cotrex_edges.h5")),
    "cortex_cotrex",
)
circuit(
    "configuration with a wrong name of nodes",
    nodes(lambda n: n[0].update(nodes_file="$DIR/v1_nodes.h5")),
    "v1_nodes",
)
circuit(
    "configuration with a wrong name of a table",
    edges(lambda e: e[1].update(edge_types_file="$DIR/inputs.csv")),
    "inputs.csv",
)
circuit(
    "configuration with tables of edge types exchanged",
    edges(swap("edge_types_file")),
    "edge_types edges.h5",
)
circuit(
    "configuration with tables of node types exchanged",
    nodes(swap("node_types_file")),
    "node_types nodes.h5",
)
circuit(
    "configuration with nodes as edges",
    edges(lambda e: e[0].update(edges_file="$DIR/cortex_nodes.h5")),
    "cortex_nodes.h5 cortex_cortex_edges.h5",
)
circuit(
    "configuration without a table", edges(lambda e: e[1].pop("edge_types_file")), "thal_cortex"
)
circuit("configuration without the inputs", edges(lambda e: e.pop(1)), "thal_cortex")
circuit("configuration without the virtual cells", nodes(lambda n: n.pop(1)), "thal")
circuit("configuration with the inputs twice", edges(lambda e: e.append(e[1])), "thal_cortex")
circuit(
    "configuration without the gap junctions",
    lambda c: c["networks"].pop("gap_juncs") and None,
    "gap",
)
circuit(
    "configuration with a wrong file of gap junctions",
    lambda c: c["networks"]["gap_juncs"][0].update(gap_juncs_file="$DIR/gaps.h5"),
    "gaps.h5",
)
circuit("configuration with an undefined variable", lambda c: c.update(manifest={}), "$DIR DIR")
circuit(
    "configuration of another folder",
    lambda c: c.update(manifest={"$DIR": "/home/someone/network"}),
    "someone cortex",
)
circuit("configuration without networks", lambda c: c.pop("networks") and None)
circuit(
    "configuration with an empty list of edges", lambda c: c["networks"].update(edges=[]), "edges"
)
circuit(
    "configuration with a variable that names itself",
    lambda c: c.update(manifest={"$DIR": "$DIR/a"}),
    "$DIR DIR",
)
fault(
    "configuration with a comma too many",
    "configured",
    CONFIG,
    lambda f: (f / CONFIG).write_text((f / CONFIG).read_text().replace("\n}", ",\n}")),
    CONFIG,
)
fault(
    "time step longer than delays",
    "configured",
    "delay",
    lambda f: f.json(SIMULATION, lambda s: s["run"].update(dt=2.5)),
    SIMULATION,
)
fault(
    "simulation of a circuit that is not there",
    "configured",
    f"{SIMULATION} circuit",
    lambda f: f.json(SIMULATION, lambda s: s.update(network="./circuit.json")),
    SIMULATION,
)
