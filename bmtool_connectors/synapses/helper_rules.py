"""The rules behind the helpers of bmtool: noisy delays, uniform ones, and one of two sections."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from copy import copy
from functools import lru_cache
from typing import Any

import numpy as np

from bmtool_connectors.checks import HUGE, number
from bmtool_connectors.errors import ParameterError, must_be, warn
from bmtool_connectors.randomness import RngLike, Seed, SharedGenerator
from bmtool_connectors.synapses.frozen import moved_within
from bmtool_connectors.synapses.rules import PropertyRule, origin
from bmtool_connectors.synapses.synapse_block import PairDistance, Synapses

__all__ = ["DelayAndSection", "NoisyDelay", "RuleOf", "Section", "UniformDelay", "checked_once"]

#: Helpers and unknown keywords that were warned about.
_warned: set[tuple[str, str]] = set()


class RuleOf:
    """Stands for the source where a helper is asked for its rule, and not for a value.

    Parameters
    ----------
    helper : str, optional
        Another helper that passes its arguments on, whose name messages have.
    """

    def __init__(self, helper: str = "") -> None:
        self.helper = helper

    @staticmethod
    def name(source: Any, helper: str) -> str:
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
        if not isinstance(source, RuleOf):
            return self.of_one(source, target, origin(rng, self.helper))
        if rng is None:
            return self
        rule = copy(self)  # it may be that of other calls, with another generator
        rule._prepare(rng)
        return rule

    def _number(self, value: Any, name: str, allowed: str, low: float, high: float = HUGE) -> float:
        if type(value) in (float, int) and low <= value <= min(high, HUGE):  # quick
            return float(value)
        return number(value, f"{name} of {self.helper}", allowed, low, high)

    def _pair(
        self, values: Any, name: str, allowed: str, most: float = HUGE
    ) -> tuple[float, float]:
        """Return two numbers, or raise."""
        try:
            first, second = [self._number(x, name, allowed, -most, most) for x in values]
        except (TypeError, ValueError):  # which a ParameterError is
            raise self._refused(values, name, allowed) from None
        return first, second

    def _refused(self, values: Any, name: str, allowed: str) -> ParameterError:
        return ParameterError(must_be(f"{name} of {self.helper}", allowed, repr(values)))


class NoisyDelay(HelperRule):
    """``dist / velocity + min_delay + fluc_stdev N(0, 1)``, clipped to `delay_bound`, ms."""

    names = ("delay",)

    def __init__(
        self, helper: str, dist: Any, min_delay: Any, velocity: Any, fluc_stdev: Any, bound: Any
    ) -> None:
        self.helper = helper
        allowed = "(low, high) with low <= high (ms)"
        self._low, self._high = self._pair(bound, "delay_bound", allowed, math.inf)
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
    """A delay and a section; a shared generator gives their numbers in turn, a seed by block."""

    names = ("delay", "sec_id", "sec_x")

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


def checked_once(kind: Callable[..., HelperRule], *parameters: Any) -> HelperRule:
    """Return the rule with these parameters, which are checked once and not for each synapse."""
    try:
        return _cached(kind, *parameters)
    except TypeError:  # a list, which may be another one the next time
        return kind(*parameters)
