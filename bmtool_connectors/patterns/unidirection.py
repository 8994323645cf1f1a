"""Connections in one direction, each pair on its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from bmtool_connectors.checks import flag
from bmtool_connectors.connectivity import Connectivity
from bmtool_connectors.patterns import parameters
from bmtool_connectors.patterns.projection import Projection
from bmtool_connectors.patterns.sampled import SampledConnector
from bmtool_connectors.randomness import RngLike, SharedGenerator
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

    parameter_names: ClassVar[tuple[str, ...]] = (
        "p",
        "p_arg",
        "n_syn",
        "allow_autapses",
        "source_fraction",
        "sampler",
    )

    def __init__(
        self,
        p: Any = 1.0,
        p_arg: Any = None,
        n_syn: Any = 1,
        verbose: bool = True,
        save_report: bool = True,
        report_name: str | None = None,
        rng: RngLike = None,
        *,
        allow_autapses: bool = True,
        source_fraction: float = 1.0,
        sampler: str = "auto",
        name: str | None = None,
    ) -> None:
        super().__init__(
            verbose=verbose,
            save_report=save_report,
            report_name=report_name,
            rng=rng,
            name=name,
            sampler=sampler,
        )
        own = type(self).__name__
        self.vars = {"p": p, "p_arg": p_arg, "n_syn": n_syn}
        self.allow_autapses = flag(allow_autapses, f"allow_autapses of {own}")
        self.source_fraction = parameters.fraction(source_fraction, f"source_fraction of {own}")
        parameters.argument(p_arg, f"p_arg of {own}")
        checked = parameters.probability(p, f"p of {own}", p_arg, "p_arg")
        self._law = Law(checked, p_arg, f"p of {own}")
        self._n_syn = SynapseCounts(
            parameters.synapses(n_syn, f"n_syn of {own}"), f"n_syn of {own}"
        )

    def _begin(self, use: Projection) -> None:
        parameters.require_positions(
            type(self).__name__, {"p_arg": self._law.arg}, use.source, use.target
        )
        super()._begin(use)

    def _drawn(
        self, space: PairSpace, use: Projection | None, rng: SharedGenerator
    ) -> Connectivity:
        chosen = choose_sources(len(space.source), self.source_fraction, rng)
        if chosen is None:
            return super()._drawn(space, use, rng)
        part = self._space(space.source.subset(chosen), space.target)
        drawn = super()._drawn(part, use, rng)
        edges = among_all_sources(drawn.forward, chosen, len(space.source))
        return replace(drawn, forward=edges, pairs=space.n_pairs)

    def _plan(self, space: PairSpace, use: Projection | None) -> Plan:
        return Plan(space, PairLaws(self._law), (self._n_syn, self._n_syn))
