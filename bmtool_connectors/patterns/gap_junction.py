"""Gap junctions: undirected connections within one population, stored once per pair."""

from __future__ import annotations

from typing import Any, ClassVar

from bmtool_connectors.edges import EdgeList
from bmtool_connectors.errors import NodeError
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.patterns import parameters
from bmtool_connectors.patterns.projection import Projection
from bmtool_connectors.patterns.references import Reference, checked_reference
from bmtool_connectors.patterns.sampled import SampledConnector
from bmtool_connectors.patterns.unidirection import UnidirectionConnector
from bmtool_connectors.randomness import RngLike
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.collect import SynapseCounts
from bmtool_connectors.sampling.laws import Law, PairLaws
from bmtool_connectors.sampling.plan import Plan
from bmtool_connectors.sampling.reference_laws import ReferenceLaw

__all__ = ["CorrelatedGapJunction", "GapJunction"]


class GapJunction(SampledConnector):
    """Connect each unordered pair of one population with probability p(p_arg(node, node)).

    Parameters
    ----------
    p : float or callable, default 1.0
        Probability in [0, 1], or a function of the value of `p_arg`.
    p_arg : float or callable, optional
        Argument of `p`: a function of two nodes, usually their distance (um).
    verbose : bool, default True
        Print what is drawn.
    save_report : bool, default True
        Append a row to the CSV connection report.
    report_name : str or path, optional
        The report; default ``bmtool_connectors.report_name``.
    rng : Generator, RandomState, int, SeedSequence or None
        See :class:`BaseConnector`.
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
    A gap junction couples both cells, so it is one edge, from the node that is earlier in the
    pool to the later one; ``conn_prop`` lists it in both directions. Give ``add_edges``
    ``is_gap_junction=True``, and no ``add_properties`` with BMTK's own ``NetworkBuilder``, which
    cannot save gap junctions with properties.

    One uniform number per pair with p > 0, in row-major order of the upper triangle.

    Examples
    --------
    >>> GapJunction(p=0.1, verbose=False).vars['p']
    0.1
    """

    allow_autapses: bool = False
    _is_undirected: ClassVar[bool] = True
    parameter_names: ClassVar[tuple[str, ...]] = ("p", "p_arg", "sampler")

    def __init__(
        self,
        p: Any = 1.0,
        p_arg: Any = None,
        verbose: bool = True,
        save_report: bool = True,
        report_name: str | None = None,
        rng: RngLike = None,
        *,
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
        self.vars = {"p": p, "p_arg": p_arg, "n_syn": 1}
        self._check()

    def _check(self) -> None:
        own = type(self).__name__
        parameters.argument(self.vars["p_arg"], f"p_arg of {own}")
        parameters.probability(self.vars["p"], f"p of {own}", self.vars["p_arg"], "p_arg")

    def _begin(self, use: Projection) -> None:
        if not use.recurrent:
            raise NodeError(
                f"source and target of {type(self).__name__} must be the same population, and are "
                f"{use.labels[0]} and {use.labels[1]}; pass one pool twice (one that holds "
                "both, to couple them)."
            )
        own = type(self).__name__
        parameters.require_positions(own, {"p_arg": self.vars["p_arg"]}, use.source)
        super()._begin(use)

    def _space(self, source: NodeArrays, target: NodeArrays) -> PairSpace:
        return PairSpace(source, target, "upper")

    def _law(self, use: Projection | None) -> Law:
        """Return the law of the pairs of a population."""
        own = type(self).__name__
        p = parameters.probability(self.vars["p"], f"p of {own}", 0, "")
        return Law(p, self.vars["p_arg"], f"p of {own}")

    def _plan(self, space: PairSpace, use: Projection | None) -> Plan:
        one = SynapseCounts(1, "n_syn")
        return Plan(space, PairLaws(self._law(use)), (one, one))

    def pair_edges(self, use: Projection) -> EdgeList:
        """Return the gap junctions in both directions."""
        return super().pair_edges(use).both_directions()

    def _opening(self, use: Projection) -> str:
        return f"\nStart building gap junction\n  in {use.source.label}"

    def _report_labels(self, use: Projection) -> tuple[str, str]:
        return f"{use.labels[0]}Gap", f"{use.labels[1]}Gap"


# For ``isinstance`` only: parameters and edges are of another kind.
UnidirectionConnector.register(GapJunction)


class CorrelatedGapJunction(GapJunction):
    """Connect unordered pairs with a probability that depends on their chemical synapses.

    Parameters
    ----------
    p_non, p_uni, p_rec : float or callable, default 1.0
        Probability of pairs with no chemical connection, one in one direction, one in both; a
        number or a function of the value of `p_arg`.
    p_arg : float or callable, optional
        Argument of the probabilities. Omitted, it is the chemical connector's ``p_arg`` or
        ``p0_arg``, and connected pairs have the value stored with their connection.
    connector : BaseConnector
        The chemical connector. It must be set up on one population that holds ours; its edges
        are drawn now if they have not been.
    verbose : bool, default True
        Print what is drawn.
    save_report : bool, default True
        Append a row to the CSV connection report.
    report_name : str or path, optional
        The report; default ``bmtool_connectors.report_name``.
    rng : Generator, RandomState, int, SeedSequence or None
        See :class:`BaseConnector`.
    sampler : {'auto', 'pairwise', 'sparse'}, default 'auto'
        See :class:`BaseConnector`.
    name : str, optional
        Tells apart connectors with the same seed and populations.

    Raises
    ------
    ParameterError
        If a parameter is not allowed, or `connector` draws no pairs.

    Notes
    -----
    See :class:`GapJunction` for how gap junctions are stored and drawn.

    Examples
    --------
    >>> chemical = UnidirectionConnector(p=0.2, verbose=False)
    >>> gap = CorrelatedGapJunction(p_non=0.1, p_uni=0.5, connector=chemical, verbose=False)
    >>> gap.vars['p_uni']
    0.5
    """

    parameter_names: ClassVar[tuple[str, ...]] = ("p_non", "p_uni", "p_rec", "p_arg", "connector")

    def __init__(
        self,
        p_non: Any = 1.0,
        p_uni: Any = 1.0,
        p_rec: Any = 1.0,
        p_arg: Any = None,
        connector: Any = None,
        verbose: bool = True,
        save_report: bool = True,
        report_name: str | None = None,
        rng: RngLike = None,
        *,
        sampler: str = "auto",
        name: str | None = None,
    ) -> None:
        self.connector = checked_reference(connector, "connector", type(self).__name__)
        self._laws_given = {"p_non": p_non, "p_uni": p_uni, "p_rec": p_rec}
        self._own_arg = p_arg
        super().__init__(
            p=p_non,
            p_arg=p_arg,
            verbose=verbose,
            save_report=save_report,
            report_name=report_name,
            rng=rng,
            name=name,
            sampler=sampler,
        )
        self.vars = {"n_syn": 1, "p_arg": p_arg, **self._laws_given}
        self._reference = Reference(self.connector, "connector", type(self).__name__)

    def _inherited_arg(self) -> Any:
        """Return ``p_arg``, by default the chemical connector's."""
        if self._own_arg is not None:
            return self._own_arg
        chemical = self.connector.vars
        return chemical.get("p_arg", chemical.get("p0_arg"))

    def _check(self) -> None:
        own = type(self).__name__
        parameters.argument(self._own_arg, f"p_arg of {own}")
        for which, p in self._laws_given.items():
            parameters.probability(p, f"{which} of {own}", self._inherited_arg(), "p_arg")

    def _begin(self, use: Projection) -> None:
        self._vars = {**self._vars, "p_arg": self._inherited_arg()}
        self._reference.bind(use)
        super()._begin(use)

    def _references(self) -> tuple[Reference]:
        return (self._reference,)

    def _law(self, use: Projection | None) -> Law:
        own, arg = type(self).__name__, self._inherited_arg()
        laws = tuple(
            Law(parameters.probability(p, f"{which} of {own}", 0, ""), arg, f"{which} of {own}")
            for which, p in self._laws_given.items()
        )
        states = self._reference.states(self.use if use is None else use)
        return ReferenceLaw(None, arg, f"p of {own}", False, states, laws, self._own_arg is None)
