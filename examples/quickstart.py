"""Build the small network of the guide, save it as SONATA files, and check what was drawn.

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
from bmtk.builder import NetworkBuilder

import bmtool_connectors
from bmtool_connectors import (
    CorrelatedGapJunction,
    OneToOneSequentialConnector,
    ReciprocalConnector,
    UnidirectionConnector,
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
    """The two networks: 100 cells of each population, and 300 virtual cells."""

    def __init__(self) -> None:
        self.net = NetworkBuilder("example_net")
        for name in ("PopA", "PopB"):
            self.net.add_nodes(N=100, pop_name=name, model_type="biophysical")
        self.background = NetworkBuilder("background")
        self.background.add_nodes(N=300, pop_name="tON", potential="exc", model_type="virtual")


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


CASES = (unidirectional, reciprocal, gap_junctions, one_to_one)


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
    parser = argparse.ArgumentParser(description="Build and check a small network.")
    parser.add_argument("--output", type=Path, default=Path("output/quickstart"))
    parser.add_argument("--seed", type=int, default=1234)
    arguments = parser.parse_args()
    folder = arguments.output
    folder.mkdir(parents=True, exist_ok=True)
    report = folder / "conn.csv"
    report.unlink(missing_ok=True)  # rows of an earlier run

    bmtool_connectors.rng = np.random.default_rng(arguments.seed)
    bmtool_connectors.report_name = report
    networks = Networks()
    rows_of_cases = [case(networks) for case in CASES]
    networks.net.build()
    networks.net.save(output_dir=str(folder))
    networks.background.save_nodes(output_dir=str(folder))  # it has no edges of its own

    rows = [row for rows_of_case in rows_of_cases for row in rows_of_case(folder)]
    print_table(rows)
    built = networks.net.nedges
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
