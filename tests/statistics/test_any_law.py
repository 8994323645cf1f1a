"""Random laws of every kind: each pair is connected with its exact probability.

A case takes everything from its seed: the layout (ties, clusters, cells far away), the pools, the
laws, the connectors and the sampler. Its edges are drawn for many private seeds, the reference
that a law depends on included, and the numbers of draws in which a pair is not connected,
connected in one direction, or in both, are compared with probabilities that plain Python gives,
pair by pair. What ``expected`` and ``explain`` say after a draw is compared with the same numbers.

False alarms. A right package fails at least one of all cases with a probability of at most JOINT:
each case gets an equal share, and each of its comparisons an equal share of that. The numbers of
a pair are binomial; sums over pairs are Poisson-binomial, and the binomial with the same mean has
the heavier tails (Hoeffding 1956, Ann Math Stat 27:713), so all bounds are exact. Seeds are
fixed: a run that passes passes again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import reference
from bmtk.builder import NetworkBuilder
from conftest import QUIET, without_warnings
from scipy import stats

from bmtool_connectors import (
    CorrelatedGapJunction,
    FixedInDegreeConnector,
    FixedOutDegreeConnector,
    FixedTotalNumberConnector,
    GapJunction,
    GapJunctionConditionalReciprocalConnector,
    GaussianDropoff,
    NormalizedReciprocalRate,
    PairwisePoissonConnector,
    PeriodicDistance,
    ReciprocalConnector,
    UnidirectionConnector,
    UniformInRange,
    cylindrical_dist_z,
    spherical_dist,
    vectorized,
)
from bmtool_connectors.sampling import blocks, tiles

pytestmark = pytest.mark.slow

#: Probability of any false alarm in this file.
JOINT = 1e-3
DRAWS = 400
LOOKS = 8  #: draws after which laws and expected numbers are asked for
#: How many cases of each kind.
CASES = {
    "one way": 30,
    "both ways": 100,
    "gap junctions": 20,
    "by chemical": 30,
    "by electrical": 40,
    "degrees": 40,
}
PERIOD = 60.0

Array = npt.NDArray[np.float64]
NONE, FORWARD, BACKWARD, BOTH = range(4)


# ---------------------------------------------------------------------- laws, and the same in plain
@dataclass(frozen=True)
class Function:
    """A parameter as a connector takes it, and as plain Python."""

    given: Any
    plain: Any

    @classmethod
    def number(cls, value: float | None) -> Function:
        return cls(value, value)


def periodic(axes: str) -> Function:
    """Return a distance in a box that goes on at its other side."""

    def plain(a: Any, b: Any) -> float:
        total = 0.0
        for axis in ("xyz".index(letter) for letter in axes):
            # The remainder is exact, whatever the number of periods.
            x, y = (math.fmod(reference.position(node)[axis], PERIOD) for node in (a, b))
            step = abs(x - y) % PERIOD
            total += min(step, PERIOD - step) ** 2
        return math.sqrt(total)

    return Function(PeriodicDistance(PERIOD, axes), plain)


def lag(a: Any, b: Any) -> float:
    """Return a number that depends on the direction."""
    return 40.0 * abs(2 * a["weight"] - b["weight"])


DISTANCES = (
    Function(spherical_dist, reference.spherical),
    Function(cylindrical_dist_z, reference.cylindrical),
    periodic("xyz"),
    periodic("xy"),
)


def steps(near: float, far: float, edge: float, reach: float) -> Function:
    """Return a law of two steps with a bound."""

    def plain(dist: float) -> float:
        return near if dist < edge else far if dist <= reach else 0.0

    def bound(low: Any, high: Any) -> Any:
        low, high = np.broadcast_arrays(low, high)
        near_by = np.where(low < edge, near, 0.0)
        return np.maximum(near_by, np.where((high >= edge) & (low <= reach), far, 0.0))

    @vectorized(bound=bound)
    def given(dist: Any) -> Any:
        return np.where(dist < edge, near, np.where(dist <= reach, far, 0.0))

    return Function(given, plain)


@dataclass
class Choice:
    """What a case takes from its seed."""

    rng: np.random.Generator
    sampler: str

    def of(self, *options: Any) -> Any:
        return options[self.rng.integers(len(options))]

    def p(self) -> float:
        """Return a probability, often one at an end."""
        some, few = self.rng.uniform(0.02, 0.98, 5), self.rng.uniform(0.01, 0.1, 2)
        return float(self.of(0.0, 1.0, *np.round([*some, *few], 3)))

    def profile(self) -> Function:
        """Return a probability as a function of distance; cut-offs meet ties."""
        reach, edge = float(self.of(20, 30, 50, 90)), float(self.of(1, 10, 20))
        p = max(self.p(), 0.02)
        kind = self.of("gaussian", "uniform", "steps", "steps", "python")
        if kind == "gaussian":
            mean, stdev = float(self.of(0, 20)), float(self.of(15, 40))
            reach = self.of(reach, math.inf)
            given = GaussianDropoff(mean, stdev, 0.0, reach, pmax=p)
            return Function(given, reference.gaussian(mean, stdev, p, 0.0, reach))
        if kind == "uniform":
            low = float(self.of(0, 10))
            return Function(UniformInRange(p, low, reach), reference.uniform(p, low, reach))
        law = steps(p, self.p(), edge, reach)
        return Function(law.plain, law.plain) if self.calls(kind) else law

    def calls(self, kind: str) -> bool:
        """Whether a function of plain Python serves."""
        return kind == "python" and self.sampler == "pairwise"

    def law(self) -> tuple[Function, Function]:
        """Return p and p_arg."""
        if self.rng.random() < 0.25:
            return Function.number(self.p()), Function.number(None)
        if self.sampler == "pairwise" and self.rng.random() < 0.2:
            return self.profile(), Function(lag, lag)
        return self.profile(), self.of(*DISTANCES)

    def joint(self, names: tuple[str, ...] = ("pr", "pr_arg")) -> dict[str, Function]:
        """Return pr and its argument."""
        kind = self.of("number", "rate", "function", "none")
        arg = self.of(*DISTANCES, Function("0", "0"), Function("1", "1"))
        if kind == "none":
            return {names[0]: Function.number(None)}
        if kind == "number":
            return {names[0]: Function.number(float(self.rng.uniform(0, 0.6)))}
        if kind == "rate":
            rate = float(self.of(0.0, 0.5, 2.0, 8.0))
            plain = reference.reciprocal_rate(lambda dist: rate)
            return {names[0]: Function(NormalizedReciprocalRate(rate), plain), names[1]: arg}
        share = float(self.rng.uniform(0, 1.2))

        def pr(dist: Any, p0: Any, p1: Any) -> Any:
            return share * min(p0, p1) * (0.5 if (dist or 0.0) > 25 else 1.0)

        return {names[0]: Function(pr, pr), names[1]: arg}


# ---------------------------------------------------------------------- networks
def layout(choice: Choice, n: int) -> Array:
    """Return positions: spread, in clusters, on a lattice with ties, some of them far away."""
    rng = choice.rng
    kind = choice.of("spread", "clusters", "lattice", "line", "one place")
    points = rng.uniform(0, 60, (n, 3))
    if kind == "clusters":
        points = rng.uniform(0, 150, (2, 3))[rng.integers(0, 2, n)] + rng.uniform(0, 12, (n, 3))
    elif kind == "lattice":
        points = 10.0 * rng.integers(-2, 4, (n, 3))
    elif kind == "line":
        points = np.column_stack([10.0 * np.arange(n), np.zeros((n, 2))])
    elif kind == "one place":
        points = np.tile(rng.integers(0, 50, 3).astype(float), (n, 1))
    far = choice.of(0.0, 0.0, 1e9, -1e6, 3.0)
    points[rng.integers(n)] += far * PERIOD * np.array([1.0, 0.0, 0.0])
    return np.round(points, 3)


def network(choice: Choice) -> tuple[Any, Any, Any]:
    """Return a population, a second one (often the first, or with nodes of it), and all nodes."""
    net = NetworkBuilder("net")
    sizes = choice.rng.integers(2, 7, 2)
    points = layout(choice, int(sizes.sum()))
    weights = choice.rng.random(len(points)).round(3)
    for name, part in (("A", slice(0, sizes[0])), ("B", slice(sizes[0], None))):
        net.add_nodes(
            N=len(points[part]),
            pop_name=name,
            positions=list(points[part]),
            weight=weights[part].tolist(),
        )
    first = net.nodes(pop_name="A")
    shared = net.nodes(node_id=list(range(int(sizes[0]) - 1, len(points))))
    return first, choice.of(first, first, first, net.nodes(pop_name="B"), shared), net.nodes()


# ---------------------------------------------------------------------- a case
@dataclass
class Case:
    """Connectors for any seed, and what they give.

    Attributes
    ----------
    make : callable
        Returns connectors for a seed, set up; the last one is in question.
    pairs : list of (int, int)
        Positions; of one population, each unordered pair once, as far as the connector does.
    laws : ndarray of float, shape (n_pairs, n_states, 4)
        Probabilities of the outcomes, by state in the reference.
    states : ndarray of float, shape (n_pairs, n_states)
        Probabilities of the states.
    state_of : callable
        Returns the states of all pairs from the connectors.
    unordered : bool
        The backward connection of a pair is among the forward edges.
    is_self : ndarray of bool, shape (n_pairs,)
    independent : bool
        Pairs are drawn independently of each other.
    clipped : ndarray of bool, shape (n_pairs, n_states), optional
        Where the joint probability was not feasible; of connectors with two directions.
    """

    make: Callable[[int], list[Any]]
    pairs: list[tuple[int, int]]
    laws: Array
    states: Array
    state_of: Callable[[list[Any]], Any]
    unordered: bool
    is_self: npt.NDArray[np.bool_]
    independent: bool = True
    clipped: npt.NDArray[np.bool_] | None = None

    @property
    def exact(self) -> Array:
        """Probabilities of state and outcome together, shape (n_pairs, n_states * 4)."""
        return (self.states[:, :, None] * self.laws).reshape(len(self.pairs), -1)


def no_states(pairs: list[Any]) -> tuple[Array, Callable[[list[Any]], Any]]:
    """Return what stands for a reference where there is none."""
    return np.ones((len(pairs), 1)), lambda made: np.zeros(len(pairs), dtype=int)


def outcomes(p0: float, p1: float, pr: float) -> list[float]:
    """Return the probabilities of no connection, forward, backward, both."""
    return [1 - p0 - p1 + pr, p0 - pr, p1 - pr, pr]


def given(**parameters: Any) -> dict[str, Any]:
    """Return what the connector gets."""
    return {
        name: value.given if isinstance(value, Function) else value
        for name, value in parameters.items()
    }


def pairs_of(first: Any, second: Any, autapses: bool, ordered: bool) -> list[tuple[int, int]]:
    """Return positions of all pairs."""
    a, b = list(first), list(second)
    found = []
    for i, one in enumerate(a):
        for j, other in enumerate(b):
            same = one.node_id == other.node_id
            if (not same or autapses) and (ordered or first is not second or i <= j):
                found.append((i, j))
    return found


def selves(pairs: list[tuple[int, int]], first: Any, second: Any) -> npt.NDArray[np.bool_]:
    """Return which pairs are a node and itself."""
    ids = [[node.node_id for node in pool] for pool in (first, second)]
    return np.array([ids[0][i] == ids[1][j] for i, j in pairs], dtype=bool)


class TwoWays:
    """Both directions of pairs, in plain Python: p0, p1 and pr of each."""

    def __init__(self, first: Any, second: Any, parameters: dict[str, Any], autapses: bool) -> None:
        self.first, self.second, self.autapses = first, second, autapses
        self.recurrent = first is second
        self.parameters = {
            name: value.plain if isinstance(value, Function) else value
            for name, value in parameters.items()
        }
        self.pairs = pairs_of(first, second, autapses, ordered=False)
        self.is_self = selves(self.pairs, first, second)
        a, b = list(first), list(second)
        self.nodes = [(a[i], b[j]) for i, j in self.pairs]
        self.marginals = [self._marginals(*pair) for pair in self.nodes]

    def _marginals(self, a: Any, b: Any) -> tuple[Any, Any, float, float]:
        get = self.parameters.get
        arg0 = reference.value_of(get("p0_arg"), a, b)
        p0 = reference.value_of(get("p0"), arg0)
        if self.recurrent:
            return arg0, arg0, p0, p0
        arg1 = reference.value_of(get("p1_arg"), b, a)
        return arg0, arg1, p0, reference.value_of(get("p1"), arg1)

    def rho(self) -> float | None:
        """Return the one correlation of all pairs, if there is one."""
        get = self.parameters.get
        rho, pr = get("rho"), get("pr")
        if rho is not None or not get("estimate_rho") or pr is None or callable(pr):
            return rho
        ranges = get("dist_range_forward"), get("dist_range_backward")
        valid = []
        for is_self, (arg0, arg1, p0, p1) in zip(self.is_self, self.marginals, strict=True):
            inside = [
                limits is None or limits[0] <= arg <= limits[1]
                for limits, arg in zip(ranges, (arg0, arg1), strict=True)
            ]
            counts = p0 > 0 and p1 > 0 if ranges == (None, None) else all(inside)
            if counts and not is_self:
                valid.append((p0, p1))
        return reference.solve_rho(valid, pr).rho

    def laws(self) -> tuple[Array, npt.NDArray[np.bool_]]:
        """Return probabilities of the outcomes, shape (n_pairs, 4), and where pr was clipped."""
        rho, found, clipped = self.rho(), [], []
        for k, (arg0, arg1, p0, p1) in enumerate(self.marginals):
            wanted = self._wanted(k, rho, arg0, arg1, p0, p1)
            pr = reference.clip(wanted, p0, p1)
            if self.is_self[k]:
                found.append(outcomes(p0, 0.0, 0.0))
            else:
                found.append(outcomes(p0, p1, pr))
            moved = p0 > 0 and p1 > 0 and abs(pr - wanted) > reference.ROUNDING
            clipped.append(moved and not self.is_self[k])
        return np.array(found), np.array(clipped, dtype=bool)

    def _wanted(
        self, k: int, rho: float | None, arg0: Any, arg1: Any, p0: float, p1: float
    ) -> float:
        if rho is not None:
            return p0 * p1 + rho * reference.spread(p0, p1)
        pr, arg = self.parameters["pr"], self.parameters.get("pr_arg")
        if pr is None:
            return p0 * p1
        if isinstance(arg, str):
            value = arg1 if "1" in arg else arg0
        else:
            value = reference.value_of(arg, *self.nodes[k])
        return float(reference.value_of(pr, value, p0, p1))


def one_way(choice: Choice) -> Case:
    """Return a case of UnidirectionConnector."""
    first, second, _ = network(choice)
    p, arg = choice.law()
    autapses, fraction = bool(choice.of(True, False)), choice.of(1.0, 1.0, 0.5, 0.7, 1e-9)
    options = given(p=p, p_arg=arg, allow_autapses=autapses, source_fraction=fraction)

    def make(seed: int) -> list[Any]:
        connector = UnidirectionConnector(**options, sampler=choice.sampler, rng=seed, **QUIET)
        connector.setup_nodes(first, second)
        return [connector]

    pairs = pairs_of(first, second, autapses, ordered=True)
    a, b = list(first), list(second)
    share = taking_part(len(a), fraction) / len(a)
    value = reference.value_of
    chances = [value(p.plain, value(arg.plain, a[i], b[j])) for i, j in pairs]
    laws = [outcomes(share * chance, 0, 0) for chance in chances]
    return Case(
        make,
        pairs,
        np.array(laws).reshape(-1, 1, 4),
        *no_states(pairs),
        unordered=False,
        is_self=selves(pairs, first, second),
        independent=share == 1,
    )


def taking_part(n: int, fraction: float) -> int:
    """Return how many of n sources take part."""
    return max(round(fraction * n), 1)


def two_way_parameters(choice: Choice, recurrent: bool) -> dict[str, Any]:
    """Return random parameters of a ReciprocalConnector."""
    p0, arg0 = choice.law()
    found: dict[str, Any] = {"p0": p0, "p0_arg": arg0}
    if not recurrent:
        p1, arg1 = choice.law()
        found |= {"p1": p1, "p1_arg": arg1}
    kind = choice.of("rho", "joint", *["estimated", "only self pairs differ"] * 2)
    if kind == "rho":
        return {**found, "rho": float(choice.rng.uniform(-1, 1)), "pr": None}
    if kind == "joint":
        return {**found, "estimate_rho": False, **choice.joint()}
    if kind == "only self pairs differ":  # at a bound of all the others
        near, far = choice.of(0.08, 0.92), round(choice.rng.uniform(0.3, 0.7), 3)
        found = {"p0": steps(near, far, 1e-3, 1e12), "p0_arg": choice.of(*DISTANCES)}
        if not recurrent:
            found |= {"p1": found["p0"], "p1_arg": found["p0_arg"]}
        low, _ = reference.bounds(far, far)
        pr = low + choice.of(1e-3, 0.01)
        return {**found, "estimate_rho": True, "pr": pr, "autapses": True}
    if choice.rng.random() < 0.5:  # pairs that differ, of which some are infeasible
        stdev, pmax = choice.rng.uniform(15, 40), round(choice.rng.uniform(0.05, 0.6), 3)
        given, plain = GaussianDropoff(0, stdev, pmax=pmax), reference.gaussian(0, stdev, pmax)
        found |= {"p0": Function(given, plain), "p0_arg": choice.of(*DISTANCES)}
    pr = float(choice.of(0.0, 1e-3, 0.01, *choice.rng.uniform(0, 0.2, 3)))
    found |= {"estimate_rho": True, "pr": pr}
    if found["p0_arg"].given is not None and choice.rng.random() < 0.3:
        found["dist_range_forward"] = (float(choice.of(0, 10)), float(choice.of(20, 50)))
    return found


def both_ways(choice: Choice) -> Case:
    """Return a case of ReciprocalConnector."""
    first, second, _ = network(choice)
    parameters = two_way_parameters(choice, first is second)
    autapses = parameters.pop("autapses", bool(choice.of(True, False)))
    options = given(**parameters, autapses=autapses)

    def make(seed: int) -> list[Any]:
        connector = ReciprocalConnector(**options, sampler=choice.sampler, rng=seed, **QUIET)
        connector.setup_nodes(first, second)
        return [connector]

    plain = TwoWays(first, second, parameters, autapses)
    laws, clipped = plain.laws()
    if parameters.get("estimate_rho") and parameters["pr"] == 0:
        clipped &= "dist_range_forward" in parameters  # no pair shall be reciprocal: none is told
    return Case(
        make,
        plain.pairs,
        laws.reshape(-1, 1, 4),
        *no_states(plain.pairs),
        unordered=first is second,
        is_self=plain.is_self,
        clipped=clipped.reshape(-1, 1),
    )


def gap_laws(nodes: list[Any], pairs: list[Any], p: Function, arg: Function) -> list[list[float]]:
    """Return the outcomes of pairs of one population, connected without direction."""
    value = reference.value_of
    return [outcomes(value(p.plain, value(arg.plain, nodes[i], nodes[j])), 0, 0) for i, j in pairs]


def gap_junctions(choice: Choice) -> Case:
    """Return a case of GapJunction."""
    first, _, _ = network(choice)
    p, arg = choice.law()
    options = given(p=p, p_arg=arg)

    def make(seed: int) -> list[Any]:
        connector = GapJunction(**options, sampler=choice.sampler, rng=seed, **QUIET)
        connector.setup_nodes(first, first)
        return [connector]

    pairs = pairs_of(first, first, autapses=False, ordered=False)
    laws = np.array(gap_laws(list(first), pairs, p, arg)).reshape(-1, 1, 4)
    none = np.zeros(len(pairs), dtype=bool)
    return Case(make, pairs, laws, *no_states(pairs), unordered=False, is_self=none)


def by_chemical(choice: Choice) -> Case:
    """Return a case of CorrelatedGapJunction, on some nodes of its chemical connector's."""
    first, _, everyone = network(choice)
    whole = choice.of(first, everyone)
    parameters = two_way_parameters(choice, True)
    autapses = parameters.pop("autapses", bool(choice.of(True, False)))
    chemical = given(**parameters, autapses=autapses)
    own, inherited, names = choice.law()[1], parameters["p0_arg"], ("p_non", "p_uni", "p_rec")
    # Without an argument of its own it takes over what the chemical connector stored.
    arg = own if own.given is not None else inherited
    laws = [Function.number(choice.p()) if arg.given is None else choice.profile() for _ in names]
    options = given(**dict(zip(names, laws, strict=True)), p_arg=own)

    def make(seed: int) -> list[Any]:
        source = ReciprocalConnector(**chemical, rng=seed, **QUIET)
        source.setup_nodes(whole, whole)
        gap = CorrelatedGapJunction(
            **options, connector=source, sampler=choice.sampler, rng=seed, **QUIET
        )
        gap.setup_nodes(first, first)
        return [source, gap]

    pairs = pairs_of(first, first, autapses=False, ordered=False)
    place = places(first, whole)
    plain = TwoWays(whole, whole, parameters, autapses)
    drawn = dict(zip(plain.pairs, plain.laws()[0], strict=True))
    chances = [drawn[place[i], place[j]] for i, j in pairs]
    states = [[one[NONE], one[FORWARD] + one[BACKWARD], one[BOTH]] for one in chances]

    def state_of(made: list[Any]) -> Any:
        dense = made[0].connectivity.forward.to_dense()[np.ix_(place, place)] > 0
        return np.array([int(dense[i, j]) + int(dense[j, i]) for i, j in pairs])

    table = np.array([gap_laws(list(first), pairs, law, arg) for law in laws]).transpose(1, 0, 2)
    none = np.zeros(len(pairs), dtype=bool)
    return Case(make, pairs, table, np.array(states), state_of, unordered=False, is_self=none)


def places(some: Any, whole: Any) -> list[int]:
    """Return where the nodes of a pool stand in another."""
    ids = [node.node_id for node in whole]
    return [ids.index(node.node_id) for node in some]


def by_electrical(choice: Choice) -> Case:
    """Return a case of GapJunctionConditionalReciprocalConnector."""
    first, second, everyone = network(choice)
    recurrent = first is second
    whole = choice.of(first, everyone) if recurrent else everyone
    p, p_arg = choice.law()
    gap = given(p=p, p_arg=p_arg)
    parameters: dict[str, dict[str, Any]] = {}
    options: dict[str, Any] = {}
    arg = choice.of(*DISTANCES)
    for state in ("nonelec", "elec"):
        chosen: dict[str, Any] = choice.joint()
        for which in ("p0", "p1"):
            by_distance = choice.rng.random() < 0.6
            chosen[which] = choice.profile() if by_distance else Function.number(choice.p())
            chosen[f"{which}_arg"] = arg
        if recurrent:
            chosen["p1"] = chosen["p0"]
        parameters[state] = chosen
        for name, value in chosen.items():
            which, _, suffix = name.partition("_")
            options["_".join(filter(None, (which, state, suffix)))] = value

    conditional = given(**options)

    def make(seed: int) -> list[Any]:
        source = GapJunction(**gap, sampler=choice.sampler, rng=seed, **QUIET)
        source.setup_nodes(whole, whole)
        connector = GapJunctionConditionalReciprocalConnector(
            source, **conditional, sampler=choice.sampler, rng=seed, **QUIET
        )
        connector.setup_nodes(first, second)
        return [source, connector]

    plain = [TwoWays(first, second, parameters[state], False) for state in parameters]
    pairs, nodes = plain[0].pairs, list(whole)
    place = places(first, whole), places(second, whole)
    couples = [tuple(sorted((place[0][i], place[1][j]))) for i, j in pairs]
    coupled = [one[FORWARD] for one in gap_laws(nodes, couples, p, p_arg)]

    def state_of(made: list[Any]) -> Any:
        dense = made[0].connectivity.forward.to_dense()
        return np.array([int(dense[i, j] > 0) for i, j in couples])

    found = [each.laws() for each in plain]
    # Each unordered pair of shared nodes is drawn in both orders, with one gap junction.
    return Case(
        make,
        pairs,
        np.stack([laws for laws, _ in found], axis=1),
        np.array([[1 - one, one] for one in coupled]),
        state_of,
        unordered=recurrent,
        is_self=plain[0].is_self,
        independent=len(set(couples)) == len(couples),
        clipped=np.stack([clipped for _, clipped in found], axis=1),
    )


def degrees(choice: Choice) -> Case:
    """Return a case of a connector with given numbers."""
    first, second, _ = network(choice)
    autapses, fraction = bool(choice.of(True, False)), choice.of(1.0, 1.0, 0.6)
    pairs = pairs_of(first, second, autapses, ordered=True)
    is_self = selves(pairs, first, second)
    n, m, multapses = len(first), len(second), bool(choice.of(True, False))
    k = taking_part(n, fraction)
    kind = choice.of("in", "out", "total", "poisson")
    holes = np.zeros((n, m), dtype=bool)
    ids = [[node.node_id for node in pool] for pool in (first, second)]
    if not autapses:
        holes = np.equal.outer(*ids)
    options: dict[str, Any] = {"allow_autapses": autapses, "source_fraction": fraction}
    if kind != "poisson":
        options["allow_multapses"] = multapses

    def chosen(draws: float, available: float) -> float:
        return 1 - (1 - 1 / available) ** draws if multapses else draws / available

    if kind == "in":
        most = min(k - int(holes.any()), n)
        degree = int(choice.rng.integers(0, most + 1)) if most > 0 else 0
        cls: Any = FixedInDegreeConnector
        value: Any = degree

        def p(i: int, j: int) -> float:
            others = k / n
            if not degree:
                return 0.0
            if not holes[:, j].any():
                return others * chosen(degree, k)
            # With the hole of the target among the sources that take part, or without.
            with_hole = others * (k - 1) / (n - 1)
            found = with_hole * chosen(degree, k - 1) if with_hole else 0.0
            return found + (others - with_hole) * chosen(degree, k)

    elif kind == "out":
        most = m - int(holes.any())
        degree = int(choice.rng.integers(0, most + 1)) if most > 0 else 0
        cls, value = FixedOutDegreeConnector, degree

        def p(i: int, j: int) -> float:
            return k / n * chosen(degree, m - holes[i].sum()) if degree else 0.0

    elif kind == "total":
        if len({int(row.sum()) for row in holes}) > 1:
            fraction, k = 1.0, n  # else the number of pairs is a matter of chance as well
            options["source_fraction"] = 1.0
        available = k * (m - int(holes[0].sum())) if fraction != 1 else int((~holes).sum())
        cls, value = FixedTotalNumberConnector, int(choice.rng.integers(0, available + 1))

        def p(i: int, j: int) -> float:
            return k / n * chosen(value, available) if value else 0.0

    else:
        cls, value = PairwisePoissonConnector, float(choice.of(0.0, 0.1, 0.9, 4.0))

        def p(i: int, j: int) -> float:
            return k / n * -math.expm1(-value)

    def make(seed: int) -> list[Any]:
        connector = cls(value, **options, rng=seed, **QUIET)
        connector.setup_nodes(first, second)
        return [connector]

    laws = np.array([outcomes(p(i, j), 0, 0) for i, j in pairs]).reshape(-1, 1, 4)
    return Case(
        make,
        pairs,
        laws,
        *no_states(pairs),
        unordered=False,
        is_self=is_self,
        independent=kind == "poisson" and fraction == 1,
    )


MAKERS = (one_way, both_ways, gap_junctions, by_chemical, by_electrical, degrees)


# ---------------------------------------------------------------------- draws and comparisons
def observed(case: Case, made: list[Any]) -> npt.NDArray[np.int64]:
    """Return state and outcome of each pair; every edge belongs to one."""
    drawn = made[-1].connectivity
    forward = drawn.forward.to_dense() > 0
    if case.unordered:
        backward = forward.T.copy()
    elif drawn.backward is not None:
        backward = drawn.backward.to_dense().T > 0
    else:
        backward = np.zeros_like(forward)
    i, j = np.array(case.pairs, dtype=int).reshape(-1, 2).T
    has = forward[i, j], backward[i, j] & ~(case.is_self if case.unordered else False)
    forward[i, j] = False
    if case.unordered:
        forward[j, i] = False
    else:
        backward[i, j] = False
    assert not forward.any(), "an edge of no pair"
    assert case.unordered or not backward.any(), "a backward edge of no pair"
    found: npt.NDArray[np.int64] = 4 * case.state_of(made) + has[0] + 2 * has[1]
    return found


def counts(case: Case) -> npt.NDArray[np.int64]:
    """Return in how many draws each pair had each state and outcome."""
    found = np.zeros(case.exact.shape, dtype=np.int64)
    each = np.arange(len(case.pairs))
    for seed in range(DRAWS):
        found[each, observed(case, case.make(seed))] += 1
    return found


def tail(count: Any, n: Any, p: Any) -> Any:
    """Return the probability, of both tails, of a binomial number as far off as `count`."""
    p = np.clip(p, 0.0, 1.0)
    law = stats.binom(n, p)
    return np.minimum(2 * np.minimum(law.cdf(count), law.sf(np.asarray(count) - 1)), 1.0)


def least_tail(case: Case, found: npt.NDArray[np.int64]) -> float:
    """Return the least tail of all comparisons, times their number."""
    exact = np.where(np.abs(case.exact) < 1e-12, 0.0, case.exact)
    exact = np.where(np.abs(exact - 1) < 1e-12, 1.0, exact)
    tails = [tail(found, DRAWS, exact).ravel()]
    if case.independent:  # sums over pairs tell smaller faults
        for group in (case.is_self, ~case.is_self):
            if group.any():
                n = DRAWS * int(group.sum())
                tails.append(tail(found[group].sum(0), n, exact[group].mean(0)))
    every = [float(each.min()) * len(each) for each in tails if len(each)]
    return len(every) * min(every, default=1.0)


def check_what_is_told(case: Case, made: list[Any]) -> None:
    """Compare ``expected`` and ``explain``, after a draw, with the laws."""
    connector, state = made[-1], case.state_of(made)
    law = case.laws[np.arange(len(case.pairs)), state]
    p0, p1, pr = law[:, FORWARD] + law[:, BOTH], law[:, BACKWARD] + law[:, BOTH], law[:, BOTH]
    told = connector.expected()
    recurrent = connector.use.recurrent and case.clipped is not None
    forward, backward = (p0.sum() + p1.sum(), 0.0) if recurrent else (p0.sum(), p1.sum())
    assert (told.forward, told.backward) == pytest.approx((forward, backward), rel=1e-6, abs=1e-9)
    if case.clipped is None:
        return
    assert told.reciprocal == pytest.approx(pr.sum(), rel=1e-6, abs=1e-9)
    clipped = case.clipped[np.arange(len(case.pairs)), state]
    possible = ((p0 > 0) & (p1 > 0)).sum()
    assert told.infeasible == pytest.approx(clipped.sum() / max(possible, 1))
    ids = connector.use.source.ids, connector.use.target.ids
    for k, (i, j) in enumerate(case.pairs):
        if not case.is_self[k]:
            pair = connector.explain(int(ids[0][i]), int(ids[1][j]))
            assert (pair.p0, pair.p1) == pytest.approx((p0[k], p1[k]), abs=1e-12)
            assert pair.pr == pytest.approx(pr[k], abs=1e-9)
            low, high = reference.bounds(p0[k], p1[k])
            assert low - 1e-12 <= pair.pr <= high + 1e-12


def make_case(kind: str, number: int) -> tuple[Case, Choice]:
    """Return a case by its seed."""
    which = list(CASES).index(kind)
    rng = np.random.default_rng((which, number))
    choice = Choice(rng, "sparse" if number % 2 else "pairwise")
    return MAKERS[which](choice), choice


@pytest.mark.parametrize(
    ("kind", "number"), [(kind, number) for kind, n in CASES.items() for number in range(n)]
)
def test_any_law(kind: str, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    case, choice = make_case(kind, number)
    # Few nodes are cut into many cells and blocks: the law does not depend on it.
    shrink, chosen = choice.of(1.0, 0.5, 0.2), tiles.choose_edge
    monkeypatch.setattr(blocks, "BLOCK_SIZE", choice.of(3, 10, 1 << 16))
    monkeypatch.setattr(tiles, "CHUNK", choice.of(3, 1 << 16))
    monkeypatch.setattr(tiles, "TILE", choice.of(5, 1 << 21))
    monkeypatch.setattr(tiles, "TILE_CELLS", choice.of(10, 1 << 17))
    monkeypatch.setattr(blocks, "TILE_PAIRS", choice.of(7, 1 << 20))
    monkeypatch.setattr(
        tiles, "choose_edge", lambda *args: smaller(chosen(*args), shrink), raising=True
    )
    with without_warnings():
        found = counts(case)
        for seed in range(LOOKS):
            made = case.make(seed)
            assert made[-1].connectivity is not None
            check_what_is_told(case, made)
    misfit = least_tail(case, found)
    assert misfit > JOINT / sum(CASES.values()), f"{made[-1]!r}: {found} for {case.exact * DRAWS}"


def smaller(choice: Any, factor: float) -> Any:
    """Return a choice of cells with shorter edges."""
    return replace(choice, edge=choice.edge * factor)
