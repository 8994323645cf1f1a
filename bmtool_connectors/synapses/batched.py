"""All values of an edge type at once, for those rules that need not be asked one by one.

A rule with a method ``of_synapses(rows)`` tells them itself, some synapses at a time, or None
where it has to be called. The ``syn_*`` helpers are plain functions, whose batches are here: with
a shared generator a batch takes the numbers that the calls would have taken, in their order; with
a private seed each kind of number is drawn in one go.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors import randomness
from bmtool_connectors.distances import spherical_dist
from bmtool_connectors.randomness import Seed, SharedGenerator
from bmtool_connectors.synapses import common, delay, placement
from bmtool_connectors.synapses.synapse_block import PairDistance, Rows, blocks

__all__ = ["batched"]

Column = npt.NDArray[Any]
Columns = tuple[Column, ...]

#: Synapses whose values are drawn at a time.
_PART = 1 << 16


def batched(rule: Any, rows: Rows) -> Iterator[Columns] | None:
    """Return what calling a property rule once per synapse would give.

    Parameters
    ----------
    rule : object
        As given to ``add_properties``, its parameters bound with ``functools.partial``.
    rows : Rows

    Returns
    -------
    iterator of tuple of ndarray, or None
        A column per value, for some synapses after the other; None for a rule that has to be
        called.
    """
    keywords: dict[str, Any] = {}
    if isinstance(rule, functools.partial):
        if rule.args:
            return None
        rule, keywords = rule.func, rule.keywords
    if hasattr(rule, "of_synapses"):
        return None if keywords else rule.of_synapses(rows)
    try:
        batch = _BATCHES.get(rule)
        given = {} if batch is None else _bound(rule, keywords)
    except TypeError:  # not hashable, or arguments that the call will refuse
        return None
    return None if batch is None else batch(rows, given, rule.__name__)


def _in_parts(rows: Rows, values: Callable[[slice, int], Columns]) -> Iterator[Columns]:
    """Yield what a function gives for some synapses after the other: memory counts."""
    for start in range(0, rows.n_syns, _PART):
        stop = min(start + _PART, rows.n_syns)
        yield values(slice(start, stop), stop - start)


def _bound(helper: Callable[..., Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Return all arguments of a helper by name, unknown ones under ``kwargs``."""
    bound = inspect.signature(helper).bind(None, None, **keywords)
    bound.apply_defaults()
    return bound.arguments


def _generator(given: Mapping[str, Any], helper: str) -> tuple[SharedGenerator, bool]:
    """Return the generator to draw from, and whether others draw from it as well."""
    origin = common.origin(given["rng"], helper)
    return randomness.helper_stream(origin), not isinstance(origin, Seed)


# ---------------------------------------------------------------------- delays
@dataclass(frozen=True)
class _Delays:
    """Delays but for their noise: ``mean + stdev N(0, 1)``, clipped to [low, high], ms."""

    mean: Column | float
    stdev: float
    low: float
    high: float

    def with_noise(self, noise: Column, part: slice) -> Column:
        """Return the delays of some synapses, made of numbers N(0, 1) in place."""
        noise *= self.stdev
        noise += self.mean[part] if isinstance(self.mean, np.ndarray) else self.mean
        return np.clip(noise, self.low, self.high, out=noise)


def _delays(rows: Rows, given: Mapping[str, Any], helper: str) -> _Delays | None:
    """Return the delays of a helper, checked; None where it has to be asked."""
    dist = given["dist"] if "dist" in given else _distances(rows, given["connector"])
    if dist is None:
        return None
    if given["kwargs"]:
        common.check_keywords(helper, given["kwargs"])
    suspect = dist
    if isinstance(dist, np.ndarray):
        suspect = dist[np.argmin(np.abs(dist) <= common.MOST)] if len(dist) else 0.0
    names = ("min_delay", "velocity", "fluc_stdev", "delay_bound")
    checked = delay.checked(helper, suspect, *(given[name] for name in names))
    number, min_delay, velocity, stdev, low, high = checked
    mean: Column | float = number / velocity + min_delay
    if isinstance(dist, np.ndarray):
        mean = rows.per_synapse(dist / velocity + min_delay)
    return _Delays(mean, stdev, low, high)


def _distances(rows: Rows, connector: Any) -> Column | None:
    """Return the distance of each pair, um; None where the helper has to be asked."""
    distance = PairDistance(spherical_dist, connector)
    if not distance.known(rows):
        return None
    found = np.empty(len(rows.edges))
    for block in blocks(rows):
        found[block.part] = distance.of_pairs(rows, block.part)
    return found


def _delay(rows: Rows, given: Mapping[str, Any], helper: str) -> Iterator[Columns] | None:
    delays = _delays(rows, given, helper)
    if delays is None:
        return None
    rng, _ = _generator(given, helper)
    return _in_parts(rows, lambda part, n: (delays.with_noise(rng.normal(size=n), part),))


def _uniform_delay(rows: Rows, given: Mapping[str, Any], helper: str) -> Iterator[Columns]:
    given["kwargs"].pop("connector", None)
    common.check_keywords(helper, given["kwargs"])
    low, high = delay.checked_range(helper, given["low"], given["high"])
    rng, _ = _generator(given, helper)
    return _in_parts(rows, lambda part, n: (rng.uniform(low, high, size=n),))


# ---------------------------------------------------------------------- places
def _section(rows: Rows, given: Mapping[str, Any], helper: str) -> Iterator[Columns]:
    given["kwargs"].pop("connector", None)
    common.check_keywords(helper, given["kwargs"])
    _places(given, np.empty(0), helper)  # what is wrong is said before anything is drawn
    rng, _ = _generator(given, helper)
    return _in_parts(rows, lambda part, n: _places(given, rng.random(size=n), helper))


def _places(given: Mapping[str, Any], numbers: Column, helper: str) -> Columns:
    """Return section id and position, the first ones where the number is below p."""
    names = ("p", "sec_id", "sec_x")
    p, sec_id, sec_x = placement.checked(helper, *(given[name] for name in names))
    first = numbers < p
    return np.where(first, *sec_id), np.where(first, *sec_x)


def _delay_and_section(
    delay_helper: Callable[..., Any], rows: Rows, given: Mapping[str, Any], helper: str
) -> Iterator[Columns] | None:
    arguments = _bound(delay_helper, {"rng": given["rng"], **given["kwargs"]})
    delays = _delays(rows, arguments, helper)
    if delays is None:
        return None
    _places(given, np.empty(0), helper)  # what is wrong is said before anything is drawn
    rng, shared = _generator(given, helper)
    if shared:
        noise, numbers = _alternating(rng, rows.n_syns)
    else:
        noise, numbers = rng.normal(size=rows.n_syns), rng.random(size=rows.n_syns)
    return iter([(delays.with_noise(noise, slice(None)), *_places(given, numbers, helper))])


def _alternating(rng: SharedGenerator, n: int) -> tuple[Column, Column]:
    """Return n normal and n uniform numbers, drawn in turn."""
    noise, numbers = np.empty(n), np.empty(n)
    normal, random = rng.normal, rng.random
    for k in range(n):
        noise[k] = normal()
        numbers[k] = random()
    return noise, numbers


_BATCHES: dict[Callable[..., Any], Callable[..., Iterator[Columns] | None]] = {
    delay.syn_const_delay: _delay,
    delay.syn_dist_delay_feng: _delay,
    delay.syn_uniform_delay_section: _uniform_delay,
    placement.syn_section_PN: _section,
    placement.syn_const_delay_feng_section_PN: functools.partial(
        _delay_and_section, delay.syn_const_delay
    ),
    placement.syn_dist_delay_feng_section_PN: functools.partial(
        _delay_and_section, delay.syn_dist_delay_feng
    ),
}
