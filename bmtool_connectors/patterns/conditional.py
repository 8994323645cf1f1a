"""Chemical synapses whose probability depends on gap junctions."""

from __future__ import annotations

from typing import Any, NamedTuple

from bmtool_connectors import vectorization
from bmtool_connectors.patterns import parameters
from bmtool_connectors.patterns.bidirectional import BidirectionalConnector, two_counts
from bmtool_connectors.patterns.configured import OPTIONS
from bmtool_connectors.patterns.gap_junction import GapJunction
from bmtool_connectors.patterns.parameters import Argument, Count, Probability, parameter
from bmtool_connectors.patterns.projection import Projection
from bmtool_connectors.patterns.references import Reference, checked_reference
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.laws import Joint, Law, PairLaws
from bmtool_connectors.sampling.plan import Plan
from bmtool_connectors.sampling.reference_laws import ReferenceJoint, ReferenceLaw

__all__ = ["GapJunctionConditionalReciprocalConnector"]


class _Kind(NamedTuple):
    """The parameters of the pairs with a gap junction, or of those without."""

    name: str
    p0: Probability
    p1: Probability
    pr: Probability | None
    p0_arg: Argument
    p1_arg: Argument
    pr_arg: Argument | str


class GapJunctionConditionalReciprocalConnector(BidirectionalConnector):
    """Connect pairs like ReciprocalConnector, with other probabilities where a gap junction is.

    Parameters
    ----------
    gap_connector : GapJunction or CorrelatedGapJunction
        Tells which pairs are electrically coupled. It must be set up on one population that
        holds all nodes to be connected; its edges are drawn now if they have not been.
    p0_elec, p1_elec, pr_elec : float or callable
        Forward, backward and joint probability of coupled pairs: numbers, or functions of the
        arguments below (``pr(pr_arg, p0, p1)``; None for independence).
    p0_nonelec, p1_nonelec, pr_nonelec : float or callable
        The same for all other pairs.
    p0_elec_arg, p1_elec_arg, pr_elec_arg, p0_nonelec_arg, p1_nonelec_arg, pr_nonelec_arg : \
float, callable or None
        Arguments: functions of two nodes. Backward ones are called with (target, source);
        those of pr may be a string, as in :class:`ReciprocalConnector`.
    n_syn0, n_syn1 : int or callable, default 1
        Synapses of a forward and of a backward connection; functions of (source, target) and
        of (target, source).
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
    infeasible : {'clip', 'bmtool'}, optional
        What is drawn of pairs whose pr is not feasible: the nearest feasible pr, so that p0 and p1
        hold. So does bmtool in this connector, and ``'bmtool'`` says only that pairs are drawn one
        by one, from a shared generator. Default ``bmtool_connectors.infeasible``, read now.

    Raises
    ------
    ParameterError
        If a parameter is not allowed, or `infeasible` is 'bmtool' with a private seed or
        ``sampler='sparse'``.

    Notes
    -----
    Within one population p1 is p0, its argument p0's, and n_syn1 is n_syn0. Every pr is clipped
    to its feasible range, so p0 and p1 hold exactly in both groups. See
    :class:`ReciprocalConnector` for the law and the order of the draws.

    Examples
    --------
    >>> gap = GapJunction(p=0.08, verbose=False)
    >>> c = GapJunctionConditionalReciprocalConnector(
    ...     gap, 0.5, 0.5, 0.25, 0.125, 0.125, 0.03, verbose=False
    ... )
    >>> c.vars['p0_elec']
    0.5
    """

    examples = (
        {
            "gap_connector": GapJunction(0.3),
            **{"p0_elec": 0.5, "p1_elec": 0.5, "pr_elec": 0.25},
            **{"p0_nonelec": 0.1, "p1_nonelec": 0.1, "pr_nonelec": 0.03},
        },
    )

    gap_connector: Any = parameter(check=checked_reference)
    p0_elec: Probability = parameter(in_vars=True)
    p1_elec: Probability = parameter(in_vars=True)
    pr_elec: Probability | None = parameter(check=parameters.joint, in_vars=True)
    p0_nonelec: Probability = parameter(in_vars=True)
    p1_nonelec: Probability = parameter(in_vars=True)
    pr_nonelec: Probability | None = parameter(check=parameters.joint, in_vars=True)
    p0_elec_arg: Argument = parameter(default=None, in_vars=True)
    p1_elec_arg: Argument = parameter(default=None, in_vars=True)
    pr_elec_arg: Argument | str = parameter(
        default=None, check=parameters.joint_argument, in_vars=True
    )
    p0_nonelec_arg: Argument = parameter(default=None, in_vars=True)
    p1_nonelec_arg: Argument = parameter(default=None, in_vars=True)
    pr_nonelec_arg: Argument | str = parameter(
        default=None, check=parameters.joint_argument, in_vars=True
    )
    n_syn0: Count = parameter(default=1, in_vars=True)
    n_syn1: Count = parameter(default=1, in_vars=True)
    _positional = OPTIONS

    def _check(self) -> None:
        own = type(self).__name__
        self._reference = Reference(self.gap_connector, "gap_connector", own)
        for kind in self._kinds():
            # In one population the backward argument is the forward one.
            either = kind.p1_arg if kind.p0_arg is None else kind.p0_arg
            for which, p, arg in (
                ("p0", kind.p0, kind.p0_arg),
                ("p1", kind.p1, either),
                ("pr", kind.pr, kind.pr_arg),
            ):
                parameters.require_argument(p, arg, f"{which}_{kind.name} of {own}")

    def _kinds(self, recurrent: bool = False) -> tuple[_Kind, _Kind]:
        """Return the parameters of pairs without and with a gap junction."""
        nonelec, elec = (
            _Kind(name, *(getattr(self, f"{p[:2]}_{name}{p[2:]}") for p in _Kind._fields[1:]))
            for name in ("nonelec", "elec")
        )
        if not recurrent:
            return nonelec, elec
        first, second = (kind._replace(p1=kind.p0, p1_arg=kind.p0_arg) for kind in (nonelec, elec))
        return first, second

    def _used(self) -> dict[str, Any]:
        if self._use is None or not self._use.recurrent:
            return {}
        used: dict[str, Any] = {"n_syn1": self.n_syn0}
        for kind in self._kinds(recurrent=True):
            used |= {f"p1_{kind.name}": kind.p1, f"p1_{kind.name}_arg": kind.p1_arg}
        return used

    def _check_pools(self, projection: Projection) -> None:
        own = type(self).__name__
        args: dict[str, Any] = {}
        for kind, given in zip(self._kinds(projection.recurrent), self._kinds(), strict=True):
            name = f"p1_{kind.name}"
            if given.p1 != kind.p1:
                self.warn_once(
                    name,
                    f"{name} of {own} is {given.p1!r}, but source and target are one "
                    f"population: p0_{kind.name} ({kind.p1!r}) is used for both directions.",
                    projection.ends,
                )
            parameters.require_argument(kind.p1, kind.p1_arg, f"{name} of {own}")
            for which in ("p0", "p1", "pr"):
                args[f"{which}_{kind.name}_arg"] = getattr(kind, f"{which}_arg")
        parameters.require_positions(projection, **args)
        self._reference.bind(projection)

    def _references(self) -> tuple[Reference]:
        return (self._reference,)

    def _plan(self, space: PairSpace, projection: Projection | None) -> Plan:
        own, recurrent = type(self).__name__, space.source is space.target
        kinds = self._kinds(recurrent)
        states = self._reference.states(self.use if projection is None else projection)
        forward = tuple(Law(kind.p0, kind.p0_arg, f"p0_{kind.name} of {own}") for kind in kinds)
        backward = tuple(
            Law(kind.p1, kind.p1_arg, f"p1_{kind.name} of {own}", backward=True) for kind in kinds
        )
        joints = tuple(
            Joint(
                pr=_independent if kind.pr is None else kind.pr,
                arg=kind.pr_arg,
                name=f"pr_{kind.name} of {own}",
            )
            for kind in kinds
        )
        return Plan(
            space,
            PairLaws(
                ReferenceLaw(None, None, f"p0 of {own}", False, states, forward),
                ReferenceLaw(None, None, f"p1 of {own}", True, states, backward),
                same_arg=recurrent,
                same_p=recurrent,
            ),
            two_counts(own, self.n_syn0, self.n_syn0 if recurrent else self.n_syn1),
            ReferenceJoint(name=f"pr of {own}", reference=states, joints=joints),
        )


@vectorization.vectorized
def _independent(arg: Any, p0: Any, p1: Any) -> Any:
    """Return the joint probability of independent directions."""
    return p0 * p1
