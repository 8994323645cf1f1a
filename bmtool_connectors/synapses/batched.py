"""All values of an edge type at once, for those helpers that need not be asked one by one.

With a shared generator a batch takes the numbers that the calls would have
taken, in their order; with a private seed each kind of number is drawn in one go.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from bmtool_connectors import randomness
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.patterns.listed import ColumnValues
from bmtool_connectors.randomness import Seed, SharedGenerator
from bmtool_connectors.synapses import common, delay, placement

__all__ = ["Rows", "batched"]

Column = npt.NDArray[Any]
Columns = tuple[Column, ...]

#: Synapses whose coordinates are looked at together.
_CHUNK = 1 << 16


class Rows(Protocol):
    """The synapses of an edge type."""

    n_syns: int
    edges: Any
    source: NodeArrays
    target: NodeArrays

    def per_synapse(self, values: Column) -> Column:
        """Return values of pairs as values of synapses."""

    def is_of(self, connector: Any) -> bool:
        """Whether the ``pair_arg`` of the edges is what this connector has stored for them."""


def batched(rule: Any, rows: Rows) -> Columns | None:
    """Return what calling a property rule once per synapse would give.

    Parameters
    ----------
    rule : object
        As given to ``add_properties``, its parameters bound with ``functools.partial``.
    rows : Rows

    Returns
    -------
    tuple of ndarray, shape (n_syns,), or None
        A column per value; None for a rule that has to be called.
    """
    keywords: dict[str, Any] = {}
    if isinstance(rule, functools.partial):
        if rule.args:
            return None
        rule, keywords = rule.func, rule.keywords
    if isinstance(rule, ColumnValues) and not keywords:
        values = rule.of_edges(rows.edges, rows.source, rows.target)
        return None if values is None else tuple(map(rows.per_synapse, values))
    try:
        batch = _BATCHES.get(rule)
        given = {} if batch is None else _bound(rule, keywords)
    except TypeError:  # not hashable, or arguments that the call will refuse
        return None
    return None if batch is None else batch(rows, given, rule.__name__)


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

    def with_noise(self, noise: Column) -> Column:
        noise *= self.stdev  # in place: memory counts
        noise += self.mean
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
        suspect = dist[np.argmin(np.abs(dist) <= delay.MOST)] if len(dist) else 0.0
    names = ("min_delay", "velocity", "fluc_stdev", "delay_bound")
    checked = delay.checked(helper, suspect, *(given[name] for name in names))
    number, min_delay, velocity, stdev, low, high = checked
    mean: Column | float = number / velocity + min_delay
    if isinstance(dist, np.ndarray):
        mean = rows.per_synapse(dist / velocity + min_delay)
    return _Delays(mean, stdev, low, high)


def _distances(rows: Rows, connector: Any) -> Column | None:
    """Return the distance of each pair, um: what was stored for it, else that of the nodes."""
    stored = None
    if connector is not None:
        if not rows.is_of(connector):
            return None
        stored = rows.edges.pair_arg
    if stored is not None:
        return None if stored.dtype == object else stored
    source, target = rows.source.positions, rows.target.positions
    if source is None or target is None:
        return None
    i, j = rows.edges.source, rows.edges.target
    squared = np.empty(len(i))
    for start in range(0, len(i), _CHUNK):
        part = slice(start, start + _CHUNK)
        steps = target[j[part]] - source[i[part]]
        # The product of euclid_dist, to the last bit: a sum of squares is rounded differently.
        squared[part] = np.matmul(steps[:, None, :], steps[:, :, None])[:, 0, 0]
    return np.sqrt(squared, out=squared)


def _delay(rows: Rows, given: Mapping[str, Any], helper: str) -> Columns | None:
    delays = _delays(rows, given, helper)
    if delays is None:
        return None
    rng, _ = _generator(given, helper)
    return (delays.with_noise(rng.normal(size=rows.n_syns)),)


def _uniform_delay(rows: Rows, given: Mapping[str, Any], helper: str) -> Columns:
    given["kwargs"].pop("connector", None)
    common.check_keywords(helper, given["kwargs"])
    low, high = delay.checked_range(helper, given["low"], given["high"])
    rng, _ = _generator(given, helper)
    return (rng.uniform(low, high, size=rows.n_syns),)


# ---------------------------------------------------------------------- places
def _section(rows: Rows, given: Mapping[str, Any], helper: str) -> Columns:
    given["kwargs"].pop("connector", None)
    common.check_keywords(helper, given["kwargs"])
    rng, _ = _generator(given, helper)
    return _places(given, rng.random(size=rows.n_syns), helper)


def _places(given: Mapping[str, Any], numbers: Column, helper: str) -> Columns:
    """Return section id and position, the first ones where the number is below p."""
    names = ("p", "sec_id", "sec_x")
    p, sec_id, sec_x = placement.checked(helper, *(given[name] for name in names))
    first = numbers < p
    return np.where(first, *sec_id), np.where(first, *sec_x)


def _delay_and_section(
    delay_helper: Callable[..., Any], rows: Rows, given: Mapping[str, Any], helper: str
) -> Columns | None:
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
    return (delays.with_noise(noise), *_places(given, numbers, helper))


def _alternating(rng: SharedGenerator, n: int) -> tuple[Column, Column]:
    """Return n normal and n uniform numbers, drawn in turn."""
    noise, numbers = np.empty(n), np.empty(n)
    normal, random = rng.normal, rng.random
    for k in range(n):
        noise[k] = normal()
        numbers[k] = random()
    return noise, numbers


_BATCHES: dict[Callable[..., Any], Callable[..., Columns | None]] = {
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
