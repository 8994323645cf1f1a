"""Rows 1 to 34 of the defect table: probabilities, correlation, profiles, small functions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import pytest
from builds import (
    Recorder,
    assert_binomial,
    between,
    drawn,
    pairs_of,
    unordered,
    warned,
    within,
)
from conftest import QUIET, make_network, pools

from bmtool_connectors import (
    Connectivity,
    GaussianDropoff,
    NormalizedReciprocalRate,
    ParameterError,
    ReciprocalConnector,
    UnidirectionConnector,
    UniformInRange,
    euclid_dist,
    num_prop,
    pr_2_rho,
    rho_2_pr,
    spherical_dist,
)
from bmtool_connectors.sampling import blocks

N = 150  #: nodes per population of the statistical tests


def seeded(seed: int = 1) -> dict[str, Any]:
    """Return keyword arguments for a quiet connector with a generator of its own."""
    return {"rng": np.random.default_rng(seed), **QUIET}


def reciprocal_pairs(found: Connectivity) -> int:
    """Return the number of pairs connected both ways, counted from the edges."""
    assert found.backward is not None
    return int(found.forward.reciprocal(found.backward).sum())


# ---------------------------------------------------------------------- rows 1 to 9: the law
@pytest.mark.parametrize("rho", [0.9, -0.9, 1.0])
def test_row_1_infeasible_rho_keeps_both_marginals(rho: float) -> None:
    connector = ReciprocalConnector(p0=0.5, p1=0.1, rho=rho, **seeded())
    with warned(f"{N * N} of {N * N} pairs"):
        found = between(connector, N, N, positions=None)
    assert found.backward is not None
    assert_binomial(len(found.forward), N * N, 0.5)
    assert_binomial(len(found.backward), N * N, 0.1)
    # The nearest feasible joint probability is 0.1 (all backward ones) or 0 (none).
    assert reciprocal_pairs(found) == (len(found.backward) if rho > 0 else 0)
    assert found.clipped == N * N


def test_row_1_rho_beyond_one_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"rho of ReciprocalConnector must be .*, got 1\.5"):
        ReciprocalConnector(p0=0.5, p1=0.1, rho=1.5, **QUIET)


@pytest.mark.parametrize(("p0", "p1", "pr", "joint"), [(0.5, 0.1, 0.2, 0.1), (0.8, 0.5, 0.0, 0.3)])
def test_row_2_infeasible_pr_through_the_estimate(
    p0: float, p1: float, pr: float, joint: float
) -> None:
    connector = ReciprocalConnector(p0=p0, p1=p1, pr=pr, **seeded())
    with warned("which no correlation reaches"):
        found = between(connector, N, N, positions=None)
    assert found.backward is not None
    assert_binomial(len(found.forward), N * N, p0)
    assert_binomial(len(found.backward), N * N, p1)
    assert_binomial(reciprocal_pairs(found), N * N, joint)
    assert -1 <= connector.rho <= 1


def test_row_3_estimate_knows_about_clipping() -> None:
    """The expected number of reciprocal pairs, clipping included, is pr times the pairs."""
    net = make_network(50, 50)
    source, target = pools(net)
    laws = GaussianDropoff(stdev=20.0, pmax=1.0), GaussianDropoff(stdev=60.0, pmax=0.3)
    connector = ReciprocalConnector(
        p0=laws[0], p1=laws[1], p0_arg=spherical_dist, p1_arg=spherical_dist, pr=0.045, **seeded()
    )
    with warned("not feasible for"):
        found = drawn(connector, source, target)
    dist = np.array([[spherical_dist(a, b) for b in target] for a in source])
    p0, p1 = (np.vectorize(law)(dist) for law in laws)
    wanted = p0 * p1 + connector.rho * np.sqrt(p0 * (1 - p0) * p1 * (1 - p1))
    joint = np.clip(wanted, np.maximum(0, p0 + p1 - 1), np.minimum(p0, p1))
    assert joint.sum() == pytest.approx(0.045 * 2500, rel=1e-9)
    assert found.clipped == (np.abs(joint - wanted) > 1e-9).sum() > 0
    # The number of backward connections is Poisson-binomial; the binomial is wider.
    assert found.backward is not None
    assert_binomial(len(found.backward), 2500, p1.mean())


def test_row_4_omitted_pr_warns_and_means_none() -> None:
    with warned("the default 0.0 means no reciprocal pairs"):
        connector = ReciprocalConnector(p0=0.1, **seeded())
    found = within(connector, N, positions=None)
    assert found.connected[1] == 0
    assert_binomial(len(found.forward), N * (N - 1), 0.1)
    law = {"p0": GaussianDropoff(stdev=78.0, pmax=0.3), "p0_arg": spherical_dist}
    with warned("pr=None"):
        connector = ReciprocalConnector(**law, **seeded())
    # No one rho fits all distances: pairs are clipped to none, as wanted, and that is no warning.
    found = within(connector, 80)
    assert found.connected[1] == 0
    assert found.clipped > 0
    assert len(found.forward) > 200


def test_row_4_asked_for_zero_or_independence() -> None:
    ReciprocalConnector(p0=0.1, pr=0.0, **QUIET)  # no warning
    connector = ReciprocalConnector(p0=0.3, p1=0.4, pr=None, **seeded())
    found = between(connector, N, N, positions=None)
    assert_binomial(reciprocal_pairs(found), N * N, 0.12)


@pytest.mark.parametrize(
    ("parameters", "p1"),
    [
        ({"p0": 0.5, "p1": 0.1, "rho": 0.9}, 0.185),
        ({"p0": 0.5, "p1": 0.1, "pr": 0.2}, 0.2),
        ({"p0": 0.3, "p1": 0.2, "pr": lambda arg, p0, p1: -1.0}, 0.7),
    ],
)
def test_rows_1_2_3_5_as_published(parameters: dict[str, Any], p1: float) -> None:
    """On request the backward probability is what the predecessor makes of it."""
    connector = ReciprocalConnector(
        **parameters, infeasible="bmtool", rng=np.random.default_rng(3), **QUIET
    )
    with warned("p0 holds and p1 does not"):
        found = between(connector, N, N, positions=None)
    assert found.backward is not None
    assert_binomial(len(found.forward), N * N, parameters["p0"])
    assert_binomial(len(found.backward), N * N, p1)


def test_row_5_negative_joint_probability() -> None:
    connector = ReciprocalConnector(p0=0.3, p1=0.2, pr=lambda arg, p0, p1: -1.0, **seeded())
    with warned("-1 became 0"):
        found = between(connector, N, N, positions=None)
    assert found.backward is not None
    assert_binomial(len(found.forward), N * N, 0.3)
    assert_binomial(len(found.backward), N * N, 0.2)
    assert reciprocal_pairs(found) == 0
    with pytest.raises(ParameterError, match=r"pr of ReciprocalConnector must be .*, got -1"):
        ReciprocalConnector(p0=0.3, p1=0.2, pr=-1.0, estimate_rho=False, **QUIET)


def test_row_6_clipping_is_a_warning_with_count_and_worst_pair() -> None:
    connector = ReciprocalConnector(p0=0.3, p1=0.2, pr=0.5, estimate_rho=False, **seeded())
    with warned("0.5 became 0.2 for the pair of nodes 0 and 20"):
        found = between(connector, 20, 10)
    assert found.clipped == 200


@pytest.mark.parametrize("size", [7, 1 << 16])
def test_row_6_worst_pair_is_the_worst(size: int) -> None:
    """One pair out of many lies further outside than the others, in whatever block it is."""

    def pr(arg: int, p0: float, p1: float) -> float:
        return 0.9 if arg == 17 else 0.35 if arg % 5 == 0 else 0.1

    connector = ReciprocalConnector(
        p0=0.3, p1=0.3, pr=pr, pr_arg=lambda a, b: a.node_id + b.node_id, **seeded()
    )
    text = "0.9 became 0.3 for the pair of nodes 0 and 17"
    with mock.patch.object(blocks, "BLOCK_SIZE", size), warned(text):
        found = between(connector, 10, 12)
    sums = [i + 10 + j for i, j in itertools.product(range(10), range(12))]
    assert found.clipped == sum(s == 17 or s % 5 == 0 for s in sums)


@pytest.mark.parametrize("pr_arg", ["1", "p1", "p10", "xyz1"])
@pytest.mark.parametrize("n_b", [0, 9], ids=["one", "two"])
def test_row_7_pr_arg_of_the_alias(pr_arg: str, n_b: int) -> None:
    """Where p1_arg is p0_arg, its value reaches pr."""
    asked: list[float] = []

    def pr(arg: float, p0: float, p1: float) -> float:
        asked.append(arg)
        return p0 * p1

    connector = ReciprocalConnector(
        p0=0.3, p1=0.3, p0_arg=spherical_dist, symmetric_p1_arg=True, pr=pr, pr_arg=pr_arg,
        **seeded(),
    )  # fmt: skip
    net = make_network(8, n_b)
    source, target = (list(pool) for pool in pools(net))
    drawn(connector, *pools(net))
    looked_at = itertools.product(source, target) if n_b else itertools.combinations(source, 2)
    assert asked == pytest.approx([spherical_dist(a, b) for a, b in looked_at], rel=1e-12)
    assert min(asked) > 0


@pytest.mark.parametrize(("pr_arg", "sign"), [("1", -1), ("0", 1), ("p0", 1)])
def test_row_7_pr_arg_of_two_arguments(pr_arg: str, sign: int) -> None:
    """Where the arguments differ, the string says which one it is."""
    asked: list[float] = []

    def pr(arg: float, p0: float, p1: float) -> float:
        asked.append(arg)
        return p0 * p1

    step = Recorder(lambda a, b: b.node_id - a.node_id)
    connector = ReciprocalConnector(
        p0=lambda d: 0.3, p1=lambda d: 0.3, p0_arg=step, p1_arg=step, pr=pr, pr_arg=pr_arg,
        **seeded(),
    )  # fmt: skip
    between(connector, 3, 4)
    assert asked == [sign * (3 + j - i) for i in range(3) for j in range(4)]


@pytest.mark.parametrize(
    "law", [1.5, np.nan, lambda arg: 1.5, lambda arg: np.nan, lambda arg: None]
)
@pytest.mark.parametrize("which", ["p", "p0", "p1"])
def test_rows_8_9_wrong_probabilities(law: Any, which: str) -> None:
    """Constants are refused at construction, functions when the edges are first needed."""
    value = law if not callable(law) else law(None)
    match = rf"{which} of \w+ must be .*, got {value!r}"

    def make() -> Any:
        if which == "p":
            return UnidirectionConnector(p=law, **seeded())
        laws = {"p0": 0.3, "p1": 0.3, which: law}
        return ReciprocalConnector(**laws, rho=0.1, **seeded())

    if not callable(law):
        with pytest.raises(ParameterError, match=match):
            make()
        return
    connector = make()
    net = make_network(4, 5)
    connector.setup_nodes(*pools(net))
    net.add_edges(**connector.edge_params())
    with pytest.raises(ParameterError, match=rf"{match} for the pair of nodes 0 and 4 \(.* um"):
        net.build()
    assert net.nedges == 0


def test_row_8_rounding_is_tolerated() -> None:
    found = between(UnidirectionConnector(p=1 + 1e-10, **seeded()), 5, 6)
    assert len(found.forward) == 30
    found = between(UnidirectionConnector(p=lambda arg: 1 + 1e-10, **seeded()), 5, 6)
    assert len(found.forward) == 30


@pytest.mark.parametrize(("p0", "forward"), [(1.0, N * N), (0.0, 0), (1e-300, 0)])
def test_row_8_certain_laws_with_a_correlation(p0: float, forward: int) -> None:
    found = between(ReciprocalConnector(p0=p0, p1=0.3, rho=0.0, **seeded()), N, N, positions=None)
    assert found.backward is not None
    assert len(found.forward) == forward
    assert_binomial(len(found.backward), N * N, 0.3)


@pytest.mark.parametrize("name", ["pr", "rho"])
def test_row_9_nan_joint(name: str) -> None:
    with pytest.raises(ParameterError, match=rf"{name} of ReciprocalConnector must be .*, got nan"):
        ReciprocalConnector(p0=0.3, p1=0.3, **{name: np.nan}, **QUIET)


@pytest.mark.parametrize("answer", [np.nan, None])
def test_row_9_joint_function_without_an_answer(answer: Any) -> None:
    connector = ReciprocalConnector(p0=0.3, p1=0.3, pr=lambda *args: answer, **seeded())
    with pytest.raises(
        ParameterError, match=rf"pr of ReciprocalConnector must be .*, got {answer!r} for"
    ):
        between(connector, 4, 5)


def test_rows_9_29_nan_distance() -> None:
    """A distance that is no number is an error, not a connection nor the lack of one."""
    for law in (UniformInRange(0.3), GaussianDropoff(stdev=50.0, pmax=0.3)):
        connector = UnidirectionConnector(p=law, p_arg=lambda a, b: np.nan, **seeded())
        with pytest.raises(ParameterError, match="nan"):
            between(connector, 4, 5)


# ---------------------------------------------------------------------- rows 10 to 20
def test_row_10_negative_probability() -> None:
    with pytest.raises(ParameterError, match=r"p of UnidirectionConnector must be .*, got -0\.2"):
        UnidirectionConnector(p=-0.2, **QUIET)
    with pytest.raises(ParameterError, match=r"got -0\.2 for the pair"):
        between(UnidirectionConnector(p=lambda arg: -0.2, **seeded()), 4, 5)


@pytest.mark.parametrize("arg", [None, spherical_dist], ids=["no argument", "same argument"])
def test_row_11_symmetric_p1_alone(arg: Any) -> None:
    connector = ReciprocalConnector(
        p0=0.1, symmetric_p1=True, p0_arg=arg, p1_arg=arg, pr=0.0, estimate_rho=False, **seeded()
    )
    found = between(connector, N, N)
    assert found.backward is not None
    assert connector.vars["p1"] == 0.1
    assert_binomial(len(found.backward), N * N, 0.1)


def test_row_11_symmetric_p1_with_other_arguments() -> None:
    with pytest.raises(ParameterError, match="symmetric_p1_arg=True"):
        ReciprocalConnector(p0=0.1, symmetric_p1=True, p0_arg=spherical_dist, pr=0.0, **QUIET)


def test_row_12_overwritten_backward_parameters_are_named() -> None:
    connector = ReciprocalConnector(p0=0.1, p1=0.9, pr=0.01, n_syn0=2, n_syn1=5, **seeded())
    net = make_network(N)
    with warned("p1 of ReciprocalConnector is 0.9", "n_syn1 of ReciprocalConnector is 5"):
        connector.setup_nodes(*pools(net))
    assert (connector.vars["p1"], connector.vars["n_syn1"]) == (0.1, 2)
    connector.initial_all_to_all()
    edges = connector.connectivity.forward
    assert set(edges.n_syn.tolist()) == {2}
    for half in (edges.source < edges.target, edges.source > edges.target):
        assert_binomial(int(half.sum()), N * (N - 1) // 2, 0.1)


def test_row_12_equal_backward_parameters_do_not_warn() -> None:
    connector = ReciprocalConnector(p0=0.1, p1=0.1, pr=0.01, n_syn0=2, n_syn1=2, **seeded())
    connector.setup_nodes(*pools(make_network(5)))  # a warning would be an error
    assert (connector.vars["p1"], connector.vars["n_syn1"]) == (0.1, 2)


def test_row_13_one_population_asks_about_unordered_pairs() -> None:
    arg = Recorder(lambda a, b: 100 * a.node_id + b.node_id)
    counts = Recorder(lambda a, b: 1)
    connector = ReciprocalConnector(
        p0=lambda value: 1.0, p0_arg=arg, n_syn0=counts, pr=1.0, estimate_rho=False, **seeded()
    )
    found = within(connector, 4)
    assert arg.calls == unordered(4)
    assert sorted(counts.calls) == sorted(itertools.permutations(range(4), 2))
    # Both directions carry the value that was asked for the earlier node.
    value = {(i, j): 100 * min(i, j) + max(i, j) for i, j in itertools.permutations(range(4), 2)}
    table = connector.conn_prop[0]
    assert {(s, t): v for s, row in table.items() for t, v in row.items()} == value
    assert len(found.forward) == 12


def test_row_14_self_pairs_count_once_and_stay_out_of_the_estimate() -> None:
    rng, other = np.random.default_rng(5), np.random.default_rng(5)
    counts = Recorder(lambda a, b: 1)
    profile = GaussianDropoff(stdev=60.0, pmax=0.5)
    connector = ReciprocalConnector(
        p0=profile, p0_arg=spherical_dist, pr=0.1, n_syn0=counts, autapses=True, rng=rng, **QUIET
    )
    net = make_network(60)
    found = drawn(connector, *pools(net))
    nodes = list(net.nodes())
    p = np.array([profile(spherical_dist(nodes[i], nodes[j])) for i, j in unordered(60)])
    expected = (0.1 * len(p) - (p * p).sum()) / (p * (1 - p)).sum()
    assert connector.rho == pytest.approx(expected, rel=1e-12)
    # Two numbers for every pair with itself too, as the old stream has it.
    other.random(60 * 61)
    assert rng.bit_generator.state == other.bit_generator.state
    selves = [pair for pair in pairs_of(found.forward) if pair[0] == pair[1]]
    assert_binomial(len(selves), 60, 0.5)
    assert set(selves) <= set(counts.calls)


def test_row_15_autapses_of_a_one_way_connector() -> None:
    everything = set(itertools.product(range(4), repeat=2))
    assert pairs_of(within(UnidirectionConnector(p=1.0, **seeded()), 4).forward) == everything
    connector = UnidirectionConnector(p=1.0, allow_autapses=False, **seeded())
    found = within(connector, 4)
    assert pairs_of(found.forward) == {pair for pair in everything if pair[0] != pair[1]}
    assert found.pairs == 12


@pytest.mark.parametrize("autapses", [False, True])
def test_row_16_overlapping_pools(autapses: bool) -> None:
    net = make_network(6)
    source, target = net.nodes(node_id=[0, 1, 2, 3]), net.nodes(node_id=[2, 3, 4, 5])
    connector = ReciprocalConnector(
        p0=1.0, p1=1.0, pr=1.0, estimate_rho=False, autapses=autapses, **seeded()
    )
    with warned("share nodes"):
        found = drawn(connector, source, target)
    wanted = {(i, j) for i, j in itertools.product(range(4), range(2, 6)) if autapses or i != j}
    assert {(i, j + 2) for i, j in pairs_of(found.forward)} == wanted
    # A node and itself has one connection, not one per direction.
    assert found.backward is not None
    backward = {(j, i + 2) for i, j in pairs_of(found.backward)}
    assert backward == {(i, j) for i, j in wanted if i != j}
    one_way = UnidirectionConnector(p=1.0, allow_autapses=autapses, **seeded())
    assert {(i, j + 2) for i, j in pairs_of(drawn(one_way, source, target).forward)} == wanted


@pytest.mark.parametrize("name", ["dist_range_forward", "dist_range_backward"])
def test_row_17_range_without_an_argument(name: str) -> None:
    with pytest.raises(ParameterError, match=name):
        ReciprocalConnector(p0=0.3, p1=0.3, pr=0.1, **{name: (0, 30)}, **QUIET)


def test_row_18_range_without_a_pair() -> None:
    connector = ReciprocalConnector(
        p0=0.3, p0_arg=spherical_dist, pr=0.1, dist_range_forward=(500, 600), **seeded()
    )
    with warned("no pair is valid"):
        within(connector, 20)
    assert connector.rho == 0


def test_row_19_rho_is_a_result_and_not_a_parameter() -> None:
    connector = ReciprocalConnector(
        p0=GaussianDropoff(stdev=60.0, pmax=0.5), p0_arg=spherical_dist, pr=0.1, **seeded()
    )
    assert connector.rho is None
    within(connector, 40)
    first = connector.rho
    assert isinstance(first, float)
    connector.setup_nodes(*pools(make_network(40, seed=9)))
    assert connector.rho is None
    connector.initial_all_to_all()
    assert connector.rho != first
    given = ReciprocalConnector(p0=0.5, rho=0.25, **seeded())
    within(given, 5)
    assert given.rho == 0.25


def test_row_19_certain_laws_say_what_they_reach() -> None:
    connector = ReciprocalConnector(p0=1.0, p1=0.3, pr=0.1, **seeded())
    with warned("which no correlation reaches"):
        between(connector, 10, 10)
    assert connector.rho == 0


def test_row_20_range_restricts_the_estimate_alone() -> None:
    """One rho from the pairs within the range, for all pairs."""
    net = make_network(60)
    profile = GaussianDropoff(stdev=60.0, pmax=0.5)
    law = {"p0": profile, "p0_arg": spherical_dist, "pr": 0.1}
    rho = []
    for limits in (None, (40.0, 70.0)):
        connector = ReciprocalConnector(**law, dist_range_forward=limits, **seeded())
        drawn(connector, *pools(net))
        nodes = list(net.nodes())
        dist = np.array([spherical_dist(nodes[i], nodes[j]) for i, j in unordered(60)])
        if limits is not None:
            dist = dist[(dist >= limits[0]) & (dist <= limits[1])]
        p = np.array([profile(d) for d in dist])
        expected = (0.1 * len(p) - (p * p).sum()) / (p * (1 - p)).sum()
        assert connector.rho == pytest.approx(expected, rel=1e-12)
        rho.append(connector.rho)
    assert abs(rho[0] - rho[1]) > 0.02


# ---------------------------------------------------------------------- rows 21 to 30: profiles
def test_rows_21_22_range_objects() -> None:
    law = {"stdev": 78.0, "max_dist": 300.0}
    pmax = [
        GaussianDropoff(**law, ptotal=0.05, ptotal_dist_range=limits).pmax
        for limits in ((0, 300), range(300))
    ]
    assert pmax[0] == pmax[1] == pytest.approx(0.7579, abs=1e-3)
    unused = GaussianDropoff(**law, pmax=0.3, ptotal_dist_range=range(300))
    assert unused(0.0) == 0.3
    assert unused.ptotal_dist_range == range(300)


@pytest.mark.parametrize("dist_type", ["spherical", "cylindrical"])
def test_row_23_overall_probability_is_computed(dist_type: str) -> None:
    profile = GaussianDropoff(
        stdev=78.0, ptotal=0.05, ptotal_dist_range=(0, 300), dist_type=dist_type
    )
    assert profile.pmax < 1
    assert profile.compute_ptotal_integral() == pytest.approx(0.05, rel=1e-3)
    coarse, fine = (profile.compute_ptotal_integral(num_points=n) for n in (30, 30_000))
    assert abs(fine - 0.05) < abs(coarse - 0.05)


def test_row_24_infinite_range_of_the_integral() -> None:
    with pytest.raises(ParameterError, match="ptotal_dist_range"):
        GaussianDropoff(stdev=50.0).compute_ptotal_integral()


def test_row_24_cut_offs_stay_out_of_the_integral() -> None:
    """Documented: only ptotal_dist_range limits the integral."""
    law = {"stdev": 50.0, "ptotal": 0.1, "ptotal_dist_range": (0, 100)}
    whole, cut = GaussianDropoff(**law), GaussianDropoff(**law, min_dist=20.0, max_dist=60.0)
    assert whole.pmax == cut.pmax
    assert whole.compute_ptotal_integral() == cut.compute_ptotal_integral()


def test_row_25_ptotal_needs_a_finite_range() -> None:
    with pytest.raises(ParameterError, match=r"ptotal_dist_range=\(0, 300\)"):
        GaussianDropoff(stdev=50.0, ptotal=0.1)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("ptotal_dist_range", {"ptotal": 0.1, "ptotal_dist_range": (50, 50)}),
        ("stdev", {"stdev": 0.0}),
        ("stdev", {"stdev": -1.0}),
        ("pmax", {"pmax": -1.0}),
        ("ptotal_dist_range", {"ptotal": 0.0}),
        ("ptotal", {"ptotal": 1.5, "ptotal_dist_range": (0, 50)}),
        ("min_dist", {"min_dist": 50.0, "max_dist": 20.0}),
    ],
)
def test_row_26_impossible_profiles(name: str, parameters: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=name):
        GaussianDropoff(**{"stdev": 50.0, **parameters})


def test_row_26_reversed_range() -> None:
    law = {"stdev": 50.0, "ptotal": 0.1}
    pmax = [GaussianDropoff(**law, ptotal_dist_range=r).pmax for r in ((0, 50), (50, 0))]
    assert pmax[0] == pmax[1] > 0


def test_row_27_misspelt_dist_type() -> None:
    with warned("'cylindrcal'; 'spherical' is used"):
        profile = GaussianDropoff(
            stdev=50.0, ptotal=0.1, ptotal_dist_range=(0, 50), dist_type="cylindrcal"
        )
    same = GaussianDropoff(stdev=50.0, ptotal=0.1, ptotal_dist_range=(0, 50))
    assert profile.dist_type == "spherical"
    assert profile.pmax == same.pmax


def test_row_28_crossings_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    with warned("crossing 1 at 45.03 um"):
        profile = GaussianDropoff(stdev=50.0, pmax=1.5)
    assert 50 * math.sqrt(2 * math.log(1.5)) == pytest.approx(45.03, abs=0.005)
    assert profile(45.0) == 1 > profile(45.1)
    with warned("crossing 1 at 4.974 and 95.03 um"):
        GaussianDropoff(stdev=50.0, mean=50.0, pmax=1.5)
    assert capsys.readouterr() == ("", "")


def test_row_29_one_distance_gives_one_float() -> None:
    profile = UniformInRange(0.3, max_dist=50.0)
    values = [profile(d) for d in (10.0, np.float64(50.0), 60.0)]
    assert [type(v) for v in values] == [float] * 3
    assert values == [0.3, 0.3, 0.0]
    assert UniformInRange([0.3])(10.0) == 0.3
    with pytest.raises(ParameterError, match="p of UniformInRange"):
        UniformInRange([0.3, 0.4])


def test_row_30_reciprocal_rate_is_raw_and_clipped_by_the_connector() -> None:
    rate = NormalizedReciprocalRate(3.0)
    assert rate(0.0, 0.9, 0.9) == pytest.approx(2.43)
    connector = ReciprocalConnector(p0=0.9, p1=0.8, pr=rate, **seeded())
    with warned("2.16 became 0.8"):
        found = between(connector, N, N, positions=None)
    assert found.backward is not None
    assert_binomial(len(found.backward), N * N, 0.8)


# ---------------------------------------------------------------------- rows 31 to 34
def test_row_31_reciprocal_decisions_broadcast() -> None:
    rate = NormalizedReciprocalRate(1.0)
    p0, outcomes = np.array([0.5, 0.0, 0.5]), np.array([True, True, False])
    for dist in (10.0, np.full(3, 10.0)):
        decided = rate.decisions(dist, p0, 1.0, cond=(0, outcomes), rng=np.random.default_rng(1))
        # pr / p0 = p1 = 1 after a forward connection, which p0 = 0 rules out.
        assert decided.tolist() == [True, False, False]
    assert rate.decisions(10.0, p0, 0.5, cond=(0, True)).shape == (3,)
    assert rate.decisions(np.zeros((2, 1)), p0, 0.5).shape == (2, 3)
    many = rate.decisions(np.zeros(20_000), 0.5, 0.4, rng=np.random.default_rng(2))
    assert_binomial(int(many.sum()), 20_000, 0.2)


@pytest.mark.parametrize("function", [pr_2_rho, rho_2_pr])
@pytest.mark.parametrize(("p0", "name"), [(0.0, "p0"), (1.0, "p0"), (np.nan, "p0"), (0.3, "third")])
def test_row_32_errors_say_what_is_wrong(
    function: Callable[..., Any], p0: float, name: str
) -> None:
    third = np.nan if name == "third" else 0.1
    name = name.replace("third", "pr" if function is pr_2_rho else "rho")
    for error in (ValueError, AssertionError):
        with pytest.raises(error, match=rf"{name} of {function.__name__}"):
            function(p0, 0.5, third)


def test_row_32_arrays_and_the_printed_line(capsys: pytest.CaptureFixture[str]) -> None:
    p = np.array([0.2, 0.5])
    rho = pr_2_rho(p, 0.5, np.array([0.1, 0.4]))
    assert rho == pytest.approx([0.0, 0.6])
    assert rho_2_pr(p, 0.5, rho) == pytest.approx([0.1, 0.4])
    assert type(pr_2_rho(0.2, 0.5, 0.1)) is type(rho_2_pr(0.2, 0.5, 0.0)) is float
    assert capsys.readouterr().out == ""
    assert rho_2_pr(0.5, 0.1, 0.9) == pytest.approx(0.1)
    assert capsys.readouterr().out.startswith("rho changed from 0.900 to 0.333")


def test_row_33_proportions() -> None:
    for ratio in ([], [0, 0], [1, -1], [np.nan, 1]):
        with pytest.raises(ParameterError, match="ratio of num_prop"):
            num_prop(ratio, 10)
    assert num_prop([1, 1], 1).tolist() == [0, 1]
    assert num_prop([8, 1, 1], 25).tolist() == [20, 2, 3]


def test_row_34_unsigned_coordinates() -> None:
    points = [np.array([value, 0, 0], dtype=np.uint8) for value in (0, 20)]
    assert euclid_dist(*points) == euclid_dist(*points[::-1]) == 20.0
