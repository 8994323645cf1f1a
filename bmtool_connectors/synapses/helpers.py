"""The helpers of bmtool, as functions of two nodes, and all values of a rule at once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from bmtool_connectors.distances import spherical_dist
from bmtool_connectors.randomness import RngLike
from bmtool_connectors.synapses.helper_rules import (
    DelayAndSection,
    NoisyDelay,
    RuleOf,
    Section,
    UniformDelay,
    checked_once,
)
from bmtool_connectors.synapses.rules import Evaluation
from bmtool_connectors.synapses.synapse_block import PairDistance, SynapseTable

__all__ = [
    "DELAY_LOWBOUND",
    "DELAY_UPBOUND",
    "FLUC_STDEV",
    "SYN_MIN_DELAY",
    "SYN_VELOCITY",
    "syn_const_delay",
    "syn_const_delay_feng_section_PN",
    "syn_dist_delay_feng",
    "syn_dist_delay_feng_section_PN",
    "syn_section_PN",
    "syn_uniform_delay_section",
]

SYN_MIN_DELAY: float = 0.8  #: ms
SYN_VELOCITY: float = 1000.0  #: um/ms
FLUC_STDEV: float = 0.2  #: ms
DELAY_LOWBOUND: float = 0.2  #: ms, must be greater than the time step of the simulation
DELAY_UPBOUND: float = 2.0  #: ms


def syn_const_delay(
    source: Any = None,
    target: Any = None,
    dist: float = 100,
    min_delay: float = SYN_MIN_DELAY,
    velocity: float = SYN_VELOCITY,
    fluc_stdev: float = FLUC_STDEV,
    delay_bound: tuple[float, float] = (DELAY_LOWBOUND, DELAY_UPBOUND),
    connector: Any = None,
    rng: RngLike = None,
    **kwargs: Any,
) -> float:
    """Return a delay for one distance: dist / velocity + min_delay + fluc_stdev N(0, 1).

    Parameters
    ----------
    source, target, connector : object
        Not used; BMTK passes nodes to every rule.
    dist : float, default 100
        Distance, um.
    min_delay : float, default 0.8
        Delay at distance 0, ms.
    velocity : float, default 1000
        Conduction velocity, um/ms.
    fluc_stdev : float, default 0.2
        Standard deviation of the fluctuation, ms.
    delay_bound : tuple of float, default (0.2, 2.0)
        The delay is clipped to ``(low, high)``, ms.
    rng : Generator, RandomState, int, SeedSequence or None
        None is ``bmtool_connectors.rng``, read at the call. A seed stands for one stream that
        all calls with it share; in the NetworkBuilder of this package, for one stream per edge
        type, property and 4,096 targets.
    **kwargs
        Ignored, with a warning that names them.

    Returns
    -------
    float
        Delay, ms.

    Raises
    ------
    ParameterError
        If an argument is not allowed.

    Examples
    --------
    >>> syn_const_delay(fluc_stdev=0.0)
    0.9
    """
    helper = RuleOf.name(source, "syn_const_delay")
    rule = checked_once(NoisyDelay, helper, dist, min_delay, velocity, fluc_stdev, delay_bound)
    return rule.answer(source, target, rng, kwargs)  # type: ignore[no-any-return]


def syn_dist_delay_feng(
    source: Any,
    target: Any,
    min_delay: float = SYN_MIN_DELAY,
    velocity: float = SYN_VELOCITY,
    fluc_stdev: float = FLUC_STDEV,
    delay_bound: tuple[float, float] = (DELAY_LOWBOUND, DELAY_UPBOUND),
    connector: Any = None,
    rng: RngLike = None,
    **kwargs: Any,
) -> float:
    """Return a delay for the distance of two nodes: dist / velocity + min_delay + noise.

    Parameters
    ----------
    source, target : Node
        The nodes; with positions, unless `connector` stored their distance.
    min_delay, velocity, fluc_stdev, delay_bound, rng
        As in :func:`syn_const_delay`.
    connector : BaseConnector, optional
        Where the distance of a connected pair was stored as ``p_arg``. Without a stored value
        the distance is computed from the positions.
    **kwargs
        Ignored, with a warning that names them.

    Returns
    -------
    float
        Delay, ms.

    Raises
    ------
    ParameterError
        If an argument is not allowed, or what the connector stored is no distance.
    NodeError
        If a distance has to be computed and a node has no position.
    KeyError
        If `connector` does not connect the nodes.
    """
    helper = RuleOf.name(source, "syn_dist_delay_feng")
    dist = PairDistance(spherical_dist, connector, helper)
    rule = NoisyDelay(helper, dist, min_delay, velocity, fluc_stdev, delay_bound)
    return rule.answer(source, target, rng, kwargs)  # type: ignore[no-any-return]


def syn_uniform_delay_section(
    source: Any,
    target: Any,
    low: float = DELAY_LOWBOUND,
    high: float = DELAY_UPBOUND,
    rng: RngLike = None,
    **kwargs: Any,
) -> float:
    """Return a delay that is uniform in ``[low, high)``.

    Parameters
    ----------
    source, target : object
        Not used; BMTK passes nodes to every rule.
    low, high : float, default 0.2 and 2.0
        Bounds, ms.
    rng : Generator, RandomState, int, SeedSequence or None
        As in :func:`syn_const_delay`.
    **kwargs
        ``connector`` is accepted and not used; others are ignored with a warning.

    Returns
    -------
    float
        Delay, ms.

    Raises
    ------
    ParameterError
        Unless ``low <= high``, both finite.
    """
    kwargs.pop("connector", None)
    rule = checked_once(UniformDelay, "syn_uniform_delay_section", low, high)
    return rule.answer(source, target, rng, kwargs)  # type: ignore[no-any-return]


def syn_section_PN(  # noqa: N802  # the predecessor's name
    source: Any,
    target: Any,
    p: float = 0.9,
    sec_id: Sequence[int] = (1, 2),
    sec_x: Sequence[float] = (0.4, 0.6),
    rng: RngLike = None,
    **kwargs: Any,
) -> tuple[int, float]:
    """Return a section and a position in it, the first of two with probability `p`.

    Parameters
    ----------
    source, target : object
        Not used; BMTK passes nodes to every rule.
    p : float, default 0.9
        Probability of the first section.
    sec_id : pair of int, default (1, 2)
        Section ids.
    sec_x : pair of float, default (0.4, 0.6)
        Positions along the sections, in [0, 1].
    rng : Generator, RandomState, int, SeedSequence or None
        As in :func:`syn_const_delay`.
    **kwargs
        ``connector`` is accepted and not used; others are ignored with a warning.

    Returns
    -------
    sec_id : int
    sec_x : float

    Raises
    ------
    ParameterError
        If an argument is not allowed.

    Examples
    --------
    >>> syn_section_PN(None, None, p=1.0)
    (1, 0.4)
    """
    kwargs.pop("connector", None)
    rule = checked_once(Section, "syn_section_PN", p, sec_id, sec_x)
    return rule.answer(source, target, rng, kwargs)  # type: ignore[no-any-return]


def syn_const_delay_feng_section_PN(  # noqa: N802
    source: Any,
    target: Any,
    p: float = 0.9,
    sec_id: Sequence[int] = (1, 2),
    sec_x: Sequence[float] = (0.4, 0.6),
    rng: RngLike = None,
    **kwargs: Any,
) -> tuple[float, int, float]:
    """Return the delay of :func:`syn_const_delay` and the place of :func:`syn_section_PN`.

    Parameters
    ----------
    source, target, p, sec_id, sec_x, rng
        As in :func:`syn_section_PN`.
    **kwargs
        Further arguments of :func:`syn_const_delay`.

    Returns
    -------
    delay : float, ms
    sec_id : int
    sec_x : float
    """
    helper = "syn_const_delay_feng_section_PN"
    delay: Any = syn_const_delay(RuleOf(helper), None, **kwargs)
    rule = DelayAndSection(delay, checked_once(Section, helper, p, sec_id, sec_x))
    return rule.answer(source, target, rng, {})  # type: ignore[no-any-return]


def syn_dist_delay_feng_section_PN(  # noqa: N802
    source: Any,
    target: Any,
    p: float = 0.9,
    sec_id: Sequence[int] = (1, 2),
    sec_x: Sequence[float] = (0.4, 0.6),
    rng: RngLike = None,
    **kwargs: Any,
) -> tuple[float, int, float]:
    """Return the delay of :func:`syn_dist_delay_feng` and the place of :func:`syn_section_PN`.

    Parameters
    ----------
    source, target, p, sec_id, sec_x, rng
        As in :func:`syn_section_PN`.
    **kwargs
        Further arguments of :func:`syn_dist_delay_feng`.

    Returns
    -------
    delay : float, ms
    sec_id : int
    sec_x : float
    """
    helper = "syn_dist_delay_feng_section_PN"
    delay: Any = syn_dist_delay_feng(RuleOf(helper), None, **kwargs)
    rule = DelayAndSection(delay, checked_once(Section, helper, p, sec_id, sec_x))
    return rule.answer(source, target, rng, {})  # type: ignore[no-any-return]


#: Those that our builder asks for their rule.
HELPERS: tuple[Callable[..., Any], ...] = (
    *(syn_const_delay, syn_dist_delay_feng, syn_uniform_delay_section),
    *(syn_section_PN, syn_const_delay_feng_section_PN, syn_dist_delay_feng_section_PN),
)


def evaluations(rule: Any, table: SynapseTable) -> list[Evaluation] | None:
    """Return how to come by what calling a property rule once per synapse would give.

    Parameters
    ----------
    rule : object
        As given to ``add_properties``, its parameters bound with ``functools.partial``. One with
        a method ``evaluations(table)`` knows by itself; so does that behind a helper.
    table : SynapseTable

    Returns
    -------
    list of Evaluation, or None
        None for any other rule, which has to be called.

    Raises
    ------
    ParameterError
        If an argument of a helper is not allowed.
    """
    keywords: dict[str, Any] = {}
    if isinstance(rule, functools.partial):
        if rule.args:
            return None
        rule, keywords = rule.func, rule.keywords
    if any(rule is helper for helper in HELPERS) and not {"source", "target"} & keywords.keys():
        rule, keywords = rule(RuleOf(), None, **keywords), {}
    if keywords or not hasattr(rule, "evaluations"):
        return None
    return rule.evaluations(table)  # type: ignore[no-any-return]
