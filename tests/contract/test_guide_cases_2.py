"""Cases of the guide with gap junctions and one-to-one connections, as listed, on stock BMTK.

Counts that follow from others are checked exactly, those of chance against
binomial bounds that a right package leaves with a probability of FALSE_ALARM
per check (about 40 checks in this file); seeds are fixed.
"""

from __future__ import annotations

import csv
import itertools
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
from bmtk.builder import NetworkBuilder
from conftest import BOTH_BUILDERS
from scipy import stats

import bmtool_connectors
from bmtool_connectors import (
    CorrelatedGapJunction,
    GapJunction,
    GapJunctionConditionalReciprocalConnector,
    OneToOneSequentialConnector,
    ReciprocalConnector,
)

pytestmark = BOTH_BUILDERS

FALSE_ALARM = 1e-9

#: What the guide gives gap junctions beside their connector.
GAP_PROPERTIES: dict[str, Any] = {
    "is_gap_junction": True,
    "syn_weight": 0.0000495,
    "target_sections": None,
    "afferent_section_id": 0,
    "afferent_section_pos": 0.5,
}

HEADER = [
    "Source",
    "Target",
    "Percent connectionivity within possible connections",
    "Percent connectionivity within all connections",
]

Pair = tuple[int, int]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where conn.csv goes, as in the guide; with a seeded default generator."""
    monkeypatch.chdir(tmp_path)
    bmtool_connectors.rng = np.random.default_rng(1234)


@pytest.fixture
def example_net() -> NetworkBuilder:
    """Return the network of the guide."""
    net = NetworkBuilder("example_net")
    net.add_nodes(N=100, pop_name="PopA", model_type="biophysical")
    net.add_nodes(N=100, pop_name="PopB", model_type="biophysical")
    return net


def stored(net: NetworkBuilder) -> list[set[tuple[int, int, int]]]:
    """Return (source id, target id, synapses) of each table that BMTK stored."""
    found = []
    for table in net.adaptor.edges_table():
        frame = table.to_dataframe()
        columns = (frame["source_node_id"], frame["target_node_id"], frame["nsyns"])
        rows = list(zip(*(column.tolist() for column in columns), strict=True))
        assert len({row[:2] for row in rows}) == len(rows)
        found.append(set(rows))
    return found


def pairs(rows: set[tuple[int, int, int]]) -> set[Pair]:
    """Return the pairs of edges with one synapse each."""
    assert {n for _, _, n in rows} <= {1}
    return {(s, t) for s, t, _ in rows}


def unordered(edges: set[Pair]) -> set[Pair]:
    """Return the pairs that are connected in any direction, smaller id first."""
    return {(min(edge), max(edge)) for edge in edges}


def both_ways(edges: set[Pair]) -> set[Pair]:
    """Return the pairs that are connected in both directions, smaller id first."""
    return {(s, t) for s, t in edges if s < t and (t, s) in edges}


def all_pairs(ids: range) -> set[Pair]:
    """Return the unordered pairs of some nodes."""
    return set(itertools.combinations(ids, 2))


def assert_binomial(found: set[Pair] | int, n: int, p: float) -> None:
    """Assert that a number of pairs out of n is compatible with probability p."""
    count = found if isinstance(found, int) else len(found)
    low, high = stats.binom.ppf([FALSE_ALARM / 2, 1 - FALSE_ALARM / 2], n, p)
    assert low <= count <= high, f"{count} of {n}, expected {n * p:.1f} ({low:.0f} to {high:.0f})"


def report() -> list[list[str]]:
    """Return the rows of conn.csv."""
    with Path("conn.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == HEADER
    return rows[1:]


def percent(*counts: int, of: int) -> str:
    """Return percentages as the report writes them."""
    texts = [f"{100 * count / of:.8g}" for count in counts]
    if len(texts) > 1:
        return f"[{' '.join(texts)}]"
    return texts[0] if "." in texts[0] else f"{texts[0]}.0"


def saved_gap_junctions(path: Path) -> list[Pair]:
    """Read the file of gap junctions, and check its ids and sizes."""
    with h5py.File(path) as file:
        assert set(file) == {"source_ids", "target_ids", "src_gap_ids", "trg_gap_ids"}
        columns = [file[name][:] for name in ("source_ids", "target_ids")]
        gap_ids = np.concatenate([file[name][:] for name in ("src_gap_ids", "trg_gap_ids")])
    n = len(columns[0])
    assert sorted(gap_ids.tolist()) == list(range(2 * n))  # one half junction per cell
    return list(zip(*(column.tolist() for column in columns), strict=True))


def saved_edges(folder: Path, name: str) -> list[tuple[int, int, int]]:
    """Return (edge type id, source id, target id) of a saved edge file, sorted."""
    with h5py.File(folder / f"{name}_edges.h5") as file:
        (group,) = file["edges"].values()
        names = ("edge_type_id", "source_node_id", "target_node_id")
        return sorted(zip(*(group[each][:].tolist() for each in names), strict=True))


# ---------------------------------------------------------------------- case 3
def correlated(net: NetworkBuilder) -> CorrelatedGapJunction:
    """Run case 3 up to the build."""
    connector = ReciprocalConnector(p0=0.15, pr=0.06, n_syn0=1, n_syn1=1, estimate_rho=False)
    connector.setup_nodes(source=net.nodes(pop_name="PopA"), target=net.nodes(pop_name="PopA"))
    net.add_edges(**connector.edge_params())
    gap_junc = CorrelatedGapJunction(p_non=0.1228, p_uni=0.56, p_rec=1, connector=connector)
    gap_junc.setup_nodes(source=net.nodes(pop_name="PopA"), target=net.nodes(pop_name="PopA"))
    net.add_edges(
        is_gap_junction=True,
        syn_weight=0.0000495,
        target_sections=None,
        afferent_section_id=0,
        afferent_section_pos=0.5,
        **gap_junc.edge_params(),
    )
    return gap_junc


def test_case_3_correlated_gap_junctions(
    example_net: NetworkBuilder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gap_junc = correlated(example_net)
    example_net.build()
    chemical, gaps = (pairs(rows) for rows in stored(example_net))
    assert {node for pair in chemical | gaps for node in pair} <= set(range(100))
    assert all(s != t for s, t in chemical)
    assert all(s < t for s, t in gaps)  # once per pair, from the earlier node

    # The chemical law: directed probability 0.15, both ways 0.06.
    for half in ({e for e in chemical if e[0] < e[1]}, {e for e in chemical if e[0] > e[1]}):
        assert_binomial(half, 4950, 0.15)
    reciprocal, some = both_ways(chemical), unordered(chemical)
    assert_binomial(reciprocal, 4950, 0.06)
    assert_binomial(some, 4950, 0.15 + 0.15 - 0.06)

    # The law of gap junctions in each group.
    assert reciprocal <= gaps
    one_way = some - reciprocal
    assert_binomial(gaps & one_way, len(one_way), 0.56)
    assert_binomial(gaps - some, 4950 - len(some), 0.1228)
    assert gap_junc.connectivity.connected == (len(gaps),)

    label = "example_net: pop_name=='PopA'"
    counts = percent(len(some), len(reciprocal), of=4950)
    share = percent(len(gaps), of=4950)
    assert report() == [
        [label, label, counts, counts],
        [f"{label}Gap", f"{label}Gap", share, share],
    ]
    printed = capsys.readouterr().out
    assert f"Number of connected pairs: ({len(some)}, {len(reciprocal)})\n" in printed
    assert f"Number of connected pairs: {len(gaps)}\n" in printed

    example_net.save(output_dir=str(tmp_path / "network"))
    assert sorted(saved_gap_junctions(tmp_path / "network" / "example_net_gap_juncs.h5")) == sorted(
        gaps
    )
    wanted = [(100, *edge) for edge in chemical] + [(101, *edge) for edge in gaps]
    assert saved_edges(tmp_path / "network", "example_net_example_net") == sorted(wanted)
    with (tmp_path / "network" / "example_net_example_net_edge_types.csv").open() as file:
        types = {row["edge_type_id"]: row for row in csv.DictReader(file, delimiter=" ")}
    assert types["101"]["is_gap_junction"] == "True"
    assert float(types["101"]["syn_weight"]) == 0.0000495
    assert types["101"]["target_sections"] == types["100"]["is_gap_junction"] == "NULL"


def test_case_3_is_a_function_of_the_seed() -> None:
    """The same script gives the same network, and another seed another one."""
    found = []
    for seed in (1, 1, 2):
        bmtool_connectors.rng = np.random.default_rng(seed)
        net = NetworkBuilder("example_net")
        net.add_nodes(N=100, pop_name="PopA", model_type="biophysical")
        correlated(net)
        net.build()
        found.append(stored(net))
    assert found[0] == found[1]
    assert all(a != b for a, b in zip(found[1], found[2], strict=True))


# ---------------------------------------------------------------------- case 4
def test_case_4_one_to_one(
    example_net: NetworkBuilder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    background = NetworkBuilder("background")
    background.add_nodes(N=300, pop_name="tON", potential="exc", model_type="virtual")
    connector = OneToOneSequentialConnector()
    connector.setup_nodes(source=background.nodes(), target=example_net.nodes(pop_name="PopA"))
    example_net.add_edges(**connector.edge_params())
    connector.setup_nodes(target=example_net.nodes(pop_name="PopB"))
    example_net.add_edges(**connector.edge_params())
    example_net.build()

    assert stored(example_net) == [
        {(k, k, 1) for k in range(100)},
        {(100 + k, 100 + k, 1) for k in range(100)},
    ]
    used = {source for rows in stored(example_net) for source, _, _ in rows}
    assert len(set(range(300)) - used) == 100
    assert example_net.nedges == 200
    assert not Path("conn.csv").exists()  # nothing random to report
    printed = capsys.readouterr().out
    assert "200 of 300 left" in printed
    assert "100 of 300 left" in printed

    example_net.save(output_dir=str(tmp_path / "network"))
    background.save_nodes(output_dir=str(tmp_path / "network"))
    wanted = [(100 + k // 100, k, k) for k in range(200)]
    assert saved_edges(tmp_path / "network", "background_example_net") == wanted


# ---------------------------------------------------------------------- case 5
def apart(n: int, least: float = 10.0, size: float = 500.0) -> npt.NDArray[np.float64]:
    """Return n random points in a cube, at least a distance apart, um."""
    rng = np.random.default_rng(42)
    points = np.empty((0, 3))
    while len(points) < n:
        point = rng.uniform(0.0, size, 3)
        if not len(points) or np.linalg.norm(points - point, axis=1).min() >= least:
            points = np.vstack([points, point])
    return points


@pytest.fixture
def column() -> NetworkBuilder:
    """Return a network of 400 and 100 cells with positions."""
    positions = apart(500)
    net = NetworkBuilder("column")
    net.add_nodes(N=400, pop_name="PN", positions=list(positions[:400]), model_type="biophysical")
    net.add_nodes(N=100, pop_name="FSI", positions=list(positions[400:]), model_type="biophysical")
    return net


def test_case_5_gap_junctions(column: NetworkBuilder, tmp_path: Path) -> None:
    connector = GapJunction(p=0.10)
    connector.setup_nodes(source=column.nodes(pop_name="FSI"), target=column.nodes(pop_name="FSI"))
    column.add_edges(**GAP_PROPERTIES, **connector.edge_params())
    column.build()
    (rows,) = stored(column)
    gaps = pairs(rows)
    assert gaps <= all_pairs(range(400, 500))
    assert_binomial(gaps, 4950, 0.10)
    label, share = "column: pop_name=='FSI'Gap", percent(len(gaps), of=4950)
    assert report() == [[label, label, share, share]]
    table = connector.conn_prop
    listed = {(s, t) for s, row in table.items() for t in row}
    assert listed == gaps | {(t, s) for s, t in gaps}
    column.save(output_dir=str(tmp_path / "network"))
    path = tmp_path / "network" / "column_gap_juncs.h5"
    assert sorted(saved_gap_junctions(path)) == sorted(gaps)
    assert saved_edges(tmp_path / "network", "column_column") == [(100, *e) for e in sorted(gaps)]


def conditional(gap: GapJunction) -> GapJunctionConditionalReciprocalConnector:
    """Return the connector of the guide on top of gap junctions."""
    return GapJunctionConditionalReciprocalConnector(
        gap_connector=gap,
        p0_elec=0.50,
        p1_elec=0.50,
        pr_elec=0.25,
        p0_nonelec=0.125,
        p1_nonelec=0.125,
        pr_nonelec=0.03,
    )


@pytest.mark.parametrize(
    ("pop_name", "ids"), [("FSI", range(400, 500)), ("PN", range(400))], ids=["FSI", "PN"]
)
def test_case_5_conditional_within_one_population(
    column: NetworkBuilder, tmp_path: Path, pop_name: str, ids: range
) -> None:
    gap = GapJunction(p=0.08)
    gap.setup_nodes(source=column.nodes(pop_name=pop_name), target=column.nodes(pop_name=pop_name))
    column.add_edges(**GAP_PROPERTIES, **gap.edge_params())
    connector = conditional(gap)
    connector.setup_nodes(
        source=column.nodes(pop_name=pop_name), target=column.nodes(pop_name=pop_name)
    )
    column.add_edges(syn_weight=0.001, **connector.edge_params())
    column.build()
    gaps, chemical = (pairs(rows) for rows in stored(column))
    everything = all_pairs(ids)
    n = len(everything)
    assert_binomial(gaps, n, 0.08)
    assert all(s != t for s, t in chemical)
    assert unordered(chemical) <= everything
    up = {(s, t) for s, t in chemical if s < t}
    down = {(t, s) for s, t in chemical if s > t}
    for group, p, pr in ((gaps, 0.50, 0.25), (everything - gaps, 0.125, 0.03)):
        assert_binomial(up & group, len(group), p)
        assert_binomial(down & group, len(group), p)
        assert_binomial(up & down & group, len(group), pr)

    label = f"column: pop_name=='{pop_name}'"
    share = percent(len(gaps), of=n)
    counts = percent(len(up | down), len(up & down), of=n)
    assert report() == [
        [f"{label}Gap", f"{label}Gap", share, share],
        [label, label, counts, counts],
    ]
    column.save(output_dir=str(tmp_path / "network"))
    path = tmp_path / "network" / "column_gap_juncs.h5"
    assert sorted(saved_gap_junctions(path)) == sorted(gaps)
    wanted = [(100, *edge) for edge in gaps] + [(101, *edge) for edge in chemical]
    assert saved_edges(tmp_path / "network", "column_column") == sorted(wanted)


def test_case_5_conditional_between_two_populations(column: NetworkBuilder) -> None:
    gap = GapJunction(p=0.08)
    gap.setup_nodes(source=column.nodes(), target=column.nodes())
    column.add_edges(**GAP_PROPERTIES, **gap.edge_params())
    connector = conditional(gap)
    connector.setup_nodes(source=column.nodes(pop_name="PN"), target=column.nodes(pop_name="FSI"))
    column.add_edges(**connector.edge_params())
    column.add_edges(**connector.edge_params())
    column.build()
    gaps, forward, backward = (pairs(rows) for rows in stored(column))
    assert all(s < 400 <= t for s, t in forward)
    assert all(t < 400 <= s for s, t in backward)
    assert_binomial(gaps, 500 * 499 // 2, 0.08)
    across = {(s, t) for s, t in gaps if s < 400 <= t}
    others = set(itertools.product(range(400), range(400, 500))) - across
    back = {(t, s) for s, t in backward}
    for group, p, pr in ((across, 0.50, 0.25), (others, 0.125, 0.03)):
        assert_binomial(forward & group, len(group), p)
        assert_binomial(back & group, len(group), p)
        assert_binomial(forward & back & group, len(group), pr)
    counts = percent(len(forward), len(backward), len(forward & back), of=40_000)
    share = percent(len(gaps), of=500 * 499 // 2)
    assert report() == [
        ["column: *Gap", "column: *Gap", share, share],
        ["column: pop_name=='PN'", "column: pop_name=='FSI'", counts, counts],
    ]
