"""The law of a pair: marginals p0 and p1 hold exactly, always, and pr where it is feasible.

False alarms. Every check bounds a number of connected pairs with an exact
binomial tail (for pairs that differ, the number is Poisson-binomial, and the
binomial with the same mean has the heavier tails, Hoeffding 1956, Ann Math
Stat 27:713, so the bound holds as well). The probability that a right package
fails at least one of all checks of this file is at most JOINT: each of at most
N_CHECKS checks gets an equal share, half for each tail. Seeds are fixed, so a
run that passes passes again; the rate is what a new seed, or a new order of
draws, risks. The two Kolmogorov-Smirnov tests at the end have JOINT each on top.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from conftest import QUIET, assert_canonical, make_network, pools
from pairwise import pairwise
from scipy import stats

from bmtool_connectors import (
    ConnectivityWarning,
    GaussianDropoff,
    NormalizedReciprocalRate,
    ReciprocalConnector,
    UnidirectionConnector,
    UniformInRange,
    cylindrical_dist_z,
    spherical_dist,
)
from bmtool_connectors.sampling import laws

#: Probability of any false alarm in this file.
JOINT = 1e-6
#: Upper bound on the number of checks (asserted at the end of the grid).
N_CHECKS = 600

N_ONE = 640  #: nodes of the recurrent population: 204,480 unordered pairs
N_TWO = (470, 430)  #: nodes of the two populations: 202,100 pairs

Array = npt.NDArray[np.float64]


# ---------------------------------------------------------------------- the grid
@dataclass(frozen=True)
class Point:
    """Parameters of one homogeneous law, pr or rho."""

    p0: float
    p1: float
    pr: float | None
    rho: float | None

    @property
    def wanted(self) -> float:
        """The joint probability that was asked for."""
        if self.pr is not None:
            return self.pr
        assert self.rho is not None
        deviation = math.sqrt(self.p0 * (1 - self.p0) * self.p1 * (1 - self.p1))
        return self.p0 * self.p1 + self.rho * deviation

    @property
    def joint(self) -> float:
        """The feasible one nearest to it."""
        return min(max(self.wanted, 0.0, self.p0 + self.p1 - 1), self.p0, self.p1)

    @property
    def is_feasible(self) -> bool:
        return abs(self.joint - self.wanted) < 1e-9


def _grid() -> list[Point]:
    marginals = list(itertools.product((0.02, 0.15, 0.4, 0.7, 0.95), (0.05, 0.3, 0.55, 0.85)))
    correlations: list[tuple[float | None, float | None]] = [
        *((pr, None) for pr in (0.0, 0.04, 0.3, 0.6, 1.0)),
        *((None, rho) for rho in (-0.9, -0.25, 0.1, 0.5, 1.0)),
    ]
    points = [Point(*p, *c) for p, c in itertools.product(marginals, correlations)]
    return [
        points[k] for k in pairwise([{"p0": p.p0, "p1": p.p1, "c": (p.pr, p.rho)} for p in points])
    ]


GRID = _grid()


def test_grid_is_what_it_should_be() -> None:
    infeasible = [point for point in GRID if not point.is_feasible]
    assert 50 <= len(GRID) <= 60
    assert len(GRID) / 2 <= len(infeasible) <= 0.8 * len(GRID)
    assert len({(p.p0, p.pr, p.rho) for p in GRID}) == 50, "each law of one population"
    assert {True, False} == {p.wanted > p.joint for p in infeasible}, "clipped at one end only"


# ---------------------------------------------------------------------- drawing and checking
@dataclass
class Counts:
    """Flags of the pairs of one draw: matrices, or vectors over unordered pairs."""

    forward: npt.NDArray[np.bool_]
    backward: npt.NDArray[np.bool_]


class Checker:
    """Compares numbers of pairs with their expectation, and counts how often."""

    def __init__(self) -> None:
        self.n_checks = 0
        self.z: list[float] = []

    def check(self, what: str, flags: npt.NDArray[np.bool_], p: Array | float) -> None:
        """Check a number of connected pairs.

        Parameters
        ----------
        what : str
            For the message.
        flags : ndarray of bool
            Outcomes.
        p : float or ndarray of float
            Their probabilities.
        """
        self.n_checks += 1
        p = np.broadcast_to(p, flags.shape)
        certain = (p == 0) | (p == 1)
        assert (flags[certain] == (p[certain] == 1)).all(), f"{what}: p = 0 or 1 does not hold"
        flags, p = flags[~certain], p[~certain]
        if not flags.size:
            return
        found, n, mean = int(flags.sum()), flags.size, float(p.mean())
        share = JOINT / N_CHECKS / 2
        self.z.append((found - n * mean) / math.sqrt(float((p * (1 - p)).sum())))
        tails = stats.binom.cdf(found, n, mean), stats.binom.sf(found - 1, n, mean)
        assert min(tails) > share, (
            f"{what}: {found} of {n} pairs, expected {n * mean:.1f} (z = {self.z[-1]:.1f})"
        )

    def check_law(self, counts: Counts, p0: Any, p1: Any, pr: Any) -> None:
        """Check both marginals and the joint probability."""
        self.check("forward", counts.forward, p0)
        self.check("backward", counts.backward, p1)
        self.check("both", counts.forward & counts.backward, pr)


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    used = Checker()
    yield used
    assert used.n_checks <= N_CHECKS


@pytest.fixture(scope="module")
def one() -> Any:
    return make_network(N_ONE, seed=11, size=200.0)


@pytest.fixture(scope="module")
def two() -> Any:
    return make_network(*N_TWO, seed=12, size=200.0)


def draw(net: Any, seed: int, **parameters: Any) -> tuple[Counts, Any]:
    """Draw with a ReciprocalConnector; warnings about clipping are ignored here."""
    connector = ReciprocalConnector(**parameters, rng=np.random.default_rng(seed), **QUIET)
    connector.setup_nodes(*pools(net))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConnectivityWarning)
        connector.initial_all_to_all()
    found = connector.connectivity
    assert_canonical(found.forward)
    forward = found.forward.to_dense() > 0
    if connector.recurrent:
        assert found.backward is None
        upper = np.triu_indices(len(forward), 1)
        return Counts(forward[upper], forward.T[upper]), connector
    assert_canonical(found.backward)
    return Counts(forward, found.backward.to_dense().T > 0), connector


# ---------------------------------------------------------------------- homogeneous
@pytest.mark.parametrize("number", range(len(GRID)))
def test_two_populations(number: int, two: Any, checker: Checker) -> None:
    point = GRID[number]
    counts, connector = draw(
        two, 1000 + number, p0=point.p0, p1=point.p1, pr=point.pr, rho=point.rho,
        estimate_rho=number % 3 == 0,
    )  # fmt: skip
    checker.check_law(counts, point.p0, point.p1, point.joint)
    if not point.is_feasible and point.rho is not None:
        assert connector.connectivity.clipped == N_TWO[0] * N_TWO[1]
    if point.is_feasible:
        assert connector.connectivity.clipped == 0


@pytest.mark.parametrize("number", range(len(GRID)))
def test_one_population(number: int, one: Any, checker: Checker) -> None:
    point = GRID[number]
    point = Point(point.p0, point.p0, point.pr, point.rho)
    counts, _ = draw(
        one, 2000 + number, p0=point.p0, pr=point.pr, rho=point.rho, estimate_rho=number % 3 == 0
    )
    checker.check_law(counts, point.p0, point.p0, point.joint)


# ---------------------------------------------------------------------- distance laws
def pair_values(net: Any) -> tuple[Array, Array]:
    """Return spherical and cylindrical distances, as a matrix or over unordered pairs."""
    source, target = (np.array([node["positions"] for node in pool]) for pool in pools(net))
    difference = source[:, None] - target[None]
    if len(source) == N_ONE:
        difference = difference[np.triu_indices(N_ONE, 1)]
    squares = difference**2
    return np.sqrt(squares.sum(axis=-1)), np.sqrt(squares[..., :2].sum(axis=-1))


def bell(dist: Array, stdev: float, pmax: float, reach: float) -> Array:
    p = np.minimum(1.0, pmax * np.exp(-(dist**2) / (2 * stdev**2)))
    return np.where(dist <= reach, p, 0.0)


def feasible(pr: Any, p0: Array, p1: Array) -> Array:
    return np.minimum(np.maximum(pr, np.maximum(0.0, p0 + p1 - 1)), np.minimum(p0, p1))


STDEVS = (25.0, 60.0, 150.0)
PEAKS = (0.1, 0.6, 1.0)


@pytest.mark.pairwise
@pytest.mark.parametrize("rho", [-1.0, -0.3, 0.2, 0.7, 1.0])
@pytest.mark.parametrize("pmax", PEAKS)
@pytest.mark.parametrize("stdev", STDEVS)
@pytest.mark.parametrize("recurrent", [True, False])
def test_distance_laws_with_rho(
    recurrent: bool, stdev: float, pmax: float, rho: float, one: Any, two: Any, checker: Checker
) -> None:
    net = one if recurrent else two
    spherical, cylindrical = pair_values(net)
    p0 = bell(spherical, stdev, pmax, 180.0)
    p1 = p0 if recurrent else np.where(cylindrical <= 120.0, 0.4, 0.0)
    seed = int(stdev * 100 + pmax * 10 + rho * 7 + recurrent)
    counts, _ = draw(
        net, seed, p0=GaussianDropoff(stdev=stdev, pmax=pmax, max_dist=180.0),
        p0_arg=spherical_dist, p1=UniformInRange(0.4, max_dist=120.0) if not recurrent else 1.0,
        p1_arg=cylindrical_dist_z if not recurrent else None, rho=rho,
    )  # fmt: skip
    joint = p0 * p1 + rho * np.sqrt(p0 * (1 - p0) * p1 * (1 - p1))
    checker.check_law(counts, p0, p1, feasible(joint, p0, p1))


@pytest.mark.pairwise
@pytest.mark.parametrize("rate", [0.0, 0.5, 1.0, 3.0, 30.0])
@pytest.mark.parametrize("pmax", PEAKS)
@pytest.mark.parametrize("recurrent", [True, False])
def test_distance_laws_with_a_rate(
    recurrent: bool, pmax: float, rate: float, one: Any, two: Any, checker: Checker
) -> None:
    net = one if recurrent else two
    spherical, _ = pair_values(net)
    p0 = bell(spherical, 70.0, pmax, 150.0)
    p1 = p0 if recurrent else bell(spherical, 120.0, 0.5, 170.0)
    counts, _ = draw(
        net, int(pmax * 100 + rate * 10 + recurrent),
        p0=GaussianDropoff(stdev=70.0, pmax=pmax, max_dist=150.0), p0_arg=spherical_dist,
        p1=GaussianDropoff(stdev=120.0, pmax=0.5, max_dist=170.0) if not recurrent else 1.0,
        symmetric_p1_arg=True, pr=NormalizedReciprocalRate(rate), pr_arg="0",
    )  # fmt: skip
    checker.check_law(counts, p0, p1, feasible(rate * p0 * p1, p0, p1))


@pytest.mark.pairwise
@pytest.mark.parametrize("pr", [0.0, 0.02, 0.05, 0.1, 0.2, 0.5])
@pytest.mark.parametrize("stdevs", [(20.0, 60.0), (60.0, 60.0), (150.0, 40.0)])
@pytest.mark.parametrize("recurrent", [True, False])
def test_estimated_rho(
    recurrent: bool, stdevs: tuple[float, float], pr: float, one: Any, two: Any, checker: Checker
) -> None:
    """The valid pairs are reciprocal with mean probability pr, or the nearest reachable one."""
    net = one if recurrent else two
    spherical, cylindrical = pair_values(net)
    p0 = bell(spherical, stdevs[0], 0.9, 140.0)
    p1 = p0 if recurrent else bell(cylindrical, stdevs[1], 0.5, 120.0)
    counts, _ = draw(
        net, int(stdevs[0] + 1000 * pr + recurrent),
        p0=GaussianDropoff(stdev=stdevs[0], pmax=0.9, max_dist=140.0), p0_arg=spherical_dist,
        p1=GaussianDropoff(stdev=stdevs[1], pmax=0.5, max_dist=120.0) if not recurrent else 1.0,
        p1_arg=cylindrical_dist_z if not recurrent else None, pr=pr,
    )  # fmt: skip
    checker.check("forward", counts.forward, p0)
    checker.check("backward", counts.backward, p1)
    valid = (p0 > 0) & (p1 > 0)
    both = (counts.forward & counts.backward)[valid]
    assert not (counts.forward & counts.backward)[~valid].any()
    least, greatest = feasible(-1.0, p0, p1)[valid], feasible(2.0, p0, p1)[valid]
    reachable = min(max(pr, float(least.mean())), float(greatest.mean()))
    # The mean is known, the pairs' own probabilities are not needed: Hoeffding's bound.
    checker.check("both", both, np.full(both.shape, reachable))


# ---------------------------------------------------------------------- one direction
@pytest.mark.parametrize("p", [0.001, 0.02, 0.15, 0.5, 0.97])
@pytest.mark.parametrize("autapses", [True, False])
def test_unidirection(p: float, autapses: bool, one: Any, two: Any, checker: Checker) -> None:
    for net in (one, two):
        connector = UnidirectionConnector(
            p=p, allow_autapses=autapses, rng=np.random.default_rng(int(1e4 * p)), **QUIET
        )
        connector.setup_nodes(*pools(net))
        connector.initial_all_to_all()
        found = connector.connectivity.forward
        assert_canonical(found)
        table = found.to_dense() > 0
        if net is two:
            checker.check("pairs", table, p)
            continue
        diagonal = np.eye(N_ONE, dtype=bool)
        checker.check("pairs", table[~diagonal], p)
        checker.check("autapses", table[diagonal], p if autapses else 0.0)


# ---------------------------------------------------------------------- the tests themselves
def test_a_lost_marginal_is_seen(two: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without clipping (as in the predecessor) the backward marginal is lost."""
    monkeypatch.setattr(laws, "bounds", lambda p0, p1: (-np.inf, np.inf))
    counts, _ = draw(two, 3, p0=0.5, p1=0.1, rho=0.9)
    with pytest.raises(AssertionError, match="backward"):
        Checker().check_law(counts, 0.5, 0.1, 0.1)


@pytest.mark.parametrize("which", ["forward", "backward", "both"])
def test_a_small_bias_is_seen(which: str, two: Any) -> None:
    """One percent more, or less, is found at this size."""
    counts, _ = draw(two, 4, p0=0.5, p1=0.5, pr=0.4, estimate_rho=False)
    right = {"forward": 0.5, "backward": 0.5, "both": 0.4}
    Checker().check_law(counts, *right.values())
    for bias in (-0.01, 0.01):
        claimed = {**right, which: right[which] + bias}
        with pytest.raises(AssertionError, match=which):
            Checker().check_law(counts, *claimed.values())


@pytest.mark.parametrize("pr", [0.1, 0.3])
def test_scores_are_spread_as_they_should(pr: float, two: Any) -> None:
    """Neither too wide nor too narrow: z over 100 draws is standard normal."""
    checker = Checker()
    for seed in range(100):
        counts, _ = draw(two, seed, p0=0.3, p1=0.2, pr=pr, estimate_rho=False)
        checker.check_law(counts, 0.3, 0.2, min(pr, 0.2))
    # Backward is not told apart from both when pr is clipped to p1.
    for scores in (checker.z[::3], checker.z[1::3], checker.z[2::3]):
        assert stats.kstest(scores, "norm").pvalue > JOINT / 3
