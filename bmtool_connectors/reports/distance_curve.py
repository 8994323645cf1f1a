"""How many pairs of nodes, and how many connected ones, there are at each distance."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.distances import Metric, squared_distances
from bmtool_connectors.edges import EdgeList
from bmtool_connectors.errors import NodeError
from bmtool_connectors.reports.connections import Connections, pattern

#: Pairs that stand for all when distances are looked at.
MOST_DISTANCES = 4_000_000


def by_distance(
    found: Connections, direction: str, bins: int, owner: str
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """Return edges of bins, the pairs in each, and how many of them are connected.

    Parameters
    ----------
    found : Connections
    direction : {'forward', 'backward'}
    bins : int
    owner : str
        For messages.

    Returns
    -------
    edges : ndarray of float, shape (bins + 1,), um
    counts, connected : ndarray of int64, shape (bins,)

    Raises
    ------
    NodeError
        If nodes have no positions.
    """
    source, target = found.positions if direction == "forward" else found.positions[::-1]
    if source is None or target is None:
        raise NodeError(
            f"network of {owner} has nodes without positions ({found.name}); give add_nodes() "
            "positions=..., or x=, y=, z= (um)."
        )
    edges = found.directions[direction]
    most = _longest(edges, source, target, found.metric)
    limits = np.linspace(0.0, most, bins + 1)
    step = max(1, -(-len(source) * len(target) // MOST_DISTANCES))
    chosen = np.arange(0, len(source), step)
    connections, column = pattern(edges), np.arange(len(target))
    if found.undirected:  # either cell may be the source
        connections += connections.T.tocsr()
    selfless = found.recurrent and found.pairs < len(source) ** 2
    counts = np.zeros((2, bins), dtype=np.int64)
    n_rows = max(1, (1 << 18) // max(len(target), 1))
    for rows in np.split(chosen, range(n_rows, len(chosen), n_rows)):
        dist = np.sqrt(squared_distances(source[rows], target, found.metric))
        inside = dist <= most
        if found.undirected:
            inside &= rows[:, None] < column
        elif selfless:
            inside &= rows[:, None] != column
        index = np.minimum((dist[inside] * (bins / most)).astype(np.int64), bins - 1)
        hit = connections[rows].toarray()[inside] > 0
        counts += [np.bincount(part, minlength=bins) for part in (index, index[hit])]
    return limits, counts[0], counts[1]


def _longest(
    edges: EdgeList,
    source: npt.NDArray[np.float64],
    target: npt.NDArray[np.float64],
    metric: Metric,
) -> float:
    """Return a distance a little above that of the longest edges, or the extent of the nodes."""
    some = slice(None, None, max(1, len(edges) // MOST_DISTANCES))
    steps = metric.steps(source[edges.source[some]], target[edges.target[some]])
    longest = 1.1 * float(np.linalg.norm(steps, axis=1).max(initial=0.0))
    both = np.concatenate([source, target])[:, list(metric.axes)]
    extent = float(np.linalg.norm(both.max(axis=0) - both.min(axis=0)))
    return (min(longest, extent) if longest else extent) or 1.0
