"""The law and the random stream of the connectors, written out pair by pair.

An oracle for tests: slow, scalar and without any code of the package, so that
what it shares with the package is the contract alone. One loop over pairs in
row-major order, one ``rng.random()`` per decision:

* forward is decided if p0 > 0, then backward if p1 > 0, given the forward
  outcome: P(b | f) = pr / p0 and P(b | not f) = (p1 - pr) / (1 - p0);
* pr is moved to [max(0, p0 + p1 - 1), min(p0, p1)] before that (but not with
  ``infeasible='bmtool'``, where a pr of the pair is moved to [p0 + p1 - 1, min(p0, p1)] and one
  that comes from rho stays);
* then ``n_syn0`` and ``n_syn1`` are asked, if connected; 0 means no edge.

A population is a list of node objects; the same list twice is a recurrent
population. Parameters are numbers, None, or plain Python functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Edge = tuple[int, int, int, Any]  #: source position, target position, n_syn, value of p_arg

#: How far a joint probability may lie outside its bounds and still count as feasible.
ROUNDING = 1e-9


@dataclass
class Draw:
    """What a loop over pairs gave.

    Attributes
    ----------
    forward, backward : list of Edge
        Sorted; backward ones start in the second population. Of one population, all edges are
        in `forward`.
    possible : list of int
        Pairs with p0 > 0, with p1 > 0, and with both.
    clipped : int
        Pairs whose pr was not feasible.
    expected : tuple of float
        Mean numbers, over random numbers, of forward, backward and reciprocal connections, self
        connections left out.
    dropped : int
        Connections for which n_syn gave 0.
    rho : float or None
        The correlation of all pairs, if there was one.
    estimate : Estimate or None
        Where it comes from, if it was estimated.
    """

    forward: list[Edge] = field(default_factory=list)
    backward: list[Edge] = field(default_factory=list)
    possible: list[int] = field(default_factory=lambda: [0, 0, 0])
    clipped: int = 0
    expected: tuple[float, ...] = (0.0, 0.0, 0.0)
    dropped: int = 0
    rho: float | None = None
    estimate: Estimate | None = None


# ---------------------------------------------------------------------- plain laws
def position(node: Any) -> tuple[float, float, float]:
    """Return the coordinates of a node: 'positions', or x, y, z."""
    if "positions" in node:
        return tuple(float(c) for c in node["positions"])  # type: ignore[return-value]
    return float(node["x"]), float(node["y"]), float(node["z"])


def spherical(a: Any, b: Any) -> float:
    """Return the straight-line distance."""
    return math.sqrt(sum((p - q) ** 2 for p, q in zip(position(a), position(b), strict=True)))


def cylindrical(a: Any, b: Any) -> float:
    """Return the distance in the x-y plane."""
    (x0, y0, _), (x1, y1, _) = position(a), position(b)
    return math.sqrt((x0 - x1) ** 2 + (y0 - y1) ** 2)


def gaussian(
    mean: float, stdev: float, pmax: float, low: float = 0.0, high: float = math.inf
) -> Callable[..., float]:
    """Return a Gaussian of the distance within [low, high], cut at 1."""

    def p(dist: float, *ignored: Any) -> float:
        if not low <= dist <= high:
            return 0.0
        return min(1.0, pmax * math.exp(-(((dist - mean) / stdev) ** 2) / 2))

    return p


def uniform(p_inside: float, low: float = 0.0, high: float = math.inf) -> Callable[..., float]:
    """Return a constant within [low, high]."""

    def p(dist: float, *ignored: Any) -> float:
        return p_inside if low <= dist <= high else 0.0

    return p


def reciprocal_rate(rate: Callable[[Any], float]) -> Callable[..., float]:
    """Return pr = p0 p1 rate(arg)."""

    def pr(arg: Any, p0: float, p1: float) -> float:
        return p0 * p1 * float(rate(arg))

    return pr


# ---------------------------------------------------------------------- the law of a pair
def value_of(parameter: Any, *args: Any) -> Any:
    """Return a number as it is, and what a function answers."""
    return parameter(*args) if callable(parameter) else parameter


def bounds(p0: float, p1: float) -> tuple[float, float]:
    """Return the least and the greatest feasible joint probability."""
    return max(0.0, p0 + p1 - 1.0), min(p0, p1)


def spread(p0: float, p1: float) -> float:
    """Return the product of the standard deviations."""
    return math.sqrt(p0 * (1.0 - p0) * p1 * (1.0 - p1))


def clip(pr: float, p0: float, p1: float) -> float:
    """Return the feasible joint probability nearest to `pr`."""
    low, high = bounds(p0, p1)
    return min(max(pr, low), high)


@dataclass(frozen=True)
class Estimate:
    """One rho for all pairs.

    Attributes
    ----------
    rho : float
    missed : bool
        The wanted pr cannot be reached: `rho` gives the nearest one.
    determined : bool
        Rounding does not matter for `rho`: it may be compared to 1e-9.
    """

    rho: float
    missed: bool = False
    determined: bool = True


def solve_rho(laws: Sequence[tuple[float, float]], pr: float) -> Estimate:
    """Return the one rho for which the clipped pr add up to ``len(laws) * pr``.

    Parameters
    ----------
    laws : sequence of (p0, p1)
        Of the valid pairs.
    pr : float
    """

    def expected(rho: float) -> float:
        return sum(clip(a * b + rho * spread(a, b), a, b) for a, b in laws)

    total_spread = sum(spread(a, b) for a, b in laws)
    target = len(laws) * pr
    if total_spread == 0:  # all are certain: no rho changes anything
        return Estimate(0.0, abs(expected(0.0) - target) > len(laws) * ROUNDING)
    rho = (target - sum(a * b for a, b in laws)) / total_spread
    if all(
        abs(rho * spread(a, b) + a * b - clip(rho * spread(a, b) + a * b, a, b))
        <= 1e-12 * spread(a, b)
        for a, b in laws
    ):
        return Estimate(rho)
    # Every pair allows rho = 0, so the sum is strictly monotone where any pair is not clipped.
    ends = [(end - a * b) / spread(a, b) for a, b in laws if spread(a, b) for end in bounds(a, b)]
    low, high = min(ends), max(ends)
    least = 1e-10 * total_spread
    for end, beyond in ((low, expected(low) - target), (high, target - expected(high))):
        if beyond >= 0:
            return Estimate(end, beyond > len(laws) * ROUNDING, beyond > least)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if expected(middle) < target else (low, middle)
    rho, step = (low + high) / 2, 1e-7
    return Estimate(
        rho, False, expected(rho + step) - target > least < target - expected(rho - step)
    )


def sums_of_rho(laws: Sequence[tuple[float, float]], pr: float) -> Estimate:
    """Return the rho that would give pr on average if every pair had one: moved into [-1, 1]."""
    total_spread = sum(spread(a, b) for a, b in laws)
    independent = sum(a * b for a, b in laws)
    if total_spread == 0:
        return Estimate(0.0, abs(independent - len(laws) * pr) > len(laws) * ROUNDING)
    wanted = (len(laws) * pr - independent) / total_spread
    rho = min(max(wanted, -1.0), 1.0)
    joints = [(a * b + rho * spread(a, b), a, b) for a, b in laws]
    told_by_draw = any(abs(x - clip(x, a, b)) > 1e-12 * spread(a, b) for x, a, b in joints)
    return Estimate(rho, rho != wanted and not told_by_draw)


# ---------------------------------------------------------------------- the connectors
def unidirection(
    source: Sequence[Any],
    target: Sequence[Any],
    rng: Any,
    *,
    p: Any = 1.0,
    p_arg: Any = None,
    n_syn: Any = 1,
    allow_autapses: bool = True,
) -> Draw:
    """Draw each ordered pair (source, target) with probability p(p_arg(source, target))."""
    drawn = Draw()
    for i, a in enumerate(source):
        for j, b in enumerate(target):
            if a is b and not allow_autapses:
                continue
            arg = value_of(p_arg, a, b)
            probability = float(value_of(p, arg))
            drawn.possible[0] += probability > 0
            if probability > 0 and rng.random() < probability:
                count = int(value_of(n_syn, a, b))
                if count > 0:
                    drawn.forward.append((i, j, count, arg))
                else:
                    drawn.dropped += 1
    return drawn


def _pairs(source: Sequence[Any], target: Sequence[Any], autapses: bool) -> Iterator[Any]:
    for i, a in enumerate(source):
        for j, b in enumerate(target):
            if source is target and (j < i or (j == i and not autapses)):
                continue
            if a is b and not autapses:
                continue
            yield i, j, a, b


def reciprocal(
    source: Sequence[Any],
    target: Sequence[Any],
    rng: Any,
    *,
    p0: Any = 1.0,
    p1: Any = 1.0,
    symmetric_p1: bool = False,
    p0_arg: Any = None,
    p1_arg: Any = None,
    symmetric_p1_arg: bool = False,
    pr: Any = 0.0,
    pr_arg: Any = None,
    estimate_rho: bool = True,
    rho: float | None = None,
    dist_range_forward: tuple[float, float] | None = None,
    dist_range_backward: tuple[float, float] | None = None,
    n_syn0: Any = 1,
    n_syn1: Any = 1,
    autapses: bool = False,
    infeasible: str = "clip",
) -> Draw:
    """Draw both directions of each pair as a bivariate Bernoulli variable."""
    recurrent = source is target
    if recurrent:
        symmetric_p1 = symmetric_p1_arg = True
        n_syn1 = n_syn0

    def law(a: Any, b: Any) -> tuple[Any, Any, float, float]:
        arg0 = value_of(p0_arg, a, b)
        arg1 = arg0 if symmetric_p1_arg else value_of(p1_arg, b, a)
        first = float(value_of(p0, arg0))
        second = first if symmetric_p1 else float(value_of(p1, arg1))
        return arg0, arg1, first, second

    def is_valid(arg0: Any, arg1: Any, first: float, second: float) -> bool:
        if dist_range_forward is None and dist_range_backward is None:
            return first > 0 and second > 0
        ranges = ((arg0, dist_range_forward), (arg1, dist_range_backward))
        return all(r is None or r[0] <= arg <= r[1] for arg, r in ranges)

    drawn = Draw(rho=rho)
    if rho is None and pr is None:
        drawn.rho = 0.0
    elif rho is None and estimate_rho and not callable(pr):
        laws = [law(a, b) for _, _, a, b in _pairs(source, target, autapses) if a is not b]
        valid = [(each[2], each[3]) for each in laws if is_valid(*each)]
        drawn.estimate = (solve_rho if infeasible == "clip" else sums_of_rho)(valid, pr)
        drawn.rho = drawn.estimate.rho

    edges: tuple[list[Edge], list[Edge]] = ([], [])
    means = np.zeros(3)
    for i, j, a, b in _pairs(source, target, autapses):
        arg0, arg1, first, second = law(a, b)
        for k, possible in enumerate((first > 0, second > 0, first > 0 and second > 0)):
            drawn.possible[k] += possible

        forward = first > 0 and rng.random() < first
        backward = False
        if second > 0:
            if drawn.rho is not None:
                wanted = first * second + drawn.rho * spread(first, second)
            else:
                arg = pr_arg
                if isinstance(pr_arg, str):
                    arg = arg1 if "1" in pr_arg else arg0
                wanted = float(value_of(pr, value_of(arg, a, b), first, second))
            joint = clip(wanted, first, second)
            if first > 0 and a is not b:  # a node and itself has no joint probability
                drawn.clipped += abs(joint - wanted) > ROUNDING
            if infeasible == "bmtool" and first > 0:
                joint = wanted
                if drawn.rho is None:
                    joint = min(max(wanted, first + second - 1.0), min(first, second))
            given_forward = joint / first if first > 0 else 0.0
            given_none = (second - joint) / (1 - first) if first < 1 else 0.0
            backward = rng.random() < (given_forward if forward else given_none)
            if a is not b:
                both = first * min(max(given_forward, 0.0), 1.0)
                alone = (1 - first) * min(max(given_none, 0.0), 1.0)
                means += [first, both + alone, both]
        elif a is not b:
            means[0] += first

        count0 = int(value_of(n_syn0, a, b)) if forward else 0
        count1 = int(value_of(n_syn1, b, a)) if backward else 0
        if a is b:
            # A node and itself is one pair with one connection: the backward draw is not used.
            backward = False
        drawn.dropped += (forward and count0 == 0) + (backward and count1 == 0)
        if forward and count0 > 0:
            edges[0].append((i, j, count0, arg0))
        if backward and count1 > 0:
            edges[0 if recurrent else 1].append((j, i, count1, arg1))
    drawn.forward, drawn.backward = (sorted(each, key=lambda e: e[:2]) for each in edges)
    drawn.expected = tuple(means.tolist())
    return drawn


def gap_junction(nodes: Sequence[Any], rng: Any, p: Callable[[int, int], float]) -> Draw:
    """Draw each unordered pair i < j once, with probability p(i, j); the earlier node is source."""
    drawn = Draw()
    for i in range(len(nodes)):
        for j in range(i + 1, len(nodes)):
            probability = float(p(i, j))
            drawn.possible[0] += probability > 0
            if probability > 0 and rng.random() < probability:
                drawn.forward.append((i, j, 1, None))
    return drawn
