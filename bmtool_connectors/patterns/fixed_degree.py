"""Fixed numbers of connections: of each target, or of each source."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from bmtool_connectors.arrays import Index
from bmtool_connectors.edges import sort_pairs
from bmtool_connectors.errors import NodeError, ParameterError
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.patterns.example_laws import degree_of_id, synapses_of_ids
from bmtool_connectors.patterns.fixed_number import FixedNumberConnector, Pairs
from bmtool_connectors.patterns.parameters import Degree, parameter
from bmtool_connectors.patterns.projection import Projection
from bmtool_connectors.randomness import SharedGenerator
from bmtool_connectors.sampling import degree
from bmtool_connectors.sampling.assemble import turned
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.degree_moments import Degrees, degree_moments

__all__ = ["FixedInDegreeConnector", "FixedOutDegreeConnector"]


class _FixedDegreeConnector(FixedNumberConnector):
    """A degree for each node of one pool; ``which`` says for which parameter and pool."""

    which: ClassVar[tuple[str, str]]

    @property
    def _degree(self) -> Degree:
        """The parameter."""
        return getattr(self, self.which[0])

    def _check_pools(self, projection: Projection) -> None:
        name, pool = self.which
        nodes = projection.source if pool == "source" else projection.target
        if isinstance(self._degree, np.ndarray) and self._degree.shape not in ((), (len(nodes),)):
            raise NodeError(
                f"{name} of {type(self).__name__} has {len(self._degree)} values, and the {pool} "
                f"{nodes.label} has {len(nodes)} nodes; give one value per node, in pool order."
            )

    def _sides(self, space: PairSpace) -> tuple[NodeArrays, NodeArrays]:
        """Return the nodes that have degrees, and those among which they choose."""
        ends = space.source, space.target
        return ends if self.which[1] == "source" else ends[::-1]

    def _chosen(
        self, space: PairSpace, degrees: Any, left_out: Index | None, rng: SharedGenerator
    ) -> tuple[Index, Index]:
        """Let each node choose; see :func:`sampling.degree.partners`."""
        nodes, others = self._sides(space)
        streams = degree.streams(rng)
        name = f"{self.which[0]} of {type(self).__name__}"
        degrees = degree.degrees(degrees, nodes, streams, name)
        available = np.full(len(nodes), len(others))
        if left_out is not None:
            available -= left_out >= 0
        enough = (available > 0) | (degrees == 0) if self.allow_multapses else degrees <= available
        if enough.all():
            return degree.partners(
                degrees, len(others), streams, left_out, multapses=self.allow_multapses
            )
        k = int(np.flatnonzero(~enough)[0])
        remedy = "lower it" if self.allow_multapses else "lower it, or pass allow_multapses=True"
        raise ParameterError(
            f"{name} is {degrees[k]} for node {nodes.ids[k]} of "
            f"{nodes.label}, which can choose among {available[k]} nodes of {others.label} "
            f"(allow_autapses={self.allow_autapses}, source_fraction={self.source_fraction:g}); "
            f"{remedy}."
        )

    def _expected_degrees(self, space: PairSpace, share: float) -> Degrees:
        by_target = self.which[1] == "target"
        nodes, others = self._sides(space)
        name = f"{self.which[0]} of {type(self).__name__}"
        available = np.full(len(nodes), float(len(others)))
        if not self.allow_autapses:
            places = nodes.places_in(others)
            available -= 0.0 if places is None else places >= 0
        if by_target:
            available *= share
        mean, variance = degree_moments(
            self._degree, nodes, name, available if self.allow_multapses else None
        )
        return Degrees(mean, variance, len(others), available, by_target, share)


class FixedInDegreeConnector(_FixedDegreeConnector):
    """Connect each target with ``in_degree`` sources, chosen uniformly.

    Parameters
    ----------
    in_degree : int, array_like of int, callable or scipy.stats distribution
        Sources of each target: one number, one per target in pool order, a function of the
        target node (called once per node, or once for all if it is declared ``@vectorized``),
        or a frozen discrete distribution, drawn from once per node with the generator of the
        connector.
    n_syn : int or callable, default 1
        Synapses of a drawn pair, or a function of (source node, target node), called once for
        each time that a pair is drawn. 0 means no edge.
    allow_autapses : bool, default False
        Whether a node may connect to itself. A node is the same by network and node id, also in
        pools that overlap.
    allow_multapses : bool, default False
        Choose with replacement: a pair that is drawn repeatedly is one edge, with as many times
        the synapses.
    source_fraction : float, default 1.0
        Fraction of the sources that take part, in [0, 1]: the nearest whole number of them, at
        least one, chosen once per use.
    verbose, save_report, report_name, rng, name
        See :class:`BaseConnector`.

    Raises
    ------
    ParameterError
        If a parameter is not allowed; when the edges are first needed, if a target cannot have
        as many sources.
    NodeError
        In ``setup_nodes``, if there is not one degree per target.

    Notes
    -----
    A node's own self is taken out before the draw, so in-degrees are exact (counting every time
    that a pair is drawn, with multapses). Every set of sources is equally likely. Time and
    memory O(edges).

    Examples
    --------
    >>> connector = FixedInDegreeConnector(100, rng=1)
    >>> connector
    FixedInDegreeConnector(in_degree=100)
    """

    examples = (
        {"in_degree": 5},
        {"in_degree": degree_of_id, "n_syn": synapses_of_ids},
        {"in_degree": 9, "allow_multapses": True, "n_syn": synapses_of_ids},
        {"in_degree": [3] * 14, "allow_autapses": True},
    )

    which = ("in_degree", "target")

    in_degree: Degree = parameter(in_vars=True)

    def _pairs(self, space: PairSpace, chosen: Index | None, rng: SharedGenerator) -> Pairs:
        target, source = self._sides(space)
        left_out = None if self.allow_autapses else target.places_in(source)
        j, i = self._chosen(space, self._degree, left_out, rng)
        return *turned(i, j, (len(source), len(target))), 1


class FixedOutDegreeConnector(_FixedDegreeConnector):
    """Connect each source with ``out_degree`` targets, chosen uniformly.

    Parameters
    ----------
    out_degree : int, array_like of int, callable or scipy.stats distribution
        Targets of each source, like `in_degree` of :class:`FixedInDegreeConnector`; 0 for
        sources that do not take part.
    n_syn, allow_autapses, allow_multapses, source_fraction
        See :class:`FixedInDegreeConnector`.
    verbose, save_report, report_name, rng, name
        See :class:`BaseConnector`.

    Raises
    ------
    ParameterError
        If a parameter is not allowed; when the edges are first needed, if a source cannot have
        as many targets.
    NodeError
        In ``setup_nodes``, if there is not one degree per source.

    Notes
    -----
    Exact and uniform as :class:`FixedInDegreeConnector` is.

    Examples
    --------
    >>> FixedOutDegreeConnector([2, 0, 1], allow_multapses=True).vars['out_degree']
    [2, 0, 1]
    """

    examples = (
        {"out_degree": 9, "source_fraction": 0.6},
        {"out_degree": 20, "allow_multapses": True},
    )

    which = ("out_degree", "source")

    out_degree: Degree = parameter(in_vars=True)

    def _pairs(self, space: PairSpace, chosen: Index | None, rng: SharedGenerator) -> Pairs:
        degrees = self._degree
        if chosen is not None and isinstance(degrees, np.ndarray) and degrees.ndim:
            degrees = degrees[chosen]
        i, j = self._chosen(space, degrees, space.left_out, rng)
        if self.allow_multapses:
            i, j, _ = sort_pairs(i, j, (len(space.source), len(space.target)))
        return i, j, 1
