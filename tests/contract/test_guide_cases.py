"""The first cases of the guide, as listed, on stock BMTK; nodes without positions.

Counts are checked against exact binomial bounds that a right package leaves
with a probability of 1e-9 per check (a handful per test); seeds are fixed.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from bmtk.builder import NetworkBuilder
from conftest import BOTH_BUILDERS, assert_canonical, built_edges
from scipy import integrate, stats

import bmtool_connectors
from bmtool_connectors import (
    GaussianDropoff,
    ReciprocalConnector,
    UnidirectionConnector,
    spherical_dist,
)

pytestmark = BOTH_BUILDERS

WITHIN_POSSIBLE = "Percent connectionivity within possible connections"
WITHIN_ALL = "Percent connectionivity within all connections"
POP_A, POP_B = "example_net: pop_name=='PopA'", "example_net: pop_name=='PopB'"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, where conn.csv goes, with a seeded default generator."""
    monkeypatch.chdir(tmp_path)
    bmtool_connectors.rng = np.random.default_rng(2024)
    return tmp_path


@pytest.fixture
def example_net() -> NetworkBuilder:
    net = NetworkBuilder("example_net")
    net.add_nodes(N=100, pop_name="PopA", model_type="biophysical")
    net.add_nodes(N=100, pop_name="PopB", model_type="biophysical")
    return net


def assert_binomial(found: int, n: int, p: float) -> None:
    """Assert that a count of n is not in the 5e-10 tails of the binomial distribution."""
    low, high = stats.binom.ppf([5e-10, 1 - 5e-10], n, p)
    assert low <= found <= high, f"{found} of {n}, expected {n * p:.1f}"


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "conn.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def numbers(cell: str) -> list[float]:
    return [float(word) for word in cell.strip("[]").split()]


def saved_edges(folder: Path) -> set[tuple[int, int]]:
    """Return the pairs in the one saved edge file."""
    with h5py.File(folder / "example_net_example_net_edges.h5") as file:
        group = file["edges/example_net_to_example_net"]
        return set(zip(group["source_node_id"][:].tolist(), group["target_node_id"][:].tolist(),
                       strict=True))  # fmt: skip


def saved_pairs(net: NetworkBuilder, folder: Path) -> set[tuple[int, int]]:
    """Build and save; return (source id, target id) after checking file against memory."""
    net.build()
    built = built_edges(net)
    assert {row[3] for row in built} == {1}
    pairs = {row[1:3] for row in built}
    assert len(pairs) == len(built) == net.nedges
    net.save(output_dir=str(folder))  # BMTK drops its tables here
    assert saved_edges(folder) == pairs
    return pairs


def test_case_1_unidirectional(example_net: NetworkBuilder, here: Path, capsys: Any) -> None:
    connector = UnidirectionConnector(p=0.15, n_syn=1)
    connector.setup_nodes(
        source=example_net.nodes(pop_name="PopA"), target=example_net.nodes(pop_name="PopB")
    )
    example_net.add_edges(**connector.edge_params())
    pairs = saved_pairs(example_net, here)

    assert {s for s, _ in pairs} <= set(range(100))
    assert {t for _, t in pairs} <= set(range(100, 200))
    assert_binomial(len(pairs), 10_000, 0.15)
    found = connector.connectivity
    assert_canonical(found.forward)
    assert (found.pairs, found.possible, found.connected) == (10_000, (10_000,), (len(pairs),))

    (row,) = rows_of(here)
    assert (row["Source"], row["Target"]) == (POP_A, POP_B)
    assert float(row[WITHIN_POSSIBLE]) == pytest.approx(len(pairs) / 100)
    assert row[WITHIN_ALL] == row[WITHIN_POSSIBLE]
    printed = capsys.readouterr().out
    assert f"Number of connected pairs: {len(pairs)}\n" in printed
    assert "Number of total pairs: 10000\n" in printed


def test_case_2_reciprocal(example_net: NetworkBuilder, here: Path, capsys: Any) -> None:
    connector = ReciprocalConnector(
        p0=0.15, pr=0.06767705087, n_syn0=1, n_syn1=1, estimate_rho=False
    )
    pool = example_net.nodes(pop_name="PopA")
    connector.setup_nodes(source=pool, target=pool)
    example_net.add_edges(**connector.edge_params())
    pairs = saved_pairs(example_net, here)

    assert {node for pair in pairs for node in pair} <= set(range(100))
    assert all(s != t for s, t in pairs)
    both = {(s, t) for s, t in pairs if s < t and (t, s) in pairs}
    some = {(min(pair), max(pair)) for pair in pairs}
    assert_binomial(sum(s < t for s, t in pairs), 4950, 0.15)
    assert_binomial(sum(s > t for s, t in pairs), 4950, 0.15)
    assert_binomial(len(both), 4950, 0.06767705087)
    assert_binomial(len(some), 4950, 2 * 0.15 - 0.06767705087)
    assert connector.recurrent
    found = connector.connectivity
    assert_canonical(found.forward)
    assert (found.pairs, found.possible) == (4950, (4950, 4950))
    assert found.connected == (len(some), len(both))

    (row,) = rows_of(here)
    assert row["Source"] == row["Target"] == POP_A
    percent = [100 * len(some) / 4950, 100 * len(both) / 4950]
    assert numbers(row[WITHIN_POSSIBLE]) == pytest.approx(percent, rel=1e-7)
    assert numbers(row[WITHIN_ALL]) == pytest.approx(percent, rel=1e-7)
    printed = capsys.readouterr().out
    assert f"Number of connected pairs: ({len(some)}, {len(both)})\n" in printed
    assert "Number of total pairs: 4950\n" in printed


def test_case_5_two_populations(example_net: NetworkBuilder, here: Path) -> None:
    connector = ReciprocalConnector(p0=0.22, p1=0.36, pr=0.17)
    a, b = example_net.nodes(pop_name="PopA"), example_net.nodes(pop_name="PopB")
    connector.setup_nodes(source=a, target=b)
    example_net.add_edges(**connector.edge_params())
    connector.setup_nodes(source=b, target=a)
    example_net.add_edges(**connector.edge_params())
    pairs = saved_pairs(example_net, here)

    forward = {(s, t) for s, t in pairs if s < 100 <= t}
    backward = {(t, s) for s, t in pairs if t < 100 <= s}
    assert len(forward) + len(backward) == len(pairs)
    counts = [len(forward), len(backward), len(forward & backward)]
    for found, p in zip(counts, (0.22, 0.36, 0.17), strict=True):
        assert_binomial(found, 10_000, p)
    drawn = connector.connectivity
    assert_canonical(drawn.forward)
    assert_canonical(drawn.backward)
    assert (drawn.pairs, drawn.possible, drawn.connected) == (10_000, (10_000,) * 3, tuple(counts))
    # 0.17 = 0.22 * 0.36 + rho * sqrt(0.22 * 0.78 * 0.36 * 0.64)
    assert connector.rho == pytest.approx((0.17 - 0.0792) / 0.03953664**0.5, rel=1e-9)

    (row,) = rows_of(here)
    assert (row["Source"], row["Target"]) == (POP_A, POP_B)
    assert numbers(row[WITHIN_POSSIBLE]) == pytest.approx([n / 100 for n in counts], rel=1e-7)
    assert row[WITHIN_POSSIBLE] == row[WITHIN_ALL]


def spread_out(n: int, gap: float, size: float) -> np.ndarray:
    """Return random points in a cube that are at least `gap` um apart."""
    rng = np.random.default_rng(7)
    points = np.empty((0, 3))
    while len(points) < n:
        point = rng.uniform(0, size, 3)
        if not len(points) or np.linalg.norm(points - point, axis=1).min() >= gap:
            points = np.vstack([points, point])
    return points


def test_case_5_distance_law(here: Path) -> None:
    positions = spread_out(500, 10.0, 400.0)
    net = NetworkBuilder("example_net")
    net.add_nodes(N=400, pop_name="PopA", positions=list(positions[:400]))
    net.add_nodes(N=100, pop_name="PopB", positions=list(positions[400:]))
    p = GaussianDropoff(
        stdev=126.77, min_dist=0, max_dist=300, ptotal=0.1538, ptotal_dist_range=(0, 50.0),
        dist_type="spherical",
    )  # fmt: skip
    within, _ = integrate.quad(lambda r: p.probability(r) * 3 * r**2 / 50.0**3, 0, 50.0)
    assert within == pytest.approx(0.1538, rel=1e-9)

    connector = UnidirectionConnector(p=p, p_arg=spherical_dist)
    connector.setup_nodes(source=net.nodes(pop_name=["PopA"]), target=net.nodes(pop_name=["PopB"]))
    net.add_edges(**connector.edge_params())
    pairs = saved_pairs(net, here)

    dist = np.linalg.norm(positions[:400, None] - positions[None, 400:], axis=2)
    expected = np.where(dist <= 300, p.pmax * np.exp(-(dist**2) / (2 * 126.77**2)), 0.0)
    connected = np.zeros((400, 100), dtype=bool)
    connected[tuple(np.array([(s, t - 400) for s, t in pairs]).T)] = True
    assert not connected[dist > 300].any()
    for low, high in ((0, 80), (80, 150), (150, 220), (220, 300)):
        ring = (dist > low) & (dist <= high)
        # Poisson-binomial: lighter tails than the binomial with the same mean.
        assert_binomial(int(connected[ring].sum()), int(ring.sum()), float(expected[ring].mean()))
    found = connector.connectivity
    assert_canonical(found.forward)
    assert found.possible == (int((dist <= 300).sum()),)
    assert found.pairs == 40_000
    table = connector.conn_prop
    for s, t in sorted(pairs)[::7]:
        assert table[s][t] == pytest.approx(dist[s, t - 400], rel=1e-12)
        assert connector.get_conn_prop(s, t) == table[s][t]

    (row,) = rows_of(here)
    assert row["Source"] == "example_net: pop_name=='['PopA']'"
    assert float(row[WITHIN_POSSIBLE]) == pytest.approx(
        100 * len(pairs) / found.possible[0], rel=1e-7
    )
    assert float(row[WITHIN_ALL]) == pytest.approx(100 * len(pairs) / 40_000, rel=1e-7)


def test_every_case_appends_a_row(here: Path) -> None:
    """One script with several connectors: a row each, in the order of the build."""
    net = NetworkBuilder("example_net")
    for name in ("PopA", "PopB"):
        net.add_nodes(N=100, pop_name=name, model_type="biophysical")
    a, b = net.nodes(pop_name="PopA"), net.nodes(pop_name="PopB")
    recipes: list[tuple[Any, Any, Any]] = [
        (UnidirectionConnector(p=0.15, n_syn=1), a, b),
        (ReciprocalConnector(p0=0.15, pr=0.06, estimate_rho=False), a, a),
        (ReciprocalConnector(p0=0.22, p1=0.36, pr=0.17), a, b),
        (UnidirectionConnector(p=0.5), b, b),
    ]
    for connector, source, target in recipes:
        connector.setup_nodes(source=source, target=target)
        net.add_edges(**connector.edge_params())
    net.add_edges(**recipes[2][0].edge_params())
    assert not (here / "conn.csv").exists()
    net.build()
    rows = rows_of(here)
    assert [(row["Source"], row["Target"]) for row in rows] == [
        (POP_A, POP_B), (POP_A, POP_A), (POP_A, POP_B), (POP_B, POP_B),
    ]  # fmt: skip
    assert [len(numbers(row[WITHIN_ALL])) for row in rows] == [1, 2, 3, 1]
    assert {row[0] for row in built_edges(net)} == {100, 101, 102, 103, 104}


def test_same_seed_same_network(here: Path) -> None:
    """Running the script again with the same generator gives the same files."""
    seen = []
    for seed in (1, 1, 2):
        bmtool_connectors.rng = np.random.default_rng(seed)
        net = NetworkBuilder("example_net")
        net.add_nodes(N=100, pop_name="PopA")
        connector = ReciprocalConnector(p0=0.15, pr=0.06767705087, estimate_rho=False)
        connector.setup_nodes(net.nodes(pop_name="PopA"), net.nodes(pop_name="PopA"))
        net.add_edges(**connector.edge_params())
        net.build()
        seen.append(built_edges(net))
    assert seen[0] == seen[1] != seen[2]
    assert len({row[WITHIN_ALL] for row in rows_of(here)}) == 2
