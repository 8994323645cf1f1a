"""Synaptic delays."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np

from bmtool_connectors.checks import HUGE, number
from bmtool_connectors.distances import spherical_dist
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.profiles.algebra import DistantDependentProbability
from bmtool_connectors.randomness import RngLike, SharedGenerator
from bmtool_connectors.synapses.frozen import Distribution, as_distribution, shown
from bmtool_connectors.synapses.rules import PropertyRule
from bmtool_connectors.synapses.synapse_block import PairDistance, Synapses

__all__ = ["DelayRule"]


@dataclass(frozen=True, eq=False, repr=False)
class DelayRule(PropertyRule):
    """Delays of synapses: ``fixed + distance / velocity + jitter``, at least `minimum`, ms.

    Parameters
    ----------
    velocity : float, optional
        Conduction velocity, um/ms (300 um/ms are 0.3 m/s).
    fixed : float or callable, optional
        What does not depend on the distance, ms: a number, or a function of source and target
        node.
    jitter : scipy.stats distribution, optional
        What is added to each synapse, ms, also by itself: a frozen distribution, or
        :func:`lognormal`, :func:`truncated`, :func:`clipped`, :func:`mixture`.
    minimum : float, default 0.1
        Least delay, ms; smaller ones are moved to it. It must not be less than the time step
        of the simulation.
    dt : float, optional
        Time step of the simulation, ms: delays are rounded to its nearest multiple that is not
        less than `minimum`.
    dist : callable, default spherical_dist
        Distance of two nodes, um.
    connector : BaseConnector, optional
        Where the distance of each connected pair was stored as ``p_arg``.
    rng : Generator, RandomState, int, SeedSequence or None
        As in :class:`WeightRule`.

    Raises
    ------
    ParameterError
        If a parameter is not allowed, or `velocity`, `fixed` and `jitter` are all missing; when
        the network is built, if a function or a distance gives no number.

    Notes
    -----
    The property is ``delay``. Called once per synapse, like :class:`WeightRule`. NEST rounds
    delays to its time step by itself, NEURON uses them as they are.

    Examples
    --------
    >>> from scipy import stats
    >>> rule = DelayRule(fixed=0.53, jitter=stats.norm(0.0, 0.1), dt=0.1, rng=1)
    >>> steps = rule(None, None) / 0.1
    >>> abs(steps - round(steps)) < 1e-9
    True
    """

    names = ("delay",)
    dtypes = (float,)

    velocity: float | None = None
    fixed: Any = None
    jitter: Any = None
    _: KW_ONLY
    minimum: float = 0.1
    dt: float | None = None
    dist: Any = spherical_dist
    connector: Any = None
    rng: RngLike = None
    _jitter: Distribution | None = field(init=False)

    def __post_init__(self) -> None:
        velocity, fixed, jitter, dt = self.velocity, self.fixed, self.jitter, self.dt
        tiny = 1 / HUGE
        minimum = number(self.minimum, "minimum of DelayRule", "a delay > 0 (ms)", tiny, HUGE)
        if dt is not None:
            dt = number(dt, "dt of DelayRule", "a time step > 0 (ms), or None", tiny, HUGE)
        distance = PairDistance(self.dist, self.connector, "DelayRule")
        if velocity is fixed is jitter is None:
            raise ParameterError(
                "velocity, fixed and jitter of DelayRule are None; pass at least one of them: "
                "velocity=300.0 (um/ms), fixed=1.0 (ms), or a distribution as jitter (ms)."
            )
        if velocity is not None:
            allowed = "a velocity > 0 (um/ms)"
            velocity = number(velocity, "velocity of DelayRule", allowed, tiny, HUGE)
        is_profile = isinstance(fixed, DistantDependentProbability)
        if is_profile or as_distribution(fixed, "fixed of DelayRule") is not None:
            raise ParameterError(
                "fixed of DelayRule must be a number (ms), a function of two nodes, or None, got "
                f"{shown(fixed)}: a distribution is jitter."
            )
        if fixed is not None and not callable(fixed):
            allowed = "a number (ms), a function of two nodes, or None"
            fixed = number(fixed, "fixed of DelayRule", allowed, -HUGE, HUGE)
        drawn = as_distribution(jitter, "jitter of DelayRule")
        if jitter is not None and drawn is None:
            raise ParameterError(
                "jitter of DelayRule must be a distribution (ms), for instance scipy.stats.norm(0, "
                f"0.1), or None, got {shown(jitter)}."
            )
        self._prepare(
            self.rng,
            **{"velocity": velocity, "fixed": fixed, "minimum": minimum, "dt": dt},
            _jitter=drawn,
            _sequential=() if drawn is None else (drawn.sequential,),
            _functions=(fixed,),
            _distance=None if velocity is None else distance,
        )

    def values(self, synapses: Synapses, rng: SharedGenerator) -> tuple[Any, ...]:
        """Return the delays, ms."""
        allowed = "a finite number (ms)"
        delays: Any = 0.0 if self.fixed is None else self.fixed
        if callable(self.fixed):
            found = synapses.of_nodes(self.fixed, "fixed of DelayRule")
            delays = self._checked(found, "fixed", synapses, -HUGE, allowed)
        if self.velocity is not None:
            delays = self._dist(synapses) / self.velocity + delays
        if self._jitter is not None:
            drawn = self._jitter.draw(rng, synapses.n)
            delays += self._checked(drawn, "jitter", synapses, -HUGE, allowed)
        return (self._allowed(delays),)

    def _allowed(self, delays: Any) -> Any:
        """Return delays of at least the minimum, as multiples of dt if there is one."""
        if self.dt is not None:
            # 0.3 / 0.1 is a little less than 3.
            least = math.ceil(self.minimum / self.dt - 1e-9)
            delays = np.rint(delays / self.dt)
            delays = np.maximum(delays, least) * self.dt
        return np.maximum(delays, self.minimum)
