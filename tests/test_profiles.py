"""All profiles of the package, found by themselves, and arithmetic with them.

Every law is tried on the examples that each class carries, and on random variations of them.
"""

from __future__ import annotations

import inspect
import itertools
import json
import math
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
from conftest import QUIET, random_positions
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

import bmtool_connectors
from bmtool_connectors import (
    Bimodal,
    ConnectivityWarning,
    DifferenceOfGaussians,
    DistantDependentProbability,
    ExponentialDropoff,
    GaussianDropoff,
    LinearDropoff,
    MexicanHat,
    NodeArrays,
    NormalizedReciprocalRate,
    ParameterError,
    PowerLawDropoff,
    ProfileProduct,
    ProfileSum,
    ReciprocalConnector,
    SigmoidDropoff,
    Tabulated,
    UniformInRange,
    spherical_dist,
    vectorization,
)
from bmtool_connectors.discovery import found
from bmtool_connectors.patterns.described import described
from bmtool_connectors.profiles.formula import FormulaProfile, TotalProfile
from bmtool_connectors.sampling import pairwise, sparse
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.collect import SynapseCounts
from bmtool_connectors.sampling.laws import Law, PairLaws
from bmtool_connectors.sampling.plan import Plan

MANY = settings(max_examples=120, derandomize=True, database=None, deadline=None)

NORMAL = stats.norm.pdf
TABLE = Tabulated([0, 50, 100], [0.3, 0.1])

#: Every example of every class of profiles, by class and number.
EXAMPLES: dict[str, tuple[Any, dict[str, Any]]] = {
    f"{name} {k}": (make, dict(arguments))
    for name, make in found("profiles").items()
    for k, arguments in enumerate(make.examples)
}
#: Some, and arithmetic, each with its formula, not clipped.
FORMULAS: dict[str, tuple[DistantDependentProbability, Any]] = {
    "exponential": (
        ExponentialDropoff(40.0, pmax=0.6, max_dist=120.0),
        lambda d: 0.6 * np.exp(-d / 40.0),
    ),
    "linear": (LinearDropoff(120.0, min_dist=10.0, pmax=0.6), lambda d: 0.6 * (1 - d / 120.0)),
    "sigmoid": (
        SigmoidDropoff(60.0, 0.1, pmax=0.6, max_dist=120.0),
        lambda d: 0.6 / (1 + np.exp(0.1 * (d - 60.0))),
    ),
    "rising sigmoid": (
        SigmoidDropoff(60.0, -0.1, pmax=0.6, max_dist=120.0),
        lambda d: 0.6 / (1 + np.exp(-0.1 * (d - 60.0))),
    ),
    "power law": (
        PowerLawDropoff(1.5, 20.0, pmax=0.6, max_dist=120.0),
        lambda d: 0.6 * np.minimum(1.0, (d / 20.0 + 1e-300) ** -1.5),
    ),
    "difference of Gaussians": (
        DifferenceOfGaussians(30.0, 50.0, 0.9, 0.3),
        lambda d: 0.9 * np.exp(-d * d / 1800) - 0.3 * np.exp(-d * d / 5000),
    ),
    "Mexican hat": (
        MexicanHat(80.0, 0.6),
        lambda d: 0.6 * (1 - (d / 80) ** 2) * np.exp(-((d / 80) ** 2) / 2),
    ),
    "bimodal": (
        Bimodal(20.0, 15.0, 0.0, 80.0, 0.5, 0.4, max_dist=120.0),
        lambda d: 0.5 * np.exp(-d * d / 800) + 0.4 * np.exp(-((d - 80) ** 2) / 450),
    ),
    "steps": (
        Tabulated([0.0, 30.0, 70.0, 120.0], [0.5, 0.1, 0.3]),
        lambda d: np.select([d < 30, d < 70], [0.5, 0.1], 0.3),
    ),
    "lines": (
        Tabulated([0.0, 30.0, 70.0, 120.0], [0.5, 0.1, 0.3], interpolation="linear"),
        lambda d: np.interp(d, [15.0, 50.0, 95.0], [0.5, 0.1, 0.3]),
    ),
    "sum": (
        0.1 + UniformInRange(0.2, max_dist=50.0),
        lambda d: 0.1 + 0.2 * (d <= 50),
    ),
    "difference": (
        GaussianDropoff(stdev=60.0, pmax=0.8) - 0.5 * GaussianDropoff(stdev=20.0, pmax=1.0),
        lambda d: 0.8 * np.exp(-d * d / 7200) - 0.5 * np.exp(-d * d / 800),
    ),
    "product": (
        2 * ExponentialDropoff(60.0, pmax=0.6) * LinearDropoff(120.0),
        lambda d: 1.2 * np.exp(-d / 60.0) * (1 - d / 120.0),
    ),
}
PROFILES: dict[str, DistantDependentProbability] = {
    **{name: make(**arguments) for name, (make, arguments) in EXAMPLES.items()},
    **{name: FORMULAS[name][0] for name in ("sum", "difference", "product")},
}
DIST = np.concatenate([np.linspace(0, 130, 261), [30.0, 70.0, 120.0, 1e6]])


# ---------------------------------------------------------------------- values
@pytest.mark.parametrize("name", FORMULAS)
def test_formula(name: str) -> None:
    profile, formula = FORMULAS[name]
    inside = (profile.min_dist <= DIST) & (profile.max_dist >= DIST)
    with np.errstate(over="ignore"):
        wanted = np.where(inside, formula(np.minimum(DIST, 200.0)), 0.0)
    wanted[-1] = 0.1 if name == "sum" else 0.0
    assert profile.raw(DIST) == pytest.approx(wanted, rel=1e-12, abs=1e-15)
    assert profile.values(DIST) == pytest.approx(np.clip(wanted, 0, 1), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("name", PROFILES)
def test_values(name: str) -> None:
    """Arrays hold what a call gives: the raw value cut at 0 and 1, and 0 out of range."""
    profile = PROFILES[name]
    assert profile.values(DIST).tolist() == [profile(d) for d in DIST.tolist()]
    raw = profile.raw(DIST)
    assert profile.values(DIST) == pytest.approx(np.clip(raw, 0, 1), rel=1e-12, abs=1e-15)
    assert (raw[(profile.min_dist > DIST) | (profile.max_dist < DIST)] == 0).all()
    assert profile.values(DIST).any()
    assert type(profile(20.0)) is float
    assert profile.raw(20.0).shape == ()
    assert profile(math.nan) == 0.0
    assert np.shape(profile.probability(np.array([20.0, 40.0]))) in ((2,), ())


@pytest.mark.parametrize("name", PROFILES)
def test_written_and_read(name: str) -> None:
    """What ``repr`` shows makes the same profile, and so does a pickle."""
    profile = PROFILES[name]
    names = {each: getattr(bmtool_connectors, each) for each in bmtool_connectors.__all__}
    again = eval(repr(profile), {**names, "inf": math.inf})
    for other in (again, pickle.loads(pickle.dumps(profile))):
        assert repr(other) == repr(profile)
        assert np.array_equal(other.raw(DIST), profile.raw(DIST))


@pytest.mark.parametrize("name", PROFILES)
def test_recognised(name: str) -> None:
    """Evaluated on arrays, as its class carries examples, and described for the recipe."""
    profile = PROFILES[name]
    assert vectorization.is_profile(profile)
    assert not vectorization.needs_python_calls(profile)
    assert vectorization.has_bound(profile)
    text = json.dumps(described(profile))
    assert type(profile).__name__ in text
    number = {"sum": 0.1, "difference": -0.5, "product": 2.0}.get(name, profile.max_dist)
    assert repr(number) in text or number == math.inf


def test_a_class_of_ones_own_is_not() -> None:
    class Own(ExponentialDropoff):
        """May have changed anything."""

    own = Own(40.0, max_dist=100.0)
    assert not vectorization.is_profile(own)
    assert not vectorization.is_profile(own + 0.1)
    assert not vectorization.is_profile(2 * (GaussianDropoff(stdev=5.0) * own))
    assert vectorization.needs_python_calls(own + 0.1)
    assert (own + 0.1)(0.0) == 1.0


def test_a_class_of_ones_own_with_examples_is() -> None:
    """It says so, and is drawn sparsely with the bound of its formula."""

    class Ring(FormulaProfile):
        examples = ({},)

        def _formula(self, dist: Any) -> Any:
            return 0.5 * np.exp(-(((dist - 50.0) / 10.0) ** 2))

        def _turns(self) -> tuple[float, ...]:
            return (50.0,)

    class Inherited(Ring):
        """Has none of its own."""

    assert vectorization.is_profile(Ring() + 0.1)
    assert not vectorization.needs_python_calls(Ring())
    assert sparse.why_not(PairLaws(Law(Ring(), spherical_dist, "p of Test"))) is None
    assert Ring().bound([0.0, 40.0], [1.0, 60.0]) == pytest.approx([0.5 * math.exp(-24.01), 0.5])
    assert not vectorization.is_profile(Inherited())


class Halved(GaussianDropoff):
    """Changes what the formula gives."""

    def probability(self, dist: Any) -> Any:
        return super().probability(dist) / 2


class Certain(GaussianDropoff):
    """Changes what a call gives."""

    def __call__(self, dist: float, *ignored: Any, **also: Any) -> float:
        return 1.0


class ForNumbers(DistantDependentProbability):
    """Cannot take arrays."""

    def probability(self, dist: Any) -> float:
        return 0.5 * math.exp(-dist / 50.0)


class Narrow(GaussianDropoff):
    """Has other defaults only."""

    def __init__(self) -> None:
        super().__init__(stdev=20.0, pmax=2.0)


@pytest.mark.filterwarnings("ignore:pmax of Narrow")
@pytest.mark.parametrize("make", [Halved, Certain, ForNumbers, Narrow])
def test_a_class_of_ones_own_counts_as_it_is_called(make: Any) -> None:
    """In sums and products, as a rate, as a modulation, and in what bounds it."""
    own = make()
    for dist in (0.0, 1.0, 30.0):
        value = 2 * NORMAL(dist / 20) / NORMAL(0) if make is Narrow else own(dist)
        assert float(own.raw(dist)) == pytest.approx(value)
        assert (0.5 * own)(dist) == pytest.approx(0.5 * value)
        assert (own - 0.25 * own)(dist) == pytest.approx(min(0.75 * value, 1.0))
        rate = 1.0 if make is Certain else value
        assert NormalizedReciprocalRate(own)(dist, 0.1, 0.2) == pytest.approx(0.02 * rate)
        assert own.bound(dist, dist + 1) >= own(dist)
        least, greatest = (0.5 * own).raw_bounds(dist, dist)
        assert least <= 0.5 * value <= greatest
    assert own.raw(np.array([[0.0, 1.0]])).shape == (1, 2)
    assert own.raw(np.array([])).shape == (0,)


def test_tables_are_told_apart() -> None:
    """However many bins they have, in recipes."""
    edges, p = np.arange(152.0), np.linspace(0.0, 1.0, 151)
    texts = {
        json.dumps(described(make(table)))
        for table in (Tabulated(edges, p), Tabulated(edges, p[::-1]), Tabulated(edges + 1, p))
        for make in (lambda table: table, lambda table: 0.5 * table, NormalizedReciprocalRate)
    }
    assert len(texts) == 9
    assert described(Tabulated(edges, p)) == described(Tabulated(edges, p))
    assert described(list(p)) != described(list(p[::-1]))


class OfTable:
    """A law with a table of its own."""

    def __init__(self, table: Any) -> None:
        self.table = table

    def __call__(self, dist: float) -> float:
        return float(self.table[int(dist)])


def falling(height: float) -> Any:
    return lambda dist: height * math.exp(-dist / 50.0)


def with_default(each: float) -> Any:
    def law(dist: float, height: float = each, *, scale: float = 1.0) -> float:
        return law_before(dist) * height * scale  # a name that is not assigned yet

    described(law)
    law_before = falling(1.0)
    return law


def of_profile(height: float) -> Any:
    profile = height * TABLE
    return lambda dist: profile(dist) / 2


class OfItself(GaussianDropoff):
    """Has a function that refers to it."""

    def __init__(self, height: float) -> None:
        super().__init__(stdev=20.0, pmax=height)
        self.law = lambda dist: self(dist) ** 2


@pytest.mark.parametrize(
    "make", [falling, with_default, of_profile, OfItself, lambda x: OfTable(np.array([0.5, x]))]
)
def test_functions_with_values_of_their_own_are_told_apart(make: Any) -> None:
    """In recipes: one source, and another number."""
    texts = [json.dumps(described(make(height))) for height in (0.25, 0.125, 0.25)]
    assert texts[0] == texts[2] != texts[1]
    assert "0.25" in texts[0]
    assert "0.125" in texts[1]


# ---------------------------------------------------------------------- bounds
HEIGHTS, FACTORS, DISTANCES = st.floats(0.0, 1.5), st.floats(0.02, 3.0), st.floats(0.0, 400.0)


@st.composite
def ranges(draw: st.DrawFn) -> dict[str, float]:
    low, high = sorted(draw(st.tuples(DISTANCES, DISTANCES)))
    assume(low < high)
    return {"min_dist": low, "max_dist": draw(st.sampled_from([high, math.inf]))}


@st.composite
def variations(draw: st.DrawFn) -> DistantDependentProbability:
    """Return an example of a profile with other numbers, and another range and height."""
    make, given = draw(st.sampled_from(list(EXAMPLES.values())))
    arguments = dict(given)
    for name, value in given.items():
        if not isinstance(value, str):
            varied = np.multiply(value, draw(FACTORS))
            arguments[name] = varied.tolist()
    taken = inspect.signature(make).parameters
    if "max_dist" in taken:
        arguments |= draw(ranges())
    if "pmax" in taken:
        arguments["pmax"] = draw(HEIGHTS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConnectivityWarning)
            return make(**arguments)  # type: ignore[no-any-return]
    except ParameterError:  # numbers that do not fit each other
        assume(False)
        raise


@st.composite
def tables(draw: st.DrawFn) -> Tabulated:
    """Return a table of any length."""
    n = draw(st.integers(1, 9))
    values = draw(st.lists(st.floats(-0.5, 1.5), min_size=n, max_size=n))
    steps = draw(st.lists(st.floats(1.0, 90.0), min_size=n, max_size=n))
    edges = np.cumsum([draw(st.floats(0.0, 50.0)), *steps])
    return Tabulated(edges, values, draw(st.sampled_from(["step", "linear"])))


def profiles() -> st.SearchStrategy[DistantDependentProbability]:
    """Return any profile; tables less often than all others."""
    return st.one_of(variations(), variations(), variations(), tables())


@st.composite
def combinations(draw: st.DrawFn) -> DistantDependentProbability:
    """Return a sum or a product of profiles and numbers."""
    parts = draw(st.lists(st.one_of(profiles(), st.floats(-2.0, 2.0)), min_size=1, max_size=3))
    combined: Any = draw(profiles())
    for part in parts:
        how = draw(st.sampled_from(["+", "-", "*", "from the right"]))
        if how == "+":
            combined = combined + part
        elif how == "-":
            combined = combined - part
        else:
            combined = combined * part if how == "*" else part * combined
    return combined  # type: ignore[no-any-return]


@MANY
@given(st.one_of(profiles(), combinations()), DISTANCES, DISTANCES, st.floats(0.0, 1.0))
def test_bound_is_never_below_the_value(
    profile: DistantDependentProbability, a: float, b: float, within: float
) -> None:
    low, high = min(a, b), max(a, b)
    points = np.unique(np.concatenate([np.linspace(low, high, 21), [low + within * (high - low)]]))
    points = points[(points >= low) & (points <= high)]
    bound = float(profile.bound(low, high))
    least, greatest = (float(end) for end in profile.raw_bounds(low, high))
    # Differences of nearly equal numbers are as exact as the numbers.
    rounding = 1e-14
    assert profile.values(points).max() <= bound + rounding
    assert profile.raw(points).max() <= greatest + rounding
    assert profile.raw(points).min() >= least - rounding
    assert 0.0 <= bound <= 1.0
    if high < profile.min_dist or low > profile.max_dist:
        assert bound == least == greatest == 0.0
    assert float(profile.bound(low, math.inf)) >= bound


@MANY
@given(profiles(), DISTANCES, DISTANCES)
def test_bound_is_reached(profile: DistantDependentProbability, a: float, b: float) -> None:
    """It is the greatest value on the interval: of a fine comb, and where the profile turns."""
    if type(profile) is Bimodal:
        assume(min(a, b) >= max(profile.center1, profile.center2))
    elif not isinstance(profile, GaussianDropoff | Tabulated | UniformInRange):
        # Another bound than that from turns may be too high.
        assume(type(profile)._greatest is FormulaProfile._greatest)
    low, high = max(min(a, b), profile.min_dist), min(max(a, b), profile.max_dist)
    assume(low <= high)
    turns = [turn for turn in profile._kinks() if low <= turn <= high]
    if isinstance(profile, FormulaProfile):
        turns += [turn for turn in profile._turns() if low <= turn <= high]
    if isinstance(profile, Tabulated) and profile.interpolation == "step":
        low = max((edge for edge in profile.bin_edges if edge <= low), default=low)
        turns += [edge for edge in profile.bin_edges if low <= edge <= high]
    points = np.concatenate([np.linspace(low, high, 21), turns])
    found = float(profile.bound(low, high))
    assert found == pytest.approx(float(profile.values(points).max()), rel=1e-9, abs=1e-12)


@MANY
@given(st.one_of(profiles(), st.floats(-2, 2)), st.one_of(profiles()), DISTANCES, DISTANCES)
def test_bound_of_a_sum(one: Any, other: DistantDependentProbability, a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    alone = max(one, 0.0) if isinstance(one, float) else float(one.bound(low, high))
    assert float((one + other).bound(low, high)) <= alone + float(other.bound(low, high)) + 1e-15


def test_bound_is_0_beyond_reach() -> None:
    """Where the sparse sampler does not look: it would be slow, not wrong, if it did."""
    for profile, reach in (
        (DifferenceOfGaussians(30.0, 50.0, 0.9, 0.3), 0.0),
        (MexicanHat(80.0), 80.0),
        (MexicanHat(80.0) * UniformInRange(0.5, max_dist=60.0), 60.0),
        (LinearDropoff(80.0) + Tabulated([0, 50, 90], [0.1, 0.2]), 90.0),
        (ExponentialDropoff(30.0) - 0.5, 30.0 * math.log(2)),
    ):
        if isinstance(profile, DifferenceOfGaussians):
            reach = math.sqrt(2 * math.log(3) / (1 / 900 - 1 / 2500))
            assert profile._where_equal(0.9, 0.3) == pytest.approx(reach, rel=1e-14)
        assert profile.bound(reach * (1 + 1e-9), math.inf) == 0.0
        assert profile.bound(reach * 0.99, math.inf) > 0.0


@pytest.mark.parametrize(
    "profile",
    [
        ExponentialDropoff(3e-308),
        PowerLawDropoff(2.0, 3e-308),
        SigmoidDropoff(1e90, 1e99),
        MexicanHat(3e-300),
        DifferenceOfGaussians(float(np.nextafter(60.0, 0.0)), 60.0, 1.0, 1.0),
        2 * GaussianDropoff(stdev=3e-308),
    ],
    ids=lambda profile: type(profile).__name__,
)
def test_extreme_parameters(profile: DistantDependentProbability) -> None:
    """Far away is far away, whatever overflows."""
    assert profile.raw(1e300) == pytest.approx(0.0, abs=1e-300)
    assert 0.0 <= profile.bound(1e5, math.inf) <= 1.0
    assert np.isfinite(profile.raw_bounds(0.0, math.inf)).all()


def test_many_intervals_at_once() -> None:
    low = np.random.default_rng(1).uniform(0, 150, (40, 5))
    high = low + np.random.default_rng(2).uniform(0, 60, (40, 5))
    for profile in PROFILES.values():
        found = profile.bound(low, high)
        assert found.shape == low.shape
        one = [float(profile.bound(a, b)) for a, b in zip(low.ravel(), high.ravel(), strict=True)]
        assert found.ravel().tolist() == one


# ---------------------------------------------------------------------- overall probability
def unlimited(make: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of the shape: without height, and without a range that need not be."""
    taken = inspect.signature(make).parameters
    limits = [
        name for name in ("min_dist", "max_dist") if taken[name].default is not taken[name].empty
    ]
    return {name: value for name, value in arguments.items() if name not in ("pmax", *limits)}


WITH_TOTAL = {
    name: (make, unlimited(make, arguments))
    for name, (make, arguments) in EXAMPLES.items()
    if "ptotal" in inspect.signature(make).parameters
}
SHELLS = [(0.0, 150.0), (20.0, 60.0), (10.0, 10.5), (0.0, 5.0), (35.0, 1000.0)]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("dist_type", ["spherical", "cylindrical"])
@pytest.mark.parametrize("name", WITH_TOTAL)
def test_ptotal(name: str, dist_type: str, shell: tuple[float, float]) -> None:
    """Closed form, quadrature and an integral of SciPy agree, and the wanted total results."""
    make, parameters = WITH_TOTAL[name]
    options = {"ptotal_dist_range": shell, "dist_type": dist_type}
    profile = make(**parameters, ptotal=1e-6, **options)
    numerical = TotalProfile._shape_mean(profile, *shell)
    assert profile._shape_mean(*shell) == pytest.approx(numerical, rel=1e-9)
    power, (r1, r2) = (1 if dist_type == "cylindrical" else 2), shell
    places = sorted({*np.linspace(r1, r2, 12), *(k for k in profile._kinks() if r1 < k < r2)})
    total = sum(
        integrate.quad(lambda r: profile(r) * r**power, a, b, epsabs=0, epsrel=1e-11)[0]
        for a, b in itertools.pairwise(places)
    )
    density = (power + 1) / (r2 ** (power + 1) - r1 ** (power + 1))
    assert total * density == pytest.approx(1e-6, rel=1e-7)
    assert profile.overall(shell, dist_type) == pytest.approx(1e-6, rel=1e-8)
    assert profile.compute_ptotal_integral(20_000) == pytest.approx(1e-6, rel=1e-3)


def test_the_two_ways_would_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison above sees an error of a part in a million."""
    original = special.gammainc
    monkeypatch.setattr(
        "bmtool_connectors.profiles.dropoffs.gammainc", lambda a, x: original(a, x) * (1 + 1e-6)
    )
    with pytest.raises(AssertionError):
        test_ptotal("ExponentialDropoff 0", "spherical", (0.0, 150.0))


def test_ptotal_is_kept_and_scales() -> None:
    profile = DifferenceOfGaussians(
        30.0, 60.0, 1.0, 0.4, ptotal=0.02, ptotal_dist_range=(0, 100), dist_type="cylindrical"
    )
    assert profile.amplitude_surround / profile.amplitude_center == pytest.approx(0.4)
    assert (profile.ptotal, profile.ptotal_dist_range) == (0.02, (0, 100))
    assert profile.dist_type == "cylindrical"
    assert ExponentialDropoff(30.0, ptotal=0.1, max_dist=90.0).ptotal_dist_range == (0.0, 90.0)


@settings(MANY, max_examples=40)
@given(
    st.one_of(profiles(), combinations()),
    st.floats(0.0, 200.0),
    st.floats(1.0, 400.0),
    st.sampled_from(["spherical", "cylindrical"]),
)
def test_overall_of_random_profiles(
    profile: DistantDependentProbability, r1: float, width: float, dist_type: str
) -> None:
    r2, power = r1 + width, 1 if dist_type == "cylindrical" else 2
    r = np.linspace(r1, r2, 100_001)
    total = integrate.trapezoid(profile.values(r) * r**power, r)
    wanted = total * (power + 1) / (r2 ** (power + 1) - r1 ** (power + 1))
    # Where the profile jumps, the rule for comparison is off by half a step.
    assert profile.overall((r1, r2), dist_type) == pytest.approx(wanted, abs=5e-5)


def test_overall_of_any_profile() -> None:
    near = UniformInRange(0.3, max_dist=50.0)
    assert near.overall((0, 100), "cylindrical") == pytest.approx(0.3 / 4, rel=1e-12)
    assert (1 - near).overall((0, 100)) == pytest.approx(1 - 0.3 / 8, rel=1e-12)
    table = Tabulated([0, 50, 100], [0.3, 0.1])
    assert table.overall(range(100)) == pytest.approx(0.3 / 8 + 0.1 * 7 / 8, rel=1e-12)
    assert table.overall((100, 0)) == table.overall(range(100))
    with pytest.warns(ConnectivityWarning, match="dist_type of Tabulated is 'flat'"):
        assert table.overall((0, 100), "flat") == table.overall((0, 100))
    narrow = GaussianDropoff(mean=3000.0, stdev=0.01, pmax=1.0)
    area = 0.01 * math.sqrt(2 * math.pi)
    assert narrow.overall((0, 1e4), "cylindrical") == pytest.approx(area * 6e-5, rel=1e-8)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ExponentialDropoff(30.0, pmax=1.5), "pmax of ExponentialDropoff is 1.5, so"),
        (
            lambda: ExponentialDropoff(30.0, ptotal=0.5, ptotal_dist_range=(0, 100)),
            r"pmax of ExponentialDropoff is 4\.769, so .* cut at 1 and ptotal is not reached",
        ),
        (
            lambda: MexicanHat(30.0, ptotal=0.5, ptotal_dist_range=(0, 100)),
            "ptotal of MexicanHat is 0.5, so .* cut at 1 and ptotal is not reached",
        ),
    ],
)
def test_warning_of_a_cut(make: Any, words: str) -> None:
    with pytest.warns(ConnectivityWarning, match=words) as caught:
        profile = make()
    assert len(caught) == 1
    assert profile(0.0) == 1.0
    assert profile.raw(0.0) > 1.0


# ---------------------------------------------------------------------- arithmetic
def test_operators() -> None:
    a, b = ExponentialDropoff(30.0, pmax=0.4, max_dist=90.0), UniformInRange(0.2, 10.0, 60.0)
    at = np.array([0.0, 20.0, 70.0, 95.0])
    va, vb = a.raw(at), b.raw(at)
    for profile, wanted in (
        (a + b, va + vb),
        (a - b, va - vb),
        (b - a, vb - va),
        (a * b, va * vb),
        (a + 0.1, va + 0.1),
        (0.1 + a, va + 0.1),
        (0.1 - a, 0.1 - va),
        (a - 0.1, va - 0.1),
        (-a, -va),
        (2 * a, 2 * va),
        (a * 2, 2 * va),
        (a / 4, va / 4),
        (np.float64(2) * a, 2 * va),
        (np.float32(2) * a, 2 * va),
        (np.int64(2) + a, 2 + va),
        (sum([a, b, a]), 2 * va + vb),
        ((a + b) * (a - 0.1), (va + vb) * (va - 0.1)),
        (2 * (a + b) * 3, 6 * (va + vb)),
    ):
        assert isinstance(profile, ProfileSum | ProfileProduct)
        assert profile.raw(at) == pytest.approx(wanted, rel=1e-14, abs=1e-16)
        assert profile.values(at) == pytest.approx(np.clip(wanted, 0, 1), rel=1e-14, abs=1e-16)


def test_flat() -> None:
    """Parts of parts are parts, and numbers are one number."""
    a, b = ExponentialDropoff(30.0), UniformInRange(0.2)
    assert (1 + a + b + 2).parts == (3.0, a, b)
    assert (2 * a * (b * 3)).parts == (6.0, a, b)
    assert (a + b - 0).parts == (a, b)
    assert repr(2 * (a + b)) == f"2.0 * ({a!r} + {b!r})"


def test_range() -> None:
    a, b = UniformInRange(0.2, 10.0, 50.0), UniformInRange(0.3, 40.0, 90.0)
    far = UniformInRange(0.3, 60.0, 90.0)
    for profile, wanted in (
        (a + b, (10.0, 90.0)),
        (a * b, (40.0, 50.0)),
        (a + 0.1, (0.0, math.inf)),
        (2 * a, (10.0, 50.0)),
        (a * far, (0.0, 0.0)),
    ):
        assert (profile.min_dist, profile.max_dist) == wanted
    assert (a * far).values(DIST).max() == (a * far).bound(0.0, 100.0) == 0.0
    assert (a + far)(55.0) == 0.0


@pytest.mark.parametrize("other", ["2", None, [1.0], np.ones(3), spherical_dist, True])
def test_no_arithmetic_with(other: Any) -> None:
    profile = UniformInRange(0.2)
    for operation in ("+", "-", "*", "/"):
        with pytest.raises(TypeError):
            eval(f"profile {operation} other", {"profile": profile, "other": other})
        with pytest.raises(TypeError):
            eval(f"other {operation} profile", {"profile": profile, "other": other})
    with pytest.raises(TypeError, match="unsupported operand"):
        profile / profile


# ---------------------------------------------------------------------- rates
def test_a_rate_may_be_above_1() -> None:
    """A profile as ``NRR`` counts with its raw value, for one pair and for arrays."""
    table = Tabulated([0, 50, 100], [4.0, 1.5])
    rate = NormalizedReciprocalRate(table)
    assert rate(20.0, 0.1, 0.2) == pytest.approx(0.08)
    found = vectorization.of_values(rate, (np.array([20.0, 70.0, 110.0]), 0.1, 0.2), 3, "pr")
    assert found == pytest.approx([0.08, 0.03, 0.0])
    assert "4.0" in json.dumps(described(rate))

    class Own(Tabulated):
        def __call__(self, dist: float, *ignored: Any, **ignored_too: Any) -> float:
            return 7.0

    assert NormalizedReciprocalRate(Own([0, 1], [2.0]))(0.5, 0.1, 0.1) == pytest.approx(0.07)


# ---------------------------------------------------------------------- both samplers
#: Probability that a right package fails any of the statistical tests below.
FALSE_ALARM = 1e-6
BINS = np.array([0.0, 20.0, 40.0, 60.0, 80.0, 100.0, 125.0, 160.0])
ONE = (SynapseCounts(1, "n_syn"), SynapseCounts(1, "n_syn"))


class Node(dict[str, Any]):
    def __init__(self, node_id: int, position: np.ndarray) -> None:
        super().__init__(positions=position)
        self.node_id = node_id


def cells(n: int, seed: int) -> NodeArrays:
    return NodeArrays([Node(k, at) for k, at in enumerate(random_positions(n, seed, 110.0))])


def check_bins(sampler: Any, n: int, runs: int) -> None:
    """Compare numbers of connections by distance with each law.

    The number in a bin is a sum of independent draws, whose tails are within those of the binomial
    with the same mean (Hoeffding 1956, Ann Math Stat 27:713), beyond one from it; Bonferroni over
    bins, profiles and samplers.
    """
    source, target = cells(n, 1), cells(n, 2)
    assert source.positions is not None
    assert target.positions is not None
    dist = np.linalg.norm(source.positions[:, None] - target.positions[None], axis=-1)
    number = np.digitize(dist, BINS)
    for k, (name, profile) in enumerate(PROFILES.items()):
        p = profile.values(dist.ravel()).reshape(dist.shape)
        counts = np.zeros(dist.shape, dtype=int)
        laws = PairLaws(Law(profile, spherical_dist, "p of Test"))
        assert sparse.why_not(laws) is None
        for run in range(runs):
            rng = np.random.default_rng((k, run))
            plan = Plan(PairSpace(source, target), laws, ONE)
            i, j, *_ = sampler.draw(plan, rng).forward.arrays()
            counts[i, j] += 1
        assert (counts[p == 0] == 0).all(), name
        for b in range(1, len(BINS) + 1):
            inside = number == b
            trials, found = runs * int(inside.sum()), int(counts[inside].sum())
            mean = runs * float(p[inside].sum())
            if not trials or abs(found - mean) <= 1:
                continue
            q = mean / trials
            tail = min(stats.binom.cdf(found, trials, q), stats.binom.sf(found - 1, trials, q))
            assert tail > FALSE_ALARM / (4 * len(PROFILES) * (len(BINS) + 1)), (name, b)


@pytest.mark.parametrize("sampler", [pairwise, sparse])
def test_numbers_by_distance(sampler: Any) -> None:
    check_bins(sampler, 90, 3)


@pytest.mark.slow
@pytest.mark.parametrize("sampler", [pairwise, sparse])
def test_numbers_by_distance_of_many(sampler: Any) -> None:
    check_bins(sampler, 500, 6)


def test_a_wrong_law_is_found() -> None:
    """A law that is a third too high is."""

    class Wrong:
        @staticmethod
        def draw(plan: Plan, rng: Any) -> Any:
            wrong = Law(1.33 * plan.laws.forward.p, spherical_dist, "p of Test")
            return pairwise.draw(Plan(plan.space, PairLaws(wrong), ONE), rng)

    with pytest.raises(AssertionError):
        check_bins(Wrong, 90, 3)


def test_in_a_connector() -> None:
    """As p0, p1 and as a rate of distance, sparsely; the forward number against the law."""
    source, target = (bmtool_connectors.NetworkBuilder(name) for name in ("source", "target"))
    source.add_nodes(N=120, positions=random_positions(120, 3))
    target.add_nodes(N=120, positions=random_positions(120, 4))
    p0 = 0.05 + DifferenceOfGaussians(30.0, 60.0, 0.6, 0.2)
    connector = ReciprocalConnector(
        p0,
        ExponentialDropoff(40.0, pmax=0.2),
        p0_arg=spherical_dist,
        p1_arg=spherical_dist,
        pr=NormalizedReciprocalRate(Tabulated([0, 60, 200], [2.0, 1.0])),
        pr_arg="0",
        sampler="sparse",
        rng=3,
        **QUIET,
    )
    connector.setup_nodes(source.nodes(), target.nodes())
    expected, found = connector.expected(), connector.connectivity
    for edges, mean in ((found.forward, expected.forward), (found.backward, expected.backward)):
        assert edges is not None
        assert abs(len(edges) - mean) < 5 * math.sqrt(mean)  # 6e-7 each
    assert expected.infeasible == 0.0


# ---------------------------------------------------------------------- refusals
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: ExponentialDropoff(0),
            ["scale of ExponentialDropoff must be", ", got 0", "length > 0"],
        ),
        (
            lambda: ExponentialDropoff(5, pmax=-1),
            ["pmax of ExponentialDropoff must be", ", got -1", ">= 0"],
        ),
        (
            lambda: ExponentialDropoff(5, ptotal=2),
            ["ptotal of ExponentialDropoff must be", ", got 2"],
        ),
        (
            lambda: ExponentialDropoff(5, ptotal=0.1),
            ["ptotal_dist_range of ExponentialDropoff must be", ", got (0.0, inf)", "finite"],
        ),
        (
            lambda: ExponentialDropoff(1e-3, ptotal=0.1, ptotal_dist_range=(90, 99)),
            ["ptotal_dist_range of ExponentialDropoff", "(scale 0.001) is zero"],
        ),
        (lambda: ExponentialDropoff(5).calc_pmax_from_ptotal(), ["ptotal of ExponentialDropoff"]),
        (
            lambda: LinearDropoff(math.inf),
            ["max_dist of LinearDropoff must be", ", got inf", "finite"],
        ),
        (
            lambda: LinearDropoff(9, 10),
            ["min_dist of LinearDropoff must be smaller than", ", got 10 and 9"],
        ),
        (
            lambda: SigmoidDropoff(9, 0),
            ["slope of SigmoidDropoff must be", ", got 0", "other than 0"],
        ),
        (lambda: SigmoidDropoff("a"), ["midpoint of SigmoidDropoff must be", ", got 'a'"]),
        (lambda: PowerLawDropoff(-1), ["exponent of PowerLawDropoff must be", ", got -1", ">= 0"]),
        (lambda: PowerLawDropoff(1, 0), ["min_scale of PowerLawDropoff must be", ", got 0"]),
        (
            lambda: DifferenceOfGaussians(60, 30),
            [
                "sigma_center of DifferenceOfGaussians must be smaller than sigma_surround",
                ", got 60 and 30",
            ],
        ),
        (
            lambda: DifferenceOfGaussians(30, 60, -1),
            ["amplitude_center of DifferenceOfGaussians must be", ", got -1", ">= 0"],
        ),
        (
            lambda: DifferenceOfGaussians(30, 60, 0.4, 0.5, ptotal=0.1, ptotal_dist_range=(0, 9)),
            ["ptotal_dist_range of DifferenceOfGaussians", "is zero", "within reach"],
        ),
        (lambda: MexicanHat(0), ["sigma of MexicanHat must be", ", got 0"]),
        (
            lambda: MexicanHat(30, ptotal=0.1, ptotal_dist_range=(40, 90)),
            ["ptotal_dist_range of MexicanHat", "is zero"],
        ),
        (lambda: Bimodal(30, -1), ["sigma2 of Bimodal must be", ", got -1"]),
        (lambda: Bimodal(30, 30, math.nan), ["center1 of Bimodal must be", ", got nan"]),
        (lambda: Tabulated([0, 1], [0.1, 0.2]), ["p of Tabulated", "1 finite numbers"]),
        (lambda: Tabulated([0, 1], [math.nan]), ["p of Tabulated must be", ", got [nan]"]),
        (
            lambda: Tabulated([0, 0], [0.1]),
            ["bin_edges of Tabulated must be", ", got [0, 0]", "ascending"],
        ),
        (lambda: Tabulated([-1, 0], [0.1]), ["bin_edges of Tabulated must be", ", got [-1, 0]"]),
        (lambda: Tabulated(5, [0.1]), ["bin_edges of Tabulated must be", ", got 5"]),
        (
            lambda: Tabulated([0, math.nan], [0.1]),
            ["bin_edges of Tabulated must be", ", got [0, nan]"],
        ),
        (
            lambda: Tabulated([math.inf] * 2, [0.1]),
            ["bin_edges of Tabulated must be", ", got [inf, inf]"],
        ),
        (
            lambda: Tabulated([0, 1], [0.1], interpolation="cubic"),
            ["interpolation of Tabulated must be", ", got 'cubic'", "'step' or 'linear'"],
        ),
        (
            lambda: Tabulated([0, math.inf], [0.1], "linear"),
            ["bin_edges of Tabulated", "last edge must be finite"],
        ),
        (lambda: ProfileSum(1.0), ["ProfileSum has no profile"]),
        (
            lambda: ProfileProduct(UniformInRange(), "2"),
            ["a part of ProfileProduct must be", ", got nan"],
        ),
        (
            lambda: UniformInRange() + math.inf,
            ["a part of ProfileSum must be", ", got inf", "finite"],
        ),
        (
            lambda: UniformInRange() / 0,
            ["divisor of UniformInRange must be a number other than 0, got 0"],
        ),
        (lambda: UniformInRange().overall((0, math.inf)), ["dist_range of UniformInRange.overall"]),
    ],
)
def test_refused(make: Any, words: list[str]) -> None:
    with pytest.raises(ParameterError) as caught:
        make()
    assert all(word in str(caught.value) for word in words), caught.value
