"""What is asked of a connector: what it will give, what it gave, and why a pair is connected."""

from __future__ import annotations

from typing import Any

import numpy as np

from bmtool_connectors.connectivity import Connectivity
from bmtool_connectors.edges import EdgeList
from bmtool_connectors.errors import NodeError, ParameterError
from bmtool_connectors.patterns.base import BaseConnector
from bmtool_connectors.patterns.described import observed
from bmtool_connectors.patterns.projection import Projection
from bmtool_connectors.randomness import Seed
from bmtool_connectors.reports.connections import Connections
from bmtool_connectors.reports.explain import Explanation
from bmtool_connectors.reports.hints import hints
from bmtool_connectors.reports.preview import Preview, PreviewEntry
from bmtool_connectors.reports.summary import Summary, entry
from bmtool_connectors.sampling.expected import Expected


def preview(connector: BaseConnector) -> Preview:
    """Return what the draw of the current projection will give."""
    return Preview((preview_of(connector, connector.use),))


def preview_of(connector: BaseConnector, projection: Projection) -> PreviewEntry:
    """Return what the draw of a projection will give; errors that it would raise are hints."""
    expected: Expected | None = None
    said: tuple[str, ...]
    try:
        expected = connector.expected_of(projection)
        if expected is not None:
            plan = connector._plan_ahead(projection)
            said = hints(expected, plan, projection.source, projection.target)
        else:
            said = (f"only draw() of {type(connector).__name__} tells what it connects.",)
    except (NodeError, ParameterError) as error:
        said = (str(error),)
    return PreviewEntry(
        *projection.labels,
        type(connector).__name__,
        len(projection.source),
        len(projection.target),
        expected,
        said,
        connector._is_undirected,
    )


def summary(connector: BaseConnector) -> Summary:
    """Return what was expected of the current projection and what was drawn, drawing it first."""
    connector.use.looked_at()
    return Summary((entry(connections_of(connector, connector.use)),))


def connections_of(connector: BaseConnector, projection: Projection) -> Connections:
    """Return the edges of a projection, with what was expected of them; draws them if need be."""
    edges = projection.drawn()
    source = connector._randomness
    expected = _expected(connector, projection, edges)
    law = connector._law_of_distance(projection)
    return Connections(
        *projection.labels,
        edges.forward,
        edges.backward,
        recurrent=projection.recurrent,
        undirected=connector._is_undirected,
        connector=type(connector).__name__,
        expected=expected,
        drawn=observed(connector, projection) or {},
        about={
            "sampler": None if expected is None else expected.sampler,
            "seed": source.sequence.entropy if isinstance(source, Seed) else None,
            "name": connector.name,
            "seconds": projection.seconds,
        },
        positions=(projection.source.known_positions, projection.target.known_positions),
        **({} if law is None else {"law": law[0], "metric": law[1]}),
    )


def _expected(
    connector: BaseConnector, projection: Projection, edges: Connectivity
) -> Expected | None:
    """Return what the laws give, where that can be compared with what was drawn."""
    random = any(callable(value) for name, value in connector.vars.items() if "n_syn" in name)
    if edges.dropped and random:  # the laws do not know how often that happens
        return None
    if not connector.is_random:
        return Expected.certain(edges, 0.0)
    try:
        return connector.expected_of(projection)
    except (LookupError, ValueError):
        if projection.source.nodes:
            raise
        return None  # functions of two nodes find none after free_memory()


# ---------------------------------------------------------------------- one pair
def explain_pair(connector: BaseConnector, source_id: Any, target_id: Any) -> Explanation:
    """Return why a pair of nodes of the current projection is connected or not."""
    projection = connector.use
    i = _index(connector, "source", source_id)
    j = _index(connector, "target", target_id)
    found: dict[str, Any] = {}
    try:
        found |= connector._explained(projection, i, j)
    except NodeError as error:  # of another connector, that has not been drawn
        found["note"] = str(error)
    except LookupError:
        if projection.source.nodes:
            raise
        found["note"] = "nodes were dropped, and with them what functions of nodes give"
    if projection.connectivity is not None:
        found |= _outcome(connector, projection, i, j)
    return Explanation(int(source_id), int(target_id), **found)


def _index(connector: BaseConnector, which: str, node_id: Any) -> int:
    """Return the index of a node in a pool."""
    nodes = getattr(connector.use, which)
    known = isinstance(node_id, int | np.integer)
    index = nodes.index(int(node_id)) if known else None
    if index is None:
        raise NodeError(
            f"{which}_id of {type(connector).__name__}.explain() must be the id of one of the "
            f"{len(nodes)} nodes of {nodes.label}, got {node_id!r}."
        )
    return int(index)


def _outcome(connector: BaseConnector, projection: Projection, i: int, j: int) -> dict[str, Any]:
    """Return how the pair at two indices has been connected."""
    own = connector.pair_edges(projection)
    back = own if projection.recurrent else projection.drawn().backward
    forward, backward = _synapses(own, i, j), 0 if back is None else _synapses(back, j, i)
    kind = {(False, False): "none", (True, False): "forward", (False, True): "backward"}
    return {
        "outcome": kind.get((forward > 0, backward > 0), "both"),
        "n_syn": forward,
        "n_syn_backward": None if back is None else backward,
    }


def _synapses(edges: EdgeList, i: int, j: int) -> int:
    edge = int(edges.find(i, j))
    return int(edges.n_syn[edge]) if edge >= 0 else 0
