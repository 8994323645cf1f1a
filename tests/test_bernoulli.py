"""The bivariate Bernoulli law: feasible pr, rho and back, NRR, conditionals, sums for rho."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from bmtool_connectors import (
    GaussianDropoff,
    NormalizedReciprocalRate,
    ParameterError,
    pr_2_rho,
    rho_2_pr,
)
from bmtool_connectors.bernoulli import (
    RhoSums,
    after_forward,
    bounds,
    carried,
    deviation,
    joint_from_rho,
    rho_bounds,
    solve_rho,
    without_forward,
)

MANY = settings(max_examples=150, derandomize=True, database=None, deadline=None)

PROBABILITY = st.floats(0.0, 1.0)
INNER = st.floats(0.01, 0.99)


# ---------------------------------------------------------------------- bounds and conditionals
@MANY
@given(PROBABILITY, PROBABILITY, PROBABILITY)
def test_four_outcomes_are_a_law(p0: float, p1: float, share: float) -> None:
    """Within the bounds no outcome has a negative probability, and the marginals hold."""
    low, high = (float(bound) for bound in bounds(p0, p1))
    assert low >= 0.0
    assert low <= high + 1e-15  # with p0 = 1 both are p1, and one of them is rounded
    assert high <= 1.0
    pr = low + share * (high - low)
    for outcome in (pr, p0 - pr, p1 - pr, 1 - p0 - p1 + pr):
        assert outcome >= -1e-15
    given_forward, given_none = float(after_forward(p0, pr)), float(without_forward(p0, p1, pr))
    assert p0 * given_forward + (1 - p0) * given_none == pytest.approx(p1, abs=1e-12) or p0 in (
        0,
        1,
    )
    if p0 == 0:
        assert given_forward == 0.0
    if p0 == 1:
        assert given_none == 0.0
    assert -1e-12 <= given_forward <= 1 + 1e-12 or p0 < 1e-12


@pytest.mark.parametrize(
    ("p0", "p1", "low", "high"),
    [(0.3, 0.2, 0.0, 0.2), (0.8, 0.5, 0.3, 0.5), (1.0, 0.4, 0.4, 0.4), (0.0, 0.7, 0.0, 0.0)],
)
def test_bounds_by_hand(p0: float, p1: float, low: float, high: float) -> None:
    assert [float(bound) for bound in bounds(p0, p1)] == pytest.approx([low, high])
    arrays = bounds(np.full(2, p0), np.full(2, p1))
    assert [bound.tolist() for bound in arrays] == [pytest.approx([b] * 2) for b in (low, high)]


def test_conditionals_of_arrays() -> None:
    """No division by zero where there is no condition."""
    p0, p1, pr = np.array([0.0, 0.5, 1.0]), np.array([0.3, 0.4, 0.6]), np.array([0.0, 0.1, 0.6])
    assert after_forward(p0, pr).tolist() == [0.0, 0.2, 0.6]
    assert without_forward(p0, p1, pr).tolist() == pytest.approx([0.3, 0.6, 0.0])
    assert without_forward(0.5, np.array([0.3]), 0.0).tolist() == [0.6]


@MANY
@given(PROBABILITY, PROBABILITY)
def test_rho_bounds(p0: float, p1: float) -> None:
    low, high = (float(bound) for bound in rho_bounds(p0, p1))
    if deviation(p0, p1) == 0:
        assert (low, high) == (-math.inf, math.inf)
        return
    assert low <= 1e-12
    assert high >= -1e-12
    for rho, pr in ((low, bounds(p0, p1)[0]), (high, bounds(p0, p1)[1])):
        if math.isfinite(rho):
            assert p0 * p1 + rho * deviation(p0, p1) == pytest.approx(float(pr), abs=1e-12)


def test_deviation() -> None:
    assert deviation(0.5, 0.5) == 0.25
    p = np.array([0.0, 0.2, 1.0])
    assert deviation(p, p).tolist() == pytest.approx([0.0, 0.16, 0.0])
    assert deviation(p, p.copy()).tolist() == pytest.approx([0.0, 0.16, 0.0])
    assert deviation(0.2, 0.5) == pytest.approx(math.sqrt(0.2 * 0.8 * 0.25))


# ---------------------------------------------------------------------- pr and rho
@MANY
@given(INNER, INNER, PROBABILITY)
def test_pr_2_rho_and_back(p0: float, p1: float, share: float) -> None:
    low, high = (float(bound) for bound in bounds(p0, p1))
    pr = low + share * (high - low)
    rho = pr_2_rho(p0, p1, pr)
    assert type(rho) is float
    assert -1 - 1e-9 <= rho <= 1 + 1e-9
    assert rho_2_pr(p0, p1, rho) == pytest.approx(pr, abs=1e-12)


def test_pr_2_rho_by_hand() -> None:
    assert pr_2_rho(0.5, 0.5, 0.5) == pytest.approx(1.0)
    assert pr_2_rho(0.5, 0.5, 0.0) == pytest.approx(-1.0)
    assert pr_2_rho(0.3, 0.2, 0.06) == pytest.approx(0.0, abs=1e-15)
    assert pr_2_rho(0.2, 0.2, 0.1) == pytest.approx(0.06 / 0.16)
    assert rho_2_pr(0.2, 0.2, 0.375) == pytest.approx(0.1)
    assert type(rho_2_pr(0.2, 0.2, 0.375)) is float


def test_arrays(capsys: pytest.CaptureFixture[str]) -> None:
    p0, p1 = np.array([0.2, 0.3]), np.array([[0.2], [0.4]])
    rho = pr_2_rho(p0, p1, 0.1)
    assert rho.shape == (2, 2)
    assert rho[1, 0] == pytest.approx(pr_2_rho(0.2, 0.4, 0.1))
    assert rho_2_pr(p0, p1, rho) == pytest.approx(np.full((2, 2), 0.1))
    assert pr_2_rho([0.2], [0.2], [0.1]).shape == (1,)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ((0.3, 0.2, 0.9), "rho changed from 0.900 to 0.764; pr changed from 0.225 to 0.200\n"),
        ((0.3, 0.2, -0.9), "rho changed from -0.900 to -0.327; pr changed from -0.105 to 0.000\n"),
        ((0.5, 0.5, 1.0), ""),
        ((0.5, 0.5, -1.0), ""),
        ((0.3, 0.2, 0.3), ""),
    ],
)
def test_the_line_that_rho_2_pr_prints(
    given: tuple[float, float, float], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pr = rho_2_pr(*given)
    assert capsys.readouterr().out == line
    low, high = bounds(*given[:2])
    assert low <= pr <= high


def test_the_line_of_arrays(capsys: pytest.CaptureFixture[str]) -> None:
    pr = rho_2_pr(0.3, 0.2, np.array([0.1, 0.9, -0.9, 0.95]))
    assert pr[1:].tolist() == pytest.approx([0.2, 0.0, 0.2], abs=1e-15)
    out = capsys.readouterr().out
    assert out == ("rho changed from 0.900 to 0.764; pr changed from 0.225 to 0.200 (and 2 more)\n")


@pytest.mark.parametrize("p", [0, 1, -0.1, 1.1, math.nan, [0.5, 1.0]])
@pytest.mark.parametrize("which", [0, 1])
def test_no_correlation_exists(p: Any, which: int) -> None:
    given = [0.5, 0.5, 0.2]
    given[which] = p
    for function in (pr_2_rho, rho_2_pr):
        with pytest.raises(ParameterError, match=f"p{which} of {function.__name__}") as caught:
            function(*given)
        assert isinstance(caught.value, AssertionError), "what the predecessor raises"


@pytest.mark.parametrize("pr", [0.31, -0.01, math.nan, [0.1, 0.4]])
def test_infeasible_pr(pr: Any) -> None:
    with pytest.raises(ParameterError, match="pr of pr_2_rho"):
        pr_2_rho(0.3, 0.5, pr)
    assert pr_2_rho(0.3, 0.5, 0.3) > 0


# ---------------------------------------------------------------------- normalized reciprocal rate
def test_rate() -> None:
    rate = NormalizedReciprocalRate(3.0)
    assert rate(50.0, 0.1, 0.2) == pytest.approx(0.06)
    assert rate(50.0, 0.9, 0.9) == pytest.approx(2.43), "the raw product"
    assert rate(50.0, 0.1, 0.2, "more", x=1) == pytest.approx(0.06)
    assert NormalizedReciprocalRate()(0.0, 0.5, 0.5) == 0.25
    found = rate.probability(np.zeros(2), np.array([0.1, 0.2]), 0.5)
    assert found.tolist() == pytest.approx([0.15, 0.3])
    assert repr(rate) == "NormalizedReciprocalRate(3.0)"


def test_rate_of_distance() -> None:
    profile = GaussianDropoff(stdev=50.0, pmax=0.9)
    assert NormalizedReciprocalRate(profile)(50.0, 0.5, 0.5) == 0.25 * profile(50.0)

    def slope(dist: Any) -> Any:
        return 2.0 - dist / 100

    rate = NormalizedReciprocalRate(slope)
    assert rate.NRR is slope
    assert rate(100.0, 0.5, 0.4) == pytest.approx(0.2)
    assert "slope" in repr(rate)


@pytest.mark.parametrize("value", [np.float64(4), 4, np.int8(4), 0])
def test_rate_as_a_number(value: Any) -> None:
    assert NormalizedReciprocalRate(value).rate == float(value)


def compared(
    dist: Any, p0: Any, p1: Any, cond: Any = None, nrr: float = 2.0
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    """Return decisions, and the uniform numbers that they were made with."""
    mine, other = np.random.default_rng(6), np.random.default_rng(6)
    found = NormalizedReciprocalRate(nrr).decisions(dist, p0, p1, cond=cond, rng=mine)
    u = other.random(found.shape)
    assert mine.random() == other.random(), "a number per pair"
    assert found.dtype == bool
    return found, u


@pytest.mark.parametrize(
    ("dist", "p0", "p1", "shape"),
    [
        (1.0, 0.3, 0.2, ()),
        (np.zeros(40), 0.3, 0.2, (40,)),
        (1.0, np.full(40, 0.3), 0.2, (40,)),
        (1.0, 0.3, [0.2] * 40, (40,)),
        (np.zeros((5, 1)), np.full(8, 0.3), 0.2, (5, 8)),
        (np.zeros((5, 8)), np.full((5, 1), 0.3), np.full(8, 0.2), (5, 8)),
        ([], 0.3, 0.2, (0,)),
    ],
)
def test_decisions_broadcast(dist: Any, p0: Any, p1: Any, shape: tuple[int, ...]) -> None:
    found, u = compared(dist, p0, p1)
    assert found.shape == shape
    assert np.array_equal(found, u < 2.0 * 0.3 * 0.2)


@pytest.mark.parametrize("direction", [0, 1])
@pytest.mark.parametrize("outcomes", [True, False, [True, False] * 20, np.arange(40) % 3 == 0])
@pytest.mark.parametrize("arrays", [False, True])
def test_decisions_given_an_outcome(direction: int, outcomes: Any, arrays: bool) -> None:
    """Reciprocal, given that this direction is connected or not: pr over its probability."""
    p0 = np.linspace(0.1, 0.5, 40) if arrays else np.float64(0.3)
    p1 = np.linspace(0.4, 0.2, 40) if arrays else np.float64(0.2)
    found, u = compared(np.zeros(40), p0, p1, cond=(direction, outcomes))
    pr = np.minimum(2.0 * p0 * p1, np.minimum(p0, p1))
    wanted = np.where(outcomes, pr / (p1 if direction else p0), 0.0)
    assert np.array_equal(found, u < wanted)
    assert not found[~np.broadcast_to(outcomes, 40)].any(), "not reciprocal without the outcome"


def test_outcomes_have_their_own_shape() -> None:
    """One pair of probabilities, and a row of outcomes."""
    found, u = compared(5.0, 0.3, 0.2, cond=(0, [True, False, True]))
    assert found.shape == (3,)
    assert np.array_equal(found, u < np.array([0.4, 0.0, 0.4]))


def test_impossible_conditions_draw_nothing_and_do_not_warn() -> None:
    found, _ = compared(np.zeros(4), np.array([0.0, 0.5, 0.0, 1.0]), 0.5, cond=(0, True))
    assert not found[[0, 2]].any()
    found, _ = compared(np.zeros(30), 0.5, 0.0, cond=(1, np.ones(30, dtype=bool)))
    assert not found.any()


def test_decisions_are_clipped_to_what_is_feasible() -> None:
    found, u = compared(np.zeros(200), 0.9, 0.9, nrr=3.0)
    assert np.array_equal(found, u < 0.9)
    found, u = compared(np.zeros(200), 0.9, 0.8, nrr=0.0)
    assert np.array_equal(found, u < 0.9 + 0.8 - 1)


# ---------------------------------------------------------------------- sums for rho
LAWS = npst.arrays(float, st.integers(1, 30), elements=INNER)


@MANY
@given(LAWS, st.integers(1, 30), st.booleans())
def test_sums_do_not_depend_on_blocks(p0: npt.NDArray[Any], size: int, same: bool) -> None:
    """Equal to a loop over pairs to the last bit, however the pairs are cut."""
    p1 = p0 if same else np.roll(p0, 1)
    sums = RhoSums()
    for start in range(0, len(p0), size):
        part = p0[start : start + size]
        sums.add(part, part if same else p1[start : start + size])
    independent = spread = 0.0
    for a, b in zip(p0, p1, strict=True):
        independent += a * b
        spread += a * (1 - a) if same else math.sqrt(a * (1 - a) * (b * (1 - b)))
    assert (sums.n, sums.independent, sums.spread) == (len(p0), independent, spread)
    bounds_of = [rho_bounds(np.float64(a), np.float64(b)) for a, b in zip(p0, p1, strict=True)]
    assert sums.low == pytest.approx(max(float(low) for low, _ in bounds_of), rel=1e-12)
    assert sums.high == pytest.approx(min(float(high) for _, high in bounds_of), rel=1e-12)
    assert sums.lowest == pytest.approx(min(float(low) for low, _ in bounds_of), rel=1e-12)
    assert sums.highest == pytest.approx(max(float(high) for _, high in bounds_of), rel=1e-12)


def test_sums_of_equal_pairs() -> None:
    one, many = RhoSums(), RhoSums()
    one.add_equal(50, 0.3, 0.2)
    many.add(np.full(50, 0.3), np.full(50, 0.2))
    assert one.n == many.n == 50
    assert one.closed_form(0.1) == pytest.approx(many.closed_form(0.1))
    assert one.closed_form(0.1) == pytest.approx(pr_2_rho(0.3, 0.2, 0.1))
    assert (one.low, one.high) == pytest.approx((many.low, many.high))


def test_no_pair_and_certain_pairs() -> None:
    sums = RhoSums()
    sums.add(np.zeros(0), np.zeros(0))
    assert (sums.n, sums.closed_form(0.3)) == (0, 0.0)
    certain = RhoSums()
    certain.add(np.ones(3), np.full(3, 0.5))
    assert (certain.n, certain.closed_form(0.3)) == (3, 0.0)
    assert not certain.clips(0.7)
    assert (certain.lowest, certain.highest) == (0.0, 0.0)


def test_added_arrays_stay_as_they_are() -> None:
    p0, p1 = np.array([0.1, 0.2]), np.array([0.3, 0.4])
    RhoSums().add(p0, p1)
    assert (p0.tolist(), p1.tolist()) == ([0.1, 0.2], [0.3, 0.4])


def test_clips() -> None:
    sums = RhoSums()
    sums.add(np.array([0.3, 0.5]), np.array([0.2, 0.5]))
    low, high = (float(bound) for bound in rho_bounds(0.3, 0.2))
    assert not sums.clips(low)
    assert not sums.clips(high)
    assert sums.clips(high + 1e-9)
    assert sums.clips(low - 1e-9)


def test_carried() -> None:
    assert carried(1.5, np.zeros(0)) == 1.5
    assert carried(1.5, np.array([1.0, 2.0])) == 4.5
    values = np.random.default_rng(1).random(1000)
    total = 0.0
    for value in values:
        total += value
    assert carried(0.0, values.copy()) == total


@MANY
@given(LAWS, LAWS, st.floats(-1.5, 1.5))
def test_joint_from_rho(p0: npt.NDArray[Any], p1: npt.NDArray[Any], rho: float) -> None:
    n = min(len(p0), len(p1))
    p0, p1 = p0[:n], p1[:n]
    pr = joint_from_rho(rho, p0, p1)
    low, high = bounds(p0, p1)
    assert ((pr >= low) & (pr <= high)).all()
    wanted = p0 * p1 + rho * deviation(p0, p1)
    inside = (wanted > low) & (wanted < high)
    assert np.array_equal(pr[inside], wanted[inside])


@MANY
@given(LAWS, LAWS, PROBABILITY)
def test_solved_rho(p0: npt.NDArray[Any], p1: npt.NDArray[Any], share: float) -> None:
    """Any mean pr between the least and the greatest feasible one is met, with clipping."""
    n = min(len(p0), len(p1))
    p0, p1 = p0[:n], p1[:n]
    sums = RhoSums()
    sums.add(p0, p1)
    least, most = (float(bound.sum()) for bound in bounds(p0, p1))
    target = least + share * (most - least)

    def expected(rho: float) -> float:
        return float(joint_from_rho(rho, p0, p1).sum())

    rho = solve_rho(expected, target, sums.lowest, sums.highest)
    assert expected(rho) == pytest.approx(target, abs=1e-9 * n)
    assert solve_rho(expected, least - 1, sums.lowest, sums.highest) == sums.lowest
    assert solve_rho(expected, most + 1, sums.lowest, sums.highest) == sums.highest
