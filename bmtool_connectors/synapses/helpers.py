"""The helpers of bmtool, which draw delays and sections: functions, and the rules behind them."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Hashable, Sequence
from copy import copy
from functools import lru_cache
from typing import Any

import numpy as np

from bmtool_connectors.checks import HUGE, number
from bmtool_connectors.distances import spherical_dist
from bmtool_connectors.errors import ParameterError, warn
from bmtool_connectors.randomness import RngLike, Seed, SharedGenerator
from bmtool_connectors.synapses.frozen import moved_within
from bmtool_connectors.synapses.rules import PropertyRule, origin
from bmtool_connectors.synapses.synapse_block import PairDistance, Synapses

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

#: Helpers and unknown keywords that were warned about.
_warned: set[tuple[str, str]] = set()


# ---------------------------------------------------------------------- rules
class RuleOf:
    """Stands for the source where a helper is asked for its rule, and not for a value.

    Parameters
    ----------
    helper : str, optional
        Another helper that passes its arguments on, whose name messages have.
    """

    def __init__(self, helper: str = "") -> None:
        self.helper = helper


def _name(source: Any, helper: str) -> str:
    """Return the name that messages have."""
    return (isinstance(source, RuleOf) and source.helper) or helper


class HelperRule(PropertyRule):
    """A helper with its arguments: the formula for one synapse and for a block of them."""

    _sequential = (True,)

    helper: str

    @property
    def _owner(self) -> str:
        return self.helper

    def answer(self, source: Any, target: Any, rng: RngLike, unknown: dict[str, Any]) -> Any:
        """Return what the helper returns for two nodes; the rule itself if it is asked for."""
        for name in unknown:
            if (self.helper, name) not in _warned:
                _warned.add((self.helper, name))
                warn(
                    f"{self.helper} got an unknown keyword {name!r}, which has no effect; check "
                    "the spelling in rule_params."
                )
        if isinstance(source, RuleOf):
            rule = copy(self)  # it may be that of other calls, with another generator
            rule._prepare(rng)
            return rule
        return self.of_one(source, target, origin(rng, self.helper))

    def _number(self, value: Any, name: str, allowed: str, low: float, high: float = HUGE) -> float:
        if type(value) in (float, int) and low <= value <= high:  # once per synapse: quick
            return float(value)
        return number(value, f"{name} of {self.helper}", allowed, low, high)

    def _pair(self, values: Any, name: str, allowed: str) -> tuple[float, float]:
        """Return two numbers, or raise."""
        try:
            first, second = [self._number(x, name, allowed, -math.inf, math.inf) for x in values]
        except (TypeError, ValueError):  # which a ParameterError is
            raise self._refused(values, name, allowed) from None
        return first, second

    def _refused(self, values: Any, name: str, allowed: str) -> ParameterError:
        return ParameterError(f"{name} of {self.helper} is {values!r}; allowed is {allowed}.")


class NoisyDelay(HelperRule):
    """``dist / velocity + min_delay + fluc_stdev N(0, 1)``, clipped to `delay_bound`, ms."""

    names = ("delay",)

    def __init__(
        self, helper: str, dist: Any, min_delay: Any, velocity: Any, fluc_stdev: Any, bound: Any
    ) -> None:
        self.helper = helper
        allowed = "(low, high) with low <= high (ms)"
        self._low, self._high = self._pair(bound, "delay_bound", allowed)
        if self._low > self._high:
            raise self._refused(bound, "delay_bound", allowed)
        self._distance = dist if isinstance(dist, PairDistance) else None
        if self._distance is None:
            self._fixed = self._number(dist, "dist", "a finite distance (um)", -HUGE)
        self._min = self._number(min_delay, "min_delay", "a finite number (ms)", -HUGE)
        allowed = "a velocity > 0 (um/ms)"
        self._velocity = self._number(velocity, "velocity", allowed, 1 / HUGE, math.inf)
        allowed = "a standard deviation >= 0 (ms)"
        self._stdev = self._number(fluc_stdev, "fluc_stdev", allowed, 0.0)

    def mean(self, synapses: Synapses) -> Any:
        """Return the delays without noise, ms."""
        dist = self._fixed if self._distance is None else self._dist(synapses)
        return dist / self._velocity + self._min

    def with_noise(self, mean: Any, noise: Any) -> Any:
        """Return the delays, ms, made of numbers N(0, 1) in place."""
        noise *= self._stdev
        noise += mean
        return moved_within(noise, self._low, self._high)

    def values(self, synapses: Synapses, rng: SharedGenerator) -> tuple[Any, ...]:
        """Return the delays, ms."""
        mean = self.mean(synapses)
        return (self.with_noise(mean, rng.normal(size=synapses.n)),)


class UniformDelay(HelperRule):
    """Delays that are uniform in [low, high), ms."""

    names = ("delay",)

    def __init__(self, helper: str, low: Any, high: Any) -> None:
        self.helper = helper
        self._low = self._number(low, "low", "a finite number (ms)", -HUGE)
        allowed = f"a finite number (ms) of at least {self._low}"
        self._high = self._number(high, "high", allowed, self._low)

    def values(self, synapses: Synapses, rng: SharedGenerator) -> tuple[Any, ...]:
        """Return the delays, ms."""
        return (rng.uniform(self._low, self._high, size=synapses.n),)


class Section(HelperRule):
    """One of two sections and a position in it, the first with probability `p`."""

    names = ("sec_id", "sec_x")

    def __init__(self, helper: str, p: Any, sec_id: Any, sec_x: Any) -> None:
        self.helper = helper
        allowed = "a pair of numbers, one for each section"
        self._p = self._number(p, "p", "a probability in [0, 1]", 0.0, 1.0)
        first, second = self._pair(sec_id, "sec_id", allowed)
        self._ids = np.array([int(first), int(second)])
        self._positions = np.array(self._pair(sec_x, "sec_x", allowed))

    def chosen(self, numbers: Any) -> tuple[Any, Any]:
        """Return section ids and positions, by uniform numbers: the first ones below p."""
        index = 1 * (numbers >= self._p)
        return self._ids[index], self._positions[index]

    def values(self, synapses: Synapses, rng: SharedGenerator) -> tuple[Any, ...]:
        """Return section ids and positions."""
        return self.chosen(rng.random(synapses.n))


class DelayAndSection(HelperRule):
    """A delay and a section; a shared generator gives their numbers in turn."""

    names = ("delay", "sec_id", "sec_x")
    #: From a private seed all numbers of one kind come before those of the other.
    _pairs = sys.maxsize

    def __init__(self, delay: Any, section: Any) -> None:
        self.helper, self._distance = delay.helper, delay._distance
        self._delay, self._section = delay, section

    def values(self, synapses: Synapses, rng: SharedGenerator) -> tuple[Any, ...]:
        """Return the delays, ms, section ids and positions."""
        mean, n = self._delay.mean(synapses), synapses.n
        if n is None or isinstance(self._origin(), Seed):
            noise, numbers = rng.normal(size=n), rng.random(n)
        else:
            noise, numbers = np.empty(n), np.empty(n)
            for k in range(n):
                noise[k], numbers[k] = rng.normal(), rng.random()
        return (self._delay.with_noise(mean, noise), *self._section.chosen(numbers))


@lru_cache
def _cached(kind: Callable[..., HelperRule], *parameters: Hashable) -> HelperRule:
    return kind(*parameters)


def _checked_once(kind: Callable[..., HelperRule], *parameters: Any) -> HelperRule:
    """Return the rule with these parameters, which are checked once and not for each synapse."""
    try:
        return _cached(kind, *parameters)
    except TypeError:  # a list, which may be another one the next time
        return kind(*parameters)


# ---------------------------------------------------------------------- functions
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
        all calls with it share; in the NetworkBuilder of this package, for one stream per
        property and edge type.
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
    helper = _name(source, "syn_const_delay")
    rule = _checked_once(NoisyDelay, helper, dist, min_delay, velocity, fluc_stdev, delay_bound)
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
    helper = _name(source, "syn_dist_delay_feng")
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
    rule = _checked_once(UniformDelay, "syn_uniform_delay_section", low, high)
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
    rule = _checked_once(Section, "syn_section_PN", p, sec_id, sec_x)
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
    rule = DelayAndSection(delay, _checked_once(Section, helper, p, sec_id, sec_x))
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
    rule = DelayAndSection(delay, _checked_once(Section, helper, p, sec_id, sec_x))
    return rule.answer(source, target, rng, {})  # type: ignore[no-any-return]


HELPERS: tuple[Callable[..., Any], ...] = (
    *(syn_const_delay, syn_dist_delay_feng, syn_uniform_delay_section),
    *(syn_section_PN, syn_const_delay_feng_section_PN, syn_dist_delay_feng_section_PN),
)
