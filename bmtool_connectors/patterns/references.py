"""Connectors whose law depends on the edges of another connector."""

from __future__ import annotations

from typing import Any

from bmtool_connectors.errors import NodeError, ParameterError
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.patterns.projection import Projection
from bmtool_connectors.patterns.views import ConnectorViews
from bmtool_connectors.sampling.reference_laws import ReferencePairs


def checked_reference(connector: Any, owner: str) -> ConnectorViews:
    """Return the reference connector, or refuse what is none."""
    if not isinstance(connector, ConnectorViews):
        raise ParameterError(
            f"{owner} must be a connector of this package, set up within one population, got "
            f"{connector!r}: pass the one that was added before."
        )
    return connector


class Reference:
    """The edges of another connector, drawn when they are first asked for.

    Parameters
    ----------
    connector : BaseConnector
    parameter, owner : str
        For messages.
    """

    def __init__(self, connector: ConnectorViews, parameter: str, owner: str) -> None:
        self.connector, self.parameter, self.owner = connector, parameter, owner

    def bind(self, projection: Projection) -> None:
        """Let a use depend on the connector's present use, if it has one.

        The connector may be used again before the edges of the use are drawn.

        Raises
        ------
        NodeError
            If its present use cannot serve the pools.
        """
        if self.connector._use is not None:
            self._check(self.connector.use, projection.source, projection.target)
            projection.reference = self.connector.use

    def _check(self, projection: Projection, source: NodeArrays, target: NodeArrays) -> None:
        say = f"{self.parameter} of {self.owner} connects"
        if not projection.recurrent:
            raise NodeError(
                f"{say} {projection.source.label} to {projection.target.label}, two populations; "
                "it must be used within one population that holds all nodes to be connected."
            )
        for nodes in (source, target):
            places = nodes.places_in(projection.source)
            if places is None or (places < 0).any():
                raise NodeError(
                    f"{say} {projection.source.label}, which does not hold all nodes of "
                    f"{nodes.label}; set both up on the same population."
                )

    def require_drawn(self, projection: Projection) -> None:
        """Refuse to look ahead at edges that depend on ones which have not been drawn.

        Raises
        ------
        NodeError
        """
        drawn_from = projection.reference or self.connector._use
        if drawn_from is None or drawn_from.connectivity is None:
            raise NodeError(
                f"{self.parameter} of {self.owner} has not been drawn, and what is to be expected "
                "depends on its edges; build it first, or look at its connectivity."
            )

    def states(self, projection: Projection) -> ReferencePairs:
        """Return how the pairs of a use are connected, drawing the reference if needed.

        Raises
        ------
        NodeError
            If the reference has not been set up, or cannot serve the pools.
        """
        if projection.reference is None:  # set up after us, or not at all: a NodeError
            self._check(self.connector.use, projection.source, projection.target)
            projection.reference = self.connector.use
        edges = self.connector.pair_edges(projection.reference)
        places = [nodes.places_in(projection.reference.source) for nodes in projection.ends]
        assert places[0] is not None  # checked
        assert places[1] is not None
        return ReferencePairs(edges, places[0], places[1])
