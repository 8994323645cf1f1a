"""Build a cortical column: three cell types, their shell, gap junctions and inputs.

::

    python examples/cortical_column.py [--output FOLDER] [--seed N] [--cells N]

Pyramidal (PN), parvalbumin (PV) and somatostatin (SOM) cells fill a slab of
600 x 600 x 250 um. A shell of virtual cells around it replaces the input that
cells at the border would miss. Connection probabilities fall off with distance,
and reciprocity is estimated from pair recordings. The network is saved as SONATA
files, with the CSV connection report, a table of what was wanted and what was
drawn, and a picture. The exit code is 1 when a number is off by more than five
standard deviations. ``--connectors bmtool.connectors --builder bmtk.builder`` runs
the same script with the predecessor and BMTK's own NetworkBuilder.
"""

from __future__ import annotations

import argparse
import importlib
import math
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import numpy as np
from scipy.spatial.distance import cdist

from bmtool_connectors import NetworkBuilder

SIZE = np.array([600.0, 600.0, 250.0])  # um
SHELL = 65.0  # um, thickness
SHARES = {"PN": 0.80, "PV": 0.12, "SOM": 0.08}
LIMIT = 5.0  # standard deviations
REACH = 300.0  # um

# Pairs of thick-tufted layer 5 pyramidal cells, tested within about 100 um: 3312 without a
# connection, 495 with one, 218 with both (Song et al. 2005, doi 10.1371/journal.pbio.0030068).
PN_P = (495 + 2 * 218) / (2 * (3312 + 495 + 218))
PN_PR = 218 / (3312 + 495 + 218)


@dataclass
class Law:
    """One direction of a projection: what was asked for, by distance."""

    source: str
    target: str
    p: Any  # probability of the distance
    arg: Any  # the distance
    edge_type: int
    shell_edge_type: int | None = None


@dataclass
class Projection:
    """A connector with the laws of its directions."""

    connector: Any
    laws: list[Law] = field(default_factory=list)
    pr: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray] | None = None


@contextmanager
def step(text: str) -> Iterator[None]:
    """Print what is being done and how long it took."""
    print(f"{text} ...", flush=True)
    start = time.perf_counter()
    yield
    print(f"  {time.perf_counter() - start:.1f} s", flush=True)


class Column:
    """The networks, and everything that connects them."""

    def __init__(
        self, module: ModuleType, seed: int, n_cells: int, builder: Any = NetworkBuilder
    ) -> None:
        self.module, self.n_cells, self.builder = module, n_cells, builder
        self.rng = np.random.default_rng(seed)
        module.rng = self.rng  # type: ignore[attr-defined]
        self.numbers = dict(
            zip(SHARES, module.num_prop(list(SHARES.values()), n_cells).tolist(), strict=True)
        )
        self.positions: dict[str, dict[str, np.ndarray]] = {}
        self.net = self._cells("cortex", "biophysical", self._within())
        self.shell = self._cells("shell", "virtual", self._around())
        self.thalamus = builder("thalamus")
        n_thalamic = self.numbers["PN"] + self.numbers["PV"]
        self.thalamus.add_nodes(N=n_thalamic, pop_name="thal", model_type="virtual")
        self.baseline = builder("baseline")
        self.baseline.add_nodes(N=n_cells, pop_name="base", model_type="virtual")
        self.projections: dict[str, Projection] = {}
        self._next_type = 100

    # ---------------------------------------------------------------- cells
    def _within(self) -> dict[str, np.ndarray]:
        return {name: self.rng.uniform(0, SIZE, (n, 3)) for name, n in self.numbers.items()}

    def _around(self) -> dict[str, np.ndarray]:
        """Return cells of equal density within SHELL of the slab, outside of it."""
        box = SIZE + 2 * SHELL
        cells = {}
        for name, n in self.numbers.items():
            n_box = round(n * box.prod() / SIZE.prod())
            points = self.rng.uniform(-SHELL, SIZE + SHELL, (n_box, 3))
            cells[name] = points[((points < 0) | (points > SIZE)).any(axis=1)]
        return cells

    def _cells(self, network: str, model_type: str, positions: dict[str, np.ndarray]) -> Any:
        net = self.builder(network)
        self.positions[network] = positions
        for name, points in positions.items():
            net.add_nodes(
                N=len(points),
                pop_name=name,
                model_type=model_type,
                positions=list(points),
                ei="e" if name == "PN" else "i",
            )
        return net

    # ---------------------------------------------------------------- edges
    def connect(self) -> None:
        """Declare all edges of the column; nothing is drawn yet."""
        m = self.module

        def gauss(stdev: float, ptotal: float, dist_type: str = "spherical") -> Any:
            return m.GaussianDropoff(
                stdev=stdev,
                max_dist=REACH,
                ptotal=ptotal,
                ptotal_dist_range=(0.0, 100.0),
                dist_type=dist_type,
            )

        near = {"estimate_rho": True, "dist_range_forward": (0.0, 100.0)}
        ball = {"p0_arg": m.spherical_dist, "p1_arg": m.spherical_dist}
        disc = {"p0_arg": m.cylindrical_dist_z, "p1_arg": m.cylindrical_dist_z}
        self._reciprocal("PN", "PN", p0=gauss(125.0, PN_P), pr=PN_PR, **near, **ball)
        self._reciprocal(
            "PN", "PV", p0=gauss(100, 0.22), p1=gauss(100, 0.36), pr=0.17, **near, **ball
        )
        self._reciprocal(
            "PN",
            "SOM",
            p0=gauss(90.0, 0.15, "cylindrical"),
            p1=gauss(110.0, 0.25, "cylindrical"),
            pr=m.NormalizedReciprocalRate(1.5),
            pr_arg="0",
            **disc,
        )
        chemical = self._reciprocal("PV", "PV", p0=gauss(90.0, 0.30), pr=0.15, **near, **ball)
        self._one_way("PV", "SOM", m.UniformInRange(0.06, max_dist=150.0), m.spherical_dist)
        self._one_way("SOM", "PV", gauss(80.0, 0.30), m.spherical_dist)
        self._inputs()
        self._gap_junctions(chemical)

    def _reciprocal(self, source: str, target: str, **parameters: Any) -> Any:
        connector = self.module.ReciprocalConnector(verbose=False, **parameters)
        nodes = [self.net.nodes(pop_name=[name]) for name in (source, target)]
        connector.setup_nodes(source=nodes[0], target=nodes[1])
        ends = [(source, target)] if source == target else [(source, target), (target, source)]
        projection = Projection(connector)
        for direction, (a, b) in enumerate(ends):
            p, arg = connector.vars[f"p{direction}"], connector.vars[f"p{direction}_arg"]
            projection.laws.append(self._add(a, b, connector, p, arg))
        pr = connector.vars["pr"]
        if callable(pr):
            projection.pr = pr.probability
        self.projections[f"{source}-{target}"] = projection
        return connector

    def _one_way(self, source: str, target: str, p: Any, arg: Any) -> None:
        connector = self.module.UnidirectionConnector(p=p, p_arg=arg, verbose=False)
        nodes = [self.net.nodes(pop_name=[name]) for name in (source, target)]
        connector.setup_nodes(source=nodes[0], target=nodes[1])
        law = self._add(source, target, connector, p, arg)
        self.projections[f"{source}-{target}"] = Projection(connector, [law])

    def _add(self, source: str, target: str, connector: Any, p: Any, arg: Any) -> Law:
        """Add a direction, and the same law from the shell."""
        law = Law(source, target, p, arg, self._edges(source, connector))
        outer = self.module.UnidirectionConnector(p=p, p_arg=arg, verbose=False)
        outer.setup_nodes(
            source=self.shell.nodes(pop_name=[source]), target=self.net.nodes(pop_name=[target])
        )
        law.shell_edge_type = self._edges(source, outer)
        return law

    def _edges(self, source: str, connector: Any) -> int:
        """Add edges with delay and section, and return their type."""
        sign = 1 if source == "PN" else -1
        edges = self.net.add_edges(
            edge_type_id=self._new_type(),
            model_template="exp2syn",
            dynamics_params=f"{'AMPA' if sign > 0 else 'GABA'}.json",
            syn_weight=6e-5 if sign > 0 else 1e-4,
            **connector.edge_params(),
        )
        edges.add_properties(
            ["delay", "afferent_section_id", "afferent_section_pos"],
            rule=partial(self.module.syn_dist_delay_feng_section_PN, connector=connector),
            rule_params={"p": 0.9, "sec_id": (1, 2), "sec_x": (0.4, 0.6)},
            dtypes=[float, np.int32, float],
        )
        return int(edges.edge_type_properties["edge_type_id"])

    def _inputs(self) -> None:
        """Give every cell a baseline input of its own, and PN and PV cells a thalamic one."""
        for inputs, targets in ((self.baseline, SHARES), (self.thalamus, ("PN", "PV"))):
            connector = self.module.OneToOneSequentialConnector(verbose=False)
            for name in targets:
                connector.setup_nodes(source=inputs.nodes(), target=self.net.nodes(pop_name=name))
                self.net.add_edges(
                    edge_type_id=self._new_type(),
                    model_template="exp2syn",
                    dynamics_params="AMPA.json",
                    syn_weight=1e-4,
                    delay=0.5,
                    target_sections=["basal"],
                    distance_range=[0.0, 150.0],
                    **connector.edge_params(),
                )

    def _gap_junctions(self, chemical: Any) -> None:
        """Couple PV cells, most of all those with chemical synapses; last, as BMTK likes it."""
        p_non = self.module.GaussianDropoff(stdev=60.0, pmax=0.2, max_dist=200.0)
        # By the number of chemical directions between two cells.
        self.gap_laws = [p_non, self.module.UniformInRange(0.4), self.module.UniformInRange(0.7)]
        connector = self.module.CorrelatedGapJunction(
            p_non=p_non, p_uni=0.4, p_rec=0.7, connector=chemical, verbose=False
        )
        cells = self.net.nodes(pop_name="PV")
        connector.setup_nodes(source=cells, target=cells)
        self.gap_type = self._new_type()
        self.net.add_edges(
            edge_type_id=self.gap_type,
            is_gap_junction=True,
            syn_weight=4.95e-5,
            target_sections=None,
            afferent_section_id=0,
            afferent_section_pos=0.5,
            **connector.edge_params(),
        )

    def _new_type(self) -> int:
        self._next_type += 1
        return self._next_type

    def networks(self) -> list[Any]:
        """Return all networks."""
        return [self.net, self.shell, self.thalamus, self.baseline]

    def save(self, folder: Path) -> None:
        """Save all files of all networks."""
        for network in self.networks():
            network.save_nodes(output_dir=str(folder))
        self.net.save_edges(output_dir=str(folder))


# -------------------------------------------------------------------- what came out
def read_edges(file: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return source ids, target ids and edge types of a saved edge file."""
    with h5py.File(file) as h5:
        (population,) = h5["edges"].values()
        names = ("source_node_id", "target_node_id", "edge_type_id")
        return tuple(population[name][()].astype(np.int64) for name in names)


@dataclass
class Row:
    """One line of the table: counts, and their standard deviation."""

    text: str
    n_pairs: int
    wanted: float
    realised: int
    variance: float

    @property
    def z(self) -> float:
        """Difference in standard deviations."""
        return (self.realised - self.wanted) / math.sqrt(self.variance) if self.variance else 0.0


class Check:
    """Compare the saved edges with the laws, independently of the connectors."""

    def __init__(self, column: Column, folder: Path) -> None:
        self.column = column
        self.edges = {
            name: read_edges(folder / f"{name}_cortex_edges.h5") for name in ("cortex", "shell")
        }
        self.first: dict[str, dict[str, int]] = {}
        for network, cells in column.positions.items():
            starts = np.cumsum([0, *(len(points) for points in cells.values())])
            self.first[network] = dict(zip(cells, starts.tolist(), strict=False))

    def distances(self, law: Law, network: str = "cortex") -> np.ndarray:
        """Return the distance of each pair, (sources, targets), um."""
        axes = 2 if law.arg is self.column.module.cylindrical_dist_z else 3
        source = self.column.positions[network][law.source][:, :axes]
        return cdist(source, self.column.positions["cortex"][law.target][:, :axes])

    def probability(self, law: Law, dist: np.ndarray) -> np.ndarray:
        """Return the probability of each pair."""
        p = np.where(dist <= law.p.max_dist, law.p.probability(dist), 0.0)
        if law.source == law.target and dist.shape[0] == dist.shape[1]:
            np.fill_diagonal(p, 0.0)
        return p

    def matrix(self, law: Law, network: str = "cortex") -> np.ndarray:
        """Return which pairs are connected, (sources, targets)."""
        source, target, kind = self.edges[network]
        chosen = kind == (law.edge_type if network == "cortex" else law.shell_edge_type)
        shape = [
            len(self.column.positions[where][name])
            for where, name in ((network, law.source), ("cortex", law.target))
        ]
        table = np.zeros(shape, dtype=bool)
        rows = source[chosen] - self.first[network][law.source]
        table[rows, target[chosen] - self.first["cortex"][law.target]] = True
        return table

    def rows(self) -> list[Row]:
        """Return the table."""
        table = []
        for projection in self.column.projections.values():
            for law in projection.laws:
                table += [self._direction(law, projection), self._from_shell(law)]
            if len(projection.laws) == 2 or law.source == law.target:
                table.append(self._reciprocal(projection))
        return table + self._gap_junctions()

    def _direction(self, law: Law, projection: Projection) -> Row:
        p = self.probability(law, self.distances(law))
        variance = float((p * (1 - p)).sum())
        if law.source == law.target:  # the two directions of a pair are correlated
            variance += float((self._joint(projection, p, p, law) - p * p).sum())
        realised = int(self.matrix(law).sum())
        return Row(f"{law.source} -> {law.target}", self._n(p, law), p.sum(), realised, variance)

    def _from_shell(self, law: Law) -> Row:
        dist = self.distances(law, "shell")
        p = np.where(dist <= law.p.max_dist, law.p.probability(dist), 0.0)
        realised = int(self.matrix(law, "shell").sum())
        name = f"shell {law.source} -> {law.target}"
        return Row(name, p.size, p.sum(), realised, float((p * (1 - p)).sum()))

    def _joint(
        self, projection: Projection, p0: np.ndarray, p1: np.ndarray, law: Law
    ) -> np.ndarray:
        if projection.pr is not None:
            return projection.pr(self.distances(law), p0, p1)
        spread = np.sqrt(p0 * (1 - p0) * p1 * (1 - p1))
        return p0 * p1 + projection.connector.rho * spread

    def _reciprocal(self, projection: Projection) -> Row:
        forward, backward = projection.laws[0], projection.laws[-1]
        p0 = self.probability(forward, self.distances(forward))
        p1 = self.probability(backward, self.distances(backward)).T
        pr = self._joint(projection, p0, p1, forward)
        both = self.matrix(forward) & self.matrix(backward).T
        once = 0.5 if forward is backward else 1.0  # unordered pairs
        return Row(
            f"{forward.source} <-> {forward.target}",
            int(once * self._n(p0, forward)),
            once * pr.sum(),
            int(once * both.sum()),
            once * float((pr * (1 - pr)).sum()),
        )

    def _gap_junctions(self) -> list[Row]:
        """Return gap junctions by the number of chemical connections of the pair."""
        chemical = self.column.projections["PV-PV"].laws[0]
        found = self.matrix(chemical)
        gap = self.matrix(Law("PV", "PV", None, chemical.arg, self.column.gap_type))
        pair = np.triu_indices(len(found), 1)
        directions = (found.astype(int) + found.T)[pair]
        dist, gap = self.distances(chemical)[pair], gap[pair]
        rows = []
        for k, (text, law) in enumerate(
            zip(("not", "one way", "both ways"), self.column.gap_laws, strict=True)
        ):
            chosen = directions == k
            p = np.where(dist[chosen] <= law.max_dist, law.probability(dist[chosen]), 0.0)
            n, realised = int(chosen.sum()), int(gap[chosen].sum())
            variance = float((p * (1 - p)).sum())
            rows.append(Row(f"gap PV, {text}", n, float(p.sum()), realised, variance))
        return rows

    @staticmethod
    def _n(p: np.ndarray, law: Law) -> int:
        return p.size - (len(p) if law.source == law.target else 0)


def print_table(rows: list[Row]) -> bool:
    """Print wanted and realised probabilities, and return whether all are close enough."""
    print(f"\n{'connection':<22}{'pairs':>10}{'wanted':>11}{'realised':>11}{'edges':>9}{'z':>8}")
    for row in rows:
        print(
            f"{row.text:<22}{row.n_pairs:>10}{row.wanted / row.n_pairs:>11.5f}"
            f"{row.realised / row.n_pairs:>11.5f}{row.realised:>9}{row.z:>8.2f}"
        )
    worst = max(rows, key=lambda row: abs(row.z))
    print(f"\nLargest deviation: {abs(worst.z):.2f} standard deviations ({worst.text})")
    return abs(worst.z) <= LIMIT


def picture(check: Check, file: Path) -> None:
    """Draw probability against distance: the laws as lines, the saved network as points."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    colors = {"PN": "#0072B2", "PV": "#D55E00", "SOM": "#009E73"}  # safe for colour blindness
    projections = [p for p in check.column.projections.values() if len(p.laws) == 2 or p.pr is None]
    projections = [p for p in projections if hasattr(p.connector, "rho")]
    figure, axes = plt.subplots(2, 2, figsize=(8, 5.6), sharex=True, layout="constrained")
    edges = np.linspace(0, REACH, 31)
    middle = (edges[1:] + edges[:-1]) / 2
    fine = np.linspace(0, REACH, 301)
    for ax, projection in zip(axes.flat, projections, strict=True):
        for law in projection.laws:
            dist, found = check.distances(law), check.matrix(law)
            if law.source == law.target:
                np.fill_diagonal(dist, np.inf)
            n, _ = np.histogram(dist, edges)
            k, _ = np.histogram(dist[found], edges)
            color = colors[law.source]
            enough = n > 20
            p, total = k[enough] / n[enough], n[enough]
            ax.plot(fine, [law.p(d) for d in fine], color=color, lw=1.5)
            ax.errorbar(
                middle[enough],
                p,
                np.sqrt(p * (1 - p) / total),
                fmt="o",
                ms=3,
                lw=1,
                color=color,
                label=f"{law.source} \N{RIGHTWARDS ARROW} {law.target}",
            )
        kind = "in the plane" if law.arg is check.column.module.cylindrical_dist_z else "in space"
        ax.set_title(f"distance {kind}", fontsize=9, loc="right", color="0.35")
        ax.legend(frameon=False)
        ax.set_ylim(bottom=0)
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes[-1]:
        ax.set_xlabel("distance (\N{GREEK SMALL LETTER MU}m)")
    for ax in axes[:, 0]:
        ax.set_ylabel("connection probability")
    figure.suptitle("Connection probability: laws (lines) and saved network (points, s.e.)")
    figure.savefig(file, dpi=150)
    plt.close(figure)


# -------------------------------------------------------------------- the main job
def build(args: argparse.Namespace, folder: Path) -> bool:
    """Build into a folder, and return whether the network is as it should be."""
    module = importlib.import_module(args.connectors)
    module.report_name = str(folder / "conn.csv")  # type: ignore[attr-defined]
    with step("Cells and connectors"):
        builder = importlib.import_module(args.builder).NetworkBuilder
        column = Column(module, args.seed, args.cells, builder)
        column.connect()
    shell = sum(map(len, column.positions["shell"].values()))
    print(f"  {args.cells} cells, {shell} shell cells")
    with step("Edges"):
        column.net.build()
    with step("SONATA files"):
        column.save(folder)
    check = Check(column, folder)
    with step("Picture"):
        picture(check, folder / "probability.png")
    return print_table(check.rows())


def main(argv: list[str] | None = None) -> int:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("output/cortical_column"))
    parser.add_argument("--seed", type=int, default=1234)
    parser.add_argument("--cells", type=int, default=3000)
    parser.add_argument("--connectors", default="bmtool_connectors", help="module to use")
    parser.add_argument(
        "--builder", default="bmtool_connectors", help="module that NetworkBuilder is taken from"
    )
    args = parser.parse_args(argv)
    args.output.mkdir(parents=True, exist_ok=True)
    # Everything is written aside first and moved to its final name when it is complete.
    part = Path(tempfile.mkdtemp(prefix=".part.", dir=args.output))
    try:
        fine = build(args, part)
        for file in part.iterdir():
            os.replace(file, args.output / file.name)
    except KeyboardInterrupt:
        print(f"\nInterrupted: nothing was written to {args.output}.", file=sys.stderr)
        return 130
    finally:
        shutil.rmtree(part, ignore_errors=True)
    print(f"\nSaved in {args.output}: SONATA files, conn.csv, probability.png")
    return 0 if fine else 1


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    sys.exit(main())
