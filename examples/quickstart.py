"""Build the small networks of the guide, save them as SONATA files, and check what was drawn.

::

    python examples/quickstart.py [--output FOLDER] [--seed N]

The table compares the probabilities that were asked for with those of the network. The exit
code is 1 when one of them is off by more than five standard deviations.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from scipy.spatial.distance import cdist

import bmtool_connectors
from bmtool_connectors import (
    CorrelatedGapJunction,
    GapJunction,
    GapJunctionConditionalReciprocalConnector,
    GaussianDropoff,
    NetworkBuilder,
    OneToOneSequentialConnector,
    ReciprocalConnector,
    UnidirectionConnector,
    spherical_dist,
)

LIMIT = 5.0  # standard deviations


@dataclass
class Row:
    """One line of the table; `sigma` is the standard deviation of `realised`, 0 if certain."""

    case: str
    quantity: str
    wanted: float
    realised: float
    sigma: float

    @property
    def deviation(self) -> float:
        """Distance from what was wanted, in standard deviations."""
        difference = abs(self.realised - self.wanted)
        if self.sigma == 0:
            return 0.0 if difference == 0 else math.inf
        return difference / self.sigma


class Networks:
    """100 cells of each of two populations, 300 virtual cells, and 500 cells with positions."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.net = NetworkBuilder("example_net")
        for name in ("PopA", "PopB"):
            self.net.add_nodes(N=100, pop_name=name, model_type="biophysical")
        self.background = NetworkBuilder("background")
        self.background.add_nodes(N=300, pop_name="tON", potential="exc", model_type="virtual")
        self.cells = NetworkBuilder("cells")
        self.positions = apart(rng, 500, 10.0)
        for name, points in (("Exc", self.positions[:400]), ("Inh", self.positions[400:])):
            self.cells.add_nodes(N=len(points), pop_name=name, positions=points)


def apart(rng: np.random.Generator, n: int, least: float) -> np.ndarray:
    """Return n random points in a cube of 300 um, no two closer than `least` (um)."""
    points = np.empty((0, 3))
    while len(points) < n:
        point = rng.uniform(0, 300, (1, 3))
        if not len(points) or np.linalg.norm(points - point, axis=1).min() >= least:
            points = np.vstack([points, point])
    return points


Rows = Callable[[Path], list[Row]]  # of the folder with the saved files


def unidirectional(networks: Networks) -> Rows:
    """Connect PopA to PopB, each pair with the same probability."""
    net, p = networks.net, 0.15
    connector = UnidirectionConnector(p=p, n_syn=1, verbose=False)
    connector.setup_nodes(source=net.nodes(pop_name="PopA"), target=net.nodes(pop_name="PopB"))
    net.add_edges(**connector.edge_params())

    def rows(folder: Path) -> list[Row]:
        (n_connected,), _, n_pairs, _ = connector.connection_number()
        sigma = math.sqrt(p * (1 - p) / n_pairs)
        return [Row("unidirectional PopA to PopB", "p", p, n_connected / n_pairs, sigma)]

    return rows


def reciprocal(networks: Networks) -> Rows:
    """Connect PopA with itself, with three times the reciprocal pairs of independence."""
    net, p0, pr = networks.net, 0.15, 0.06767705087
    connector = ReciprocalConnector(
        p0=p0, pr=pr, n_syn0=1, n_syn1=1, estimate_rho=False, verbose=False
    )
    pop_a = net.nodes(pop_name="PopA")
    connector.setup_nodes(source=pop_a, target=pop_a)
    net.add_edges(**connector.edge_params())

    def rows(folder: Path) -> list[Row]:
        (n_any, n_both), _, n_pairs, _ = connector.connection_number()
        # Both directions of a pair are correlated, which adds a covariance of pr - p0^2.
        variance = (p0 * (1 - p0) + pr - p0**2) / (2 * n_pairs)
        case, n_edges = "reciprocal within PopA", n_any + n_both
        return [
            Row(case, "p0", p0, n_edges / (2 * n_pairs), math.sqrt(variance)),
            Row(case, "pr", pr, n_both / n_pairs, math.sqrt(pr * (1 - pr) / n_pairs)),
        ]

    return rows


def gap_junctions(networks: Networks) -> Rows:
    """Couple cells of PopA electrically, the more likely the more synapses connect them."""
    net, p = networks.net, (0.1228, 0.56, 1.0)  # no synapse, one direction, both
    pop_a = net.nodes(pop_name="PopA")
    chemical = ReciprocalConnector(
        p0=0.15, pr=0.06, n_syn0=1, n_syn1=1, estimate_rho=False, verbose=False
    )
    chemical.setup_nodes(source=pop_a, target=pop_a)
    net.add_edges(**chemical.edge_params())
    gap = CorrelatedGapJunction(
        p_non=p[0], p_uni=p[1], p_rec=p[2], connector=chemical, verbose=False
    )
    gap.setup_nodes(source=pop_a, target=pop_a)
    net.add_edges(
        is_gap_junction=True,
        syn_weight=0.0000495,
        target_sections=None,
        afferent_section_id=0,
        afferent_section_pos=0.5,
        **gap.edge_params(),
    )

    def rows(folder: Path) -> list[Row]:
        synapses = chemical.connectivity.forward.to_dense()
        coupled = gap.connectivity.forward.to_dense()
        upper = np.triu_indices(len(pop_a), k=1)
        directions = (synapses + synapses.T)[upper]
        found = []
        for number, name in enumerate(("p_non", "p_uni", "p_rec")):
            chosen = coupled[upper][directions == number]
            sigma = math.sqrt(p[number] * (1 - p[number]) / len(chosen))
            found.append(Row("gap junctions in PopA", name, p[number], chosen.mean(), sigma))
        return found

    return rows


def one_to_one(networks: Networks) -> Rows:
    """Give each cell of PopA, then of PopB, an input of its own; 100 inputs stay free."""
    net = networks.net
    connector = OneToOneSequentialConnector(verbose=False)
    connector.setup_nodes(source=networks.background.nodes(), target=net.nodes(pop_name="PopA"))
    net.add_edges(**connector.edge_params())
    connector.setup_nodes(target=net.nodes(pop_name="PopB"))
    net.add_edges(**connector.edge_params())

    def rows(folder: Path) -> list[Row]:
        pairs = saved_pairs(folder / "background_example_net_edges.h5")
        in_sequence = set(pairs) & {(k, k) for k in range(200)}
        return [Row("one to one to PopA and PopB", "pairs", 200, len(in_sequence), 0)]

    return rows


def distance_law(networks: Networks) -> Rows:
    """Connect the excitatory cells with a probability that falls off with distance."""
    net = networks.cells
    law = GaussianDropoff(
        stdev=126.77,
        min_dist=0,
        max_dist=300,
        ptotal=0.1538,
        ptotal_dist_range=(0, 50.0),
        dist_type="spherical",
    )
    connector = UnidirectionConnector(p=law, p_arg=spherical_dist, verbose=False)
    exc = net.nodes(pop_name="Exc")
    connector.setup_nodes(source=exc, target=exc)
    net.add_edges(**connector.edge_params())

    def rows(folder: Path) -> list[Row]:
        dist = cdist(networks.positions[:400], networks.positions[:400])
        p = np.where(dist <= 300, law.probability(dist), 0.0)
        sigma = math.sqrt((p * (1 - p)).sum()) / p.size
        found = len(connector.connectivity.forward) / p.size
        return [Row("distance law within Exc", "mean p", p.mean(), found, sigma)]

    return rows


def both_directions(networks: Networks) -> Rows:
    """Connect two populations in both directions, with many reciprocal pairs."""
    net, wanted = networks.cells, {"p0": 0.22, "p1": 0.36, "pr": 0.17}
    connector = ReciprocalConnector(**wanted, verbose=False)
    exc, inh = net.nodes(pop_name="Exc"), net.nodes(pop_name="Inh")
    connector.setup_nodes(source=exc, target=inh)
    net.add_edges(**connector.edge_params())
    connector.setup_nodes(source=inh, target=exc)
    net.add_edges(**connector.edge_params())

    def rows(folder: Path) -> list[Row]:
        counts, _, n_pairs, _ = connector.connection_number()
        return [
            Row("Exc and Inh", name, p, count / n_pairs, math.sqrt(p * (1 - p) / n_pairs))
            for (name, p), count in zip(wanted.items(), counts, strict=True)
        ]

    return rows


def electrical_and_chemical(networks: Networks) -> Rows:
    """Connect inhibitory cells chemically, the more likely where a gap junction couples them."""
    net, inh = networks.cells, networks.cells.nodes(pop_name="Inh")
    exc = net.nodes(pop_name="Exc")
    plain, gap = GapJunction(p=0.10, verbose=False), GapJunction(p=0.08, verbose=False)
    for connector, cells in ((plain, exc), (gap, inh)):
        connector.setup_nodes(source=cells, target=cells)
        net.add_edges(is_gap_junction=True, syn_weight=0.0000495, **connector.edge_params())
    chemical = GapJunctionConditionalReciprocalConnector(
        gap,
        p0_elec=0.50,
        p1_elec=0.50,
        pr_elec=0.25,
        p0_nonelec=0.125,
        p1_nonelec=0.125,
        pr_nonelec=0.03,
        verbose=False,
    )
    chemical.setup_nodes(source=inh, target=inh)
    net.add_edges(**chemical.edge_params())

    def rows(folder: Path) -> list[Row]:
        found = []
        for name, connector, p in (("Exc", plain, 0.10), ("Inh", gap, 0.08)):
            (n,), _, n_pairs, _ = connector.connection_number()
            sigma = math.sqrt(p * (1 - p) / n_pairs)
            found.append(Row(f"gap junctions in {name}", "p", p, n / n_pairs, sigma))
        synapses = chemical.connectivity.forward.to_dense()
        upper = np.triu_indices(len(inh), k=1)
        coupled = gap.connectivity.forward.to_dense()[upper] > 0
        directions = (synapses + synapses.T)[upper]
        for name, pairs, p, pr in (
            ("coupled Inh", directions[coupled], 0.5, 0.25),
            ("other Inh", directions[~coupled], 0.125, 0.03),
        ):
            n = len(pairs)
            sigma = math.sqrt((p * (1 - p) + pr - p * p) / (2 * n))
            found.append(Row(f"synapses of {name}", "p0", p, pairs.mean() / 2, sigma))
            sigma = math.sqrt(pr * (1 - pr) / n)
            found.append(Row(f"synapses of {name}", "pr", pr, (pairs == 2).mean(), sigma))
        return found

    return rows


CASES = (
    unidirectional,
    reciprocal,
    gap_junctions,
    one_to_one,
    distance_law,
    both_directions,
    electrical_and_chemical,
)


def saved_pairs(file: Path) -> list[tuple[int, int]]:
    """Return (source id, target id) of the connections in a SONATA file."""
    with h5py.File(file) as root:
        return [
            pair
            for edges in root["edges"].values()
            for pair in zip(edges["source_node_id"], edges["target_node_id"], strict=True)
        ]


def print_table(rows: list[Row]) -> None:
    """Print what was wanted and what the network has."""
    print(f"{'connector':<32}{'':<6}{'wanted':>10}{'realised':>10}{'deviation':>14}")
    for row in rows:
        deviation = f"{row.deviation:.1f} sigma"
        if row.sigma == 0:
            deviation = "none" if row.deviation == 0 else "wrong"
        numbers = f"{row.wanted:>10.4g}{row.realised:>10.4g}{deviation:>14}"
        print(f"{row.case:<32}{row.quantity:<6}{numbers}")


def main() -> int:
    """Build, save, report and check."""
    parser = argparse.ArgumentParser(description="Build and check small networks.")
    parser.add_argument("--output", type=Path, default=Path("output/quickstart"))
    parser.add_argument("--seed", type=int, default=1234)
    arguments = parser.parse_args()
    folder = arguments.output
    folder.mkdir(parents=True, exist_ok=True)
    report = folder / "conn.csv"
    report.unlink(missing_ok=True)  # rows of an earlier run

    rng = np.random.default_rng(arguments.seed)
    bmtool_connectors.rng = rng
    bmtool_connectors.report_name = report
    networks = Networks(rng)
    rows_of_cases = [case(networks) for case in CASES]
    for net in (networks.net, networks.cells):
        net.build()
        net.save(output_dir=str(folder))
    networks.background.save_nodes(output_dir=str(folder))  # it has no edges of its own

    rows = [row for rows_of_case in rows_of_cases for row in rows_of_case(folder)]
    print_table(rows)
    built = networks.net.nedges + networks.cells.nedges
    saved = sum(len(saved_pairs(file)) for file in folder.glob("*_edges.h5"))
    print(f"\n{saved} connections in the files of {folder}, counts in {report.name}")

    wrong = [f"{row.case}: {row.quantity}" for row in rows if not row.deviation <= LIMIT]
    if built != saved:
        wrong.append(f"{built} connections were built")
    if wrong:
        print(f"DISCREPANCY: {'; '.join(wrong)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
