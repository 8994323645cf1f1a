"""Chemical synapses whose probability depends on gap junctions."""

from __future__ import annotations

from typing import Any, ClassVar

from bmtool_connectors import vectorization
from bmtool_connectors.patterns import parameters
from bmtool_connectors.patterns.bidirectional import BidirectionalConnector, two_counts
from bmtool_connectors.patterns.projection import Projection
from bmtool_connectors.patterns.references import Reference, checked_reference
from bmtool_connectors.randomness import RngLike
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.laws import Joint, Law, PairLaws
from bmtool_connectors.sampling.plan import Plan
from bmtool_connectors.sampling.reference_laws import ReferenceJoint, ReferenceLaw, ReferencePairs

__all__ = ["GapJunctionConditionalReciprocalConnector"]

#: The two kinds of pairs, in the order of the number of gap junctions between them.
_STATES = ("nonelec", "elec")


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

    parameter_names: ClassVar[tuple[str, ...]] = (
        "gap_connector",
        *(f"{p}_{state}" for state in ("elec", "nonelec") for p in ("p0", "p1", "pr")),
        *(f"{p}_{state}_arg" for state in ("elec", "nonelec") for p in ("p0", "p1", "pr")),
        *("n_syn0", "n_syn1", "infeasible"),
    )

    def __init__(
        self,
        gap_connector: Any,
        p0_elec: Any,
        p1_elec: Any,
        pr_elec: Any,
        p0_nonelec: Any,
        p1_nonelec: Any,
        pr_nonelec: Any,
        p0_elec_arg: Any = None,
        p1_elec_arg: Any = None,
        pr_elec_arg: Any = None,
        p0_nonelec_arg: Any = None,
        p1_nonelec_arg: Any = None,
        pr_nonelec_arg: Any = None,
        n_syn0: Any = 1,
        n_syn1: Any = 1,
        verbose: bool = True,
        save_report: bool = True,
        report_name: str | None = None,
        rng: RngLike = None,
        *,
        sampler: str = "auto",
        name: str | None = None,
        infeasible: str | None = None,
    ) -> None:
        super().__init__(
            verbose=verbose,
            save_report=save_report,
            report_name=report_name,
            rng=rng,
            name=name,
            sampler=sampler,
            infeasible=infeasible,
        )
        own = type(self).__name__
        self.gap_connector = checked_reference(gap_connector, "gap_connector", own)
        self._reference = Reference(self.gap_connector, "gap_connector", own)
        self._given: dict[str, Any] = {
            **{"p0_elec": p0_elec, "p1_elec": p1_elec, "pr_elec": pr_elec},
            **{"p0_nonelec": p0_nonelec, "p1_nonelec": p1_nonelec, "pr_nonelec": pr_nonelec},
            **{"p0_elec_arg": p0_elec_arg, "p1_elec_arg": p1_elec_arg},
            **{"pr_elec_arg": pr_elec_arg, "p0_nonelec_arg": p0_nonelec_arg},
            **{"p1_nonelec_arg": p1_nonelec_arg, "pr_nonelec_arg": pr_nonelec_arg},
            **{"n_syn0": n_syn0, "n_syn1": n_syn1},
        }
        self.vars = dict(self._given)
        self._check()

    def _check(self) -> None:
        own, given = type(self).__name__, self._given
        two_counts(own, given["n_syn0"], given["n_syn1"])
        for state in _STATES:
            for which in (f"p0_{state}_arg", f"p1_{state}_arg"):
                parameters.argument(given[which], f"{which} of {own}")
            arg0 = given[f"p0_{state}_arg"]
            parameters.probability(
                given[f"p0_{state}"], f"p0_{state} of {own}", arg0, f"p0_{state}_arg"
            )
            # In one population the backward argument is the forward one.
            either = given[f"p1_{state}_arg"] if arg0 is None else arg0
            parameters.probability(
                given[f"p1_{state}"], f"p1_{state} of {own}", either, f"p1_{state}_arg"
            )
            parameters.joint(
                given[f"pr_{state}"],
                f"pr_{state} of {own}",
                given[f"pr_{state}_arg"],
                f"pr_{state}_arg",
            )

    def _resolved(self, recurrent: bool) -> dict[str, Any]:
        """Return the parameters with what one population makes of them."""
        used = dict(self._given)
        if recurrent:
            used["n_syn1"] = used["n_syn0"]
            for state in _STATES:
                used[f"p1_{state}"] = used[f"p0_{state}"]
                used[f"p1_{state}_arg"] = used[f"p0_{state}_arg"]
        return used

    def _begin(self, use: Projection) -> None:
        own, used = type(self).__name__, self._resolved(use.recurrent)
        for state in _STATES:
            name = f"p1_{state}"
            if use.recurrent and self._given[name] != used[name]:
                self.warn_once(
                    name,
                    f"{name} of {own} is {self._given[name]!r}, but source and target are one "
                    f"population: p0_{state} ({used[name]!r}) is used for both directions.",
                    (use.source, use.target),
                )
            parameters.probability(
                used[name], f"{name} of {own}", used[f"{name}_arg"], f"{name}_arg"
            )
        args = {name: value for name, value in used.items() if name.endswith("_arg")}
        parameters.require_positions(own, args, use.source, use.target)
        self._reference.bind(use)
        super()._begin(use)
        self._vars = used

    def _references(self) -> tuple[Reference]:
        return (self._reference,)

    def _plan(self, space: PairSpace, use: Projection | None) -> Plan:
        own, recurrent = type(self).__name__, space.source is space.target
        used = self._resolved(recurrent)
        states = self._reference.states(self.use if use is None else use)
        laws = [self._law(used, "p0", states, False), self._law(used, "p1", states, True)]
        joints = tuple(self._joint(used, state) for state in _STATES)
        joint = ReferenceJoint(name=f"pr of {own}", reference=states, joints=joints)
        return Plan(
            space,
            PairLaws(laws[0], laws[1], same_arg=recurrent, same_p=recurrent),
            two_counts(own, used["n_syn0"], used["n_syn1"]),
            joint,
        )

    def _law(self, used: dict[str, Any], which: str, states: ReferencePairs, backward: bool) -> Law:
        own = type(self).__name__
        laws = []
        for state in _STATES:
            name = f"{which}_{state}"
            p = parameters.probability(used[name], f"{name} of {own}", 0, "")
            laws.append(Law(p, used[f"{name}_arg"], f"{name} of {own}", backward))
        return ReferenceLaw(None, None, f"{which} of {own}", backward, states, tuple(laws))

    def _joint(self, used: dict[str, Any], state: str) -> Joint:
        arg, owner = used[f"pr_{state}_arg"], f"pr_{state} of {type(self).__name__}"
        pr = parameters.joint(used[f"pr_{state}"], owner, arg, f"pr_{state}_arg")
        if isinstance(arg, str):
            arg = "1" if "1" in arg else "0"
        return Joint(
            pr=_independent if pr is None else pr,
            arg=arg,
            name=owner,
        )


@vectorization.vectorized
def _independent(arg: Any, p0: Any, p1: Any) -> Any:
    """Return the joint probability of independent directions."""
    return p0 * p1
