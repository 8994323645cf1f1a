"""Synaptic delays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bmtool_connectors.checks import floats, number
from bmtool_connectors.distances import spherical_dist
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.profiles.algebra import DistantDependentProbability
from bmtool_connectors.randomness import RngLike, SharedGenerator
from bmtool_connectors.synapses import common
from bmtool_connectors.synapses.common import MOST
from bmtool_connectors.synapses.distribution import as_law, shown
from bmtool_connectors.synapses.rules import PropertyRule
from bmtool_connectors.synapses.synapse_block import Block, OneSynapse, pair_distance

__all__ = [
    "DELAY_LOWBOUND",
    "DELAY_UPBOUND",
    "FLUC_STDEV",
    "SYN_MIN_DELAY",
    "SYN_VELOCITY",
    "DelayRule",
    "syn_const_delay",
    "syn_dist_delay_feng",
    "syn_uniform_delay_section",
]

SYN_MIN_DELAY: float = 0.8  #: ms
SYN_VELOCITY: float = 1000.0  #: um/ms
FLUC_STDEV: float = 0.2  #: ms
DELAY_LOWBOUND: float = 0.2  #: ms, must be greater than the time step of the simulation
DELAY_UPBOUND: float = 2.0  #: ms

#: What counts as a number without a closer look.
_PLAIN = (float, int)

#: Under this keyword the combined helpers say whose name a message should have.
HELPER = " helper"


def _delay(
    helper: str,
    dist: Any,
    min_delay: float,
    velocity: float,
    fluc_stdev: float,
    delay_bound: tuple[float, float],
    rng: RngLike,
) -> float:
    """Return dist / velocity + min_delay + fluc_stdev N(0, 1), clipped to `delay_bound`, ms."""
    generator = common.generator(rng, helper)
    try:
        low, high = delay_bound
        # Called once per synapse: plain numbers pass with comparisons alone.
        fine = (
            isinstance(dist, _PLAIN)
            and isinstance(min_delay, _PLAIN)
            and isinstance(velocity, _PLAIN)
            and isinstance(fluc_stdev, _PLAIN)
            and isinstance(low, _PLAIN)
            and isinstance(high, _PLAIN)
        )
        fine = fine and -MOST <= dist <= MOST and -MOST <= min_delay <= MOST
        fine = fine and 1 / MOST <= velocity <= MOST and 0 <= fluc_stdev <= MOST and low <= high
    except (TypeError, ValueError):
        fine = False
    if not fine:
        dist, min_delay, velocity, fluc_stdev, low, high = checked(
            helper, dist, min_delay, velocity, fluc_stdev, delay_bound
        )
    delay = dist / velocity + min_delay + fluc_stdev * generator.normal()
    return float(min(max(delay, low), high))


def checked(
    helper: str, dist: Any, min_delay: Any, velocity: Any, fluc_stdev: Any, delay_bound: Any
) -> tuple[float, ...]:
    """Return the arguments as floats, or raise for the one that is not allowed."""
    bounds = floats(delay_bound)
    if bounds.shape != (2,) or not bounds[0] <= bounds[1]:
        common.refuse(helper, "delay_bound", delay_bound, "(low, high) with low <= high (ms)")
    return (
        number(dist, f"dist of {helper}", "a finite distance (um)", -MOST, MOST),
        number(min_delay, f"min_delay of {helper}", "a finite number (ms)", -MOST, MOST),
        number(velocity, f"velocity of {helper}", "a velocity > 0 (um/ms)", 1 / MOST, math.inf),
        number(fluc_stdev, f"fluc_stdev of {helper}", "a standard deviation >= 0 (ms)", 0, MOST),
        *bounds.tolist(),
    )


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
    helper = kwargs.pop(HELPER, "syn_const_delay")
    if kwargs:
        common.check_keywords(helper, kwargs)
    return _delay(helper, dist, min_delay, velocity, fluc_stdev, delay_bound, rng)


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
    helper = kwargs.pop(HELPER, "syn_dist_delay_feng")
    if kwargs:
        common.check_keywords(helper, kwargs)
    dist = None
    if connector is not None:
        dist = common.stored(helper, connector, source, target)
    if dist is None:
        dist = spherical_dist(target, source)
    return _delay(helper, dist, min_delay, velocity, fluc_stdev, delay_bound, rng)


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
    helper = "syn_uniform_delay_section"
    kwargs.pop("connector", None)
    common.check_keywords(helper, kwargs)
    low, high = checked_range(helper, low, high)
    return float(common.generator(rng, helper).uniform(low, high))


def checked_range(helper: str, low: Any, high: Any) -> tuple[float, float]:
    """Return two bounds as floats, or raise for the one that is not allowed."""
    low = number(low, f"low of {helper}", "a finite number (ms)", -MOST, MOST)
    high = number(high, f"high of {helper}", f"a finite number (ms) of at least {low}", low, MOST)
    return low, high


# ---------------------------------------------------------------------- the rule
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
    parameter_names = (
        *("velocity", "fixed", "jitter", "minimum", "dt", "dist", "connector", "rng"),
    )

    def __init__(
        self,
        velocity: float | None = None,
        fixed: Any = None,
        jitter: Any = None,
        *,
        minimum: float = 0.1,
        dt: float | None = None,
        dist: Any = spherical_dist,
        connector: Any = None,
        rng: RngLike = None,
    ) -> None:
        super().__init__(rng)
        tiny = 1 / MOST
        self.minimum = number(minimum, "minimum of DelayRule", "a delay > 0 (ms)", tiny, MOST)
        self.dt = dt
        if dt is not None:
            self.dt = number(dt, "dt of DelayRule", "a time step > 0 (ms), or None", tiny, MOST)
        self.fixed, self.jitter, self.dist, self.connector = fixed, jitter, dist, connector
        distance = pair_distance(dist, connector, "DelayRule")
        if velocity is fixed is jitter is None:
            raise ParameterError(
                "velocity, fixed and jitter of DelayRule are None; pass at least one of them: "
                "velocity=300.0 (um/ms), fixed=1.0 (ms), or a distribution as jitter (ms)."
            )
        self.velocity = velocity
        if velocity is not None:
            allowed = "a velocity > 0 (um/ms)"
            self.velocity = number(velocity, "velocity of DelayRule", allowed, tiny, MOST)
            self._distance = distance
        self._needs(fixed)
        is_profile = isinstance(fixed, DistantDependentProbability)
        if is_profile or as_law(fixed, "fixed of DelayRule") is not None:
            raise ParameterError(
                f"fixed of DelayRule is {shown(fixed)}; allowed is a number (ms), a function of "
                "two nodes, or None: a distribution is jitter."
            )
        if fixed is not None and not callable(fixed):
            allowed = "a number (ms), a function of two nodes, or None"
            self.fixed = number(fixed, "fixed of DelayRule", allowed, -MOST, MOST)
        self._law = None if jitter is None else as_law(jitter, "jitter of DelayRule")
        if jitter is not None and self._law is None:
            raise ParameterError(
                f"jitter of DelayRule is {shown(jitter)}; allowed is a distribution (ms), for "
                "instance scipy.stats.norm(0, 0.1), or None."
            )
        if self._law is not None:
            self._draws_from(self._law)

    def values(self, synapses: OneSynapse | Block, rng: SharedGenerator) -> tuple[Any, ...]:
        """Return the delays, ms."""
        allowed = "a finite number (ms)"
        delays: Any = 0.0 if self.fixed is None else self.fixed
        if callable(self.fixed):
            found = synapses.of_nodes(self.fixed, "fixed of DelayRule")
            delays = self._checked(found, "fixed", synapses, -MOST, allowed)
        if self._distance is not None:
            delays = self._dist(synapses) / self.velocity + delays
        if self._law is not None:
            drawn = self._checked(synapses.draw(self._law, rng), "jitter", synapses, -MOST, allowed)
            drawn += delays
            delays = drawn
        return (self._allowed(synapses.filled(delays) if np.ndim(delays) == 0 else delays),)

    def _allowed(self, delays: Any) -> Any:
        """Return delays of at least the minimum, as multiples of dt if there is one."""
        if self.dt is not None:
            # 0.3 / 0.1 is a little less than 3.
            least = math.ceil(self.minimum / self.dt - 1e-9)
            delays = np.rint(delays / self.dt)
            delays = np.maximum(delays, least) * self.dt
        delays = np.maximum(delays, self.minimum)
        return delays if isinstance(delays, np.ndarray) else float(delays)
