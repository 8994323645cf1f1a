"""Rows 103 to 119 of the defect table: synapse helpers, random numbers, output."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builds import assert_binomial, between, connect, drawn, pairs_of, tables, warned, within
from conftest import BOTH_BUILDERS, QUIET, make_network, pools

import bmtool_connectors
from bmtool_connectors import (
    ConnectivityWarning,
    GapJunction,
    GaussianDropoff,
    NodeError,
    ParameterError,
    ReciprocalConnector,
    UnidirectionConnector,
    decision,
    decisions,
    rho_2_pr,
    spherical_dist,
    syn_const_delay,
    syn_const_delay_feng_section_PN,
    syn_dist_delay_feng,
    syn_dist_delay_feng_section_PN,
    syn_section_PN,
    syn_uniform_delay_section,
)
from bmtool_connectors.synapses import helper_rules

pytestmark = BOTH_BUILDERS

LAW = {"p0": 0.4, "pr": 0.2, "estimate_rho": False}


def seeded(seed: int = 1) -> dict[str, Any]:
    """Return keyword arguments for a quiet connector with a generator of its own."""
    return {"rng": np.random.default_rng(seed), **QUIET}


def two_nodes(positions: str | None = "positions") -> tuple[Any, Any]:
    """Return two nodes of a network, with positions or without."""
    first, second = make_network(2, positions=positions).nodes()
    return first, second


# ---------------------------------------------------------------------- rows 103 to 111
@pytest.mark.parametrize(
    "make",
    [
        lambda: UnidirectionConnector(p=0.5, **seeded()),
        lambda: ReciprocalConnector(**LAW, **seeded()),
    ],
    ids=["unidirection", "reciprocal"],
)
def test_row_103_delay_of_a_connector_without_stored_distances(make: Callable[[], Any]) -> None:
    net = make_network(6)
    connector = make()
    edges = connect(net, connector, *pools(net))
    rule = partial(syn_dist_delay_feng, connector=connector)
    edges.add_properties("delay", rule=rule, rule_params={"fluc_stdev": 0.0}, dtypes=float)
    net.build()
    nodes = list(net.nodes())
    frame = net.adaptor.edges_table()[0].to_dataframe()
    assert len(frame) > 5
    for s, t, delay in zip(frame.source_node_id, frame.target_node_id, frame.delay, strict=True):
        assert delay == pytest.approx(0.8 + spherical_dist(nodes[s], nodes[t]) / 1000, rel=1e-12)


def test_row_103_neither_distance_nor_positions() -> None:
    with pytest.raises(NodeError, match="has no position"):
        syn_dist_delay_feng(*two_nodes(positions=None))


def test_row_104_pair_that_is_not_connected() -> None:
    connector = UnidirectionConnector(p=0.0, **seeded())
    within(connector, 4)
    with pytest.raises(KeyError, match="UnidirectionConnector has no connection from node 2 to"):
        connector.get_conn_prop(2, 3)


HELPERS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        syn_const_delay,
        syn_dist_delay_feng,
        syn_section_PN,
        syn_const_delay_feng_section_PN,
        syn_dist_delay_feng_section_PN,
        syn_uniform_delay_section,
    )
}


@pytest.fixture
def _nothing_warned_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what other tests were warned about: keywords are named once per process."""
    monkeypatch.setattr(helper_rules, "_warned", set())


@pytest.mark.usefixtures("_nothing_warned_yet")
@pytest.mark.parametrize("name", HELPERS)
def test_row_105_unknown_keywords(name: str) -> None:
    """Warned about, once; ``connector`` is known to all of them."""
    nodes = two_nodes()
    connector = UnidirectionConnector(p=1.0, p_arg=lambda a, b: 5.0, **seeded())
    drawn(connector, *pools(make_network(2)))
    HELPERS[name](*nodes, connector=connector)
    with warned("'min_dely'"):
        HELPERS[name](*nodes, min_dely=1.0)
        HELPERS[name](*nodes, min_dely=1.0)
    with warned("'secid'"):
        HELPERS[name](*nodes, secid=(1, 2))


@pytest.mark.usefixtures("_nothing_warned_yet")
@pytest.mark.parametrize("name", ["syn_dist_delay_feng", "syn_dist_delay_feng_section_PN"])
def test_row_105_distance_of_the_nodes_cannot_be_given(name: str) -> None:
    with warned("'dist'"):
        HELPERS[name](*two_nodes(), dist=50.0)


def test_row_106_delays_are_floats() -> None:
    nodes = two_nodes()
    stored = UnidirectionConnector(p=1.0, p_arg=spherical_dist, **seeded())
    drawn(stored, *pools(make_network(2)))
    delays = [
        syn_const_delay(),
        syn_const_delay(*nodes, connector=stored),
        syn_dist_delay_feng(*nodes),
        syn_dist_delay_feng(*nodes, connector=stored),
        syn_uniform_delay_section(*nodes),
        syn_dist_delay_feng_section_PN(*nodes)[0],
        syn_const_delay_feng_section_PN(*nodes)[0],
    ]
    assert [type(delay) for delay in delays] == [float] * len(delays)
    # Documented: the distance of the constant delay is its parameter, 100 um.
    assert syn_const_delay(*nodes, connector=stored, fluc_stdev=0.0) == 0.9
    assert syn_const_delay(*nodes, dist=300, fluc_stdev=0.0) == 1.1


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("syn_const_delay", {"delay_bound": (2.0, 0.2)}),
        ("syn_const_delay", {"dist": np.nan}),
        ("syn_const_delay", {"dist": "far"}),
        ("syn_const_delay", {"velocity": 0.0}),
        ("syn_const_delay", {"velocity": -1.0}),
        ("syn_const_delay", {"fluc_stdev": -0.1}),
        ("syn_const_delay", {"min_delay": np.inf}),
        ("syn_dist_delay_feng", {"velocity": 0.0}),
        ("syn_dist_delay_feng", {"delay_bound": (2.0, 0.2)}),
        ("syn_dist_delay_feng_section_PN", {"velocity": 0.0}),
        ("syn_uniform_delay_section", {"high": 0.1}),
        ("syn_uniform_delay_section", {"high": np.nan}),
        ("syn_section_PN", {"p": np.nan}),
        ("syn_section_PN", {"p": 1.5}),
        ("syn_section_PN", {"sec_id": (1, 2, 3)}),
        ("syn_const_delay_feng_section_PN", {"p": -0.1}),
        ("syn_dist_delay_feng_section_PN", {"sec_x": (0.5,)}),
    ],
)
def test_row_107_arguments_are_checked(name: str, parameters: dict[str, Any]) -> None:
    name_of_one = next(iter(parameters))
    with pytest.raises(ParameterError, match=rf"{name_of_one} of syn_\w+ must be "):
        HELPERS[name](*two_nodes(), **parameters)


@pytest.mark.parametrize("name", HELPERS)
@pytest.mark.parametrize(
    "make",
    [np.random.default_rng, np.random.RandomState, int, np.int64, np.random.SeedSequence],
)
def test_row_108_helpers_take_every_kind_of_rng(name: str, make: Callable[[int], Any]) -> None:
    """And draw from a stream: 20 calls do not give one value 20 times."""
    nodes = two_nodes()
    rng = make(987_654)
    more = {"p": 0.5} if name == "syn_section_PN" else {}
    values = [HELPERS[name](*nodes, rng=rng, **more) for _ in range(60)]
    assert len(set(values)) == 2 if more else len(set(values)) > 50


@pytest.mark.parametrize("bad", ["seed", 1.5, -1, True, [1]])
def test_row_108_rng_that_is_none(bad: Any) -> None:
    match = "must be a numpy Generator or RandomState, an int >= 0, .*, got "
    makers: list[Callable[[], Any]] = [
        lambda: UnidirectionConnector(p=0.5, rng=bad, **QUIET),
        lambda: decision(0.5, rng=bad),
        lambda: decisions([0.5], rng=bad),
        lambda: setattr(bmtool_connectors, "rng", bad),
        *(partial(helper, *two_nodes(), rng=bad) for helper in HELPERS.values()),
    ]
    for make in makers:
        with pytest.raises(ParameterError, match=match):
            make()


@pytest.mark.parametrize("p_arg", [None, 7.0, spherical_dist])
def test_row_109_probability_has_one_argument(p_arg: Any) -> None:
    """``p`` is a function of the value of ``p_arg`` alone (None without one)."""
    asked: list[tuple[Any, ...]] = []

    def p(*args: Any) -> float:
        asked.append(args)
        return 0.5

    net = make_network(3, 4)
    drawn(UnidirectionConnector(p=p, p_arg=p_arg, **seeded()), *pools(net))
    a, b = (list(pool) for pool in pools(net))
    wanted = [(p_arg(s, t) if callable(p_arg) else p_arg,) for s in a for t in b]
    assert [len(args) for args in asked] == [1] * 12
    if callable(p_arg):
        assert [args[0] for args in asked] == pytest.approx([args[0] for args in wanted])
    else:
        assert asked == wanted


def test_row_109_documentation_says_so() -> None:
    guide = Path(__file__).resolve().parents[3] / "docs" / "guide.md"
    assert "`p` may be a function of one argument" in guide.read_text(encoding="utf-8")


def test_row_110_pr_is_the_joint_probability() -> None:
    n = 150
    connector = ReciprocalConnector(p0=0.15, pr=0.067, estimate_rho=False, **seeded())
    edges = pairs_of(within(connector, n, positions=None).forward)
    both = sum((j, i) in edges for i, j in edges) // 2
    assert_binomial(both, n * (n - 1) // 2, 0.067)  # and not 0.15 * 0.067


@pytest.mark.parametrize("value", [[0.3, 0.4], "0.3", "high", {}, np.array([])])
def test_row_111_probabilities_are_numbers_or_functions(value: Any) -> None:
    with pytest.raises(ParameterError, match="p of UnidirectionConnector must be "):
        UnidirectionConnector(p=value, **QUIET)
    with pytest.raises(ParameterError, match="p0 of ReciprocalConnector must be "):
        ReciprocalConnector(p0=value, pr=0.0, **QUIET)
    with pytest.raises(ParameterError, match="p of GapJunction must be "):
        GapJunction(p=value, **QUIET)


def test_row_111_none_is_no_probability() -> None:
    with pytest.raises(ParameterError, match=r"p of UnidirectionConnector must be .*, got None"):
        UnidirectionConnector(p=None, **QUIET)


def test_row_111_one_number_in_an_array() -> None:
    found = between(UnidirectionConnector(p=np.array([1.0]), **seeded()), 3, 4)
    assert len(found.forward) == 12


# ---------------------------------------------------------------------- rows 112 to 115
def test_row_112_when_the_default_generator_is_read() -> None:
    """By connectors when they are made, by helpers when they are called."""
    first, second = np.random.default_rng(1), np.random.default_rng(2)
    bmtool_connectors.rng = first
    connector = UnidirectionConnector(p=0.5, **QUIET)
    bmtool_connectors.rng = second
    between(connector, 3, 4)
    other = np.random.default_rng(1)
    other.random(12)
    assert first.bit_generator.state == other.bit_generator.state

    other = np.random.default_rng(2)
    calls: list[tuple[Callable[[], Any], Callable[[], Any]]] = [
        (lambda: decision(0.5), other.random),
        (lambda: decisions([0.5, 0.5]), lambda: other.random(2)),
        (lambda: syn_const_delay(), other.normal),
        (lambda: syn_section_PN(None, None), other.random),
        (lambda: syn_uniform_delay_section(None, None), lambda: other.uniform(0.2, 2.0)),
    ]
    for call, same in calls:
        call()
        same()
        assert second.bit_generator.state == other.bit_generator.state


def test_row_112_old_name_of_the_module() -> None:
    from bmtool_connectors import connectors

    connectors.rng = np.random.default_rng(3)
    assert bmtool_connectors.rng is connectors.rng
    assert syn_const_delay() == pytest.approx(0.9 + 0.2 * np.random.default_rng(3).normal())


def test_row_113_private_streams_do_not_move_each_other() -> None:
    def edges(others: list[Any]) -> set[Any]:
        net = make_network(20)
        for other in others:
            connect(net, other, *pools(net))
        connect(net, UnidirectionConnector(p=0.3, rng=4, **QUIET), *pools(net))
        net.build()
        return tables(net)[-1]

    alone = edges([])
    assert len(alone) > 50
    generator = np.random.default_rng(1)
    assert alone == edges([UnidirectionConnector(p=0.3, rng=4, name="x", **QUIET)])
    assert alone == edges([GapJunction(p=0.3, rng=4, **QUIET)])
    assert alone == edges(
        [UnidirectionConnector(p=0.3, n_syn=lambda a, b: int(generator.integers(1, 4)), **QUIET)]
    )


def test_row_113_shared_streams_do() -> None:
    """The predecessor's semantics, kept as the default."""
    found = []
    for n_others in (0, 1):
        bmtool_connectors.rng = np.random.default_rng(1)
        net = make_network(20)
        for _ in range(n_others + 1):
            connect(net, UnidirectionConnector(p=0.3, **QUIET), *pools(net))
        net.build()
        found.append(tables(net))
    assert found[0][0] == found[1][0] != found[1][1]


def test_row_114_output_and_cache_change_nothing(tmp_path: Path) -> None:
    law = {
        **{"p0": GaussianDropoff(stdev=60.0, pmax=0.5), "p0_arg": spherical_dist, "pr": 0.1},
        "rng": 0,
    }
    found = []
    for loud in (False, True):
        for cache_data in (False, True):
            law["rng"] = np.random.default_rng(1)
            connector = ReciprocalConnector(
                **law, cache_data=cache_data, verbose=loud, save_report=loud,
                report_name=str(tmp_path / "conn.csv"),
            )  # fmt: skip
            found.append(pairs_of(within(connector, 30).forward))
            assert bool(connector.cache) is cache_data
    assert all(pairs == found[0] for pairs in found)


def test_row_115_report_name_of_the_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read at construction; deleted, it is the default name again."""
    monkeypatch.chdir(tmp_path)

    def make() -> Any:
        return UnidirectionConnector(p=1.0, verbose=False, rng=1)

    bmtool_connectors.report_name = "first.csv"
    connector = make()
    bmtool_connectors.report_name = "second.csv"
    other = make()
    del bmtool_connectors.report_name
    for each in (connector, other, make()):
        within(each, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "conn.csv",
        "first.csv",
        "second.csv",
    ]


# ---------------------------------------------------------------------- rows 116 to 119
def test_row_116_silent_unless_verbose(capfd: pytest.CaptureFixture[str]) -> None:
    """What was printed regardless is a warning now; nothing is written to the terminal."""
    net = make_network(20, 15)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        profile = GaussianDropoff(stdev=60.0, pmax=1.4)
        connector = ReciprocalConnector(
            p0=profile, p0_arg=spherical_dist, p1=0.4, pr=0.9, **seeded()
        )
        drawn(connector, *pools(net))
        correlated = ReciprocalConnector(
            p0=profile, p0_arg=spherical_dist, p1=0.4, rho=0.9, **seeded()
        )
        drawn(correlated, *pools(net))
        one = ReciprocalConnector(p0=profile, p0_arg=spherical_dist, pr=0.5, **seeded())
        within(one, 1)
    assert {each.category for each in caught} == {ConnectivityWarning}
    texts = " ".join(str(each.message) for each in caught)
    for part in ("cut at 1", "which no correlation reaches", "not feasible", "no pair is valid"):
        assert part in texts
    assert capfd.readouterr() == ("", "")
    rho_2_pr(0.5, 0.1, 0.9)
    assert len(capfd.readouterr().out.splitlines()) == 1  # the one documented line


SCRIPT = """
import numpy as np
from bmtk.builder import NetworkBuilder
import bmtool_connectors as c
net = NetworkBuilder("net")
net.add_nodes(N=30, pop_name="A", positions=list(np.random.default_rng(0).random((30, 3))))
law = c.UniformInRange(0.3, max_dist=0.5)
connector = c.ReciprocalConnector(
    p0=law, p0_arg=c.spherical_dist, pr=0.1, save_report=False, rng=np.random.default_rng(1)
)
connector.setup_nodes(net.nodes(), net.nodes())
net.add_edges(**connector.edge_params())
net.build()
"""


def test_row_117_printed_text_does_not_depend_on_the_hash_seed(tmp_path: Path) -> None:
    printed = []
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], cwd=tmp_path, capture_output=True, text=True,
            env={**os.environ, "PYTHONHASHSEED": seed}, check=True, timeout=120,
        )  # fmt: skip
        lines = done.stdout.splitlines()
        printed.append([line for line in lines if not line.startswith("Time ")])
        assert len(lines) - len(printed[-1]) == 2
    assert printed[0] == printed[1]
    assert any(line.startswith("Estimated value of rho=") for line in printed[0])


def test_row_117_percentages_are_never_bare(capsys: pytest.CaptureFixture[str]) -> None:
    for connector in (
        UnidirectionConnector(p=0.0, save_report=False, rng=1),
        ReciprocalConnector(p0=0.0, rho=0.0, save_report=False, rng=1),
        GapJunction(p=0.0, save_report=False, rng=1),
    ):
        within(connector, 4)
        lines = [line.strip() for line in capsys.readouterr().out.splitlines() if line.strip()]
        assert not [line for line in lines if line.replace(".", "").isdigit()]
        assert any("0.00%" in line for line in lines)


def test_row_118_counts_of_pairs_and_directed_probability(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Reports count unordered pairs, as before; the edges themselves give the probability."""
    n = 100
    connector = ReciprocalConnector(
        p0=0.15, pr=0.0225, estimate_rho=False, save_report=False, rng=np.random.default_rng(1)
    )
    found = within(connector, n, positions=None)
    edges = pairs_of(found.forward)
    unordered = len({(min(e), max(e)) for e in edges})
    reciprocal = len(edges) - unordered
    assert found.connected == (unordered, reciprocal)
    lines = capsys.readouterr().out.splitlines()
    assert "Numbers of (all, reciprocal) connections:" in lines
    assert f"Number of connected pairs: ({unordered}, {reciprocal})" in lines
    assert found.pairs == 4950
    assert_binomial(len(found.forward), n * (n - 1), 0.15)
    assert_binomial(unordered, 4950, 0.15 + 0.15 - 0.0225)


def test_row_119_denominator_of_a_one_way_connector() -> None:
    """All ordered pairs, self pairs too where they may connect."""
    for allow, pairs in ((True, 25), (False, 20)):
        connector = UnidirectionConnector(p=1.0, allow_autapses=allow, **seeded())
        found = within(connector, 5)
        assert (found.pairs, found.possible, found.connected) == (pairs, (pairs,), (pairs,))
        assert connector.connection_number()[3].tolist() == [[1.0], [1.0]]
