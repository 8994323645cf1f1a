"""``expected()``: what a draw will give and cost, told before anything is drawn."""

from __future__ import annotations

import gc
import itertools
import time
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from bmtk.builder import NetworkBuilder
from conftest import without_warnings
from scipy import stats

from bmtool_connectors import (
    BaseConnector,
    BlockConnector,
    Connectivity,
    ConnectivityWarning,
    CorrelatedGapJunction,
    EdgeList,
    Expected,
    GapJunction,
    GapJunctionConditionalReciprocalConnector,
    GaussianDropoff,
    NodeError,
    NormalizedReciprocalRate,
    OneToOneSequentialConnector,
    ReciprocalConnector,
    UnidirectionConnector,
    UniformInRange,
    spherical_dist,
    vectorized,
)
from bmtool_connectors.sampling import expect as module
from bmtool_connectors.sampling import pairwise, sample, sums

QUIET: dict[str, Any] = {"verbose": False, "save_report": False, "rng": 3}
NEAR = GaussianDropoff(stdev=80.0, pmax=0.4, max_dist=200.0)
LAW: dict[str, Any] = {"p0": NEAR, "p0_arg": spherical_dist}
N, M = 60, 45


@pytest.fixture(scope="module")
def net() -> NetworkBuilder:
    """Return a network with two populations."""
    made = NetworkBuilder("net")
    rng = np.random.default_rng(1)
    for name, n in (("A", N), ("B", M)):
        made.add_nodes(N=n, pop_name=name, positions=list(rng.uniform(0, 300, (n, 3))))
    return made


def set_up(net: NetworkBuilder, connector: Any, target: str = "A") -> Any:
    """Return the connector, set up within A or from A to B."""
    source = net.nodes(pop_name="A")
    connector.setup_nodes(source, source if target == "A" else net.nodes(pop_name=target))
    return connector


def distances(net: NetworkBuilder, target: str) -> np.ndarray:
    """Return all distances, by the formula."""
    a, b = (
        np.array([node["positions"] for node in net.nodes(pop_name=name)]) for name in ("A", target)
    )
    return np.linalg.norm(a[:, None] - b[None], axis=-1)


def near(dist: np.ndarray) -> np.ndarray:
    """Return NEAR, by the formula."""
    return np.where(dist <= 200, 0.4 * np.exp(-0.5 * (dist / 80) ** 2), 0.0)


@vectorized
def near_of(dist: np.ndarray) -> np.ndarray:
    """Return NEAR, as a function without a bound."""
    return near(dist)


def x_of(source: Any, target: Any) -> float:
    """Return a coordinate of the first node, um."""
    return float(source["positions"][0])


def y_of(source: Any, target: Any) -> float:
    """Return another one, um."""
    return float(source["positions"][1])


def p_of_x(x: float) -> float:
    """Return a probability that depends on a coordinate."""
    return 0.1 + 1e-4 * abs(x)


class TestExact:
    """Small pools: all pairs are looked at, and sums are exact."""

    @pytest.mark.parametrize("sampler", ["pairwise", "sparse"])
    def test_one_direction(self, net: NetworkBuilder, sampler: str) -> None:
        connector = UnidirectionConnector(NEAR, spherical_dist, sampler=sampler, **QUIET)
        found = set_up(net, connector, "B").expected()
        assert found.forward == pytest.approx(near(distances(net, "B")).sum(), rel=1e-12)
        assert found.backward == found.reciprocal == found.infeasible == found.standard_error == 0
        assert (found.sampler, found.pairs) == (sampler, N * M)
        assert found.edges == found.forward

    @pytest.mark.parametrize("sampler", ["pairwise", "sparse"])
    def test_no_autapses(self, net: NetworkBuilder, sampler: str) -> None:
        connector = UnidirectionConnector(0.25, allow_autapses=False, sampler=sampler, **QUIET)
        assert set_up(net, connector).expected().edges == pytest.approx(0.25 * N * (N - 1))

    @pytest.mark.parametrize("sampler", ["pairwise", "sparse"])
    def test_one_population(self, net: NetworkBuilder, sampler: str) -> None:
        rate = NormalizedReciprocalRate(2.0)
        connector = ReciprocalConnector(pr=rate, pr_arg="0", sampler=sampler, **LAW, **QUIET)
        found = set_up(net, connector).expected()
        p = near(distances(net, "A"))[np.triu_indices(N, 1)]
        assert found.edges == found.forward == pytest.approx(2 * p.sum(), rel=1e-12)
        assert found.reciprocal == pytest.approx(np.minimum(2 * p * p, p).sum(), rel=1e-12)

    def test_autapses_have_one_direction(self, net: NetworkBuilder) -> None:
        connector = ReciprocalConnector(p0=0.3, pr=0.1, estimate_rho=False, autapses=True, **QUIET)
        found = set_up(net, connector).expected()
        assert found.edges == pytest.approx(0.3 * N * N)
        assert found.reciprocal == pytest.approx(0.1 * N * (N - 1) / 2)

    def test_two_populations_with_infeasible_pairs(self, net: NetworkBuilder) -> None:
        connector = ReciprocalConnector(
            **LAW, p1=0.2, pr=0.15, estimate_rho=False, n_syn1=2, **QUIET
        )
        found = set_up(net, connector, "B").expected()
        p = near(distances(net, "B"))
        assert found.forward == pytest.approx(p.sum(), rel=1e-12)
        assert found.backward == pytest.approx(0.2 * N * M)
        pr = np.clip(0.15, np.maximum(0, p + 0.2 - 1), np.minimum(p, 0.2))
        assert found.reciprocal == pytest.approx(pr.sum(), rel=1e-12)
        share = ((p > 0) & (p < 0.15)).sum() / (p > 0).sum()
        assert 0.1 < found.infeasible == pytest.approx(share)

    @pytest.mark.parametrize("sampler", ["pairwise", "sparse"])
    def test_wanted_reciprocal_pairs(self, net: NetworkBuilder, sampler: str) -> None:
        found = set_up(net, ReciprocalConnector(pr=0.04, sampler=sampler, **LAW, **QUIET))
        valid = (near(distances(net, "A"))[np.triu_indices(N, 1)] > 0).sum()
        assert found.expected().reciprocal == pytest.approx(0.04 * valid, rel=1e-9)

    def test_infeasible_pairs_that_no_draw_visited(self) -> None:
        """A draw without a clipped pair does not tell that no pair is to be clipped."""
        law, unvisited = GaussianDropoff(stdev=60.0, pmax=0.2, max_dist=150.0), 0
        for seed in range(20):
            few = NetworkBuilder("few")
            positions = np.random.default_rng(seed).uniform(0, 150, (8, 3))
            few.add_nodes(N=8, pop_name="A", positions=list(positions))
            options: dict[str, Any] = {**QUIET, "rng": seed, "p0": law, "pr": 0.002}
            drawn, fresh = (
                set_up(few, ReciprocalConnector(p0_arg=spherical_dist, sampler=sampler, **options))
                for sampler in ("sparse", "pairwise")
            )
            with without_warnings():
                clipped = drawn.connectivity.clipped
                found, wanted = drawn.expected(), fresh.expected()
                fresh.use.drawn()
            assert found.reciprocal == pytest.approx(wanted.reciprocal, rel=1e-9)
            assert found.infeasible == wanted.infeasible
            unvisited += clipped == 0 < wanted.infeasible
            for i, j in itertools.combinations(range(8), 2):
                pair = drawn.explain(i, j)
                assert pair.pr == pytest.approx(fresh.explain(i, j).pr, abs=1e-12)
                assert max(0.0, pair.p0 + pair.p1 - 1) <= pair.pr <= min(pair.p0, pair.p1)
        assert unvisited

    @pytest.mark.parametrize("rank", range(12))
    def test_no_reciprocal_pairs_are_0(self, rank: int) -> None:
        """Not what rounding leaves of p0 p1 - |rho| sqrt(...), which may be below 0."""
        net, rng = NetworkBuilder("net"), np.random.default_rng(rank)
        p0, p1 = rng.uniform(0.01, 0.5, 2)
        for name, n in (("A", 37 + rank), ("B", 45)):
            net.add_nodes(N=n, pop_name=name)
        found = set_up(net, ReciprocalConnector(p0=p0, p1=p1, pr=0.0, **QUIET), "B").expected()
        assert found.reciprocal == found.reciprocal_sd == 0.0
        assert found.forward > 0

    def test_what_another_law_replaces_is_0(self, net: NetworkBuilder) -> None:
        """All pairs are coupled, and a coupled pair is not connected."""
        gap = set_up(net, GapJunction(p=1.0, **QUIET))
        connector = GapJunctionConditionalReciprocalConnector(
            gap, 0.0, 0.0, 0.0, NEAR, NEAR, None, p0_nonelec_arg=spherical_dist,
            p1_nonelec_arg=spherical_dist, **QUIET,
        )  # fmt: skip
        assert len(set_up(net, gap).connectivity.forward)
        found = set_up(net, connector).expected()
        assert found.forward == found.reciprocal == found.forward_sd == found.independent == 0.0
        assert found.degrees == {"out": (0.0, 0.0), "in": (0.0, 0.0)}

    def test_no_synapses(self, net: NetworkBuilder) -> None:
        found = set_up(net, UnidirectionConnector(0.5, n_syn=0, **QUIET)).expected()
        assert found.edges == found.n_bytes == 0

    def test_functions_of_the_user(self, net: NetworkBuilder) -> None:
        connector = UnidirectionConnector(lambda d: 0.1 + d / 10_000, spherical_dist, **QUIET)
        found = set_up(net, connector, "B").expected()
        wanted = (0.1 + distances(net, "B") / 10_000).sum()
        assert found.edges == pytest.approx(wanted, rel=1e-12)

    @pytest.mark.parametrize("sampler", ["pairwise", "sparse"])
    def test_depends_on_another_connector(self, net: NetworkBuilder, sampler: str) -> None:
        gap = set_up(net, GapJunction(p=0.2, **QUIET))
        connector = GapJunctionConditionalReciprocalConnector(
            gap, 0.5, 0.5, 0.25, NEAR, NEAR, 0.0, p0_nonelec_arg=spherical_dist,
            p1_nonelec_arg=spherical_dist, sampler=sampler, **QUIET,
        )  # fmt: skip
        coupled = set_up(net, gap).connectivity.forward.to_dense() > 0
        found = set_up(net, connector).expected()
        upper = np.triu_indices(N, 1)
        p = np.where(coupled, 0.5, near(distances(net, "A")))[upper]
        assert found.edges == pytest.approx(2 * p.sum(), rel=1e-12)
        assert found.reciprocal == pytest.approx(0.25 * coupled.sum(), rel=1e-12)

    def test_gap_junctions(self, net: NetworkBuilder) -> None:
        chemical = set_up(net, UnidirectionConnector(0.2, **QUIET))
        connector = CorrelatedGapJunction(0.1, 0.5, 1.0, connector=chemical, **QUIET)
        directed = chemical.connectivity.forward.to_dense() > 0
        states = (directed.astype(int) + directed.T)[np.triu_indices(N, 1)]
        found = set_up(net, connector).expected()
        assert found.edges == pytest.approx(np.array([0.1, 0.5, 1.0])[states].sum())


class TestIndependent:
    """Reciprocal pairs if the directions of each pair were independent."""

    def test_both_drawn_together(self, net: NetworkBuilder) -> None:
        connector = ReciprocalConnector(**LAW, p1=0.2, pr=0.1, estimate_rho=False, **QUIET)
        found = set_up(net, connector, "B").expected()
        p = near(distances(net, "B"))
        assert found.independent == pytest.approx(0.2 * p.sum(), rel=1e-12)
        spread = np.sqrt(p * (1 - p) * 0.16).sum()
        assert found.reciprocal_per_rho == pytest.approx(spread, rel=1e-12)

    @pytest.mark.parametrize("autapses", [True, False])
    @pytest.mark.parametrize("sampler", ["pairwise", "sparse"])
    def test_drawn_apart(self, net: NetworkBuilder, sampler: str, autapses: bool) -> None:
        connector = UnidirectionConnector(
            NEAR, spherical_dist, allow_autapses=autapses, sampler=sampler, **QUIET
        )
        p = near(distances(net, "A"))[np.triu_indices(N, 1)]
        found = set_up(net, connector).expected()
        assert found.independent == pytest.approx((p**2).sum(), rel=1e-12)
        assert found.reciprocal_per_rho == found.reciprocal == 0

    def test_not_known(self, net: NetworkBuilder) -> None:
        """The other order of a pair may have another probability, or is not there."""
        given: Any
        for given, target in (
            ({"p": NEAR, "p_arg": lambda a, b: spherical_dist(a, b) + a.node_id}, "A"),
            ({"p": 0.3}, "B"),
            ({"p": 0.3, "source_fraction": 0.5}, "A"),
        ):
            found = set_up(net, UnidirectionConnector(**given, **QUIET), target).expected()
            assert found.independent == 0
        assert set_up(net, GapJunction(p=0.2, **QUIET)).expected().independent == 0


class TestSpread:
    """How far the numbers of a draw spread, in small pools exactly."""

    def test_one_direction(self, net: NetworkBuilder) -> None:
        connector = UnidirectionConnector(NEAR, spherical_dist, **QUIET)
        found = set_up(net, connector, "B").expected()
        p = near(distances(net, "B"))
        assert found.forward_sd == pytest.approx(np.sqrt((p * (1 - p)).sum()), rel=1e-12)
        assert found.backward_sd == found.reciprocal_sd == 0
        assert found.forward_error == found.backward_error == found.reciprocal_error == 0

    def test_two_populations(self, net: NetworkBuilder) -> None:
        connector = ReciprocalConnector(**LAW, p1=0.2, pr=0.1, estimate_rho=False, **QUIET)
        found = set_up(net, connector, "B").expected()
        p = near(distances(net, "B"))
        pr = np.clip(0.1, np.maximum(0, p + 0.2 - 1), np.minimum(p, 0.2))
        assert found.forward_sd == pytest.approx(np.sqrt((p * (1 - p)).sum()), rel=1e-12)
        assert found.backward_sd == pytest.approx(np.sqrt(0.16 * N * M), rel=1e-12)
        assert found.reciprocal_sd == pytest.approx(np.sqrt((pr * (1 - pr)).sum()), rel=1e-12)

    def test_one_population(self, net: NetworkBuilder) -> None:
        """Both directions of a pair are forward, and depend on each other."""
        rate = NormalizedReciprocalRate(2.0)
        connector = ReciprocalConnector(pr=rate, pr_arg="0", **LAW, **QUIET)
        found = set_up(net, connector).expected()
        p = near(distances(net, "A"))[np.triu_indices(N, 1)]
        pr = np.minimum(2 * p * p, p)
        variance = 2 * p * (1 - p) + 2 * (pr - p * p)
        assert found.forward_sd == pytest.approx(np.sqrt(variance.sum()), rel=1e-12)
        assert found.reciprocal_sd == pytest.approx(np.sqrt((pr * (1 - pr)).sum()), rel=1e-12)

    def test_autapses(self, net: NetworkBuilder) -> None:
        connector = ReciprocalConnector(p0=0.3, pr=0.1, estimate_rho=False, autapses=True, **QUIET)
        found = set_up(net, connector).expected()
        variance = 0.21 * N * N + 2 * (0.1 - 0.09) * N * (N - 1) / 2
        assert found.forward_sd == pytest.approx(np.sqrt(variance))

    def test_no_synapses_in_one_direction(self, net: NetworkBuilder) -> None:
        connector = ReciprocalConnector(p0=0.3, p1=0.5, pr=0.1, n_syn1=0, **QUIET)
        found = set_up(net, connector, "B").expected()
        assert found.forward_sd == pytest.approx(np.sqrt(0.21 * N * M))
        assert found.backward_sd == found.reciprocal_sd == 0

    def test_depends_on_another_connector(self, net: NetworkBuilder) -> None:
        chemical = set_up(net, UnidirectionConnector(0.2, **QUIET))
        connector = CorrelatedGapJunction(0.1, 0.5, 1.0, connector=chemical, **QUIET)
        directed = chemical.connectivity.forward.to_dense() > 0
        states = (directed.astype(int) + directed.T)[np.triu_indices(N, 1)]
        variance = np.array([0.09, 0.25, 0.0])[states].sum()
        found = set_up(net, connector).expected()
        assert found.forward_sd == pytest.approx(np.sqrt(variance))

    @pytest.mark.parametrize("p", [0.25, NEAR], ids=["constant", "distance"])
    def test_some_sources(self, net: NetworkBuilder, p: Any) -> None:
        """Sources are drawn without replacement, then their edges."""
        arg = None if p == 0.25 else spherical_dist
        connector = UnidirectionConnector(
            p, arg, source_fraction=0.4, allow_autapses=False, **QUIET
        )
        found = set_up(net, connector).expected()
        each = near(distances(net, "A")) if arg else np.full((N, N), 0.25)
        each = each * (1 - np.eye(N))
        between = N * 0.4 * 0.6 * each.sum(axis=1).var(ddof=1)
        assert found.forward == pytest.approx(0.4 * each.sum())
        variance = 0.4 * (each * (1 - each)).sum() + between
        assert found.forward_sd == pytest.approx(np.sqrt(variance))

    def test_some_sources_of_which_some_have_fewer_pairs(self, net: NetworkBuilder) -> None:
        """Sources among the targets have one pair less: the sum depends on who is chosen."""
        first, last = net.nodes(pop_name="A"), net.nodes(node_id=list(range(N - 5, N + M)))
        options: dict[str, Any] = {"allow_autapses": False, "source_fraction": 0.4, **QUIET}
        connector = UnidirectionConnector(1.0, **options)
        connector.setup_nodes(first, last)
        pairs = np.full(N, M + 5) - (np.arange(N) >= N - 5)
        wanted = N * 0.4 * 0.6 * pairs.var(ddof=1)
        assert connector.expected().forward_sd == pytest.approx(np.sqrt(wanted))
        out = connector.expected().degrees["out"]
        square = 0.4 * (pairs**2).mean() - (0.4 * pairs.mean()) ** 2
        assert out == pytest.approx((0.4 * pairs.mean(), np.sqrt(square)))

    @pytest.mark.parametrize("share", [1.0, 0.67])
    def test_degrees_of_few_nodes(self, share: float) -> None:
        """Over all choices of sources, and all nodes: what is 1 / n for many is not for three."""
        net, rng = NetworkBuilder("net"), np.random.default_rng(2)
        for name, n in (("A", 3), ("B", 4)):
            net.add_nodes(N=n, pop_name=name, positions=list(rng.uniform(0, 150, (n, 3))))
        connector = UnidirectionConnector(NEAR, spherical_dist, source_fraction=share, **QUIET)
        found = set_up(net, connector, "B").expected().degrees
        p = near(distances(net, "B"))
        choices = list(itertools.combinations(range(3), round(3 * share)))
        mean, square = np.zeros((2, 2, 4))
        for rows in choices:
            for axis, n in ((1, 3), (0, 4)):
                part = np.where(np.isin(np.arange(3), rows)[:, None], p, 0.0)
                own = part.sum(axis=axis)
                mean[axis, :n] += own
                square[axis, :n] += (part * (1 - part)).sum(axis=axis) + own**2
        for name, axis, n in (("out", 1, 3), ("in", 0, 4)):
            first, second = (each[axis].sum() / n / len(choices) for each in (mean, square))
            assert found[name] == pytest.approx((first, np.sqrt(second - first**2)), rel=1e-12)

    def test_sample_of_some_sources(
        self, net: NetworkBuilder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What the sample adds to the spread of the sources is taken off; the mean of 200."""

        def variance(name: str) -> float:
            connector = UnidirectionConnector(
                NEAR, spherical_dist, source_fraction=0.4, name=name, **QUIET
            )
            return set_up(net, connector).expected().forward_sd ** 2

        exact = variance("")
        monkeypatch.setattr(module, "MOST_PAIRS", 400)
        found = [variance(str(k)) for k in range(200)]
        error = np.std(found) / np.sqrt(len(found))
        assert error < 0.1 * exact
        assert abs(np.mean(found) - exact) < 5 * error

    @pytest.mark.parametrize("target", ["A", "B"])
    @pytest.mark.parametrize("kind", ["rate", "estimate", "sources", "as bmtool"])
    def test_draws(self, net: NetworkBuilder, kind: str, target: str) -> None:
        """Mean and variance of 150 draws: z and chi-squared, a false alarm in 10,000 each."""
        make = {
            "rate": lambda rng: ReciprocalConnector(
                **LAW, p1=NEAR, p1_arg=spherical_dist, pr=NormalizedReciprocalRate(2.0),
                pr_arg="0", **{**QUIET, "rng": rng},
            ),
            "estimate": lambda rng: ReciprocalConnector(
                **LAW, p1=0.3, pr=0.1 if target == "B" else 0.05, **{**QUIET, "rng": rng}
            ),
            "sources": lambda rng: UnidirectionConnector(
                NEAR, spherical_dist, source_fraction=0.3, **{**QUIET, "rng": rng}
            ),
            "as bmtool": lambda rng: ReciprocalConnector(
                **LAW, p1=0.3, rho=-0.7, infeasible="bmtool", **{**QUIET, "rng": rng}
            ),
        }[kind]  # fmt: skip
        counts, degrees = [], []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConnectivityWarning)
            for seed in range(150):
                connector = set_up(net, make(np.random.default_rng(seed)), target)
                counts.append(realised(connector.connectivity))
                degrees.append(realised_degrees(connector))
            found = set_up(net, make(np.random.default_rng(0)), target).expected()
        n, tail = len(counts), 0.5e-4
        low, high = stats.chi2.ppf([tail, 1 - tail], n - 1) / (n - 1)
        columns = zip(("forward", "backward", "reciprocal"), np.transpose(counts), strict=True)
        for name, column in columns:
            sd = getattr(found, f"{name}_sd")
            wanted = getattr(found, name)
            assert abs(column.mean() - wanted) <= stats.norm.isf(tail) * sd / np.sqrt(n) + 1e-9
            assert low * sd**2 <= column.var(ddof=1) <= high * sd**2 + 1e-9, name
        for name, (mean, sd) in found.degrees.items():
            pooled = np.concatenate([each[name] for each in degrees])
            assert mean == pytest.approx(pooled.mean(), rel=0.03), name
            assert sd == pytest.approx(pooled.std(), rel=0.05), name


def realised(drawn: Connectivity) -> tuple[int, int, int]:
    """Return forward, backward and reciprocal connections."""
    if drawn.backward is not None:
        return len(drawn.forward), len(drawn.backward), drawn.connected[2]
    return len(drawn.forward), 0, drawn.connected[1] if len(drawn.connected) > 1 else 0


def realised_degrees(connector: Any) -> dict[str, np.ndarray]:
    """Return the degrees of a connector with two directions, or one, by name."""
    drawn = connector.connectivity
    found = {"out": drawn.forward.out_degree(), "in": drawn.forward.in_degree()}
    if drawn.backward is not None:
        found["backward out"] = drawn.backward.out_degree()
        found["backward in"] = drawn.backward.in_degree()
    return found


class TestSample:
    """Large pools: some of the pairs stand for all."""

    @pytest.fixture(autouse=True)
    def few(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Look at few pairs, so that small pools are large."""
        monkeypatch.setattr(module, "MOST_PAIRS", 400)

    @pytest.mark.parametrize("sampler", ["pairwise", "sparse"])
    def test_within_its_error(self, net: NetworkBuilder, sampler: str) -> None:
        """5 standard errors: a false alarm in 2 million."""
        connector = ReciprocalConnector(pr=0.04, sampler=sampler, **LAW, **QUIET)
        found = set_up(net, connector).expected()
        exact = near(distances(net, "A"))[np.triu_indices(N, 1)].sum() * 2
        assert 0.01 * exact < found.standard_error < 0.2 * exact
        assert abs(found.edges - exact) < 5 * found.standard_error
        assert found.edges != pytest.approx(exact, rel=1e-6)

    def test_the_error_is_right(self, net: NetworkBuilder) -> None:
        """Spread over 200 samples, within a third of what is said."""
        given: dict[str, Any] = {"p1": NEAR, "p1_arg": spherical_dist, "pr": None}
        found = []
        for k in range(200):
            connector = ReciprocalConnector(**LAW, **given, name=str(k), **QUIET)
            found.append(set_up(net, connector, "B").expected())
        for name in ("forward", "backward", "reciprocal"):
            spread = np.std([getattr(each, name) for each in found])
            errors = [getattr(each, f"{name}_error") for each in found]
            assert spread == pytest.approx(np.mean(errors), rel=0.33)
        spread = np.std([each.edges for each in found])
        assert spread == pytest.approx(np.mean([e.standard_error for e in found]), rel=0.33)

    def test_estimates_are_marked(self, net: NetworkBuilder) -> None:
        """In texts and tables, of expected numbers and of summaries."""
        connector = set_up(net, ReciprocalConnector(pr=0.04, **LAW, **QUIET))
        found = connector.expected()
        preview = connector.preview()
        assert found.estimated
        assert f"~{found.edges:,.4g}" in str(preview)
        assert "~ estimated from a sample of the pairs" in str(preview)
        assert preview.to_frame().estimated[0]
        summary = connector.summary()
        measures = {(each.quantity, each.direction): each for each in summary.entries[0].measures}
        for quantity in ("edges", "probability", "out-degree mean", "in-degree sd"):
            assert measures[quantity, "forward"].estimated
        assert measures["reciprocal pairs", ""].estimated
        assert not measures["synapses", "forward"].estimated
        assert "~ estimated from a sample of the pairs" in str(summary)
        marked = {line.split("~")[0].strip() for line in str(summary).splitlines() if "~" in line}
        assert {"edges", "probability", "out-degree", "reciprocal pairs", "rho"} <= marked
        assert summary.to_frame().estimated.sum() >= 8

    def test_exact_numbers_are_not_marked(self, net: NetworkBuilder) -> None:
        connector = set_up(net, UnidirectionConnector(0.25, **QUIET), "B")
        assert not connector.expected().estimated
        assert "~" not in str(connector.preview()) + str(connector.summary())
        assert not connector.summary().to_frame().estimated.any()

    def test_equal_pairs_need_no_sample(self, net: NetworkBuilder) -> None:
        found = set_up(net, UnidirectionConnector(0.25, **QUIET), "B").expected()
        assert found.edges == pytest.approx(0.25 * N * M, rel=1e-12)
        assert found.standard_error == 0


@pytest.fixture(scope="module")
def samples() -> dict[str, list[tuple[Expected, Expected]]]:
    """Return, of three edge types, what each network expects, and the exact numbers."""
    rng = np.random.default_rng(4)
    # Neighbours in space are neighbours in the pool: ranks and distances go together.
    cells = [np.sort(rng.uniform(0, 300, (n, 3)), axis=0) for n in (N, M)]
    both = {"p1": NEAR, "p1_arg": spherical_dist, "pr": NormalizedReciprocalRate(2.0)}
    found: dict[str, list[tuple[Expected, Expected]]] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sample, "FEWEST", 64)
        patch.setattr(sums, "ROUGH", np.inf)  # deviations of degrees are told, however rough
        for k in range(200):
            net = NetworkBuilder(f"net{k}")
            net.add_nodes(N=N, pop_name="A", positions=list(cells[0]))
            net.add_nodes(N=M, pop_name="B", positions=list(cells[1]))
            types = {
                "A to B": set_up(net, UnidirectionConnector(NEAR, spherical_dist, **QUIET), "B"),
                "A to A": set_up(net, ReciprocalConnector(**LAW, **both, **QUIET)),
                # Ranks, and no bound.
                "called": set_up(net, UnidirectionConnector(near_of, spherical_dist, **QUIET), "B"),
            }
            for name, connector in types.items():
                patch.setattr(module, "MOST_PAIRS", 1 << 18)
                exact = connector.expected()
                patch.setattr(module, "MOST_PAIRS", 600)
                found.setdefault(name, []).append((connector.expected(), exact))
    return found


class TestManyNetworks:
    """200 networks with the same cells, told apart by their names: how samples err."""

    @pytest.mark.parametrize("of", ["forward", "reciprocal"])
    def test_edges(self, samples: dict[str, list[tuple[Expected, Expected]]], of: str) -> None:
        """Mean and spread of z, and its correlation between types: 4 sigma, 1 in 1,000 in all."""
        z = {
            name: np.array([
                (getattr(one, of) - getattr(exact, of)) / getattr(one, f"{of}_error")
                for one, exact in pairs
            ])
            for name, pairs in samples.items()
            if of == "forward" or name == "A to A"
        }  # fmt: skip
        for name, each in z.items():
            assert abs(each.mean()) < 4 / np.sqrt(200), name
            assert 0.75 < each.std() < 1.25, name
        for one, other in itertools.combinations(z.values(), 2):
            assert abs(np.corrcoef(one, other)[0, 1]) < 4 / np.sqrt(200)

    def test_degrees(self, samples: dict[str, list[tuple[Expected, Expected]]]) -> None:
        """Variances of degrees: on average right, to 5 standard errors."""
        for name, pairs in samples.items():
            for side in ("out", "in"):
                exact = pairs[0][1].degrees[side][1]
                squares = np.array([one.degrees[side][1] ** 2 for one, _ in pairs])
                error = squares.std() / np.sqrt(len(squares))
                assert error < 0.02 * exact**2, name
                assert abs(squares.mean() - exact**2) < 5 * error, (name, side)


class TestDrawsNothing:
    """Looking ahead changes nothing."""

    def test_shared_generator_stays(self, net: NetworkBuilder) -> None:
        rng = np.random.default_rng(5)
        drawing = lambda d: 0.3 * rng.random()  # noqa: E731  # a law that draws
        connector = UnidirectionConnector(drawing, spherical_dist, **{**QUIET, "rng": rng})
        set_up(net, connector)
        state = rng.bit_generator.state
        first = connector.expected()
        assert rng.bit_generator.state == state
        assert connector.use.connectivity is None
        assert connector.expected() == first

    def test_same_edges_after_it(self, net: NetworkBuilder) -> None:
        edges = []
        for look in (False, True):
            connector = set_up(net, ReciprocalConnector(pr=0.04, **LAW, **QUIET))
            if look:
                connector.expected()
            edges.append(connector.connectivity.forward)
        assert np.array_equal(edges[0].source, edges[1].source)
        assert np.array_equal(edges[0].target, edges[1].target)

    def test_reference_is_not_drawn(self, net: NetworkBuilder) -> None:
        gap = set_up(net, GapJunction(p=0.2, **QUIET))
        connector = set_up(net, CorrelatedGapJunction(0.1, 0.5, 1.0, connector=gap, **QUIET))
        with pytest.raises(
            NodeError, match="connector of CorrelatedGapJunction has not been drawn"
        ):
            connector.expected()
        assert gap.use.connectivity is None

    def test_quiet(self, net: NetworkBuilder, capsys: pytest.CaptureFixture[str]) -> None:
        connector = ReciprocalConnector(pr=0.04, **LAW, **{**QUIET, "verbose": True})
        set_up(net, connector).expected()
        assert capsys.readouterr().out == ""


def test_given_edges(net: NetworkBuilder) -> None:
    connector = OneToOneSequentialConnector(verbose=False)
    connector.setup_nodes(source=net.nodes(pop_name="A"), target=net.nodes(pop_name="B"))
    found = connector.expected()
    assert (found.sampler, found.edges, found.pairs) == ("none", M, N * M)
    assert connector.use.connectivity is None


def test_connector_of_a_user(net: NetworkBuilder) -> None:
    class Own(BaseConnector):
        def draw(self, source: Any, target: Any, rng: Any) -> EdgeList:
            raise AssertionError

    with pytest.raises(NotImplementedError, match=r"expected\(\) of Own is not known"):
        set_up(net, Own(**QUIET)).expected()


def test_cost(net: NetworkBuilder) -> None:
    """Bytes are those of the edges; more pairs take longer."""
    connector = set_up(net, UnidirectionConnector(1.0, **QUIET), "B")
    found = connector.expected()
    edges = connector.connectivity.forward
    assert found.n_bytes == edges.source.nbytes + edges.target.nbytes
    assert 0 < found.seconds < set_up(net, connector).expected().seconds
    with_distances = set_up(net, UnidirectionConnector(NEAR, spherical_dist, **QUIET), "B")
    drawn = with_distances.connectivity.forward
    assert drawn.pair_arg is not None
    one = (drawn.source.nbytes + drawn.target.nbytes + drawn.pair_arg.nbytes) / len(drawn)
    wanted = with_distances.expected()
    assert wanted.n_bytes == round(wanted.edges * one)
    assert isinstance(wanted, Expected)


class TestEstimateOfRho:
    """What the search for one correlation takes is part of the cost."""

    def connector(self, net: NetworkBuilder, target: str = "A", **options: Any) -> Any:
        return set_up(net, ReciprocalConnector(**{**LAW, "pr": 0.04, **options, **QUIET}), target)

    @pytest.mark.parametrize(
        ("target", "options"),
        [
            ("A", {}),
            ("B", {"p1": 0.3}),
            ("B", {"p1": NEAR, "p1_arg": spherical_dist}),
            ("A", {"dist_range_forward": (0.0, 50.0)}),
            ("A", {"p0": near_of}),
            ("B", {"p0": p_of_x, "p0_arg": x_of, "p1": p_of_x, "p1_arg": y_of}),
        ],
    )
    def test_what_is_kept(
        self, net: NetworkBuilder, monkeypatch: pytest.MonkeyPatch, target: str, options: Any
    ) -> None:
        """As much as is told, until the edges are drawn; afterwards it is evaluated again."""
        held, arrays = [], {}

        def noted(*args: Any, kept: Any, **more: Any) -> Any:
            values = {id(x): x for each in kept for x in vars(each).values()}
            values |= {id(each): each.candidates.flat for each in kept}
            held.append(sum(x.nbytes for x in values.values() if isinstance(x, np.ndarray)))
            named = (("p0_arg", "arg0"), ("p0", "p0"), ("p1_arg", "arg1"), ("p1", "p1"))
            for name, of in named:
                if isinstance(getattr(kept[0], of), np.ndarray):
                    arrays[name] = np.concatenate([getattr(each, of) for each in kept])
            references.extend(weakref.ref(each) for each in kept)
            return draw(*args, kept=kept, **more)

        references: list[Any] = []
        draw = pairwise.draw
        monkeypatch.setattr(pairwise, "draw", noted)
        connector = self.connector(net, target, **options)
        told = connector.expected().kept_bytes
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConnectivityWarning)
            drawn = connector.connectivity
        assert [told] == held
        gc.collect()
        assert not any(reference() is not None for reference in references)
        assert {"p0_arg", "p0"} <= set(connector.cache) == set(drawn.cache)
        for name, array in arrays.items():
            assert np.array_equal(connector.cache[name], array)
            assert not connector.cache[name].flags.writeable
        with pytest.raises(KeyError):
            connector.cache["pr"]
        connector.free_memory()
        assert len(connector.cache) == 0

    def test_nothing_is_kept(self, net: NetworkBuilder) -> None:
        for options in ({"cache_data": False}, {"sampler": "sparse"}, {"rho": 0.1}):
            assert self.connector(net, **options).expected().kept_bytes == 0

    def test_memory_is_told(self, net: NetworkBuilder) -> None:
        connector = self.connector(net, p0=UniformInRange(1e-3, max_dist=400.0), pr=1e-4)
        kept = connector.expected().kept_bytes
        assert f"(and {kept / 1000:.3g} kB until they are drawn" in str(connector.preview())

    def test_time(self, net: NetworkBuilder) -> None:
        """Each look at all pairs counts: the more, the less the pairs agree on one rho."""
        given = self.connector(net, rho=0.1).expected().seconds
        feasible = self.connector(net, dist_range_forward=(0, 60)).expected().seconds
        searched = self.connector(net, pr=0.005).expected().seconds
        assert given < feasible < searched / 2
        again = self.connector(net, pr=0.005, cache_data=False).expected().seconds
        assert searched < again

    @pytest.mark.parametrize("make", [UnidirectionConnector, BlockConnector])
    def test_counts_for_the_report(self, net: NetworkBuilder, make: Callable[..., Any]) -> None:
        """After a sparse draw the possible pairs are counted, if they are reported."""
        p = {("A", "B"): NEAR} if make is BlockConnector else NEAR
        options: dict[str, Any] = {"p": p, "p_arg": spherical_dist, "sampler": "sparse", **QUIET}
        connector = set_up(net, make(**options), "B")
        without = connector.expected().seconds
        for name in ("save_report", "verbose"):
            setattr(connector, name, True)
            assert connector.expected().seconds > 1.2 * without
            setattr(connector, name, False)
        assert connector.expected().seconds == without


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["pairwise", "sparse"])
@pytest.mark.parametrize("pr", [0.01, 0.003])
def test_told_time_is_taken(sampler: str, pr: float) -> None:
    """Of a draw with an estimate of rho, within a factor of 4 of the processor's time."""
    net = NetworkBuilder("net")
    net.add_nodes(N=2500, positions=list(np.random.default_rng(1).uniform(0, 290, (2500, 3))))
    options: dict[str, Any] = {**LAW, "p0": NEAR, "pr": pr, "sampler": sampler, **QUIET}
    connector = ReciprocalConnector(**options)
    connector.setup_nodes(net.nodes(), net.nodes())
    told = connector.expected().seconds
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConnectivityWarning)
        start = time.process_time()
        assert len(connector.connectivity.forward)
        taken = time.process_time() - start
    assert 0.25 < told / taken < 4
