"""Pools that look at node types: in everything else those of BMTK."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bmtk.builder
import numpy as np
import pytest
from bmtk.builder.node import Node
from bmtk.builder.node_pool import NodePool

from bmtool_connectors import NetworkBuilder, NodeArrays, ParameterError, UnidirectionConnector


def fill(net: Any) -> Any:
    """Add four types of nodes: the same name for a property of types and of single nodes."""
    net.add_nodes(N=4, pop_name="A", ei="e", layer=5, x=[0.0, 1.0, 2.0, 3.0], tag=None)
    net.add_nodes(N=3, pop_name="B", ei="i", layer=[4, 5, 6], x=np.arange(3.0), where=(1, 2))
    net.add_nodes(N=0, pop_name="empty", ei="e")
    net.add_nodes(N=2, pop_name="A", ei="i", node_id=[50, 40], x=float("nan"), note=[None, "n"])
    net.add_nodes(N=2, pop_name=["A", "C"], ei="e", positions=np.ones((2, 3)))
    return net


FILTERS: dict[str, dict[str, Any]] = {
    "all": {},
    "a type": {"pop_name": "A"},
    "another": {"pop_name": "B"},
    "an empty one": {"pop_name": "empty"},
    "none": {"pop_name": "Z"},
    "no such property": {"nothing": 1},
    "a list": {"pop_name": ["B", "C"]},
    "an empty list": {"pop_name": []},
    "a tuple is one value": {"where": (1, 2)},
    "a function": {"pop_name": lambda name: name > "A"},
    "a number that counts": {"layer": lambda layer: layer - 5},
    "types and nodes": {"layer": 5},
    "two": {"pop_name": "A", "ei": "i"},
    "mixed": {"ei": ["e", "i"], "x": 1.0},
    "mixed, nodes first": {"x": lambda x: x < 2, "pop_name": "A"},
    "ids": {"node_id": [1, 40, 6, 99]},
    "an id": {"node_id": 50},
    "the type": {"node_type_id": 101},
    "None": {"tag": None},
    "None of nodes": {"note": "n"},
    "NaN": {"x": float("nan")},
    "an array": {"ei": np.array(["e"])},
    "one in a list": {"x": [0.0]},
}


@pytest.mark.parametrize("name", FILTERS)
def test_as_those_of_bmtk(name: str) -> None:
    stock, ours = fill(bmtk.builder.NetworkBuilder("net")), fill(NetworkBuilder("net"))
    wanted, pool = stock.nodes(**FILTERS[name]), ours.nodes(**FILTERS[name])
    ids = [node.node_id for node in wanted]
    assert isinstance(pool, NodePool)
    for _ in range(2):
        assert [node.node_id for node in pool] == ids
        assert len(pool) == len(ids)
    assert all(node is ours.nodes_iter()[_place(ours, node)] for node in pool)
    assert (pool.filter_str, pool.network_name) == (wanted.filter_str, "net")
    assert pool.network is ours.adaptor
    assert NodeArrays.from_pool(pool).ids.tolist() == ids


def _place(net: Any, node: Any) -> int:
    return [each.node_id for each in net.nodes_iter()].index(node.node_id)


def test_some_filters_select_something() -> None:
    """So that the comparison above is not one of empty lists."""
    net = fill(NetworkBuilder("net"))
    sizes = {name: len(net.nodes(**wanted)) for name, wanted in FILTERS.items()}
    assert sizes["all"] == 11
    assert [name for name, n in sizes.items() if not n] == [
        *("an empty one", "none", "no such property", "an empty list", "None", "NaN"),
    ]


def test_from_filter() -> None:
    """BMTK's way from a text back to a pool."""
    stock, ours = fill(bmtk.builder.NetworkBuilder("net")), fill(NetworkBuilder("net"))
    text = ours.nodes(pop_name="A", layer=5).filter_str
    pools = [type(net.nodes()).from_filter(net, text) for net in (stock, ours.adaptor)]
    assert [len(pool) for pool in pools] == [0, 0]  # 'position=None' selects nothing


def test_two_iterations_at_once() -> None:
    pool = fill(NetworkBuilder("net")).nodes(pop_name="B")
    pairs = [(a.node_id, b.node_id) for a in pool for b in pool]
    assert pairs == [(a, b) for a in (4, 5, 6) for b in (4, 5, 6)]


def test_before_the_nodes_are_made() -> None:
    """``add_edges`` with a dict makes no nodes, and finds them later."""
    net = fill(NetworkBuilder("net"))
    edges = net.add_edges(source={"pop_name": "B"}, target={"ei": "e"})
    assert not net.nodes_built
    assert len(edges.source_nodes) == 0
    net.build()
    assert [len(edges.source_nodes), len(edges.target_nodes)] == [3, 6]
    assert net.nedges == 18


def test_nodes_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter of types asks one node of each; connectors add no scan."""
    net = NetworkBuilder("net")
    for name in "ABC":
        net.add_nodes(N=100, pop_name=name, x=np.arange(100.0))
    net.nodes()
    asked = []
    get = Node.get
    monkeypatch.setattr(Node, "get", lambda node, *key: asked.append(node) or get(node, *key))
    for source in "ABC":
        for target in "ABC":
            connector = UnidirectionConnector(p=0.1, rng=1, verbose=False, save_report=False)
            connector.setup_nodes(net.nodes(pop_name=source), net.nodes(pop_name=target))
            net.add_edges(**connector.edge_params())
    assert len(set(map(id, asked))) == 3
    assert len(asked) <= 3 * 9 * 3
    assert len(net.nodes(x=3.0)) == 3
    assert len(asked) > 300


def test_functions_are_asked_once_per_type() -> None:
    net = fill(NetworkBuilder("net"))
    asked = []
    pool = net.nodes(ei=lambda value: asked.append(value) or True)
    assert len(list(pool)) == len(pool) == 11
    assert asked == ["e", "i", "i", "e"]


def test_imported_nodes(tmp_path: Path) -> None:
    """Nodes that a file brings are looked at one by one."""
    for make in (bmtk.builder.NetworkBuilder, NetworkBuilder):
        net = make("net")
        net.add_nodes(N=3, pop_name="A", x=[0.5, 1.5, 2.5])
        net.add_nodes(N=2, pop_name="B", x=[3.5, 4.5])
        net.save_nodes(output_dir=str(tmp_path))
    found = []
    for make in (bmtk.builder.NetworkBuilder, NetworkBuilder):
        net = make("net")
        files = (str(tmp_path / "net_nodes.h5"), str(tmp_path / "net_node_types.csv"))
        net.import_nodes(*files)
        net.add_nodes(N=1, pop_name="B", x=[9.0])
        pool = net.nodes(x=lambda x: x > 1)
        found.append([(node.node_id, node["x"]) for node in pool])
        assert net.nnodes == 6
        assert len(net.nodes()) == 6
    assert found[0] == found[1]
    assert len(found[0]) == 5


def test_import_alone(tmp_path: Path) -> None:
    """In BMTK there are no nodes then."""
    net = NetworkBuilder("net")
    net.add_nodes(N=3, x=[0.5, 1.5, 2.5])
    net.save_nodes(output_dir=str(tmp_path))
    other = NetworkBuilder("net")
    files = (str(tmp_path / "net_nodes.h5"), str(tmp_path / "net_node_types.csv"))
    other.import_nodes(*files)
    assert (len(other.nodes()), other.nnodes) == (3, 3)
    other.add_edges(connection_rule=1)
    other.build()
    assert other.nedges == 9


def test_ends_of_edges_that_are_no_pools() -> None:
    """Arguments that were not spread are no filter that happens to select nothing."""
    net = fill(NetworkBuilder("net"))
    connector = UnidirectionConnector(0.5, rng=1, verbose=False, save_report=False)
    connector.setup_nodes(source=net.nodes(pop_name="B"), target=net.nodes(pop_name="B"))
    with pytest.raises(ParameterError, match=r"write add_edges\(\*\*connector.edge_params\(\)\)"):
        net.add_edges(connector.edge_params())
    with pytest.raises(
        ParameterError, match=r"target of add_edges\(\) of network 'net' must be .*, got 'B'"
    ):
        net.add_edges({"pop_name": "B"}, "B", connection_rule=1)
    net.add_edges({"pop_name": "B"}, None, connection_rule=1)
    net.build()
    assert net.nedges == 3 * len(net.nodes())
