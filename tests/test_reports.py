"""Previews, summaries and explanations: of connectors, and of networks in memory."""

from __future__ import annotations

import csv
import io
import json
import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from conftest import QUIET, random_positions, without_warnings
from scipy import sparse

from bmtool_connectors import (
    BaseConnector,
    ConnectivityWarning,
    CorrelatedGapJunction,
    EdgeList,
    FixedInDegreeConnector,
    GapJunction,
    GapJunctionConditionalReciprocalConnector,
    GaussianDropoff,
    MatrixConnector,
    NetworkBuilder,
    NodeError,
    NormalizedReciprocalRate,
    ParameterError,
    Preview,
    ReciprocalConnector,
    UnidirectionConnector,
    UniformInRange,
    spherical_dist,
)
from bmtool_connectors.reports.measures import Measure
from bmtool_connectors.reports.preview import PreviewEntry
from bmtool_connectors.sampling.expected import Expected
from bmtool_connectors.verification.chance import two_sided
from bmtool_connectors.verification.findings import ChanceTest

N, M = 30, 20
SEEDED: dict[str, Any] = {**QUIET, "rng": 2}
NEAR = GaussianDropoff(stdev=40.0, pmax=0.6, max_dist=90.0)
LAW: dict[str, Any] = {"p0": NEAR, "p0_arg": spherical_dist}


def network(scale: float = 1.0, **options: Any) -> NetworkBuilder:
    """Return a network of two populations in a cube of 100 um, or of that times a scale."""
    net = NetworkBuilder("net", verbose=False, **options)
    for seed, (name, n) in enumerate((("A", N), ("B", M))):
        positions = random_positions(n, seed) * scale
        # Ids of B do not start at 0, and are no positions.
        net.add_nodes(N=n, pop_name=name, positions=list(positions))
    return net


@pytest.fixture(scope="module")
def net() -> NetworkBuilder:
    """Return a network that nothing is added to."""
    return network()


def pool(net: NetworkBuilder, name: str) -> Any:
    return net.nodes(pop_name=name)


def set_up(net: NetworkBuilder, connector: Any, target: str = "A") -> Any:
    """Return the connector, set up within A or from A to B."""
    connector.setup_nodes(pool(net, "A"), pool(net, target))
    return connector


def reciprocal(**options: Any) -> ReciprocalConnector:
    """Return a connector with two directions whose pr clips in places."""
    given = {**LAW, "p1": 0.3, "pr": 0.2, "estimate_rho": False, **SEEDED, **options}
    return ReciprocalConnector(**given)


class TestPreview:
    """What connectors will give; nothing is drawn."""

    def test_expected_numbers(self, net: NetworkBuilder) -> None:
        connector = set_up(net, reciprocal(), "B")
        preview = connector.preview()
        found = connector.expected()
        assert preview.entries[0].expected == found
        assert (preview.edges, preview.n_bytes) == (found.edges, found.n_bytes)
        assert preview.seconds == pytest.approx(found.seconds)
        assert len(preview.hints) == 1
        assert connector.use.connectivity is None

    def test_draws_nothing(self, net: NetworkBuilder) -> None:
        rng = np.random.default_rng(3)
        connector = set_up(net, UnidirectionConnector(0.3, **{**QUIET, "rng": rng}))
        state = rng.bit_generator.state
        connector.preview()
        assert rng.bit_generator.state == state

    def test_forms(self, net: NetworkBuilder, tmp_path: Any) -> None:
        preview = set_up(net, reciprocal(), "B").preview()
        text = str(preview)
        assert "ReciprocalConnector, 30 x 20 nodes" in text
        assert "infeasible" in text
        assert "backward in-degree" in text
        table = preview.to_frame()
        assert table.forward[0] == preview.entries[0].expected.forward
        assert table.out_degree_sd[0] > 0
        file = tmp_path / "preview.json"
        assert json.loads(preview.to_json(file)) == json.loads(file.read_text())
        assert json.loads(preview.to_json())["entries"][0]["expected"]["sampler"] == "pairwise"
        rows = list(csv.DictReader(io.StringIO(preview.to_csv())))
        assert float(rows[0]["forward"]) == preview.entries[0].expected.forward

    def test_gap_junctions_have_one_degree(self, net: NetworkBuilder) -> None:
        text = str(set_up(net, GapJunction(p=1.0, **SEEDED)).preview())
        assert [line.split() for line in text.splitlines()[1:4]] == [
            ["expected", "sd"],
            ["edges", "435", "0"],
            ["degree", "29", "0"],
        ]

    def test_cost(self) -> None:
        for seconds, time in ((0.002, ""), (0.25, ", drawn in about 0.25 s"), (300.0, " 5 min")):
            found = Expected("none", 6, 6.0, 0.0, 0.0, 0.0, 0.0, 2_500_000, seconds)
            lines = str(Preview((PreviewEntry("a", "b", "Own", 2, 3, found),))).splitlines()
            assert lines[-1].startswith("  2.5 MB")
            assert lines[-1].endswith(time or "MB")

    def test_before_setup(self) -> None:
        with pytest.raises(NodeError, match="has no nodes yet"):
            UnidirectionConnector(0.2, **QUIET).preview()

    def test_whole_network(self) -> None:
        """Each connector once, whatever its directions; other rules are not known."""
        net = network()
        both, within = reciprocal(), UnidirectionConnector(0.1, **SEEDED)
        both.connect(net, pool(net, "A"), pool(net, "B"))
        within.connect(net, pool(net, "A"), pool(net, "A"))
        net.add_edges(pool(net, "A"), pool(net, "A"), connection_rule=lambda a, b: 1)
        preview = net.preview()
        names = [each.connector for each in preview.entries]
        assert names[:2] == ["ReciprocalConnector", "UnidirectionConnector"]
        assert "lambda" in names[2]
        assert preview.edges == pytest.approx(both.expected().edges + within.expected().edges)
        assert "; 1 of 3 not known" in str(preview)
        assert both.use.connectivity is within.use.connectivity is None
        assert not net.edges_built

    def test_nothing_declared(self) -> None:
        assert str(network().preview()) == "no connections"


class TestHints:
    """Why nothing connects, or not as it was meant."""

    def said(self, preview: Preview) -> str:
        assert len(preview.hints) == 1
        assert f"hint: {preview.hints[0]}" in str(preview)
        return preview.hints[0]

    def test_law_in_mm(self, net: NetworkBuilder) -> None:
        connector = UnidirectionConnector(UniformInRange(0.5, 0.0, 0.1), spherical_dist, **SEEDED)
        hint = self.said(set_up(net, connector, "B").preview())
        a, b = (connector.use.source.positions, connector.use.target.positions)
        nearest = np.linalg.norm(a[:, None] - b[None], axis=-1).min()
        assert f"the nearest nodes are {nearest:.4g} apart" in hint
        assert "max_dist=0.1" in hint
        assert "mm" in hint

    def test_out_of_reach(self) -> None:
        """Populations far from each other, in the same unit."""
        net = NetworkBuilder("layers", verbose=False)
        for name, depth in (("A", 0.0), ("B", 300.0)):
            net.add_nodes(N=2, pop_name=name, positions=[[0.0, 0.0, depth], [50.0, 0.0, depth]])
        connector = UnidirectionConnector(NEAR, spherical_dist, **SEEDED)
        preview = set_up(net, connector, "B").preview()
        assert self.said(preview).endswith("is 0 beyond max_dist=90.")
        assert "  no edges\n" in str(preview)

    @pytest.mark.parametrize(
        "law", [UniformInRange(0.0, 0.0, 0.1), UniformInRange(0.5, 0.0, 5.0) * UniformInRange(1, 9)]
    )
    def test_a_law_that_is_0_everywhere(self, net: NetworkBuilder, law: Any) -> None:
        """No distance is to blame."""
        connector = UnidirectionConnector(law, spherical_dist, **SEEDED)
        assert "every probability" in self.said(set_up(net, connector, "B").preview())

    def test_within_one_population(self, net: NetworkBuilder) -> None:
        """A node is not its own nearest neighbour."""
        connector = ReciprocalConnector(
            p0=UniformInRange(0.5, 0.0, 0.1), p0_arg=spherical_dist, pr=None, **SEEDED
        )
        hint = self.said(set_up(net, connector).preview())
        a = connector.use.source.positions
        dist = np.linalg.norm(a[:, None] - a[None], axis=-1)
        assert f"{dist[dist > 0].min():.4g} apart" in hint

    def test_one_direction(self, net: NetworkBuilder) -> None:
        """The forward edges are missing, the backward ones are there."""
        far = UniformInRange(0.5, 0.0, 0.1)
        connector = ReciprocalConnector(p0=far, p0_arg=spherical_dist, p1=0.5, pr=None, **SEEDED)
        preview = set_up(net, connector, "B").preview()
        assert preview.edges > 0
        assert "p0 of ReciprocalConnector is 0 beyond" in self.said(preview)

    def test_positions_in_mm(self) -> None:
        connector = UnidirectionConnector(NEAR, spherical_dist, **SEEDED)
        hint = self.said(set_up(network(1e-3), connector, "B").preview())
        assert "are the positions in mm?" in hint
        assert "max_dist=90" in hint

    @pytest.mark.parametrize("options", [{"p": 0.0}, {"p": 0.5, "n_syn": 0}])
    def test_no_possible_pair(self, net: NetworkBuilder, options: Any) -> None:
        hint = self.said(set_up(net, UnidirectionConnector(**options, **SEEDED)).preview())
        assert "can connect" in hint

    def test_no_pair(self) -> None:
        net = NetworkBuilder("one", verbose=False)
        net.add_nodes(N=1)
        connector = UnidirectionConnector(0.5, allow_autapses=False, **SEEDED)
        connector.setup_nodes(net.nodes(), net.nodes())
        assert "there is no pair" in self.said(connector.preview())

    def test_no_positions(self) -> None:
        """A law of distance is refused at once; a user's function says it in the preview."""
        net = NetworkBuilder("bare", verbose=False)
        net.add_nodes(N=4)
        with pytest.raises(NodeError, match=r"nodes without positions; give add_nodes\(\)"):
            UnidirectionConnector(NEAR, spherical_dist, **SEEDED).setup_nodes(
                net.nodes(), net.nodes()
            )
        connector = UnidirectionConnector(NEAR, lambda a, b: 2 * spherical_dist(a, b), **SEEDED)
        connector.setup_nodes(net.nodes(), net.nodes())
        assert "positions" in self.said(connector.preview())
        assert connector.preview().entries[0].expected is None

    def pr_hint(self, net: NetworkBuilder, **options: Any) -> tuple[str, Expected]:
        """Return the hint of a connector from A to B, and what it expects; it clips no more."""
        given = {**LAW, "p1": 0.3, "p1_arg": spherical_dist, **SEEDED, **options}
        preview = set_up(net, ReciprocalConnector(**given), "B").preview()
        found = preview.entries[0].expected
        assert found is not None
        return self.said(preview), found

    def test_unreachable_pr(self, net: NetworkBuilder) -> None:
        """What is wanted, what can be reached, of how many pairs, and what to do."""
        hint, found = self.pr_hint(net, pr=0.28)
        a, b = (pool(net, name) for name in "AB")
        p0 = np.array([[NEAR(spherical_dist(one, other)) for other in b] for one in a])
        valid = p0[p0 > 0]
        most = np.minimum(valid, 0.3).mean()
        assert "pr of ReciprocalConnector is 0.28, which no correlation reaches" in hint
        assert f"at most {most:.4g} of {len(valid):,} valid pairs" in hint
        assert f"{found.infeasible:.2%} of the pairs" in hint
        assert found.infeasible > 0.9
        assert "pass dist_range_forward=(low, high)" in hint
        assert found.unmet is not None
        assert (found.unmet.wanted, found.unmet.pairs) == (0.28, len(valid))
        assert found.unmet.reached == pytest.approx(most)
        table = set_up(net, reciprocal(), "B").preview().to_frame()
        assert table.pr_wanted[0] == 0.2

    def test_unreachable_pr_at_short_distances(self, net: NetworkBuilder) -> None:
        """What was advised already is not advised again, and where it helps nothing is said."""
        within = {"dist_range_forward": (0.0, 25.0)}
        hint, _ = self.pr_hint(net, pr=0.5, **within)
        assert "at most 0.3 of" in hint
        assert "a narrower dist_range_forward" in hint
        feasible = ReciprocalConnector(p0=0.4, p1=0.3, pr=0.2, **SEEDED)
        assert set_up(net, feasible, "B").preview().hints == []
        hint, _ = self.pr_hint(net, pr=0.2, dist_range_forward=(1e3, 2e3))
        assert "no pair is valid for the estimate of rho" in hint

    def test_pr_of_each_pair(self, net: NetworkBuilder) -> None:
        hint, found = self.pr_hint(net, pr=0.2, estimate_rho=False)
        assert "pr of ReciprocalConnector is 0.2, which is not feasible" in hint
        assert f"{found.infeasible:.2%} of the pairs" in hint
        assert f"on average it is {found.unmet.reached:.4g}" in hint
        assert found.unmet.reached == pytest.approx(found.reciprocal / found.unmet.pairs)
        assert "estimate_rho=True and dist_range_forward" in hint
        hint, _ = self.pr_hint(net, pr=NormalizedReciprocalRate(9.0), pr_arg="0")
        assert "pr of ReciprocalConnector is not feasible" in hint
        assert "the largest change is that" in hint
        hint, _ = self.pr_hint(net, rho=-0.9, pr=None)
        assert "rho of ReciprocalConnector is not feasible" in hint

    def test_pr_that_holds_on_average_only(self, net: NetworkBuilder) -> None:
        hint, found = self.pr_hint(net, pr=0.15)
        assert "holds on average, but no one correlation is feasible for all pairs" in hint
        assert found.unmet is None
        assert found.infeasible > 0

    def test_constant_p(self, net: NetworkBuilder) -> None:
        """Without a law of distance there is no range to choose."""
        hint, _ = self.pr_hint(net, p0=0.2, p0_arg=None, p1_arg=None, pr=0.3)
        assert "choose max(0, p0 + p1 - 1) <= pr" in hint

    def test_no_reciprocal_pairs(self, net: NetworkBuilder) -> None:
        """The default pr=0.0 is met wherever it can be, and nothing to be told of."""
        connector = ReciprocalConnector(p0=0.4, p1=0.3, pr=0.0, **SEEDED)
        assert set_up(net, connector, "B").preview().hints == []

    def test_attention(self) -> None:
        """Of many entries, those that need attention come first in the text, and there only."""
        net = network()
        a = pool(net, "A")
        for k in range(9):
            UnidirectionConnector(0.1, name=str(k), **SEEDED).connect(net, a, a)
        gap = set_up(net, GapJunction(p=0.2, **SEEDED))
        nothing = UnidirectionConnector(0.0, **SEEDED)
        nothing.connect(net, a, pool(net, "B"))
        reciprocal().connect(net, a, pool(net, "B"))
        nothing.connect(net, a, pool(net, "B"))
        CorrelatedGapJunction(0.1, 0.5, 1.0, connector=gap, **SEEDED).connect(net, a, a)
        preview = net.preview()
        text = str(preview)
        assert text.startswith("4 of 13 have hints, and come first:\n")
        first = [line for line in text.splitlines() if " to " in line and "nodes" in line][:5]
        names = ["CorrelatedGapJunction", *["UnidirectionConnector"] * 2, "ReciprocalConnector"]
        for line, name in zip(first, [*names, "UnidirectionConnector"], strict=True):
            assert name in line
        assert [each.connector for each in preview.entries][-1] == "CorrelatedGapJunction"
        assert preview.entries[0].hints == ()

    def test_reference_not_drawn(self, net: NetworkBuilder) -> None:
        gap = set_up(net, GapJunction(p=0.2, **SEEDED))
        connector = set_up(net, CorrelatedGapJunction(0.1, 0.5, 1.0, connector=gap, **SEEDED))
        assert "has not been drawn" in self.said(connector.preview())
        assert gap.use.connectivity is None

    def test_connector_of_a_user(self, net: NetworkBuilder) -> None:
        class Own(BaseConnector):
            def draw(self, source: Any, target: Any, rng: Any) -> EdgeList:
                raise AssertionError

        assert "only draw() of Own" in self.said(set_up(net, Own(**QUIET)).preview())


def measured(connector: Any) -> dict[tuple[str, str], Measure]:
    """Return the measures of a connector by name and direction."""
    measures = connector.summary().entries[0].measures
    assert len({(each.quantity, each.direction) for each in measures}) == len(measures)
    return {(each.quantity, each.direction): each for each in measures}


class TestSummary:
    """What was wanted and what came out."""

    def test_by_hand(self) -> None:
        net = NetworkBuilder("net", verbose=False)
        net.add_nodes(N=3, pop_name="A")
        net.add_nodes(N=4, pop_name="B")
        matrix = [[2, 0, 1, 0], [1, 1, 1, 0], [0, 0, 0, 0]]
        connector = MatrixConnector(matrix, orientation="source_rows", **QUIET)
        connector.setup_nodes(pool(net, "A"), pool(net, "B"))
        found = {name: each.realised for (name, _), each in measured(connector).items()}
        assert found == {
            "edges": 5,
            "probability": 5 / 12,
            "out-degree mean": pytest.approx(5 / 3),
            "out-degree sd": pytest.approx(math.sqrt(14 / 9)),
            "out-degree min": 0,
            "out-degree max": 3,
            "in-degree mean": 1.25,
            "in-degree sd": pytest.approx(math.sqrt(0.6875)),
            "in-degree min": 0,
            "in-degree max": 2,
            "synapses": 6,
        }
        edges = measured(connector)["edges", "forward"]
        assert (edges.wanted, edges.sd, edges.z) == (5, 0, 0)

    def test_two_populations(self, net: NetworkBuilder) -> None:
        connector = set_up(net, reciprocal(), "B")
        with pytest.warns(ConnectivityWarning, match="was not feasible"):
            drawn = connector.connectivity
        found, wanted = measured(connector), connector.expected()
        both = (drawn.forward.to_dense() > 0) & (drawn.backward.to_dense() > 0).T
        assert found["edges", "forward"].realised == len(drawn.forward)
        assert found["probability", "backward"].realised == len(drawn.backward) / (N * M)
        assert found["reciprocal pairs", ""].realised == both.sum() == drawn.connected[2]
        assert found["probability", "forward"].wanted == wanted.forward / (N * M)
        assert found["probability", "forward"].sd == wanted.forward_sd / (N * M)
        a, b = connector.use.source.positions, connector.use.target.positions
        dist = np.linalg.norm(a[:, None] - b[None], axis=-1)
        p0 = np.where(dist <= 90, 0.6 * np.exp(-0.5 * (dist / 40) ** 2), 0.0)
        independent = (0.3 * p0).sum()
        assert found["reciprocal pairs if independent", ""].wanted == pytest.approx(independent)
        spread = np.sqrt(p0 * (1 - p0) * 0.3 * 0.7).sum()
        rho = found["rho", ""]
        assert rho.realised == pytest.approx((both.sum() - independent) / spread)
        assert rho.wanted == pytest.approx((wanted.reciprocal - independent) / spread)
        assert rho.z == pytest.approx(found["reciprocal pairs", ""].z)
        about = connector.summary().entries[0].about
        assert about["clipped"] == drawn.clipped > 0
        assert (about["seed"], about["sampler"], about["dropped"]) == (2, "pairwise", 0)
        assert about["seconds"] > 0

    def test_one_population(self, net: NetworkBuilder) -> None:
        connector = set_up(
            net, ReciprocalConnector(p0=0.3, rho=0.4, pr=None, autapses=True, **SEEDED)
        )
        found = measured(connector)
        dense = connector.connectivity.forward.to_dense() > 0
        assert found["edges", "forward"].realised == dense.sum()
        assert found["edges", "forward"].wanted == pytest.approx(0.3 * N * N)
        assert found["probability", "forward"].wanted == pytest.approx(0.3)
        pairs = N * (N - 1) / 2
        both = (dense & dense.T)[np.triu_indices(N, 1)].sum()
        assert found["reciprocal probability", ""].realised == both / pairs
        pr = 0.09 + 0.4 * 0.21
        assert found["reciprocal probability", ""].wanted == pytest.approx(pr)
        assert found["reciprocal pairs", ""].sd == pytest.approx(math.sqrt(pairs * pr * (1 - pr)))
        assert found["rho", ""].wanted == pytest.approx(0.4)

    def test_directions_drawn_apart(self, net: NetworkBuilder) -> None:
        """Pairs that happen to be connected both ways; what was wanted of them is not known."""
        connector = set_up(net, UnidirectionConnector(0.4, **SEEDED))
        found = measured(connector)
        dense = connector.connectivity.forward.to_dense() > 0
        assert dense.diagonal().any()
        both = (dense & dense.T)[np.triu_indices(N, 1)].sum()
        assert found["reciprocal pairs", ""].realised == both
        assert found["reciprocal pairs", ""].wanted is found["reciprocal pairs", ""].z is None
        assert ("rho", "") not in found
        independent = found["reciprocal pairs if independent", ""]
        assert independent.wanted == pytest.approx(0.16 * N * (N - 1) / 2)

    def test_gap_junctions(self, net: NetworkBuilder) -> None:
        connector = set_up(net, GapJunction(p=0.3, **SEEDED))
        found = measured(connector)
        dense = connector.connectivity.forward.to_dense()
        degrees = (dense + dense.T).sum(axis=0)
        assert found["in-degree mean", "forward"].realised == degrees.mean()
        assert found["out-degree max", "forward"].realised == degrees.max()
        assert found["out-degree mean", "forward"].wanted == pytest.approx(0.3 * (N - 1))
        assert found["out-degree sd", "forward"].wanted == pytest.approx((0.21 * (N - 1)) ** 0.5)
        assert found["probability", "forward"].wanted == pytest.approx(0.3)
        assert ("reciprocal pairs", "") not in found

    def test_dropped_connections(self, net: NetworkBuilder) -> None:
        """How often a function gives no synapse is not known to the laws."""
        connector = UnidirectionConnector(0.5, n_syn=lambda a, b: b.node_id % 2, **SEEDED)
        entry = set_up(net, connector).summary().entries[0]
        assert entry.about["dropped"] > 0
        assert all(each.wanted is None for each in entry.measures)
        constant = UnidirectionConnector(0.5, n_syn=0, **SEEDED)
        edges = measured(set_up(net, constant))["edges", "forward"]
        assert (edges.wanted, edges.realised, edges.z) == (0, 0, 0)

    def test_nodes_were_freed(self, net: NetworkBuilder) -> None:
        connector = UnidirectionConnector(0.5, lambda a, b: 1.0, **SEEDED)
        set_up(net, connector).initial_all_to_all()
        connector.free_memory()
        edges = measured(connector)["edges", "forward"]
        assert (edges.realised, edges.wanted) == (len(connector.connectivity.forward), None)
        assert "dropped" in connector.explain(0, 1).note

    def test_looking_early_moves_a_shared_generator(self, net: NetworkBuilder) -> None:
        rng = np.random.default_rng(1)
        connector = set_up(net, UnidirectionConnector(0.2, **{**QUIET, "rng": rng}))
        with pytest.warns(ConnectivityWarning, match="moves the shared random stream"):
            connector.summary()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            connector.summary()

    def test_forms(self, net: NetworkBuilder, tmp_path: Any) -> None:
        summary = set_up(net, UnidirectionConnector(0.3, **SEEDED), "B").summary()
        table = summary.to_frame()
        edges = summary.entries[0].measure("edges", "forward")
        row = table[table.quantity == "edges"].iloc[0]
        assert (row.wanted, row.sd, row.realised, row.z) == (
            *(edges.wanted, edges.sd, edges.realised, edges.z),
        )
        file = tmp_path / "summary.csv"
        rows = list(csv.DictReader(io.StringIO(summary.to_csv(file))))
        assert file.read_text() == summary.to_csv()
        assert len(rows) == len(table)
        assert float(rows[0]["z"]) == edges.z
        entry = json.loads(summary.to_json())["entries"][0]
        assert entry["measures"][0]["realised"] == edges.realised
        assert entry["about"]["seed"] == 2
        lines = str(summary).splitlines()
        assert lines[0].endswith(": UnidirectionConnector")
        assert f"{edges.z:+.2f}" in lines[2]
        with pytest.raises(KeyError, match="edge"):
            summary.entries[0].measure("edge")

    def test_z(self) -> None:
        assert Measure("edges", "", 10.0, 3.0, 4.0, 20.0).z == 2.0
        assert Measure("edges", "", 10.0, 3.0, None, 4.0).z == -2.0
        assert Measure("edges", "", 10.0, 0.0, 0.0, 10.0).z == 0.0
        assert Measure("edges", "", 10.0, 0.0, 0.0, 11.0).z == math.inf
        assert Measure("edges", "", None, None, None, 11.0).z is None
        # A probability: one edge of 1e9 pairs is no rounding.
        assert Measure("probability", "", 0.0, 0.0, 0.0, 1e-9, unit=1e-9).z == math.inf

    @pytest.mark.parametrize(
        ("realised", "wanted", "sd", "z"),
        [
            (99, 100.0, 0.0, -math.inf),
            (101, 100.0, 0.0, math.inf),
            (100, 100.0000000004, 0.0, 0.0),
            (100, 100.0000000004, 1e-11, 0.0),
            (0, -4e-15, 0.0, 0.0),
            (1, -4e-15, 0.0, math.inf),
            (999_999_999, 1e9, 0.0, -math.inf),
            (7, 10.0, 1.5, -2.0),
        ],
    )
    def test_one_rule(self, realised: int, wanted: float, sd: float, z: float) -> None:
        """Of a summary, of a verification, and of the probability that decides in it."""
        assert Measure("edges", "", wanted, sd, 0.0, realised).z == z
        test = ChanceTest(
            "edges", "", wanted, sd, observed=realised, file="", edge_type=1, pairs=9, p_value=1.0
        )
        assert (test.wanted, test.realised, test.z) == (wanted, realised, z)
        p_value = two_sided(realised, wanted, sd)
        assert p_value == pytest.approx(0.0 if math.isinf(z) else 1.0, abs=0.9 * (z == -2))


class TestNetworkSummary:
    """Networks in memory: one entry for each connector."""

    def test_entries(self) -> None:
        net = network()
        both = reciprocal(pr=None)
        both.connect(net, pool(net, "A"), pool(net, "B"))
        chemical = UnidirectionConnector(0.2, n_syn=2, **SEEDED)
        chemical.connect(net, pool(net, "A"), pool(net, "A"))
        gap = CorrelatedGapJunction(0.1, 0.3, 0.5, connector=chemical, **SEEDED)
        gap.connect(net, pool(net, "A"), pool(net, "A"), forward={"is_gap_junction": True})
        net.add_edges(net.nodes(), pool(net, "B"), connection_rule=3)
        net.build()
        entries = net.summary().entries
        assert [each.edge_types for each in entries] == [(100, 101), (102,), (103,), (104,)]
        for each, connector in zip(entries, (both, chemical, gap), strict=False):
            assert each.measures == connector.summary().entries[0].measures
        assert entries[3].connector == "connection_rule 3"
        assert entries[3].measure("synapses", "forward").realised == 3 * (N + M) * M
        assert entries[3].measure("edges", "forward").wanted is None
        assert len(net.summary().to_frame()) == sum(len(each.measures) for each in entries)

    @pytest.mark.parametrize("direction", ["forward", "backward"])
    def test_one_direction(self, direction: str) -> None:
        net = network()
        connector = set_up(net, reciprocal(pr=None), "B")
        net.add_edges(**connector.edge_params(direction=direction))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "ReciprocalConnector drew .* backward edges")
            net.build()
        (entry,) = net.summary().entries
        ends = [f"net: pop_name=='{name}'" for name in "AB"]
        assert [entry.source, entry.target] == ends[:: 1 if direction == "forward" else -1]
        own = measured(connector)
        for quantity in ("edges", "probability", "out-degree mean", "in-degree sd"):
            found = entry.measure(quantity, "forward")
            same = own[quantity, direction]
            assert (found.realised, found.wanted, found.z) == (same.realised, same.wanted, same.z)
        assert all(each.direction == "forward" for each in entry.measures)

    def test_other_pools(self) -> None:
        """Edges restricted to other pools are counted; what was wanted of them is not known."""
        net = network()
        connector = UnidirectionConnector(0.4, **SEEDED)
        connector.setup_nodes(net.nodes(), net.nodes())
        params = {**connector.edge_params(), "source": pool(net, "A"), "target": pool(net, "B")}
        net.add_edges(**params)
        net.build()
        (entry,) = net.summary().entries
        edges = connector.connectivity.forward.to_dense()[:N, N:]
        assert entry.measure("edges", "forward").realised == np.count_nonzero(edges)
        assert entry.measure("edges", "forward").wanted is None

    def test_not_built(self) -> None:
        net = network()
        UnidirectionConnector(0.4, **SEEDED).connect(net, net.nodes(), net.nodes())
        with pytest.raises(ParameterError, match=r"network 'net' is not built; call its build\(\)"):
            net.summary()

    def test_no_edges(self) -> None:
        net = network()
        net.build()
        assert str(net.summary()) == "no connections"
        assert net.summary().to_frame().empty


class TestExplain:
    """One pair of nodes."""

    def test_every_pair(self, net: NetworkBuilder) -> None:
        """All of a small network, by the formula; nothing is drawn before."""
        connector = set_up(net, reciprocal(), "B")
        a, b = connector.use.source, connector.use.target
        before = connector.explain(int(a.ids[0]), int(b.ids[0]))
        assert (before.outcome, before.n_syn) == ("not drawn yet", None)
        assert connector.use.connectivity is None
        with pytest.warns(ConnectivityWarning, match="was not feasible"):
            drawn = connector.connectivity
        seen = set()
        for i, sid in enumerate(a.ids):
            for j, tid in enumerate(b.ids):
                found = connector.explain(sid, tid)
                dist = float(np.linalg.norm(a.positions[i] - b.positions[j]))
                p0 = 0.6 * math.exp(-0.5 * (dist / 40) ** 2) * (dist <= 90)
                pr = min(max(0.2, p0 + 0.3 - 1), p0, 0.3)
                assert found.distance == pytest.approx(dist)
                assert (found.p0, found.p1) == (pytest.approx(p0), 0.3)
                assert (found.pr_wanted, found.pr) == (0.2, pytest.approx(pr))
                spread = math.sqrt(p0 * (1 - p0) * 0.21)
                wanted = pytest.approx((pr - 0.3 * p0) / spread) if spread else None
                assert found.rho == wanted
                forward = drawn.forward.contains(i, j)
                backward = drawn.backward.contains(j, i)
                names = {(1, 1): "both", (1, 0): "forward", (0, 1): "backward", (0, 0): "none"}
                assert found.outcome == names[forward, backward]
                assert (found.n_syn, found.n_syn_backward) == (forward, backward)
                seen.add(found.outcome)
        assert len(seen) == 4
        assert before.p0 == connector.explain(int(a.ids[0]), int(b.ids[0])).p0

    def test_one_population(self, net: NetworkBuilder) -> None:
        """Either order of a pair; rho is known once it is estimated."""
        connector = set_up(net, ReciprocalConnector(**LAW, pr=0.1, **SEEDED))
        near = np.linalg.norm(connector.use.source.positions - random_positions(N)[3], axis=1) < 80
        k = int(np.flatnonzero(near)[-1])
        assert k > 3
        before = connector.explain(3, k)
        assert before.pr is before.pr_wanted is before.rho is None
        assert "rho is estimated" in before.note
        dense = connector.connectivity.forward.to_dense() > 0
        there, back = connector.explain(3, k), connector.explain(k, 3)
        assert there.rho == pytest.approx(connector.rho) == back.rho
        assert there.pr == back.pr
        for found, (i, j) in ((there, (3, k)), (back, (k, 3))):
            assert (found.n_syn, found.n_syn_backward) == (dense[i, j], dense[j, i])
        assert connector.explain(4, 4).note == "a node and itself are no pair here"
        with_self = ReciprocalConnector(p0=0.3, pr=None, autapses=True, **SEEDED)
        found = set_up(net, with_self).explain(4, 4)
        assert (found.p0, found.p1) == (0.3, None)
        assert "one direction" in found.note

    def test_sources_that_take_part(self, net: NetworkBuilder) -> None:
        connector = UnidirectionConnector(0.3, source_fraction=0.5, **SEEDED)
        found = set_up(net, connector, "B").explain(0, N)
        assert found.p0 == 0.3
        assert "0.5 of sources" in found.note
        assert found.p1 is found.n_syn_backward is None

    def test_state_of_another_connector(self, net: NetworkBuilder) -> None:
        chemical = set_up(net, UnidirectionConnector(0.4, **SEEDED))
        gap = set_up(net, CorrelatedGapJunction(0.1, 0.5, 0.9, connector=chemical, **SEEDED))
        found = gap.explain(1, 2)
        assert (found.p0, found.state) == (None, None)
        assert "has not been drawn" in found.note
        assert chemical.use.connectivity is None
        dense = chemical.connectivity.forward.to_dense() > 0
        junctions = gap.connectivity.forward.to_dense() > 0
        states = set()
        for i in range(6):
            for j in range(6):
                if i == j:
                    continue
                found = gap.explain(i, j)
                state = int(dense[i, j]) + int(dense[j, i])
                assert (found.state, found.p0) == (state, (0.1, 0.5, 0.9)[state])
                assert found.law == ("p_non", "p_uni", "p_rec")[state]
                connected = junctions[i, j] or junctions[j, i]
                assert found.outcome == ("both" if connected else "none")
                states.add(state)
        assert states == {0, 1, 2}

    def test_conditional(self, net: NetworkBuilder) -> None:
        gap = set_up(net, GapJunction(p=0.4, **SEEDED))
        coupled = gap.connectivity.forward.both_directions()
        connector = GapJunctionConditionalReciprocalConnector(
            gap, 0.5, 0.5, 0.4, 0.2, 0.2, 0.3, **SEEDED
        )
        set_up(net, connector)
        for j in range(1, N):
            found = connector.explain(0, j)
            elec = coupled.contains(0, j)
            state = "elec" if elec else "nonelec"
            assert (found.state, found.law) == (2 * int(elec), f"p0_{state}, p1_{state}")
            assert (found.p0, found.pr_wanted) == ((0.5, 0.4) if elec else (0.2, 0.3))
            assert found.pr == (0.4 if elec else 0.2)

    def test_no_law_of_pairs(self, net: NetworkBuilder) -> None:
        connector = set_up(net, FixedInDegreeConnector(5, n_syn=3, **SEEDED), "B")
        assert connector.explain(0, N).outcome == "not drawn yet"
        edges = connector.connectivity.forward
        found = connector.explain(int(edges.source[0]), N + int(edges.target[0]))
        assert (found.outcome, found.n_syn, found.p0) == ("forward", 3, None)
        assert str(found).splitlines()[1:] == [
            "  outcome  forward",
            "  n_syn          3",
            "  FixedInDegreeConnector has no probability of a single pair",
        ]

    def test_draws_nothing(self, net: NetworkBuilder) -> None:
        rng = np.random.default_rng(5)
        drawing = lambda d: 0.3 * rng.random()  # noqa: E731  # a law that draws
        connector = UnidirectionConnector(drawing, spherical_dist, **{**QUIET, "rng": rng})
        set_up(net, connector)
        state = rng.bit_generator.state
        connector.explain(0, 1)
        assert rng.bit_generator.state == state

    def test_forms(self, net: NetworkBuilder) -> None:
        found = set_up(net, UnidirectionConnector(0.3, **SEEDED), "B").explain(0, N)
        assert str(found).splitlines()[0] == f"from node 0 to node {N}"
        assert "p0" in str(found)
        assert found.to_frame().p0[0] == json.loads(found.to_json())["p0"] == 0.3

    @pytest.mark.parametrize(("ids", "which"), [((N, N), "source"), ((0, 0), "target")])
    def test_wrong_id(self, net: NetworkBuilder, ids: Any, which: str) -> None:
        connector = set_up(net, UnidirectionConnector(0.3, **SEEDED), "B")
        message = rf"{which}_id of UnidirectionConnector.explain\(\) must be the id.*, got \d+"
        with pytest.raises(NodeError, match=message):
            connector.explain(*ids)
        for junk in ("x", None, 0.5, [0]):
            with pytest.raises(NodeError, match=r"source_id of UnidirectionConnector"):
                connector.explain(junk, N)

    def test_before_setup(self) -> None:
        with pytest.raises(NodeError, match="has no nodes yet"):
            UnidirectionConnector(0.3, **QUIET).explain(0, 1)


def test_many_reciprocal_pairs() -> None:
    """As counted by the draw, and by a dense matrix, also with pools of other sizes."""
    net = network()
    for target in ("A", "B"):
        rate = NormalizedReciprocalRate(1.5)
        options = {**LAW, "p1": NEAR, "p1_arg": spherical_dist, "pr": rate, "pr_arg": "0"}
        connector = set_up(net, ReciprocalConnector(**options, **SEEDED), target)
        drawn = connector.connectivity
        found = measured(connector)["reciprocal pairs", ""].realised
        forward = sparse.csr_matrix(drawn.forward.to_dense() > 0)
        other = forward if drawn.backward is None else drawn.backward.to_csr() > 0
        both = forward.multiply(other.T).sum()
        assert found == drawn.connected[-1] == both / (2 if target == "A" else 1)


#: What leaves nothing to connect, or hardly anything, where p is that: made for a first pool.
BARE: dict[str, Any] = {
    "some sources": lambda pool, p, **options: UnidirectionConnector(
        **p, source_fraction=1e-9, **options
    ),
    "no sources": lambda pool, p, **options: UnidirectionConnector(
        **p, source_fraction=0, **options
    ),
    "gap junctions": lambda pool, p, **options: GapJunction(**p, **options),
    "two ways": lambda pool, p, **options: ReciprocalConnector(
        p0=p["p"], p0_arg=p["p_arg"], pr=0.1, autapses=True, **options
    ),
    "by chemical": lambda pool, p, **options: CorrelatedGapJunction(
        p["p"], 0.5, p_arg=p["p_arg"], connector=used(UnidirectionConnector(0, **SEEDED), pool),
        **options,
    ),
    "by electrical": lambda pool, p, **options: GapJunctionConditionalReciprocalConnector(
        used(GapJunction(0.0, **SEEDED), pool),
        *(0.5, 0.5, 0.1, p["p"], p["p"], None),
        p0_nonelec_arg=p["p_arg"], p1_nonelec_arg=p["p_arg"], **options,
    ),
}  # fmt: skip


def used(connector: Any, pool: Any) -> Any:
    """Return the connector with its edges within a pool."""
    connector.setup_nodes(pool, pool)
    assert len(connector.connectivity.forward) == 0
    return connector


@pytest.mark.parametrize("n", [1, 2, 6])
@pytest.mark.parametrize("sampler", ["pairwise", "sparse"])
@pytest.mark.parametrize("law", [0.0, 0.4, NEAR], ids=["never", "constant", "by distance"])
@pytest.mark.parametrize("kind", BARE)
def test_nothing_to_connect(
    kind: str, law: Any, sampler: str, n: int, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """References without edges, no sources, single nodes: all that can be asked has an answer."""
    few = NetworkBuilder("few", verbose=False)
    few.add_nodes(N=n, pop_name="A", positions=list(random_positions(n)))
    nodes = few.nodes()
    p = {"p": law, "p_arg": spherical_dist if law is NEAR else None}
    options = {"sampler": sampler, "rng": 2, "report_name": tmp_path / "conn.csv"}
    with without_warnings():
        connector = BARE[kind](nodes, p, **options)
        connector.setup_nodes(nodes, nodes)
        before = connector.expected()
        assert connector.preview().entries[0].expected == before
        edges = connector.connectivity.forward
        few.add_edges(**connector.edge_params(), syn_weight=1.0)
        few.build()
        after = connector.expected()  # rho counts as given then, and nothing is kept for it
        same = {name: getattr(before, name) for name in ("seconds", "kept_bytes", "unmet")}
        assert after.reciprocal == pytest.approx(before.reciprocal, rel=1e-12)
        assert replace(after, reciprocal=before.reciprocal, **same) == before
        assert str(connector.summary())
        assert str(connector.explain(0, n - 1))
    assert abs(len(edges) - before.forward) <= 5 * before.forward_sd + 1e-9
    assert len((tmp_path / "conn.csv").read_text().splitlines()) == 2
    assert "Number of connected pairs" in capsys.readouterr().out
