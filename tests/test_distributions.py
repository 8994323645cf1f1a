"""Laws of single values: by Kolmogorov-Smirnov tests, and the same one by one as at once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from bmtool_connectors import ParameterError, clipped, lognormal, mixture, truncated
from bmtool_connectors.synapses.frozen import Distribution, as_distribution, shown

#: Probability that a right package fails one of the statistical tests; seeds are fixed.
FALSE_ALARM = 1e-6


def law(value: Any) -> Distribution:
    """Return the law of a distribution."""
    found = as_distribution(value, "distribution of a test")
    assert found is not None
    return found


def given(distribution: Any, low: float, high: float) -> Any:
    """Return the cdf of a distribution within limits, by its definition."""
    below, above = distribution.cdf(low), distribution.cdf(high)
    return lambda x: np.clip((distribution.cdf(x) - below) / (above - below), 0, 1)


def given_above(distribution: Any, low: float) -> Any:
    """Return the cdf above a limit far out, by the survival function."""
    return lambda x: np.clip(1 - distribution.sf(x) / distribution.sf(low), 0, 1)


NORM, GAMMA = stats.norm(2.0, 0.5), stats.gamma(2.0, scale=3.0)
#: Drawn by NumPy, number by number.
PLAIN: dict[str, Any] = {
    "norm": NORM,
    "lognormal": lognormal(2.0, 0.5),
    "uniform": stats.uniform(1.0, 2.0),
    "expon": stats.expon(scale=3.0),
    "expon with loc": stats.expon(1.0, 3.0),
    "gamma": GAMMA,
    "gamma by position": stats.gamma(2.0, 1.0, 3.0),
    "beta": stats.beta(2.0, 5.0, loc=1.0, scale=4.0),
    "weibull": stats.weibull_min(1.5, scale=2.0),
}
#: A law, and its cdf by another way.
LAWS: dict[str, tuple[Any, Any]] = {
    **{name: (each, each.cdf) for name, each in PLAIN.items()},
    "any of scipy": (stats.skewnorm(4.0), stats.skewnorm(4.0).cdf),
    "truncated": (truncated(NORM, 1.5, 2.4), given(NORM, 1.5, 2.4)),
    "truncated below": (truncated(NORM, low=2.0), stats.truncnorm(0, np.inf, 2.0, 0.5).cdf),
    "truncated above": (truncated(GAMMA, high=7.0), given(GAMMA, 0.0, 7.0)),
    "truncated, little left": (truncated(NORM, high=1.0), given(NORM, -np.inf, 1.0)),
    "truncated, much above": (truncated(NORM, low=2.9), given_above(NORM, 2.9)),
    "truncated, far out": (truncated(stats.norm(), 30.0), given_above(stats.norm(), 30.0)),
    "truncated, gamma": (truncated(GAMMA, 1.0, 2.0), given(GAMMA, 1.0, 2.0)),
    "truncated, any of scipy": (
        truncated(stats.skewnorm(4.0), 0.5, 1.5),
        given(stats.skewnorm(4.0), 0.5, 1.5),
    ),
    "mixture": (
        mixture([NORM, GAMMA], [0.3, 0.7]),
        lambda x: 0.3 * NORM.cdf(x) + 0.7 * GAMMA.cdf(x),
    ),
    "truncated mixture": (
        truncated(mixture([NORM, GAMMA], [0.3, 0.7]), high=3.0),
        lambda x: np.clip(
            (0.3 * NORM.cdf(x) + 0.7 * GAMMA.cdf(x)) / (0.3 * NORM.cdf(3.0) + 0.7 * GAMMA.cdf(3.0)),
            0,
            1,
        ),
    ),
    "mixture of truncated": (
        mixture([truncated(NORM, low=2.0), stats.uniform(0, 2)]),
        lambda x: (given(NORM, 2.0, np.inf)(x) + stats.uniform(0, 2).cdf(x)) / 2,
    ),
}
N_ONE = 1500


@pytest.mark.parametrize("name", LAWS)
def test_law(name: str) -> None:
    """One by one and at once, and as the law says itself."""
    drawn, cdf = law(LAWS[name][0]), LAWS[name][1]
    rng = np.random.default_rng(11)
    one_by_one = [drawn.draw(rng) for _ in range(N_ONE)]
    for values in (one_by_one, drawn.draw(rng, 20_000)):
        assert stats.kstest(values, cdf).pvalue > FALSE_ALARM
    x = np.linspace(-1, 12, 131)
    assert np.allclose(drawn.cdf(x), cdf(x), atol=1e-12)
    assert all(isinstance(value, float) for value in one_by_one)


@pytest.mark.parametrize("name", sorted(set(PLAIN) - {"weibull"}))  # inverts its cdf in scipy
@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState])
def test_as_scipy_draws(name: str, make: Any) -> None:
    """To the last bit, from the same generator."""
    expected = PLAIN[name].rvs(size=300, random_state=make(5))
    assert np.array_equal(law(PLAIN[name]).draw(make(5), 300), expected)


SEQUENTIAL = {name: law(each) for name, (each, _) in LAWS.items() if law(each).sequential}
SEQUENTIAL["clipped"] = clipped(NORM, 1.5, 2.4)
SEQUENTIAL["clipped, truncated"] = clipped(truncated(NORM, 1.5), high=2.2)


@pytest.mark.parametrize("name", SEQUENTIAL)
@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState])
def test_at_once_as_one_by_one(name: str, make: Any) -> None:
    """The same values, from the same numbers of the generator, in blocks of any size."""
    drawn, mine, other = SEQUENTIAL[name], make(3), make(3)
    found = np.concatenate([drawn.draw(mine, n) for n in (1, 0, 150, 49)])
    assert found.tolist() == [drawn.draw(other) for _ in range(200)]
    assert mine.uniform() == other.uniform()


def test_which_laws_are_sequential() -> None:
    assert set(LAWS) - set(SEQUENTIAL) == {
        *("any of scipy", "mixture", "truncated mixture", "mixture of truncated"),
    }


def test_moments() -> None:
    """Mean and standard deviation of lognormal() are those of the values; six standard errors."""
    n = 40_000
    values = law(lognormal(2.0, 0.5)).draw(np.random.default_rng(1), n)
    assert abs(values.mean() - 2.0) < 6 * 0.5 / n**0.5
    kurtosis = float(lognormal(2.0, 0.5).stats("k")) + 3
    assert abs(values.std() - 0.5) < 6 * 0.5 * ((kurtosis - 1) / 4 / n) ** 0.5
    wide = lognormal(1e-3, 1.0)
    assert (wide.mean(), wide.std()) == pytest.approx((1e-3, 1.0))


def test_truncated_or_clipped() -> None:
    """Probability outside is shared by all values inside, or goes to the limits."""
    rng = np.random.default_rng(2)
    inside = truncated(NORM, 1.5, 2.5).rvs(20_000, rng)
    assert ((inside > 1.5) & (inside < 2.5)).all()
    moved = clipped(NORM, 1.5, 2.5)
    values = moved.rvs(20_000, rng)
    assert (values.min(), values.max()) == (1.5, 2.5)
    n_low = int((values == 1.5).sum())
    assert stats.binomtest(n_low, 20_000, NORM.cdf(1.5)).pvalue > FALSE_ALARM
    assert moved.cdf([1.49, 1.5, 2.0, 2.5]).tolist() == [0, NORM.cdf(1.5), 0.5, 1]


def test_a_number_in_a_mixture() -> None:
    """Silent synapses."""
    some = mixture([0.0, lognormal(2.0, 0.5)], [0.2, 0.8])
    values = some.rvs(10_000, 3)
    silent = values == 0.0
    assert stats.binomtest(int(silent.sum()), 10_000, 0.2).pvalue > FALSE_ALARM
    assert stats.kstest(values[~silent], lognormal(2.0, 0.5).cdf).pvalue > FALSE_ALARM
    assert some.below(0.0) == 0.0
    assert float(some.cdf(0.0)) == 0.2


def test_truncated_whole_numbers() -> None:
    """Limits belong to the interval."""
    values = truncated(stats.poisson(3.0), 1, 4).rvs(4000, 4)
    found = np.array([(values == k).sum() for k in range(1, 5)])
    p = stats.poisson(3.0).pmf(range(1, 5))
    assert found.sum() == 4000
    assert stats.chisquare(found, 4000 * p / p.sum()).pvalue > FALSE_ALARM


class _Ends:
    """A generator that gives the least and the greatest number that there is."""

    def uniform(self, low: float, high: float, n: int) -> Any:
        return np.array([0.0, 1 - 2.0**-53])


@pytest.mark.parametrize("limits", [{"high": 1.0}, {"low": 2.9}, {"low": 1.9, "high": 2.0}])
def test_no_infinite_values(limits: dict[str, float]) -> None:
    values = truncated(NORM, **limits).draw(_Ends(), 2)  # type: ignore[arg-type]
    assert np.isfinite(values).all()
    assert (values >= limits.get("low", -math.inf)).all()
    assert (values <= limits.get("high", math.inf)).all()


def test_a_users_distribution() -> None:
    """With a name of scipy's, but drawn from as it says."""

    class Two(stats.rv_continuous):
        def _rvs(self, size: Any = None, random_state: Any = None) -> Any:
            return np.full(size, 2.0)

    found = law(Two(name="norm")())
    assert not found.sequential
    assert found.draw(np.random.default_rng(1), 3).tolist() == [2.0] * 3


def test_shown() -> None:
    assert shown(stats.gamma(2, scale=3.0)) == "gamma(2, scale=3.0)"
    text = repr(mixture([truncated(NORM, low=0), 1.5], [0.5, 0.5]))
    assert text == (
        "mixture(distributions=[truncated(distribution=norm(2.0, 0.5), low=0.0, high=inf), 1.5], "
        "probabilities=[0.5, 0.5])"
    )


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: lognormal(0, 1), r"mean of lognormal\(\) must be a number > 0.*, got 0"),
        (lambda: lognormal(1, -1), r"std of lognormal\(\) must be a number > 0.*, got -1"),
        (lambda: lognormal("x", 1), r"mean of lognormal\(\) must be .*, got 'x'"),
        (lambda: truncated(NORM), r"low and high of truncated\(\) must be .*, got -inf and inf"),
        (lambda: truncated(NORM, 3, 1), r"low and high of truncated\(\) must be .*, got 3 and 1"),
        (
            lambda: truncated(NORM, [1], 3),
            r"low and high of truncated\(\) must be .*, got \[1\] and 3",
        ),
        (lambda: truncated(1.0, 0), r"distribution of truncated\(\) must be a frozen.*, got 1.0"),
        (lambda: truncated(stats.uniform(), 2), r"uniform\(\) has probability 0; choose limits"),
        (lambda: truncated(mixture([NORM]), 9), r"where mixture.* has probability 0"),
        (
            lambda: clipped(stats.norm, 0),
            r"distribution of clipped\(\) must be a frozen .*, got .*norm_gen",
        ),
        (lambda: clipped(NORM, "a"), r"low and high of clipped\(\) must be .*, got 'a' and inf"),
        (lambda: mixture(NORM), r"distributions of mixture\(\) must be .*, got norm\(2.0, 0.5\)"),
        (lambda: mixture([]), r"distributions of mixture\(\) must be .*, got \[\]"),
        (lambda: mixture([NORM, "x"]), r"distributions of mixture\(\) must be .*, got 'x'"),
        (lambda: mixture([NORM, 1], [0.5]), r"must be 2 numbers >= 0 .*, got \[0.5\]"),
        (lambda: mixture([NORM, 1], [0.5, 0.6]), "that add up to 1"),
        (lambda: truncated(stats.gamma(-1), 0), r"gamma\(-1\), whose parameters"),
        (lambda: truncated(stats.norm([1, 2]), 0), r"norm\(\[1, 2\]\), whose parameters"),
    ],
)
def test_errors(call: Any, match: str) -> None:
    with pytest.raises(ParameterError, match=match):
        call()
