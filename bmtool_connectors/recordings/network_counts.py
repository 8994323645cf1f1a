"""What recordings of all pairs of a network would count."""

from __future__ import annotations

from typing import Any

import numpy as np

from bmtool_connectors.arrays import FloatArray, Index
from bmtool_connectors.distances import metric_of, spherical_dist
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.patterns.reciprocal import ReciprocalConnector
from bmtool_connectors.recordings.distance_counts import count_distances
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.candidates import Candidates, ListedPairs


def count_pairs(
    connector: Any, edges: FloatArray, p_arg: Any
) -> tuple[Index, Index, Index | None, Index]:
    """Count the pairs of a connector by distance.

    Parameters
    ----------
    connector : ReciprocalConnector
    edges : ndarray of float, shape (n + 1,), um
    p_arg : function of two nodes or None

    Returns
    -------
    tested, forward, backward, both : ndarray of int, shape (n,)
        `backward` None of one population, `forward` then all connections.
    """
    if not isinstance(connector, ReciprocalConnector):
        raise ParameterError(
            "connector of PairCounts.of_connector must be a ReciprocalConnector that has been set "
            f"up, got {connector!r}."
        )
    own = connector.vars["p0_arg"]
    p_arg = (own if metric_of(own) else spherical_dist) if p_arg is None else p_arg
    metric = metric_of(p_arg)
    if metric is None:
        raise ParameterError(
            "p_arg of PairCounts.of_connector must be a distance of this package, such as "
            f"spherical_dist, got {p_arg!r}."
        )
    use, drawn = connector.use, connector.connectivity
    space = PairSpace(use.source, use.target, "upper" if use.recurrent else "all", autapses=False)

    def binned(candidates: Candidates) -> Index:
        return np.histogram(candidates.distance(metric), edges)[0]

    def of_pairs(i: Index, j: Index) -> Index:
        if space.left_out is not None:  # nodes of both pools connect to themselves, perhaps
            other = space.left_out[i] != j
            i, j = i[other], j[other]
        elif use.recurrent:
            i, j = i[i != j], j[i != j]
        return binned(ListedPairs(space, i, j))

    tested = count_distances(use.source, use.target, metric, edges)
    if space.left_out is not None:
        shared = np.flatnonzero(space.left_out >= 0)
        tested -= binned(ListedPairs(space, shared, space.left_out[shared]))
    forward, backward = drawn.forward, drawn.backward
    twice = forward.reciprocal(backward)
    if use.recurrent:
        twice &= forward.source < forward.target
    return (
        tested,
        of_pairs(forward.source, forward.target),
        None if backward is None else of_pairs(backward.target, backward.source),
        of_pairs(forward.source[twice], forward.target[twice]),
    )
