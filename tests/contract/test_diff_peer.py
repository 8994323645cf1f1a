"""One build script, saved with the predecessor and with the package: ``compare`` says equal.

The script does what published ones do: a loop over edge types, lists as filters, properties
by ``functools.partial(rule, connector=...)`` and ``rule_params``, gap junctions last and
without properties, one build and one save per network, a CSV report in the working folder.
Stock BMTK; bmtool must be installed (``pip install --no-deps bmtool``); ``-m peer``.
"""

from __future__ import annotations

import csv
import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np
import pytest
from bmtk.builder import NetworkBuilder

import bmtool_connectors
from bmtool_connectors import ConnectivityWarning, compare

pytestmark = pytest.mark.peer

Module: TypeAlias = Any  #: bmtool_connectors or bmtool.connectors
Values: TypeAlias = tuple[float, ...]

SEED = 1234
SIZES = {"PN": 30, "PV": 14, "SST": 9}
SECTION = ["delay", "afferent_section_id", "afferent_section_pos"]


@dataclass(frozen=True)
class Row:
    """A row of the CSV report."""

    source: str
    target: str
    of_possible: Values
    of_all: Values


@pytest.fixture(scope="module")
def predecessor() -> Module:
    """Return ``bmtool.connectors``; a failure and no skip when it is not there."""
    try:
        return importlib.import_module("bmtool.connectors")
    except ImportError as error:
        pytest.fail(
            f"bmtool.connectors cannot be imported ({error}); install the predecessor with "
            "'pip install --no-deps bmtool', or leave these tests out with -m 'not peer'."
        )


def make_networks(rng: np.random.Generator) -> dict[str, NetworkBuilder]:
    """Return a cortical network with three populations, its shell, and virtual inputs."""
    cortex, shell, inputs = (NetworkBuilder(name) for name in ("cortex", "shell", "thalamus"))
    for pop_name, n in SIZES.items():
        cortex.add_nodes(
            N=n,
            pop_name=pop_name,
            positions=list(rng.uniform(0.0, 120.0, (n, 3))),
            model_type="biophysical",
        )
    shell.add_nodes(
        N=17,
        pop_name="PN",
        positions=list(rng.uniform(-60.0, 180.0, (17, 3))),
        model_type="virtual",
    )
    n_inputs = SIZES["PN"] + SIZES["PV"] + 3
    inputs.add_nodes(N=n_inputs, pop_name="tON", potential="exc", model_type="virtual")
    return {"cortex": cortex, "shell": shell, "thalamus": inputs}


def write_pairs(file: str) -> None:
    """Write the pairs that FileBasedConnector reads, by positions in the pools."""
    pairs = [(i, (5 * i + k) % SIZES["PN"]) for i in range(SIZES["SST"]) for k in (0, 7, 11)]
    lines = [f"{i},{j}\n" for i, j in pairs]
    Path(file).write_text("source_node_id,target_node_id\n" + "".join(lines))


def rate(dist: float) -> float:
    """Return a normalized reciprocal rate; works on numbers only."""
    return 1.0 + 0.5 * math.exp(-dist / 40) if dist < 80 else 1.0


@np.vectorize
def in_steps(dist: float) -> float:
    return 0.35 if dist < 30 else 0.15 if dist < 90 else 0.0


def edge_types(m: Module) -> dict[str, dict[str, Any]]:
    """Return the edge types: connector class, its parameters, populations, properties."""
    near = m.GaussianDropoff(
        stdev=78.0, max_dist=110.0, ptotal=0.2, ptotal_dist_range=(0, 110), dist_type="cylindrical"
    )
    wide = m.GaussianDropoff(stdev=90.0, pmax=0.45, ptotal_dist_range=range(0, 300))
    shared: dict[str, Any] = {}

    def the_same(of: str) -> Any:
        """Return the connector of another edge type, for the way back."""
        return shared[of]

    def keep(name: str, connector_class: Callable[..., Any]) -> Callable[..., Any]:
        def make(**parameters: Any) -> Any:
            shared[name] = connector_class(**parameters)
            return shared[name]

        return make

    return {
        "PN to PN": {
            "source": "PN",
            "target": "PN",
            "connector_class": m.ReciprocalConnector,
            "connector_params": {
                "p0": near,
                "p0_arg": m.cylindrical_dist_z,
                "pr": m.NormalizedReciprocalRate(NRR=rate),
                "pr_arg": "0",
                "symmetric_p1_arg": True,
                "n_syn0": 2,
            },
            "properties": (SECTION, "syn_dist_delay_feng_section_PN", {"p": 0.9, "min_delay": 1.0}),
        },
        "PN to PV": {
            "source": "PN",
            "target": "PV",
            "connector_class": keep("PN to PV", m.ReciprocalConnector),
            "connector_params": {
                "p0": wide,
                "p0_arg": m.cylindrical_dist_z,
                "p1": m.UniformInRange(p=0.45, max_dist=140.0),
                "p1_arg": m.spherical_dist,
                "pr": 0.2,
                "dist_range_forward": (0, 90.0),
                "n_syn1": 3,
            },
            "properties": ("delay", "syn_dist_delay_feng", {"delay_bound": (0.3, 1.6)}),
        },
        "PV to PN": {
            "source": "PV",
            "target": "PN",
            "connector_class": the_same,
            "connector_params": {"of": "PN to PV"},
            "properties": (
                SECTION,
                "syn_dist_delay_feng_section_PN",
                {"p": 0.4, "sec_id": (1, 2), "sec_x": (0.3, 0.7)},
            ),
        },
        "PV to PV": {
            "source": "PV",
            "target": "PV",
            "connector_class": m.ReciprocalConnector,
            "connector_params": {"p0": 0.25, "pr": 0.1, "estimate_rho": False},
            "properties": ("delay", "syn_const_delay", {"dist": 60.0}),
        },
        "SST to SST": {
            "source": "SST",
            "target": "SST",
            "connector_class": m.UnidirectionConnector,
            "connector_params": {"p": in_steps, "p_arg": m.spherical_dist},
        },
        "SST to PN": {
            "source": "SST",
            "target": "PN",
            "connector_class": m.FileBasedConnector,
            "connector_params": {"filename": "pairs.csv", "n_syn": 2, "save_report": True},
            "properties": (SECTION, "syn_const_delay_feng_section_PN", {"p": 0.2, "dist": 30.0}),
        },
        "shell to PN": {
            "network": "shell",
            "source": "PN",
            "target": "PN",
            "connector_class": m.UnidirectionConnector,
            "connector_params": {"p": near, "p_arg": m.cylindrical_dist_z, "n_syn": 2},
            "properties": (SECTION, "syn_dist_delay_feng_section_PN", {"p": 0.9}),
        },
        "thalamus to PN": {
            "network": "thalamus",
            "target": "PN",
            "connector_class": keep("thalamus", m.OneToOneSequentialConnector),
            "properties": ("delay", "syn_uniform_delay_section", {"low": 0.5, "high": 1.5}),
        },
        "thalamus to PV": {
            "network": "thalamus",
            "target": "PV",
            "connector_class": the_same,
            "connector_params": {"of": "thalamus"},
            "properties": (
                ["afferent_section_id", "afferent_section_pos"],
                "syn_section_PN",
                {"p": 0.7, "sec_id": [1, 3], "sec_x": [0.1, 0.9]},
            ),
        },
        "gaps PN": {
            "source": "PN",
            "target": "PN",
            "connector_class": m.CorrelatedGapJunction,
            "connector_params": {
                "p_non": near,
                "p_uni": 0.5,
                "p_rec": 1.0,
                "connector": "PN to PN",
            },
            "gap": True,
        },
        "gaps PV": {
            "source": "PV",
            "target": "PV",
            "connector_class": m.CorrelatedGapJunction,
            "connector_params": {"p_non": 0.12, "p_uni": 0.56, "p_rec": 1, "connector": "PV to PV"},
            "gap": True,
        },
        "gaps SST": {
            "source": "SST",
            "target": "SST",
            "connector_class": m.GapJunction,
            "connector_params": {"p": in_steps, "p_arg": m.spherical_dist},
            "gap": True,
        },
    }


def add_edges(m: Module, networks: dict[str, NetworkBuilder], types: dict[str, Any]) -> None:
    """Add all edge types to the cortical network: the loop of a build script."""
    cortex = networks["cortex"]
    for name, edge in types.items():
        given = dict(edge.get("connector_params", {}))
        if "connector" in given:
            given["connector"] = types[given["connector"]]["connector_object"]
        quiet = {} if "of" in given else {"verbose": False}
        connector = edge["connector_object"] = edge["connector_class"](**given, **quiet)
        gap = edge.get("gap", False)

        def pool(net: NetworkBuilder, pop_name: str | None, plain: bool = gap) -> Any:
            if pop_name is None:
                return net.nodes()
            return net.nodes(pop_name=pop_name if plain else [pop_name])

        if gap:
            population = pool(cortex, edge["source"])
            connector.setup_nodes(source=population, target=population)
        else:
            source = pool(networks[edge.get("network", "cortex")], edge.get("source"))
            connector.setup_nodes(source=source, target=pool(cortex, edge["target"]))
        electric = {
            "is_gap_junction": True,
            "syn_weight": 4.95e-5,
            "target_sections": None,
            "afferent_section_id": 0,
            "afferent_section_pos": 0.5,
        }
        chemical = {
            "syn_weight": 1.5,
            "model_template": "exp2syn",
            "dynamics_params": f"{name}.json",
        }
        edges = cortex.add_edges(**(electric if gap else chemical), **connector.edge_params())
        if "properties" in edge:
            names, rule, rule_params = edge["properties"]
            types_of = {"delay": float, "afferent_section_id": np.uint16}
            listed = [names] if isinstance(names, str) else names
            dtypes = [types_of.get(each, float) for each in listed]
            edges.add_properties(
                names,
                rule=partial(getattr(m, rule), connector=connector),
                rule_params=rule_params,
                dtypes=dtypes[0] if isinstance(names, str) else dtypes,
            )


def run(m: Module, folder: Path, seed: int = SEED) -> list[Row]:
    """Run the build script in a folder; return its CSV report."""
    before = m.rng
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        m.rng = np.random.default_rng(seed)
        try:
            networks = make_networks(m.rng)
            write_pairs("pairs.csv")
            add_edges(m, networks, edge_types(m))
            for net in networks.values():
                net.build()
                net.save_nodes(output_dir="network")
                net.save_edges(output_dir="network")
        finally:
            m.rng = before
    return read_report(folder / "conn.csv")


def read_report(file: Path) -> list[Row]:
    with file.open(newline="") as text:
        rows = list(csv.reader(text))
    assert all(len(row) == 4 for row in rows)
    assert rows[0][2:] == [
        f"Percent connectionivity within {which} connections" for which in ("possible", "all")
    ]
    return [Row(row[0], row[1], numbers(row[2]), numbers(row[3])) for row in rows[1:]]


def numbers(text: str) -> Values:
    return tuple(float(part) for part in text.strip("[]").split())


@pytest.fixture(scope="module")
def both(
    predecessor: Module, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path, list[Row], list[Row]]:
    """Run the script with both; return folders and reports, the predecessor's first."""
    root = tmp_path_factory.mktemp("both")
    theirs = run(predecessor, root / "bmtool")
    ours = run(bmtool_connectors, root / "package")
    return root / "bmtool" / "network", root / "package" / "network", theirs, ours


def test_saved_networks_are_equal(both: tuple[Path, Path, list[Row], list[Row]]) -> None:
    comparison = compare(both[0], both[1], rtol=1e-12)
    assert comparison.equal, str(comparison)
    found = {(total.item, total.population): total for total in comparison.totals}
    edges = [total for (item, _), total in found.items() if item == "edges"]
    gaps = [total for (item, _), total in found.items() if item == "gap junctions"]
    assert sum(total.rows[0] or 0 for total in edges) > 800, "a network with hardly any edge"
    assert sum(total.rows[0] or 0 for total in gaps) > 50
    assert len(edges) == 3, [total.population for total in edges]


def test_everything_is_in_the_files(both: tuple[Path, Path, list[Row], list[Row]]) -> None:
    """Every edge type has edges, and the properties that its rule gives."""
    with h5py.File(both[1] / "cortex_cortex_edges.h5") as file:
        population = file["edges/cortex_to_cortex"]
        type_ids = population["edge_type_id"][:]
        groups = {name: set(population[name]) for name in population if name.isdigit()}
        delays = np.concatenate(
            [population[name]["delay"][:] for name in groups if "delay" in groups[name]]
        )
    assert len(set(type_ids.tolist())) == 9
    assert {frozenset(SECTION), frozenset({"delay"}), frozenset({"nsyns"})} <= {
        frozenset(names) for names in groups.values()
    }
    assert len(np.unique(delays)) > 300
    assert delays.min() >= 0.2
    assert delays.max() <= 2.0


def test_reports_agree(both: tuple[Path, Path, list[Row], list[Row]]) -> None:
    """Row by row, to the 8 digits that are written; but for all pairs of gap junctions."""
    _, _, theirs, ours = both
    assert [(row.source, row.target) for row in ours] == [(r.source, r.target) for r in theirs]
    assert {len(row.of_possible) for row in ours} == {1, 2, 3}
    assert sum(row.source.endswith("Gap") for row in ours) == 3
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.of_possible == pytest.approx(other.of_possible, rel=1e-7, abs=1e-7)
        if not mine.source.endswith("Gap"):
            assert mine.of_all == pytest.approx(other.of_all, rel=1e-7, abs=1e-7)
            continue
        n = SIZES[mine.source.split("'")[1]]
        of_square = tuple(value * (n - 1) / (2 * n) for value in mine.of_all)
        assert of_square == pytest.approx(other.of_all, rel=1e-7)
    assert any(row.of_possible != row.of_all for row in ours), "no law with a reach"


def copied(folder: Path, to: Path) -> Path:
    to.mkdir()
    for file in folder.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    return to


#: What is changed in the copy, and what the comparison says about it.
CHANGES = {
    "delay": "delay differs in 1 row",
    "section": "afferent_section_id differs in 1 row",
    "pair": "another number of synapses in 1 pair",
    "gap": "1 pair (1 gap junction) only in A",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_planted_change_is_seen(
    change: str, both: tuple[Path, Path, list[Row], list[Row]], tmp_path: Path
) -> None:
    other = copied(both[1], tmp_path / "changed")
    name = "cortex_gap_juncs.h5" if change == "gap" else "cortex_cortex_edges.h5"
    with h5py.File(other / name, "r+") as file:
        plant(file, change)
    comparison = compare(both[0], other, rtol=1e-12)
    assert not comparison.equal
    assert len(comparison.differences) <= 2
    assert CHANGES[change] in str(comparison)


def plant(file: h5py.File, change: str) -> None:
    """Change one value of one row of a saved population."""
    names = {"delay": "delay", "section": "afferent_section_id", "pair": "source_node_id"}
    wanted = names.get(change, "source_ids")
    found: list[h5py.Dataset] = []

    def look(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and name.rsplit("/", 1)[-1] == wanted:
            found.append(item)

    file.visititems(look)
    if change == "delay":
        found[0][3] *= 1 + 1e-9
    else:
        found[0][3] = found[0][3] + 1


def test_another_seed_is_another_network(
    both: tuple[Path, Path, list[Row], list[Row]], tmp_path: Path
) -> None:
    run(bmtool_connectors, tmp_path / "other", seed=SEED + 1)
    assert not compare(both[0], tmp_path / "other" / "network", rtol=1e-12)


def test_without_its_pr(predecessor: Module, tmp_path: Path) -> None:
    """A recurrent rule without `pr`: the same network, and a warning that names the default."""

    def script(m: Module, folder: Path) -> Path:
        before, m.rng = m.rng, np.random.default_rng(7)
        try:
            net = make_networks(m.rng)["cortex"]
            connector = m.ReciprocalConnector(
                p0=0.15,
                p0_arg=m.spherical_dist,
                verbose=False,
                save_report=False,
            )
            connector.setup_nodes(
                source=net.nodes(pop_name=["PN"]), target=net.nodes(pop_name=["PN"])
            )
            edges = net.add_edges(**connector.edge_params())
            edges.add_properties(
                "delay", rule=partial(m.syn_dist_delay_feng, connector=connector), dtypes=float
            )
            net.build()
            net.save(output_dir=str(folder))
        finally:
            m.rng = before
        return folder

    theirs = script(predecessor, tmp_path / "a")
    with pytest.warns(ConnectivityWarning, match="pr of ReciprocalConnector was not passed"):
        ours = script(bmtool_connectors, tmp_path / "b")
    comparison = compare(theirs, ours, rtol=1e-12)
    assert comparison.equal, str(comparison)
