"""``infeasible='bmtool'``: networks of the predecessor, whatever their joint probabilities.

Random parameters, feasible or not: against the reference always, and against ``bmtool.connectors``
itself with ``-m peer`` (more of them with ``-m "peer and slow"``). Left out is what the contract
exempts and what has nothing to do with clipping: the estimate of rho together with autapses, and
``pr_arg`` with a '1' where p1_arg is p0_arg.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import math
import warnings
from typing import Any

import numpy as np
import pytest
import reference
import test_stream_reference as stream
from conftest import QUIET, make_network, node_lists, pools
from hypothesis import event, given, settings
from hypothesis import strategies as st

import bmtool_connectors
from bmtool_connectors import (
    BlockConnector,
    ConnectivityWarning,
    GapJunction,
    GapJunctionConditionalReciprocalConnector,
    GaussianDropoff,
    NormalizedReciprocalRate,
    ParameterError,
    ReciprocalConnector,
    UniformInRange,
    cylindrical_dist_z,
    spherical_dist,
)
from bmtool_connectors.reports.of_connector import connections_of
from bmtool_connectors.sampling import choice
from bmtool_connectors.testing import check_connector

Parameters = dict[str, Any]


# ---------------------------------------------------------------------- random parameters
def swinging(arg: Any, p0: float, p1: float) -> float:
    """Return a joint probability of the user's that is often below 0 or above p0 and p1."""
    return float(1.5 * math.cos(0.0 if arg is None else arg))


@st.composite
def correlations(draw: Any) -> Parameters:
    """Return what says how the directions of a pair hang together, seldom feasible."""
    kinds = ["omitted", "estimated", "estimated", "rho", "pr", "swinging", "rate", "stream"]
    kind = draw(st.sampled_from(kinds))
    event(kind)
    if kind == "omitted":
        return {}
    if kind == "estimated":
        low = draw(st.sampled_from([0.0, 0.0, -6.0, 30.0]))
        names = draw(st.sets(st.sampled_from(["dist_range_forward", "dist_range_backward"])))
        ranges = {name: (low, draw(st.sampled_from([40.0, 90.0]))) for name in sorted(names)}
        return {"pr": draw(st.floats(0.0, 1.0)), **ranges}
    if kind == "rho":
        return {"rho": draw(st.one_of(st.floats(-1.0, 1.0), st.sampled_from([-1, 0, 1])))}
    if kind == "pr":
        return {"pr": draw(st.floats(0.0, 1.0)), "estimate_rho": False}
    if kind == "stream":
        made = draw(stream.correlations())
        # Independence is rho = 0 there; pr=None is not known.
        return made if made.get("pr", 0.0) is not None else {"rho": made.get("rho", 0.0)}
    arg = draw(st.sampled_from([None, 0.5, "0", "1", spherical_dist, stream.id_step]))
    if kind == "rate":
        return {"pr": NormalizedReciprocalRate(draw(st.floats(2.0, 20.0))), "pr_arg": arg}
    return {"pr": swinging, "pr_arg": arg}


def within_contract(recurrent: bool, parameters: Parameters) -> Parameters:
    """Return parameters of which the predecessor does nothing else for another reason."""
    estimated = parameters.get("rho") is None and parameters.get("estimate_rho", True)
    same_arg, arg = recurrent or parameters["symmetric_p1_arg"], parameters.get("pr_arg")
    changed: Parameters = {}
    if recurrent and estimated and not callable(parameters.get("pr")):
        changed["autapses"] = False
    if same_arg and isinstance(arg, str) and "1" in arg:
        changed["pr_arg"] = "0"
    return {**parameters, **changed}


@st.composite
def cases(draw: Any) -> dict[str, Any]:
    """Return sizes, a seed, and parameters as a function of a generator."""
    (p0, p0_arg), (p1, p1_arg) = draw(stream.laws()), draw(stream.laws())
    n_syn0, n_syn1 = draw(stream.synapses()), draw(stream.synapses())
    symmetric = draw(st.booleans())
    fixed = {
        "p0": p0, "p0_arg": p0_arg, "p1": p1, "p1_arg": p1_arg,
        "symmetric_p1": symmetric, "symmetric_p1_arg": symmetric,
        **draw(correlations()),
        "autapses": draw(st.booleans()), "cache_data": draw(st.booleans()),
    }  # fmt: skip
    n_b = draw(st.integers(0, 12))
    fixed = within_contract(n_b == 0, fixed)
    return {
        "sizes": (draw(st.integers(1, 12)), n_b),
        "seed": draw(st.integers(0, 2**32 - 1)),
        "make": lambda rng: {**fixed, "n_syn0": n_syn0(rng), "n_syn1": n_syn1(rng)},
    }


# ---------------------------------------------------------------------- against the reference
@settings(max_examples=150, deadline=None, derandomize=True)
@given(case=cases(), size=st.sampled_from([*stream.BLOCK_SIZES, 3]))
def test_any_parameters(case: dict[str, Any], size: int) -> None:
    def make(rng: Any) -> Parameters:
        return {**case["make"](rng), "infeasible": "bmtool"}

    net = make_network(*case["sizes"], seed=case["seed"])
    rngs = (np.random.default_rng(case["seed"]), np.random.default_rng(case["seed"]))
    with stream.block_size(size):
        expected, messages = stream.assert_equal_draw(ReciprocalConnector, make, net, rngs)
    told = [m for m in messages if "not feasible for" in m]
    assert len(told) == (expected.clipped > 0)
    event(f"infeasible: {expected.clipped > 0}")


# ---------------------------------------------------------------------- the law that is drawn
#: P(backward | forward) = 0.37 and P(backward | no forward) = -0.17 acts as 0: p1 is 0.185.
BY_HAND: Parameters = {"p0": 0.5, "p1": 0.1, "rho": 0.9}


def made(rng: Any = 1, **parameters: Any) -> ReciprocalConnector:
    """Return a connector with a shared generator."""
    rng = np.random.default_rng(rng) if isinstance(rng, int) else rng
    return ReciprocalConnector(**{**QUIET, "infeasible": "bmtool", **parameters}, rng=rng)


def test_expected_by_hand() -> None:
    connector = made(**BY_HAND)
    connector.setup_nodes(*pools(make_network(30, 20)))
    found = connector.expected()
    assert (found.forward, found.backward) == pytest.approx((300, 111), rel=1e-12)
    assert found.reciprocal == pytest.approx(111, rel=1e-12)
    assert found.infeasible == 1.0
    assert found.backward_sd == pytest.approx((600 * 0.185 * 0.815) ** 0.5)
    one = connector.explain(0, 30)
    assert (one.p0, one.p1, one.pr) == pytest.approx((0.5, 0.185, 0.185))
    assert one.rho == pytest.approx(0.0925 / (0.25 * 0.185 * 0.815) ** 0.5)
    assert connector.cond_backward(True, 0.5, 0.1, 0.0) == pytest.approx(0.37)
    assert connector.cond_backward(False, 0.5, 0.1, 0.0) == 0.0


@pytest.mark.parametrize("n_b", [31, 0], ids=["two", "one"])
@pytest.mark.parametrize(
    "more",
    [
        {"pr": 0.2}, {"pr": 0.0}, {}, {"rho": -0.8}, {"pr": 0.9, "estimate_rho": False},
        {"pr": swinging, "pr_arg": "0"}, {"pr": 0.3, "dist_range_forward": (0.0, 40.0)},
        {"pr": 0.3, "autapses": True, "rho": -0.9}, {"pr": 0.9},
    ],
    ids=lambda more: " ".join(more) or "omitted",
)  # fmt: skip
def test_expected(more: Parameters, n_b: int) -> None:
    """What is expected is the mean of what the loop draws; known before the draw, and after."""
    parameters = {
        "p0": GaussianDropoff(stdev=60.0, pmax=0.7), "p0_arg": cylindrical_dist_z,
        "p1": GaussianDropoff(stdev=40.0), "p1_arg": spherical_dist, **more,
    }  # fmt: skip
    net = make_network(37, n_b, seed=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConnectivityWarning)
        connector = made(**parameters)
        connector.setup_nodes(*pools(net))
        before = connector.expected()
        connector.initial_all_to_all()
    plain = {name: stream.plain(value) for name, value in parameters.items()}
    loop = reference.reciprocal(
        *node_lists(*pools(net)), np.random.default_rng(1), **plain, infeasible="bmtool"
    )
    forward, backward, reciprocal = loop.expected
    if not n_b:
        forward, backward = forward + backward, 0.0
        forward += 37 * 0.7 * bool(more.get("autapses"))
    for found in (before, connector.expected()):
        wanted = (forward, backward, reciprocal)
        assert (found.forward, found.backward, found.reciprocal) == pytest.approx(wanted, rel=1e-9)


def test_the_law_that_is_drawn_is_saved(tmp_path: Any) -> None:
    """``summary`` and ``verify`` would not take the 0.1 that p1 should be for the 0.2 it is."""
    net = bmtool_connectors.NetworkBuilder("net")
    net.add_nodes(N=60, pop_name="A", model_type="biophysical")
    net.add_nodes(N=50, pop_name="B", model_type="biophysical")
    connector = made(p0=0.5, p1=0.1, pr=0.2)
    options = {"delay": 1.0, "syn_weight": 1.0, "model_template": "exp2syn"}
    connector.connect(net, *pools(net), forward=options, backward=options)
    with pytest.warns(ConnectivityWarning, match="p1 is 0.2 for 0.1 on average"):
        net.build()
    net.save(str(tmp_path))
    for summary in (connector.summary(), net.summary(), bmtool_connectors.summarize(tmp_path)):
        assert summary.to_frame()["z"].abs().max() < 5
    checked = bmtool_connectors.verify(tmp_path)
    assert checked, str(checked)
    assert len(checked.tests) >= 3
    recipe = next(tmp_path.glob("*_connections.json")).read_text()
    assert '"infeasible": "bmtool"' in recipe


# ---------------------------------------------------------------------- the option
def test_default_is_read_at_construction() -> None:
    assert bmtool_connectors.infeasible == "clip"
    first = made(**BY_HAND, infeasible=None)
    bmtool_connectors.infeasible = "bmtool"
    second, own = (made(**BY_HAND, infeasible=each) for each in (None, "clip"))
    del bmtool_connectors.infeasible
    assert bmtool_connectors.infeasible == "clip"
    assert [each.infeasible for each in (first, second, own)] == ["clip", "bmtool", "clip"]
    assert "infeasible" not in repr(first)
    assert "infeasible='bmtool'" in repr(second)
    net = make_network(60, 40)
    backward = []
    for connector in (first, second, own):
        connector.setup_nodes(*pools(net))
        with pytest.warns(ConnectivityWarning, match="was not feasible for 2400 of 2400 pairs"):
            connector.initial_all_to_all()
        backward.append(len(connector.connectivity.backward))
    # 240, 444 and 240 are expected: a false alarm in a million seeds.
    assert max(backward[0], backward[2]) < 340 < backward[1]


def test_one_warning_says_by_how_much() -> None:
    connector = made(**BY_HAND)
    net = make_network(20, 15)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            connector.setup_nodes(*pools(net))
            connector.edge_params()
            connector.initial_all_to_all()
            connector.edge_params()
    (message,) = (str(w.message) for w in caught)
    for part in (
        "pr of ReciprocalConnector was not feasible for 300 of 300 pairs with one rho for all",
        "infeasible='bmtool'", "p0 holds and p1 does not",
        "55.5 backward connections are expected for 30 (p1 is 0.185 for 0.1 on average)",
        "55.5 of them reciprocal", "p1=0.1 became 0.185 for the pair of nodes 0 and 20",
        "infeasible='clip'",
    ):  # fmt: skip
        assert part in message


def test_previews_do_not_promise_what_is_not_drawn() -> None:
    hints = []
    by_pr = {"p0": 0.1, "p1": 0.3, "pr": 0.2}
    for connector in (made(**by_pr), made(**BY_HAND), made(**BY_HAND).replace(infeasible="clip")):
        connector.setup_nodes(*pools(make_network(20, 15)))
        (hint,) = connector.preview().hints
        hints.append(hint)
    assert "may not hold, because no one correlation is feasible for all pairs" in hints[0]
    for hint in hints[:2]:
        assert "100.00% of the pairs" in hint
        assert "drawn as bmtool does (infeasible='bmtool'), where p1 may not hold" in hint
        assert "moved" not in hint
        assert "became" not in hint  # it is p1 that changes, not pr
    assert "moved to the nearest feasible value" in hints[2]


def test_a_pr_that_no_rho_reaches() -> None:
    """Within one population rho = 1 is feasible, and all that can be said is what it gives."""
    connector = made(p0=0.1, pr=0.2)
    connector.setup_nodes(*pools(make_network(20, 0)))
    with pytest.warns(ConnectivityWarning, match=r"rho = 1 gives 0\.1 among") as caught:
        connector.initial_all_to_all()
    assert len(caught) == 1
    assert connector.rho == 1.0


@pytest.mark.parametrize("by_default", [False, True], ids=["keyword", "default"])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rng": 7}, ("rng is a private seed (7)", "a Generator")),
        ({"rng": np.random.SeedSequence(8)}, ("rng is a private seed (8)", "a Generator")),
        ({"sampler": "sparse"}, ("sampler is 'sparse'", "leave sampler out")),
    ],
)
def test_refused(options: Parameters, words: tuple[str, ...], by_default: bool) -> None:
    parameters: Parameters = {"p0": 0.5, "pr": 0.1, **options, **QUIET}
    if by_default:
        bmtool_connectors.infeasible = "bmtool"
    else:
        parameters["infeasible"] = "bmtool"
    gap = GapJunction(p=0.1, **QUIET)
    laws = (0.5, 0.5, 0.2, 0.1, 0.1, 0.0)
    with pytest.raises(ParameterError) as caught:
        ReciprocalConnector(**parameters)
    others = {name: value for name, value in parameters.items() if name not in ("p0", "pr")}
    with pytest.raises(ParameterError, match="of GapJunctionConditionalReciprocalConnector"):
        GapJunctionConditionalReciprocalConnector(gap, *laws, **others)
    for word in (
        "infeasible of ReciprocalConnector is 'bmtool'", "bmtool_connectors.infeasible", *words,
        "infeasible='clip'",
    ):  # fmt: skip
        assert word in str(caught.value)
    clipped = {**parameters, "infeasible": "clip"}
    assert ReciprocalConnector(**clipped).infeasible == "clip"


def test_refused_with_the_seed_of_the_module() -> None:
    bmtool_connectors.rng = 5
    with pytest.raises(ParameterError, match=r"private seed \(5\)"):
        made(None, p0=0.5, pr=0.1)


def test_refused_with_the_seed_of_blocks() -> None:
    """Entries of a table draw from the seed of the table."""
    net = bmtool_connectors.NetworkBuilder("net")
    net.add_nodes(N=8, pop_name="A")
    bmtool_connectors.infeasible = "bmtool"
    refused = "infeasible of ReciprocalConnector is 'bmtool'"
    for entry in ((0.5, 0.1), made(None, p0=0.5, pr=0.1)):
        with pytest.raises(ParameterError, match=refused):
            BlockConnector({("A", "A"): entry}, rng=5, **QUIET)
        shared = np.random.default_rng(1)
        table = BlockConnector({("A", "A"): entry}, rng=shared, **QUIET)
        with pytest.raises(ParameterError, match=refused):
            table.rng = 5
        assert table.rng is shared
    for own in (
        BlockConnector({("A", "A"): (0.5, 0.1)}, rng=5, infeasible="clip", **QUIET),
        BlockConnector({("A", "A"): 0.5}, rng=5, **QUIET),
    ):
        own.setup_nodes(net.nodes(), net.nodes())
    with pytest.raises(ParameterError, match=r"infeasible of BlockConnector must be .*, got 'no'"):
        BlockConnector({("A", "A"): 0.5}, infeasible="no", **QUIET)


def test_blocks_do_not_ask_the_seed_of_the_module() -> None:
    """A table that has a generator draws from it, whatever the module has."""
    net = make_network(30, 20)
    table = {("A", "A"): (0.5, 0.1), ("A", "B"): None, ("B", "A"): None, ("B", "B"): 0.5}
    found = []
    for seed in (None, 5):
        bmtool_connectors.rng = seed
        rng = np.random.default_rng(1)
        blocks = BlockConnector(table, rng=rng, infeasible="bmtool", **QUIET)
        blocks.setup_nodes(net.nodes(), net.nodes())
        blocks.initial_all_to_all()
        found.append(blocks.connectivity.forward)
    assert np.array_equal(found[0].to_dense(), found[1].to_dense())


def test_blocks_are_drawn_alike() -> None:
    """A block with (p, pr) is a ReciprocalConnector with the same option."""
    net = make_network(30, 20)
    table = {("A", "B"): (0.5, 0.2), ("B", "A"): (0.1, 0.2), ("A", "A"): None, ("B", "B"): None}
    blocks = BlockConnector(table, rng=np.random.default_rng(1), infeasible="bmtool", **QUIET)
    blocks.setup_nodes(net.nodes(), net.nodes())
    one = made(p0=0.5, p1=0.1, pr=0.2)
    one.setup_nodes(*pools(net))
    for connector in (blocks, one):
        with pytest.warns(ConnectivityWarning, match="p1 is 0.2 for 0.1 on average"):
            connector.initial_all_to_all()
    found = blocks.connectivity.forward.to_dense()
    assert np.array_equal(found[:30, 30:], one.connectivity.forward.to_dense())
    assert np.array_equal(found[30:, :30], one.connectivity.backward.to_dense())


def test_always_pairwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "AUTO_LIMIT", 10)
    for infeasible, sampler in (("clip", "sparse"), ("bmtool", "pairwise")):
        connector = made(p0=0.1, pr=0.05, infeasible=infeasible)
        connector.setup_nodes(*pools(make_network(20, 0)))
        assert connector.expected().sampler == sampler


@pytest.mark.parametrize("value", ["Clip", "", 1, True])
def test_unknown_value(value: Any) -> None:
    with pytest.raises(ParameterError, match=r"infeasible of ReciprocalConnector must be "):
        made(infeasible=value)


@pytest.mark.parametrize("infeasible", ["clip", "bmtool"])
def test_law_of_distance(infeasible: str) -> None:
    """One curve for both directions is right only where both have p0."""
    connector = made(p0=0.8, pr=0.0, infeasible=infeasible)
    connector.setup_nodes(*pools(make_network(20, 0)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConnectivityWarning)
        connector.initial_all_to_all()
    assert (connections_of(connector, connector.use).law is None) == (infeasible == "bmtool")


def test_keeps_the_laws_of_connectors() -> None:
    check_connector(made(**BY_HAND))


# ---------------------------------------------------------------------- against the predecessor
@pytest.fixture(scope="module")
def predecessor() -> Any:
    """Return ``bmtool.connectors``; a failure and no skip when it is not there."""
    try:
        return importlib.import_module("bmtool.connectors")
    except ImportError as error:
        pytest.fail(f"bmtool.connectors cannot be imported ({error}); install bmtool==0.8.7.")


def theirs(module: Any, value: Any) -> Any:
    """Return a parameter made of the predecessor's own classes and functions."""
    if value is spherical_dist:
        return module.spherical_dist
    if value is cylindrical_dist_z:
        return module.cylindrical_dist_z
    if type(value) is GaussianDropoff:
        ends = {"min_dist": value.min_dist, "max_dist": value.max_dist}
        return module.GaussianDropoff(value.mean, value.stdev, pmax=value.pmax, **ends)
    if type(value) is UniformInRange:
        return module.UniformInRange(value.p, value.min_dist, value.max_dist)
    if type(value) is NormalizedReciprocalRate:
        return module.NormalizedReciprocalRate(value.rate)
    return value


def drawn_there(module: Any, parameters: Parameters, net: Any, rng: Any) -> Any:
    """Return the predecessor's connector after the draw, before anything is handed to BMTK."""
    parameters = {name: theirs(module, value) for name, value in parameters.items()}
    connector = module.ReciprocalConnector(**parameters, rng=rng, **QUIET)
    connector.setup_nodes(*pools(net))
    with contextlib.redirect_stdout(io.StringIO()):
        connector.initial_all_to_all()
    return connector


def assert_equal_to_predecessor(
    module: Any, case: dict[str, Any], infeasible: str = "bmtool"
) -> bool:
    """Assert the same edges, values and numbers drawn; return whether pairs were infeasible."""
    net = make_network(*case["sizes"], seed=case["seed"])
    rng, other = (np.random.default_rng(case["seed"]) for _ in range(2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConnectivityWarning)
        connector = ReciprocalConnector(
            **case["make"](rng), infeasible=infeasible, rng=rng, **QUIET
        )
        connector.setup_nodes(*pools(net))
        connector.initial_all_to_all()
    there = drawn_there(module, case["make"](other), net, other)

    found = connector.connectivity
    directions = [found.forward] if found.backward is None else [found.forward, found.backward]
    for k, edges in enumerate(directions):
        counts = there.conn_mat[k].T if k else there.conn_mat[k]
        assert np.array_equal(edges.to_dense(), counts)
        ends = [[node.node_id for node in each] for each in node_lists(*pools(net))][
            :: -1 if k else 1
        ]
        for i, j, _, arg in stream.edges_of(edges):
            value = there.conn_prop[k][ends[0][i]][ends[1][j]]
            assert arg == (
                None if value is None else pytest.approx(float(value), rel=1e-12, abs=1e-12)
            )
    assert stream.state_of(rng) == stream.state_of(other), "another number of draws"
    if there.rho is not None:
        assert connector.rho == pytest.approx(float(there.rho), abs=1e-9)
    return found.clipped > 0


@pytest.mark.peer
@pytest.mark.parametrize("n", [100, pytest.param(2000, marks=pytest.mark.slow)])
def test_any_parameters_there(n: int, predecessor: Any) -> None:
    infeasible = 0

    @settings(max_examples=n, deadline=None, derandomize=True, database=None)
    @given(case=cases())
    def compare(case: dict[str, Any]) -> None:
        nonlocal infeasible
        infeasible += assert_equal_to_predecessor(predecessor, case)

    compare()
    assert infeasible > n / 5, "cases that hardly test anything"


@pytest.mark.peer
def test_comparison_can_fail(predecessor: Any) -> None:
    """Without the option, infeasible pairs differ."""
    case = {
        "sizes": (12, 12), "seed": 3,
        "make": lambda rng: {"p0": 0.5, "p1": 0.1, "rho": 0.9},
    }  # fmt: skip
    assert assert_equal_to_predecessor(predecessor, case)
    with pytest.raises(AssertionError):
        assert_equal_to_predecessor(predecessor, case, infeasible="clip")


@pytest.mark.peer
@pytest.mark.parametrize("pr", [0.9, 0.1])
def test_conditional_on_gap_junctions(pr: float, predecessor: Any) -> None:
    """There the predecessor clips pr itself, and both values of the option mean that."""
    net = make_network(25, 0, seed=3)
    drawn = []
    for module, option in ((predecessor, {}), (bmtool_connectors, {"infeasible": "bmtool"})):
        rng = np.random.default_rng(3)
        gap = module.GapJunction(p=0.3, rng=rng, **QUIET)
        gap.setup_nodes(*pools(net))
        if module is predecessor:
            for one in gap.source:
                for other in gap.target:
                    gap.make_connection(one, other)
        laws = (0.7, 0.7, pr, 0.3, 0.3, 0.2)
        chemical = module.GapJunctionConditionalReciprocalConnector(
            gap, *laws, rng=rng, **QUIET, **option
        )
        chemical.setup_nodes(*pools(net))
        if module is predecessor:
            chemical.edge_params()
            chemical.initialize()
            drawn.append(chemical.conn_mat[0])
        else:
            with pytest.warns(ConnectivityWarning, match="so p0 and p1 hold"):
                chemical.initial_all_to_all()
            drawn.append(chemical.connectivity.forward.to_dense())
    assert np.array_equal(*drawn)
