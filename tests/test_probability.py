"""Distance profiles: exact values, their bounds, and the Gaussian's overall probability."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import integrate

import bmtool_connectors
from bmtool_connectors import (
    NORM_COEF,
    ConnectivityWarning,
    DistantDependentProbability,
    GaussianDropoff,
    ParameterError,
    ProbabilityFunction,
    UniformInRange,
    gaussian,
)

MANY = settings(max_examples=150, derandomize=True, database=None, deadline=None)

GAUSS = GaussianDropoff(stdev=50.0, min_dist=10.0, max_dist=120.0, pmax=0.8)


# ---------------------------------------------------------------------- the function itself
def test_gaussian() -> None:
    assert pytest.approx(1 / math.sqrt(2 * math.pi), rel=1e-15) == NORM_COEF
    assert gaussian(0.0) == NORM_COEF
    assert gaussian(3.0, mean=3.0, stdev=2.0, pmax=0.5) == 0.5
    assert gaussian(5.0, mean=3.0, stdev=2.0, pmax=1.0) == pytest.approx(math.exp(-0.5))
    values = gaussian(np.array([1.0, 3.0, 5.0]), 3.0, 2.0, 1.0)
    assert values.shape == (3,)
    assert values[0] == values[2] < values[1] == 1.0
    area, _ = integrate.quad(gaussian, -np.inf, np.inf)
    assert area == pytest.approx(1.0)
    assert gaussian([0, 1]).shape == (2,)
    assert gaussian(1e9) == 0.0


# ---------------------------------------------------------------------- ranges
def test_uniform_in_range() -> None:
    p = UniformInRange(0.3, min_dist=10.0, max_dist=100.0)
    assert [p(d) for d in (9.999, 10.0, 50.0, 100.0, 100.001)] == [0.0, 0.3, 0.3, 0.3, 0.0]
    assert {type(p(d)) for d in (5.0, 50, np.float64(50), np.float32(200))} == {float}
    assert p.probability(1e9) == 0.3
    assert UniformInRange()(5.0) == 0.0
    assert UniformInRange(1)(0.0) == 1.0
    assert repr(p) == "UniformInRange(p=0.3, min_dist=10.0, max_dist=100.0)"


def test_gaussian_dropoff() -> None:
    assert GAUSS(9.999) == GAUSS(120.001) == 0.0
    assert GAUSS(10.0) == pytest.approx(0.8 * math.exp(-0.02))
    assert GAUSS(120.0) == pytest.approx(0.8 * math.exp(-2.88))
    assert GAUSS.probability(0.0) == 0.8, "without regard to the range"
    assert type(GAUSS(50.0)) is float
    around = GaussianDropoff(mean=70.0, stdev=20.0, pmax=0.5)
    assert around(70.0) == 0.5
    assert around(50.0) == pytest.approx(around(90.0)) == pytest.approx(0.5 * math.exp(-0.5))
    assert eval(repr(GAUSS), {"GaussianDropoff": GaussianDropoff})(60.0) == GAUSS(60.0)


@pytest.mark.parametrize("profile", [GAUSS, UniformInRange(0.3, 10.0, 100.0)], ids=repr)
def test_further_arguments_are_ignored(profile: DistantDependentProbability) -> None:
    """As ``pr`` it is called with (pr_arg, p0, p1)."""
    assert profile(50.0, 0.1, 0.2) == profile(50.0) == profile(50.0, p0=0.1)


PROFILES: dict[str, DistantDependentProbability] = {
    "uniform": UniformInRange(0.3),
    "uniform in a ring": UniformInRange(0.3, 20.0, 70.0),
    "gaussian": GaussianDropoff(stdev=50.0),
    "gaussian with reach": GAUSS,
    "gaussian off centre": GaussianDropoff(mean=60.0, stdev=20.0, pmax=0.4, max_dist=90.0),
    "narrow": GaussianDropoff(stdev=0.01, pmax=1.0),
}


@pytest.mark.parametrize("name", PROFILES)
def test_arrays_and_numbers_agree(name: str) -> None:
    profile = PROFILES[name]
    dist = np.concatenate([np.linspace(0, 150, 301), [10.0, 20.0, 70.0, 90.0, 120.0, 1e6]])
    values = profile.values(dist)
    assert values.dtype == float
    assert values.tolist() == [profile(d) for d in dist.tolist()]
    inside = profile.in_range(dist)
    assert inside.dtype == bool
    assert inside.tolist() == [profile.min_dist <= d <= profile.max_dist for d in dist.tolist()]
    assert (values[~inside] == 0).all()
    assert profile.values(np.zeros(0)).shape == (0,)
    before = dist.copy()
    profile.values(dist)
    assert np.array_equal(dist, before)


@pytest.mark.parametrize("name", PROFILES)
def test_nan_is_out_of_range(name: str) -> None:
    """One distance or an array: the same answer."""
    assert PROFILES[name](math.nan) == 0.0
    assert not PROFILES[name].in_range(math.nan)


@pytest.mark.parametrize("name", PROFILES)
def test_decisions_draw_within_the_range_only(name: str) -> None:
    profile = PROFILES[name]
    dist = np.random.default_rng(2).uniform(0, 150, (20, 5))
    mine, other = np.random.default_rng(3), np.random.default_rng(3)
    found = profile.decisions(dist, rng=mine)
    assert found.shape == dist.shape
    assert found.dtype == bool
    inside = profile.in_range(dist)
    expected = np.zeros(dist.shape, dtype=bool)
    expected[inside] = other.random(int(inside.sum())) < profile.values(dist[inside])
    assert np.array_equal(found, expected)
    assert mine.random() == other.random()
    assert profile.decisions(5.0, rng=mine).shape == ()
    assert profile.decisions([], rng=mine).shape == (0,)


def test_decisions_of_the_module() -> None:
    bmtool_connectors.rng = np.random.default_rng(3)
    found = UniformInRange(0.5).decisions(np.zeros(9))
    assert found.tolist() == (np.random.default_rng(3).random(9) < 0.5).tolist()


def test_raw_value_is_not_clipped_but_cut_to_the_range() -> None:
    with pytest.warns(UserWarning, match="probabilities are cut at 1"):
        profile = GaussianDropoff(stdev=50.0, pmax=2.0, max_dist=100.0)
    raw = profile.raw([0.0, 50.0, 100.0, 100.1])
    assert raw == pytest.approx([2.0, 2 * math.exp(-0.5), 2 * math.exp(-2), 0.0], rel=1e-15)
    assert profile.values(np.array([0.0]))[0] == 1.0
    assert UniformInRange(0.3, min_dist=10.0).raw([5.0, 10.0]).tolist() == [0.0, 0.3]


# ---------------------------------------------------------------------- bounds
DISTANCES = st.floats(0.0, 500.0)


@st.composite
def gaussians(draw: st.DrawFn) -> GaussianDropoff:
    """Return any Gaussian profile, also one that is cut at 1."""
    low, high = sorted(draw(st.tuples(DISTANCES, DISTANCES)))
    assume(low < high)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConnectivityWarning)
        return GaussianDropoff(
            mean=draw(st.floats(-100.0, 400.0)),
            stdev=draw(st.floats(0.01, 300.0)),
            pmax=draw(st.floats(0.0, 3.0)),
            min_dist=low,
            max_dist=draw(st.sampled_from([high, math.inf])),
        )


@st.composite
def uniforms(draw: st.DrawFn) -> UniformInRange:
    low, high = sorted(draw(st.tuples(DISTANCES, DISTANCES)))
    assume(low < high)
    return UniformInRange(draw(st.floats(0.0, 1.0)), low, high)


@MANY
@given(st.one_of(gaussians(), uniforms()), DISTANCES, DISTANCES, st.floats(0.0, 1.0))
def test_bound_is_never_below_the_value(
    profile: DistantDependentProbability, a: float, b: float, within: float
) -> None:
    low, high = min(a, b), max(a, b)
    bound = float(profile.bound(low, high))
    points = np.unique(np.concatenate([np.linspace(low, high, 21), [low + within * (high - low)]]))
    points = points[(points >= low) & (points <= high)]
    assert bound >= profile.values(points).max()
    assert 0.0 <= bound <= 1.0
    if high < profile.min_dist or low > profile.max_dist:
        assert bound == 0.0


@MANY
@given(st.one_of(gaussians(), uniforms()), DISTANCES, DISTANCES)
def test_bound_is_reached(profile: DistantDependentProbability, a: float, b: float) -> None:
    """Nowhere larger than needed: it is the value at the peak, or at the nearest end."""
    low, high = min(a, b), max(a, b)
    assume(low <= profile.max_dist and high >= profile.min_dist)
    peak = getattr(profile, "mean", low)
    nearest = min(max(peak, low, profile.min_dist), high, profile.max_dist)
    assert float(profile.bound(low, high)) == pytest.approx(profile(nearest), rel=1e-12)


def test_bounds_of_many_intervals() -> None:
    low, high = np.array([0.0, 5.0, 30.0, 121.0]), np.array([5.0, 15.0, 40.0, 200.0])
    found = GAUSS.bound(low, high)
    expected = [0.0, GAUSS(10.0), GAUSS(30.0), 0.0]
    assert found.tolist() == pytest.approx(expected)
    assert np.asarray(GAUSS.bound(30.0, 30.0)) == pytest.approx(GAUSS(30.0))
    assert UniformInRange(0.3).bound(0.0, math.inf) == 0.3


def test_bound_of_a_law_of_ones_own() -> None:
    class Step(DistantDependentProbability):
        def probability(self, dist: Any) -> Any:
            return 0.2 + 0.1 * (np.asarray(dist) < 50)

    step = Step(max_dist=100.0)
    assert step(20.0) == pytest.approx(0.3)
    assert step(101.0) == 0.0
    assert step.values(np.array([20.0, 60.0, 101.0])).tolist() == pytest.approx([0.3, 0.2, 0.0])
    assert step.bound(0.0, 10.0) == 1.0
    assert step.bound(101.0, 102.0) == 0.0


def test_abstract() -> None:
    with pytest.raises(TypeError, match="abstract"):
        ProbabilityFunction()  # type: ignore[abstract]
    assert issubclass(GaussianDropoff, DistantDependentProbability)
    assert issubclass(DistantDependentProbability, ProbabilityFunction)


# ---------------------------------------------------------------------- ptotal
def overall(
    shape: Callable[[float], float], dist_type: str, r1: float, r2: float, **options: Any
) -> float:
    """Return the mean of a function of distance over a sphere (shell) or a disc (ring)."""
    power = 2 if dist_type == "spherical" else 1
    total, _ = integrate.quad(lambda r: shape(r) * r**power, r1, r2, limit=200, **options)
    return total * (power + 1) / (r2 ** (power + 1) - r1 ** (power + 1))


CASES = [
    {"stdev": 126.77, "ptotal": 0.1538, "ptotal_dist_range": (0, 50.0)},
    {"stdev": 78.0, "ptotal": 0.05, "ptotal_dist_range": (0, 300)},
    {"stdev": 30.0, "ptotal": 0.1, "ptotal_dist_range": (20.0, 60.0)},
    {"stdev": 30.0, "mean": 40.0, "ptotal": 0.2, "ptotal_dist_range": (0, 90)},
    {"stdev": 25.0, "mean": -10.0, "ptotal": 0.02, "ptotal_dist_range": [5, 70]},
    {"stdev": 30.0, "ptotal": 0.1, "ptotal_dist_range": (60.0, 20.0)},
    {"stdev": 30.0, "ptotal": 0.1, "ptotal_dist_range": range(20, 60)},
    {"stdev": 30.0, "ptotal": 0.1, "ptotal_dist_range": range(1)},
    {"stdev": 30.0, "ptotal": 0.1, "ptotal_dist_range": np.array([0, 60])},
    {"stdev": 5000.0, "ptotal": 0.1, "ptotal_dist_range": (0, 50)},
]


@pytest.mark.parametrize("dist_type", ["spherical", "cylindrical"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_pmax_from_ptotal(case: dict[str, Any], dist_type: str) -> None:
    """Closed form against numerical integration; of a range object, start and stop."""
    p = GaussianDropoff(dist_type=dist_type, **case)
    given = case["ptotal_dist_range"]
    ends = (given.start, given.stop) if isinstance(given, range) else given
    r1, r2 = sorted(float(end) for end in ends)
    found = overall(lambda r: gaussian(r, p.mean, p.stdev, p.pmax), dist_type, r1, r2)
    assert found == pytest.approx(case["ptotal"], rel=1e-9)
    assert p.calc_pmax_from_ptotal() == p.pmax
    assert type(p.pmax) is float
    assert p.ptotal == case["ptotal"]
    assert p.ptotal_dist_range is given


@settings(max_examples=60, derandomize=True, database=None, deadline=None)
@given(
    stdev=st.floats(20.0, 300.0),
    mean=st.floats(-50.0, 200.0),
    ends=st.tuples(st.floats(0.0, 150.0), st.floats(20.0, 250.0)),
    dist_type=st.sampled_from(["spherical", "cylindrical"]),
)
def test_any_pmax_from_ptotal(
    stdev: float, mean: float, ends: tuple[float, float], dist_type: str
) -> None:
    r1, r2 = ends[0], ends[0] + ends[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConnectivityWarning)
        p = GaussianDropoff(
            mean, stdev, ptotal=0.01, ptotal_dist_range=(r1, r2), dist_type=dist_type
        )
    inside = [r for r in (mean,) if r1 < r < r2]
    shape = overall(
        lambda r: gaussian(r, mean, stdev, 1.0), dist_type, r1, r2, points=inside or None
    )
    assume(shape > 1e-3)
    assert p.pmax == pytest.approx(0.01 / shape, rel=1e-6)


@pytest.mark.parametrize("dist_type", ["spherical", "cylindrical"])
@pytest.mark.parametrize("stdev", [1e4, 1e6, 1e8, 1e10])
def test_nearly_flat(stdev: float, dist_type: str) -> None:
    """A Gaussian so wide that it hardly drops connects with ptotal everywhere."""
    p = GaussianDropoff(stdev=stdev, ptotal=0.1, ptotal_dist_range=(0, 50), dist_type=dist_type)
    assert p.pmax == pytest.approx(0.1, rel=1e-4)


@pytest.mark.parametrize("dist_type", ["spherical", "cylindrical"])
def test_numerical_integral(dist_type: str) -> None:
    p = GaussianDropoff(
        stdev=78.0, ptotal=0.1, ptotal_dist_range=(0, 150), dist_type=dist_type, max_dist=100.0
    )
    assert p.compute_ptotal_integral() == pytest.approx(0.1, rel=1e-5)
    error = [abs(p.compute_ptotal_integral(n) - 0.1) for n in (10, 100, 1000)]
    assert error[0] > 50 * error[1] > 2500 * error[2]
    assert type(p.compute_ptotal_integral(num_points=50)) is float
    for n in (1, 0, -5, math.nan):
        with pytest.raises(ParameterError, match="num_points"):
            p.compute_ptotal_integral(n)  # type: ignore[arg-type]


def test_cut_at_1_is_less_than_ptotal() -> None:
    with pytest.warns(ConnectivityWarning, match=r"cut at 1 and ptotal is not reached\."):
        p = GaussianDropoff(stdev=30.0, ptotal=0.5, ptotal_dist_range=(0, 100))
    assert p.pmax > 1
    cut = overall(
        lambda r: min(gaussian(r, 0.0, 30.0, p.pmax), 1.0), "spherical", 0, 100, points=[30]
    )
    assert p.compute_ptotal_integral() == pytest.approx(cut, rel=1e-3)
    assert cut < 0.5


def test_ptotal_ends_are_those_of_the_profile() -> None:
    """Without ``ptotal_dist_range``; and it need not be finite when there is no ``ptotal``."""
    p = GaussianDropoff(stdev=30.0, ptotal=0.1, min_dist=20.0, max_dist=60.0)
    same = GaussianDropoff(stdev=30.0, ptotal=0.1, ptotal_dist_range=(20.0, 60.0))
    assert p.pmax == same.pmax
    assert GaussianDropoff(stdev=30.0, ptotal_dist_range=range(0, 300)).pmax == 1


def test_ptotal_0_connects_nothing() -> None:
    p = GaussianDropoff(stdev=30.0, ptotal=0.0, ptotal_dist_range=(0, 100))
    assert p.pmax == 0.0
    assert p(0.0) == 0.0


# ---------------------------------------------------------------------- cut at 1
@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"stdev": 50.0, "pmax": 1.5},
            ["pmax of GaussianDropoff is 1.5", "up to 1.5", "crossing 1 at 45.03 um"],
        ),
        (
            {"mean": 50.0, "stdev": 20.0, "pmax": 2.0},
            ["pmax of GaussianDropoff is 2", "crossing 1 at 26.45 and 73.55 um"],
        ),
        (
            {"mean": 50.0, "stdev": 20.0, "pmax": 2.0, "max_dist": 60.0},
            ["crossing 1 at 26.45 um"],
        ),
        (
            {"stdev": 50.0, "pmax": 1.5, "max_dist": 30.0},
            ["up to 1.5; probabilities are cut at 1."],
        ),
        (
            {"stdev": 50.0, "pmax": 1.5, "min_dist": 20.0},
            ["up to 1.385, crossing 1 at 45.03 um"],
        ),
    ],
)
def test_warning_of_probabilities_above_1(given: dict[str, Any], words: list[str]) -> None:
    with pytest.warns(ConnectivityWarning) as caught:
        p = GaussianDropoff(**given)
    assert len(caught) == 1
    text = str(caught[0].message)
    assert all(word in text for word in words), text
    assert caught[0].filename == __file__, "points at the call"
    dist = np.linspace(0, 200, 2001)
    assert p.values(dist).max() == 1.0
    wanted = gaussian(dist, p.mean, p.stdev, p.pmax)
    inside = p.in_range(dist)
    assert np.allclose(p.values(dist)[inside], np.minimum(wanted, 1.0)[inside], rtol=1e-14)
    assert type(p(p.min_dist)) is float
    half = p.stdev * math.sqrt(2 * math.log(p.pmax))
    assert gaussian(p.mean + half, p.mean, p.stdev, p.pmax) == pytest.approx(1.0)


def test_no_warning_when_the_peak_is_out_of_range() -> None:
    p = GaussianDropoff(stdev=50.0, pmax=1.5, min_dist=60.0)
    assert p(60.0) < 1
    assert GaussianDropoff(stdev=50.0, pmax=1)(0.0) == 1.0


def test_unknown_type_of_distance() -> None:
    with pytest.warns(ConnectivityWarning, match="dist_type of GaussianDropoff is 'cylindrcal'"):
        p = GaussianDropoff(stdev=50.0, dist_type="cylindrcal")
    assert p.dist_type == "spherical"


# ---------------------------------------------------------------------- attributes
def test_attributes_of_the_same_names() -> None:
    p = GaussianDropoff(
        10.0, 20.0, 5.0, 90.0, ptotal=0.1, ptotal_dist_range=(0, 80), dist_type="cylindrical"
    )
    assert (p.mean, p.stdev, p.min_dist, p.max_dist, p.ptotal) == (10.0, 20.0, 5.0, 90.0, 0.1)
    assert p.ptotal_dist_range == (0, 80)
    assert p.dist_type == "cylindrical"
    assert UniformInRange(0.2, 1.0, 2.0).p == 0.2


def test_changed_attributes_count_when_taken_over() -> None:
    p = GaussianDropoff(stdev=50.0, pmax=0.5)
    p.stdev, p.pmax = 100.0, 0.25
    assert p(0.0) == 0.5
    p.set_probability_func()
    assert p(0.0) == 0.25
    assert p(100.0) == pytest.approx(0.25 * math.exp(-0.5))
    p.pmax = 2.0
    with pytest.warns(ConnectivityWarning, match="cut at 1"):
        p.set_probability_func()
    assert p(0.0) == 1.0
    p.ptotal, p.ptotal_dist_range = 0.1, (0, 100)
    p.pmax = p.calc_pmax_from_ptotal()
    p.set_probability_func()
    assert p.compute_ptotal_integral() == pytest.approx(0.1, rel=1e-5)
