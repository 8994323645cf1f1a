"""Connectors with given numbers connect uniformly, and as often as they say.

Thresholds are Bonferroni bounds for the stated false-alarm rate; the seeds are fixed, so a pass
stays a pass. Planted biases show that the tests can fail.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from conftest import QUIET, make_network, pools
from scipy import stats

from bmtool_connectors import (
    FixedInDegreeConnector,
    FixedOutDegreeConnector,
    FixedTotalNumberConnector,
    NodeArrays,
    PairwisePoissonConnector,
    UnidirectionConnector,
    randomness,
)
from bmtool_connectors.sampling import degree, totals
from bmtool_connectors.sampling.blocks import PairSpace

FALSE_ALARM = 1e-6  # of each test in this file


class Node(dict[str, Any]):
    """A node object, as BMTK makes them."""

    def __init__(self, node_id: int) -> None:
        super().__init__()
        self.node_id = node_id


NODES = [Node(k) for k in range(60)]


def pool(start: int, stop: int, network: object = "one") -> NodeArrays:
    """Return the nodes with these ids; pools of one network share nodes."""
    return NodeArrays(NODES[start:stop], network=network)


# ---------------------------------------------------------------------- every subset
def subset_counts(n: int, k: int, left_out: int | None, n_rows: int = 40_000) -> np.ndarray:
    """Return how often each subset of k columns was chosen."""
    held = None if left_out is None else np.full(n_rows, left_out)
    streams = degree.streams(np.random.default_rng(7))
    row, column = degree.partners(np.full(n_rows, k), n, streams, held)
    assert (row == np.repeat(np.arange(n_rows), k)).all()
    key = (1 << column.astype(np.int64)).reshape(n_rows, k).sum(axis=1)
    free = [c for c in range(n) if c != left_out]
    keys = [sum(1 << c for c in chosen) for chosen in combinations(free, k)]
    found = dict(zip(*np.unique(key, return_counts=True), strict=True))
    assert set(found) <= set(keys)
    return np.array([found.get(each, 0) for each in keys])


SUBSETS = [(5, 1), (5, 2), (5, 3), (5, 4), (6, 3), (7, 2), (7, 5), (9, 4)]


@pytest.mark.parametrize("left_out", [None, 0, 2, -1])
@pytest.mark.parametrize(("n", "k"), SUBSETS)
def test_every_subset_is_equally_likely(n: int, k: int, left_out: int | None) -> None:
    held = n - 1 if left_out == -1 else left_out
    counts = subset_counts(n, k, held)
    assert len(counts) == math.comb(n - (held is not None), k)
    if len(counts) > 1:
        assert stats.chisquare(counts).pvalue > FALSE_ALARM / (4 * len(SUBSETS))


def _first_columns_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    original = degree._distinct

    def biased(size: Any, n: int, held: Any, rng: Any) -> Any:
        class Squeezed:
            def integers(self, low: int, high: int, *args: Any, **kwargs: Any) -> Any:
                found = rng.integers(low, high, *args, **kwargs)
                return np.where(rng.random(found.shape) < 0.03, 0, found).astype(found.dtype)

        return original(size, n, held, Squeezed())

    monkeypatch.setattr(degree, "_distinct", biased)


def _next_column_instead_of_another_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    def biased(size: Any, n: int, held: Any, rng: Any) -> Any:
        table = np.sort(rng.integers(0, n, (len(size), int(size.max()))), axis=1)
        for row in table:
            for k in range(1, len(row)):  # the classic short cut
                while row[k] in row[:k]:
                    row[k] = (row[k] + 1) % n
        return np.sort(table, axis=1)

    monkeypatch.setattr(degree, "_distinct", biased)


@pytest.mark.parametrize("bias", [_first_columns_more_often, _next_column_instead_of_another_draw])
def test_planted_bias_is_found(
    bias: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    bias(monkeypatch)
    assert stats.chisquare(subset_counts(7, 2, None)).pvalue < FALSE_ALARM


# ---------------------------------------------------------------------- totals
def chi_square(values: np.ndarray, law: Any) -> float:
    """Return the p-value of whole numbers against their law; rare ones are taken together."""
    support = np.arange(int(law.support()[0]), int(law.ppf(1 - 1e-12)) + 2)
    expected = len(values) * law.pmf(support)
    common = np.flatnonzero(expected >= 10)
    low, high = support[common[0]], support[common[-1]]
    observed = np.bincount(np.clip(values, low, high) - low, minlength=high - low + 1)
    bins = expected[common[0] : common[-1] + 1]
    bins[0] += len(values) * law.cdf(low - 1)
    bins[-1] += len(values) * law.sf(high)
    return 1.0 if len(bins) == 1 else float(stats.chisquare(observed, bins).pvalue)


SPLITS = [
    *((1, 1, 1), (1, 3, 9), (2, 3, 3), (5, 5, 5), (6, 5, 5), (10, 5, 5), (7, 2, 30), (31, 30, 2)),
    *((40, 50, 60), (55, 50, 60), (109, 50, 60), (3, 0, 9), (3, 9, 0), (0, 4, 4)),
    *((1000, 10_000, 3000), (300, 10**6, 10**6), (25_000, 40_000, 10_000)),
]


@pytest.mark.parametrize("multapses", [False, True])
@pytest.mark.parametrize(("n", "left", "right"), SPLITS)
def test_split(n: int, left: int, right: int, multapses: bool) -> None:
    """The exact law: hypergeometric, or binomial with multapses."""
    rng = np.random.default_rng(3)
    values = np.array(
        [totals.split(n, left, right, rng, multapses=multapses) for _ in range(10_000)]
    )
    if multapses:
        law = stats.binom(n, left / (left + right))
    else:
        law = stats.hypergeom(left + right, left, n)
    assert chi_square(values, law) > FALSE_ALARM / (2 * len(SPLITS))


def test_split_is_not_binomial() -> None:
    """The law without replacement would not pass for that with it, nor a biased one."""
    rng = np.random.default_rng(3)
    values = np.array([totals.split(40, 50, 60, rng) for _ in range(10_000)])
    assert chi_square(values, stats.binom(40, 50 / 110)) < FALSE_ALARM
    assert chi_square(values, stats.hypergeom(110, 51, 40)) < FALSE_ALARM


@pytest.mark.parametrize("n", [10**7, 10**11 + 1, 5 * 10**12 - 10**10])
def test_split_of_large_numbers(n: int) -> None:
    """Beyond NumPy's limit of 1e9: the mean, the variance, and the normal law that it is near."""
    left, right, draws = 2 * 10**12, 3 * 10**12, 1000
    rng = np.random.default_rng(4)
    values = [totals.split(n, left, right, rng) for _ in range(draws)]
    total = left + right
    p, rest = left / total, (total - n) / (total - 1)
    sd = math.sqrt(n * p * (1 - p) * rest)
    z = np.array([float(x - n * left // total) for x in values]) / sd
    assert abs(z.mean()) * draws**0.5 < stats.norm.isf(FALSE_ALARM / 12)
    tail = stats.chi2(draws - 1)
    dispersion = (draws - 1) * z.var(ddof=1)
    assert min(tail.cdf(dispersion), tail.sf(dispersion)) > FALSE_ALARM / 12
    assert stats.kstest(z, stats.norm.cdf).pvalue > FALSE_ALARM / 6


@pytest.mark.parametrize("n", [2, 4])
def test_every_set_of_pairs_is_equally_likely(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over a tree of five slabs of unequal size: chi-square over all sets."""
    monkeypatch.setattr(randomness, "SLAB", 1)
    space = PairSpace(pool(0, 5), pool(3, 5), autapses=False)
    assert space.n_pairs == 8
    found: dict[tuple[int, ...], int] = {}
    rng = np.random.default_rng(2)
    for _ in range(8000):
        i, j = totals.total_pairs(n, space, rng)
        key = tuple((2 * i + j).tolist())
        found[key] = found.get(key, 0) + 1
    assert len(found) == math.comb(8, n)
    assert stats.chisquare(list(found.values())).pvalue > FALSE_ALARM / 2


def test_slabs_do_not_depend_on_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many slabs are as few: pairs, totals and synapses have the laws that they had."""
    monkeypatch.setattr(randomness, "SLAB", 3)
    allowed = may_connect(A, A, False) > 0
    total = frequencies(FixedTotalNumberConnector(30, **QUIET), A, A)
    assert (total.sum(axis=(1, 2)) == 30).all()
    assert misfit(total.sum(axis=0), allowed * 30 / 132) > FALSE_ALARM / 5
    chosen = frequencies(FixedInDegreeConnector(4, **QUIET), A, A)
    assert misfit(chosen.sum(axis=0), allowed * 4 / 11) > FALSE_ALARM / 5
    poisson = frequencies(PairwisePoissonConnector(0.3, **QUIET), A, A).sum(axis=(1, 2))
    assert chi_square(poisson.astype(int), stats.poisson(0.3 * 132)) > FALSE_ALARM / 5
    law = stats.binom(6, 0.4)
    degrees = frequencies(FixedInDegreeConnector(law, **QUIET), A, A).sum(axis=1)
    assert chi_square(degrees.ravel().astype(int), law) > FALSE_ALARM / 5
    sums = degrees.sum(axis=1).astype(int)  # independent of each other
    assert chi_square(sums, stats.binom(6 * 12, 0.4)) > FALSE_ALARM / 5


# ---------------------------------------------------------------------- every pair
DRAWS = 400
A, B, OVERLAP = pool(0, 12), pool(20, 29), pool(8, 20)
POOLS = {"within": (A, A), "between": (A, B), "overlapping": (A, OVERLAP)}


def frequencies(connector: Any, source: NodeArrays, target: NodeArrays) -> np.ndarray:
    """Return synapses of each pair over many seeds, shape (DRAWS, n_source, n_target)."""
    return np.array(
        [
            connector.draw(source, target, np.random.default_rng(seed)).forward.to_dense()
            for seed in range(DRAWS)
        ]
    )


def misfit(count: np.ndarray, p: np.ndarray) -> float:
    """Return the least tail probability over pairs, times their number (exact binomial)."""
    assert (count[p == 0] == 0).all()
    inside = p > 0
    k, q = count[inside], p[inside]
    tail = np.minimum(stats.binom.cdf(k, DRAWS, q), stats.binom.sf(k - 1, DRAWS, q))
    return float(2 * len(k) * tail.min())


def may_connect(source: NodeArrays, target: NodeArrays, autapses: bool) -> np.ndarray:
    """Return which pairs are no autapses, or all."""
    return np.ones((len(source), len(target))) * ((source.ids[:, None] != target.ids) | autapses)


@pytest.mark.parametrize("autapses", [False, True])
@pytest.mark.parametrize("pools", POOLS)
def test_each_pair(pools: str, autapses: bool) -> None:
    source, target = POOLS[pools]
    allowed = may_connect(source, target, autapses)
    options = {"allow_autapses": autapses, **QUIET}
    cases = {
        "in": (FixedInDegreeConnector(4, **options), 4 / allowed.sum(axis=0)[None, :]),
        "in, most": (FixedInDegreeConnector(9, **options), 9 / allowed.sum(axis=0)[None, :]),
        "out": (FixedOutDegreeConnector(3, **options), 3 / allowed.sum(axis=1)[:, None]),
        "total": (FixedTotalNumberConnector(30, **options), 30 / allowed.sum()),
        "total, most": (FixedTotalNumberConnector(80, **options), 80 / allowed.sum()),
        "fraction": (
            FixedOutDegreeConnector(3, source_fraction=0.5, **options),
            0.5 * 3 / allowed.sum(axis=1)[:, None],
        ),
        "fraction, pairs": (
            UnidirectionConnector(0.4, source_fraction=0.25, **options),
            0.25 * 0.4,
        ),
    }
    for name, (connector, p) in cases.items():
        found = frequencies(connector, source, target)
        assert found.max() == 1
        rate = misfit(found.sum(axis=0), allowed * p)
        assert rate > FALSE_ALARM / (6 * len(cases)), name


@pytest.mark.parametrize("mean", [0.3, 2.5])
@pytest.mark.parametrize("pools", POOLS)
def test_poisson_per_pair(pools: str, mean: float) -> None:
    """Counts are Poisson, and those of two pairs independent: the total is Poisson as well."""
    source, target = POOLS[pools]
    found = frequencies(PairwisePoissonConnector(mean, **QUIET), source, target)
    allowed = may_connect(source, target, False) > 0
    assert not found[:, ~allowed].any()
    values = found[:, allowed].ravel()
    most = int(stats.poisson.isf(1e-3, mean))
    observed = [(values == k).sum() for k in range(most)] + [(values >= most).sum()]
    expected = [*stats.poisson.pmf(np.arange(most), mean), stats.poisson.sf(most - 1, mean)]
    fit = stats.chisquare(observed, len(values) * np.array(expected))
    assert fit.pvalue > FALSE_ALARM / 12
    totals = found.sum(axis=(1, 2))
    dispersion = DRAWS * totals.var() / totals.mean()
    tail = stats.chi2(DRAWS - 1)
    assert min(tail.cdf(dispersion), tail.sf(dispersion)) > FALSE_ALARM / 12


@pytest.mark.parametrize("kind", ["in", "out", "total"])
def test_multapses_are_drawn_with_replacement(kind: str) -> None:
    """The synapses of a pair are binomial: chi-square over seeds."""
    n, others = {"in": (8, 11), "out": (8, 11), "total": (90, 132)}[kind]
    make: Any = {
        "in": FixedInDegreeConnector,
        "out": FixedOutDegreeConnector,
        "total": FixedTotalNumberConnector,
    }[kind]
    found = frequencies(make(n, allow_multapses=True, **QUIET), A, A)
    assert not found[:, np.eye(12, dtype=bool)].any()
    totals = found.sum(axis={"in": 1, "out": 2, "total": (1, 2)}[kind])
    assert (totals == n).all()
    # Pairs of one draw depend on each other: one pair per degree, per draw.
    values = found[:, 0, 1]
    law = stats.binom(n, 1 / others)
    observed = [(values == k).sum() for k in range(2)] + [(values >= 2).sum()]
    fit = stats.chisquare(observed, DRAWS * np.array([law.pmf(0), law.pmf(1), law.sf(1)]))
    assert fit.pvalue > FALSE_ALARM / 3


def test_distributed_degrees() -> None:
    """In-degrees from a distribution have its law: chi-square over seeds."""
    law = stats.binom(6, 0.4)
    connector = FixedInDegreeConnector(law, **QUIET)
    degrees = frequencies(connector, A, B).sum(axis=1).ravel()
    observed = np.bincount(degrees, minlength=7)
    fit = stats.chisquare(observed, len(degrees) * law.pmf(np.arange(7)))
    assert fit.pvalue > FALSE_ALARM


EXPECTED = {
    "in": FixedInDegreeConnector(4, **QUIET),
    "in, multapses": FixedInDegreeConnector(7, allow_multapses=True, **QUIET),
    "in, distribution": FixedInDegreeConnector(stats.binom(9, 0.3), **QUIET),
    "in, fraction": FixedInDegreeConnector(
        6, allow_multapses=True, allow_autapses=True, source_fraction=0.5, **QUIET
    ),
    "out": FixedOutDegreeConnector(range(12), allow_autapses=True, **QUIET),
    "out, fraction": FixedOutDegreeConnector(
        9, allow_multapses=True, source_fraction=0.25, **QUIET
    ),
    "no synapse": FixedOutDegreeConnector(2, n_syn=0, **QUIET),
    "total": FixedTotalNumberConnector(50, **QUIET),
    "total, multapses": FixedTotalNumberConnector(200, allow_multapses=True, **QUIET),
    "poisson": PairwisePoissonConnector(0.7, source_fraction=0.5, **QUIET),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_expected(name: str) -> None:
    """Mean and standard deviation over seeds, within the error of these draws."""
    net = make_network(12)
    population, _ = pools(net)
    connector = EXPECTED[name]
    connector.setup_nodes(source=population, target=population)
    found = connector.expected()
    nodes = connector.use.source
    drawn = [
        connector.draw(nodes, nodes, np.random.default_rng(seed)).forward for seed in range(DRAWS)
    ]
    edges = [len(each) for each in drawn]
    tolerance = stats.norm.isf(FALSE_ALARM / 20) * np.std(edges) / DRAWS**0.5
    assert abs(np.mean(edges) - found.edges) <= tolerance + 1e-9
    # (n - 1) s^2 / sd^2 is about chi-squared.
    low, high = stats.chi2.ppf([FALSE_ALARM / 40, 1 - FALSE_ALARM / 40], DRAWS - 1) / (DRAWS - 1)
    sd = found.forward_sd
    assert low * sd**2 <= np.var(edges, ddof=1) <= high * sd**2 + 1e-9
    for name in ("out", "in"):
        degrees = np.concatenate([getattr(each, f"{name}_degree")() for each in drawn])
        mean, sd = found.degrees[name]
        assert mean == pytest.approx(degrees.mean(), rel=0.04, abs=1e-9)
        assert sd == pytest.approx(degrees.std(), rel=0.06, abs=1e-9)
    assert found.pairs == (144 if connector.allow_autapses else 132)
    assert connector.use.connectivity is None
