"""Filters of node pools: their keys in private random streams."""

from __future__ import annotations

import hashlib
import itertools
import json
from typing import Any

import numpy as np
import pytest
from bmtk.builder import NetworkBuilder
from conftest import QUIET, make_network

from bmtool_connectors import NodeArrays, UnidirectionConnector


def stream_label(pool: Any) -> str:
    """Return the key of a pool in private random streams."""
    return NodeArrays.from_pool(pool).stream_label


def test_stream_label_of_functions() -> None:
    """The nodes tell functions apart: names may be equal, and addresses change."""
    net = make_network(5, 4)
    chosen = [net.nodes(pop_name=lambda name, own=own: name == own) for own in ("A", "B", "A")]
    labels = [stream_label(pool) for pool in chosen]
    assert "0x" in NodeArrays.from_pool(chosen[0]).label
    assert labels[0] == labels[2] != labels[1]
    digest = hashlib.blake2b(np.arange(5, dtype="<i8").tobytes(), digest_size=16).hexdigest()
    assert labels[0] == json.dumps(["net", {"pop_name": {"ids": digest}}])
    assert labels[0] != stream_label(net.nodes(pop_name="A"))


@pytest.mark.parametrize(
    ("filters", "label"),
    [
        ({}, "net: *"),
        ({"pop_name": "A"}, "net: pop_name=='A'"),
        ({"pop_name": ["A"]}, "net: pop_name=='['A']'"),
        ({"pop_name": "A", "layer": 1}, "net: pop_name=='A'&layer=='1'"),
        ({"layer": 1, "pop_name": "A"}, "net: layer=='1'&pop_name=='A'"),
        ({"layer": np.int64(1)}, "net: layer=='1'"),
        ({"layer": [np.int64(1), 2]}, "net: layer=='[1, 2]'"),
        ({"layer": 1.0}, "net: layer=='1.0'"),
        ({"layer": True}, "net: layer=='True'"),
        ({"layer": "2/3"}, "net: layer=='2/3'"),
        ({"layer": "01"}, "net: layer=='01'"),
        ({"layer": "1"}, '["net", {"layer": "1"}]'),
        ({"layer": np.str_("1")}, '["net", {"layer": "1"}]'),
        ({"layer": "inf"}, '["net", {"layer": "inf"}]'),
        ({"layer": "True"}, '["net", {"layer": "True"}]'),
        ({"layer": "['A']", "kind": (1, "b")}, """["net", {"kind": {"tuple": [1, "b"]}, """
         """"layer": "['A']"}]"""),
        ({"kind": "1'&layer=='2"}, """["net", {"kind": "1'&layer=='2"}]"""),
    ],
)  # fmt: skip
def test_stream_labels(filters: dict[str, Any], label: str) -> None:
    """BMTK's text, and JSON where that would be the text of another filter, too."""
    assert stream_label(make_network(5).nodes(**filters)) == label


@pytest.mark.parametrize(
    "filters",
    [
        *[({"layer": a}, {"layer": b}) for a, b in [(1, "1"), (1.5, "1.5"), ([1, 2], "[1, 2]")]],
        ({"layer": "1"}, {"layer": ["1"]}),
        ({"layer": ("1", "2")}, {"layer": "('1', '2')"}),
        ({"z": lambda z: z < 50}, {"z": lambda z: z >= 50}),
        ({"kind": "1", "layer": "2"}, {"kind": "1'&layer=='2"}),
        ({"layer": np.float32(0.1)}, {"layer": 0.1}),
    ],
)
def test_streams_of_different_filters(filters: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """What is not the same filter draws other edges from one seed, and the same one again."""
    net = NetworkBuilder("net")
    properties = {"layer": [1] * 10, "kind": ["1"] * 10, "z": [float(z) for z in range(0, 100, 10)]}
    net.add_nodes(N=10, **properties)
    one, other = (net.nodes(**each) for each in filters)
    assert stream_label(one) != stream_label(other)
    assert stream_label(net.nodes(**filters[0])) == stream_label(one)


def test_patterns_of_two_functions() -> None:
    """The upper and the lower half of a column are not wired alike."""
    net = NetworkBuilder("net")
    net.add_nodes(N=100, z=np.arange(100.0))
    net.add_nodes(N=50, layer=1)
    net.add_nodes(N=50, layer="1")
    halves = [{"z": lambda z: z < 50}, {"z": lambda z: z >= 50}, {"layer": 1}, {"layer": "1"}]
    drawn = []
    for each in halves:
        connector = UnidirectionConnector(p=0.5, rng=1, **QUIET)
        connector.setup_nodes(net.nodes(**each), net.nodes(**each))
        drawn.append(connector.connectivity.forward.to_dense())
    # Two independent ones are equal with probability 2**-2500.
    assert not any(np.array_equal(a, b) for a, b in itertools.combinations(drawn, 2))
