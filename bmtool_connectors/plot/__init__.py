"""Pictures of connections: who with whom, at which distance, how many.

Each function takes a connector, a built network or the folder of a saved one, draws into
``ax`` (or a figure of its own) and returns the ``Axes``. Colours can be told apart by the
colour-blind, and in print.
"""

from __future__ import annotations

from bmtool_connectors.plot.by_degree import degrees
from bmtool_connectors.plot.by_distance import probability_by_distance
from bmtool_connectors.plot.matrix_plot import connection_matrix

__all__ = ["connection_matrix", "degrees", "probability_by_distance"]
