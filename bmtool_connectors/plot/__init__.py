"""Pictures of connections: who with whom, at which distance, how many."""

from __future__ import annotations

from bmtool_connectors.plot.by_distance import (
    KINDS,
    connection_matrix,
    degrees,
    probability_by_distance,
)

__all__ = ["KINDS", "connection_matrix", "degrees", "probability_by_distance"]
