"""Connections in one direction, each pair on its own."""

from __future__ import annotations

from dataclasses import replace

from bmtool_connectors.connectivity import Connectivity
from bmtool_connectors.patterns import parameters
from bmtool_connectors.patterns.configured import OPTIONS
from bmtool_connectors.patterns.example_laws import OF_DISTANCE, synapses_of_ids
from bmtool_connectors.patterns.parameters import Argument, Count, Probability, parameter
from bmtool_connectors.patterns.projection import Projection
from bmtool_connectors.patterns.sampled import SampledConnector
from bmtool_connectors.randomness import SharedGenerator
from bmtool_connectors.sampling.assemble import among_all_sources
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.collect import SynapseCounts
from bmtool_connectors.sampling.degree import choose_sources
from bmtool_connectors.sampling.laws import Law, PairLaws
from bmtool_connectors.sampling.plan import Plan

__all__ = ["UnidirectionConnector"]


class UnidirectionConnector(SampledConnector):
    """Connect each ordered pair (source, target) with probability p(p_arg(source, target)).

    Parameters
    ----------
    p : float or callable, default 1.0
        Probability in [0, 1], or a function of the value of `p_arg`.
    p_arg : float or callable, optional
        Argument of `p`: a function of (source node, target node), usually a distance (um).
    n_syn : int or callable, default 1
        Synapses of a connected pair, or a function of (source node, target node), which may
        be random. 0 means no edge.
    verbose : bool, default True
        Print what is drawn.
    save_report : bool, default True
        Append a row to the CSV connection report.
    report_name : str or path, optional
        The report; default ``bmtool_connectors.report_name``.
    rng : Generator, RandomState, int, SeedSequence or None
        See :class:`BaseConnector`.
    allow_autapses : bool, default True
        Whether a node may connect to itself.
    source_fraction : float, default 1.0
        Fraction of the sources that take part, in [0, 1]: the nearest whole number of them, at
        least one, chosen once per use and before anything else is drawn. With 1 nothing is
        drawn for it.
    sampler : {'auto', 'pairwise', 'sparse'}, default 'auto'
        See :class:`BaseConnector`.
    name : str, optional
        Tells apart connectors with the same seed and populations.

    Raises
    ------
    ParameterError
        If a parameter is not allowed.

    Notes
    -----
    One uniform number per pair with p > 0, in row-major order of the pools, then whatever
    `n_syn` draws for the pair if it is connected. Time O(pairs), memory O(edges).

    Examples
    --------
    >>> connector = UnidirectionConnector(p=0.15, n_syn=1, verbose=False)
    >>> connector.vars['p']
    0.15
    """

    examples = (
        {"p": 0.3, "n_syn": synapses_of_ids},
        {"p": 0.5, "allow_autapses": False},
        {**OF_DISTANCE, "source_fraction": 0.5},
        {**OF_DISTANCE, "sampler": "sparse"},
        {**OF_DISTANCE, "sampler": "sparse", "source_fraction": 0.4},
    )

    p: Probability = parameter(default=1.0, in_vars=True)
    p_arg: Argument = parameter(default=None, in_vars=True)
    n_syn: Count = parameter(default=1, in_vars=True)
    allow_autapses: bool = parameter(default=True, kw_only=True)
    source_fraction: float = parameter(default=1.0, check=parameters.fraction, kw_only=True)
    _positional = OPTIONS

    def _check(self) -> None:
        own = f"p of {type(self).__name__}"
        parameters.require_argument(self.p, self.p_arg, own)
        self._law = Law(self.p, self.p_arg, own)
        self._n_syn = SynapseCounts(self.n_syn, f"n_syn of {type(self).__name__}")

    def _check_pools(self, projection: Projection) -> None:
        parameters.require_positions(projection, p_arg=self.p_arg)

    def _drawn(
        self, space: PairSpace, projection: Projection | None, rng: SharedGenerator
    ) -> Connectivity:
        chosen = choose_sources(len(space.source), self.source_fraction, rng)
        if chosen is None:
            return super()._drawn(space, projection, rng)
        part = self._space(space.source.subset(chosen), space.target)
        drawn = super()._drawn(part, projection, rng)
        edges = among_all_sources(drawn.forward, chosen, len(space.source))
        return replace(drawn, forward=edges, pairs=space.n_pairs)

    def _plan(self, space: PairSpace, projection: Projection | None) -> Plan:
        return Plan(space, PairLaws(self._law), (self._n_syn, self._n_syn))
