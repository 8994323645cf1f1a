"""Gap junctions: undirected connections within one population, stored once per pair."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from bmtool_connectors.edges import EdgeList
from bmtool_connectors.errors import NodeError
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.patterns import parameters
from bmtool_connectors.patterns.configured import OPTIONS
from bmtool_connectors.patterns.example_laws import OF_DISTANCE
from bmtool_connectors.patterns.parameters import Argument, Probability, parameter
from bmtool_connectors.patterns.projection import Projection
from bmtool_connectors.patterns.references import Reference, checked_reference
from bmtool_connectors.patterns.sampled import SampledConnector
from bmtool_connectors.patterns.unidirection import UnidirectionConnector
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.collect import SynapseCounts
from bmtool_connectors.sampling.laws import Law, PairLaws
from bmtool_connectors.sampling.plan import Plan
from bmtool_connectors.sampling.reference_laws import ReferenceLaw

__all__ = ["CorrelatedGapJunction", "GapJunction"]


class UndirectedConnector(SampledConnector):
    """What gap junctions share: pairs of one population, stored once."""

    allow_autapses: bool = parameter(default=False, kw_only=True, init=False)
    n_syn: int = parameter(default=1, init=False, in_vars=True)
    _is_undirected: ClassVar[bool] = True

    @abstractmethod
    def _law(self, projection: Projection | None) -> Law:
        """Return the law of the pairs of a population."""

    @abstractmethod
    def _argument(self) -> Argument:
        """Return the argument of the probabilities."""

    def _check_pools(self, projection: Projection) -> None:
        if not projection.recurrent:
            raise NodeError(
                f"source and target of {type(self).__name__} must be the same population, got "
                "{} and {}; pass one pool twice (one that holds both, to couple them).".format(
                    *projection.labels
                )
            )
        parameters.require_positions(projection, p_arg=self._argument())

    def _space(self, source: NodeArrays, target: NodeArrays) -> PairSpace:
        return PairSpace(source, target, "upper")

    def _plan(self, space: PairSpace, projection: Projection | None) -> Plan:
        one = SynapseCounts(1, "n_syn")
        return Plan(space, PairLaws(self._law(projection)), (one, one))

    def pair_edges(self, projection: Projection) -> EdgeList:
        """Return the gap junctions in both directions."""
        return super().pair_edges(projection).both_directions()

    def _opening(self, projection: Projection) -> str:
        return f"\nStart building gap junction\n  in {projection.source.label}"

    def _report_labels(self, projection: Projection) -> tuple[str, str]:
        return f"{projection.labels[0]}Gap", f"{projection.labels[1]}Gap"


class GapJunction(UndirectedConnector):
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

    examples = (OF_DISTANCE,)

    p: Probability = parameter(default=1.0, in_vars=True)
    p_arg: Argument = parameter(default=None, in_vars=True)
    _positional = OPTIONS

    def _check(self) -> None:
        parameters.require_argument(self.p, self.p_arg, f"p of {type(self).__name__}")

    def _argument(self) -> Argument:
        return self.p_arg

    def _law(self, projection: Projection | None) -> Law:
        return Law(self.p, self.p_arg, f"p of {type(self).__name__}")


# For ``isinstance`` only: parameters and edges are of another kind.
UnidirectionConnector.register(GapJunction)


class CorrelatedGapJunction(UndirectedConnector):
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

    examples = (
        {"p_non": 0.1, "p_uni": 0.5, "p_rec": 0.9, "connector": UnidirectionConnector(0.3)},
    )

    p_non: Probability = parameter(default=1.0, in_vars=True)
    p_uni: Probability = parameter(default=1.0, in_vars=True)
    p_rec: Probability = parameter(default=1.0, in_vars=True)
    p_arg: Argument = parameter(default=None, in_vars=True)
    connector: Any = parameter(default=None, check=checked_reference)
    _positional = OPTIONS

    def _check(self) -> None:
        own = type(self).__name__
        for which, p in self._probabilities().items():
            parameters.require_argument(p, self._argument(), f"{which} of {own}", "p_arg")
        self._reference = Reference(self.connector, "connector", own)

    def _probabilities(self) -> dict[str, Probability]:
        """Return the probabilities for 0, 1 and 2 chemical connections."""
        return {"p_non": self.p_non, "p_uni": self.p_uni, "p_rec": self.p_rec}

    def _argument(self) -> Argument:
        if self.p_arg is not None:
            return self.p_arg
        chemical = self.connector.vars
        inherited: Argument = chemical.get("p_arg", chemical.get("p0_arg"))
        return inherited

    def _used(self) -> dict[str, Any]:
        return {} if self._use is None else {"p_arg": self._argument()}

    def _check_pools(self, projection: Projection) -> None:
        self._reference.bind(projection)
        super()._check_pools(projection)

    def _references(self) -> tuple[Reference]:
        return (self._reference,)

    def _law(self, projection: Projection | None) -> Law:
        own, arg = type(self).__name__, self._argument()
        laws = tuple(Law(p, arg, f"{which} of {own}") for which, p in self._probabilities().items())
        states = self._reference.states(self.use if projection is None else projection)
        return ReferenceLaw(None, arg, f"p of {own}", False, states, laws, self.p_arg is None)


# For ``isinstance`` only, as before: the parameters are others.
GapJunction.register(CorrelatedGapJunction)
