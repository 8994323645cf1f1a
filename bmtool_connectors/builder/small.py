"""Small networks, of BMTK's builder and of ours, for trying connectors."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from bmtk import builder

from bmtool_connectors.builder.network import NetworkBuilder

#: BMTK's, then ours.
BUILDERS = (builder.NetworkBuilder, NetworkBuilder)


def small_network(n_a: int, n_b: int, make: Any = NetworkBuilder) -> Any:
    """Return a network of populations A and B, spread over a cube of 100 um.

    Parameters
    ----------
    n_a, n_b : int
        Numbers of nodes.
    make : NetworkBuilder class
    """
    net = make("small")
    # Multiples of irrational numbers fill a cube evenly, and nothing is drawn.
    points = 100.0 * np.modf(np.arange(n_a + n_b)[:, None] * [0.8191725, 0.6710436, 0.5497005])[0]
    for name, own in (("A", points[:n_a]), ("B", points[n_a:])):
        net.add_nodes(N=len(own), pop_name=name, positions=list(own))
    return net


def stored_edges(net: Any) -> dict[tuple[int, int, int], int]:
    """Return the synapses that a built network stores, by edge type id and node ids."""
    found: Counter[tuple[int, int, int]] = Counter()
    for edge in net.edges():
        key = (int(edge.edge_type_id), int(edge.source_node_id), int(edge.target_node_id))
        found[key] += int(edge.synaptic_properties.get("nsyns", 1))
    return dict(found)
