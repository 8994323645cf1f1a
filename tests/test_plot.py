"""Pictures: what is drawn is what was counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from conftest import QUIET, random_positions
from scipy import stats

from bmtool_connectors import (
    GapJunction,
    GaussianDropoff,
    NetworkBuilder,
    NodeError,
    ParameterError,
    ReciprocalConnector,
    UnidirectionConnector,
    cylindrical_dist_z,
    plot,
    spherical_dist,
)
from bmtool_connectors.reports import distance_curve

SEEDED: dict[str, Any] = {**QUIET, "rng": 4}
NEAR = GaussianDropoff(stdev=40.0, pmax=0.5, max_dist=90.0)
N, M = 40, 25


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Close the figures of a test."""
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def net() -> Any:
    """Return a built network; edge types 100 and 101 between A and B, 102 within A, 103 gaps."""
    made = NetworkBuilder("net", verbose=False)
    for seed, (name, n) in enumerate((("A", N), ("B", M))):
        made.add_nodes(N=n, pop_name=name, positions=list(random_positions(n, seed)))
    a, b = (made.nodes(pop_name=name) for name in "AB")
    both = ReciprocalConnector(p0=NEAR, p0_arg=spherical_dist, p1=0.2, pr=None, **SEEDED)
    both.connect(made, a, b)
    UnidirectionConnector(0.2, allow_autapses=False, **SEEDED).connect(made, a, a)
    GapJunction(p=0.3, **SEEDED).connect(made, a, a, forward={"is_gap_junction": True})
    made.build()
    return made


@pytest.fixture(scope="module", params=["network", "folder"])
def given(net: Any, request: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the network, or the folder it is saved to."""
    if request.param == "network":
        return net
    folder = tmp_path_factory.mktemp("net")
    net.save(folder)
    return folder


def shown(ax: Any) -> np.ndarray:
    """Return the numbers of a matrix."""
    return np.ma.filled(ax.images[0].get_array().astype(float), np.nan)


def dense(net: Any, k: int) -> np.ndarray:
    """Return the edges of an edge type."""
    return net.edges_table()[k].edges.to_dense() > 0


class TestMatrix:
    """Numbers for pairs of populations."""

    @pytest.mark.parametrize("kind", plot.matrix_plot.KINDS)
    def test_values(self, net: Any, given: Any, kind: str) -> None:
        ax = plot.connection_matrix(given, kind)
        forward, backward, within = (dense(net, k) for k in range(3))
        both = (forward & backward.T).mean()
        upper = np.triu_indices(N, 1)
        wanted = {
            "number": [[within.sum(), forward.sum()], [backward.sum(), np.nan]],
            "probability": [
                [within.sum() / (N * (N - 1)), forward.mean()],
                [backward.mean(), np.nan],
            ],
            "reciprocal": [[(within & within.T)[upper].mean(), both], [both, np.nan]],
            "convergence": [
                [within.sum() / N, forward.sum() / M],
                [backward.sum() / N, np.nan],
            ],
            "divergence": [
                [within.sum() / N, forward.sum() / N],
                [backward.sum() / M, np.nan],
            ],
        }[kind]
        assert shown(ax) == pytest.approx(np.array(wanted), nan_ok=True)
        assert [each.get_text() for each in ax.get_yticklabels()] == ["A", "B"]
        assert [each.get_text() for each in ax.get_xticklabels()] == ["A", "B"]
        assert len(ax.texts) == 3
        assert ax.images[0].get_cmap().name == "cividis"

    def test_pools_of_one_name(self, tmp_path: Path) -> None:
        """Populations of two networks, or by two properties, are not added up."""
        cells, others = (NetworkBuilder(name, verbose=False) for name in ("cells", "others"))
        for net in (cells, others):
            net.add_nodes(N=6, pop_name="A", layer="A")
            net.add_nodes(N=4, pop_name="B", layer="A")
        within, between = (UnidirectionConnector(1.0, **SEEDED) for _ in range(2))
        within.connect(cells, cells.nodes(pop_name="A"), cells.nodes(pop_name=["A"]))
        between.connect(cells, others.nodes(pop_name="A"), cells.nodes(pop_name="A"))
        some = UnidirectionConnector(1.0, **SEEDED)
        some.connect(cells, cells.nodes(layer="A"), cells.nodes(pop_name="A"))
        cells.build()
        cells.save(tmp_path)
        for given in (cells, tmp_path):
            ax = plot.connection_matrix(given, "number")
            names = [each.get_text() for each in ax.get_yticklabels()]
            wanted = {"cells\npop_name=A": 36, "cells\nlayer=A": 60, "others\nA": 36}
            assert dict(zip(names, shown(ax)[:, 0], strict=True)) == wanted
            assert shown(ax).shape == (3, 1)

    def test_many_populations(self, tmp_path: Path) -> None:
        """The figure grows, names are turned, and colours have to do; a warning would fail."""
        net = NetworkBuilder("net", verbose=False)
        names = [f"a population with a rather long name {k}" for k in range(14)]
        for name in names:
            net.add_nodes(N=2, pop_name=name)
        for name in names:
            connector = UnidirectionConnector(0.5, **SEEDED)
            connector.connect(net, net.nodes(pop_name=name), net.nodes(pop_name=names[0]))
            connector = UnidirectionConnector(0.5, **SEEDED)
            connector.connect(net, net.nodes(pop_name=names[0]), net.nodes(pop_name=name))
        net.build()
        ax = plot.connection_matrix(net)
        ax.figure.savefig(tmp_path / "matrix.png", dpi=20)
        assert not ax.texts
        assert {each.get_rotation() for each in ax.get_xticklabels()} == {90.0}
        ax = plot.degrees(net, 103)
        ax.figure.savefig(tmp_path / "degrees.png", dpi=20)
        assert ax.get_title() == f"{names[0]}\n→ {names[1]}"
        box = ax.title.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= ax.figure.bbox.width

    def test_no_edges(self) -> None:
        net = NetworkBuilder("net", verbose=False)
        net.add_nodes(N=3)
        connector = UnidirectionConnector(0.0, **SEEDED)
        connector.setup_nodes(net.nodes(), net.nodes())
        ax = plot.connection_matrix(connector)
        assert shown(ax) == [[0.0]]
        assert ax.images[0].get_clim() == (0.0, 1.0)

    def test_gap_junctions_alone(self) -> None:
        net = NetworkBuilder("net", verbose=False)
        net.add_nodes(N=9)
        connector = GapJunction(p=1.0, **SEEDED)
        connector.setup_nodes(net.nodes(), net.nodes())
        assert shown(plot.connection_matrix(connector, "convergence")) == [[8.0]]
        assert shown(plot.connection_matrix(connector)) == [[1.0]]

    def test_nothing_to_count(self, net: Any) -> None:
        connector = UnidirectionConnector(0.2, **SEEDED)
        connector.setup_nodes(net.nodes(pop_name="A"), net.nodes(pop_name="B"))
        assert not plot.connection_matrix(connector, "reciprocal").images

    @pytest.mark.parametrize("kind", ["p", None, 3, ["number"]])
    def test_wrong_kind(self, net: Any, kind: Any) -> None:
        with pytest.raises(ParameterError, match=r"kind of connection_matrix\(\) must be "):
            plot.connection_matrix(net, kind)


def points(ax: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return middles of bins, shares, and intervals, of the points with error bars."""
    (bars,) = ax.containers
    x, share = bars.lines[0].get_data()
    vertical = [each for each in bars.lines[2] if np.ptp(each.get_segments()[0][:, 0]) == 0]
    return x, share, np.array([segment[:, 1] for segment in vertical[0].get_segments()])


class TestProbability:
    """Shares of connected pairs by distance."""

    @pytest.mark.parametrize("edge_type", [100, 101, 102, 103])
    def test_values(self, net: Any, given: Any, edge_type: int) -> None:
        """As counted pair by pair; intervals as SciPy has them."""
        ax = plot.probability_by_distance(given, edge_type, bins=7, confidence=0.9)
        connected = dense(net, edge_type - 100)
        a, b = random_positions(N, 0), random_positions(M, 1)
        ends = {100: (a, b), 101: (b, a)}.get(edge_type, (a, a))
        dist = np.linalg.norm(ends[0][:, None] - ends[1][None], axis=-1)
        pairs = np.ones(dist.shape, dtype=bool)
        if edge_type == 102:
            pairs = ~np.eye(N, dtype=bool)
        if edge_type == 103:
            pairs = np.triu(pairs, 1)
        x, share, intervals = points(ax)
        edges = np.linspace(0.0, ax.get_xlim()[1], 8)
        counts, _ = np.histogram(dist[pairs], edges)
        hits, _ = np.histogram(dist[pairs & connected], edges)
        assert hits.sum() == connected.sum()
        some = counts > 0
        assert x == pytest.approx(((edges[1:] + edges[:-1]) / 2)[some])
        assert share == pytest.approx((hits / np.maximum(counts, 1))[some])
        for k, n, interval in zip(hits[some], counts[some], intervals, strict=True):
            found = stats.binomtest(int(k), int(n)).proportion_ci(0.9, method="exact")
            assert interval == pytest.approx([found.low, found.high], abs=1e-9)

    def test_law(self, net: Any) -> None:
        connector = ReciprocalConnector(
            p0=NEAR, p0_arg=cylindrical_dist_z, p1=0.2, pr=None, **SEEDED
        )
        connector.setup_nodes(net.nodes(pop_name="A"), net.nodes(pop_name="B"))
        ax = plot.probability_by_distance(connector)
        (line,) = (each for each in ax.lines if each.get_label() == "law")
        x, y = line.get_data()
        assert y == pytest.approx(np.where(x <= 90, 0.5 * np.exp(-0.5 * (x / 40) ** 2), 0.0))
        a, b = (random_positions(n, seed)[:, :2] for seed, n in enumerate((N, M)))
        dist = np.linalg.norm(a[:, None] - b[None], axis=-1)
        counts, _ = np.histogram(dist, np.linspace(0, ax.get_xlim()[1], 21))
        hits = points(ax)[1] * counts[counts > 0]
        assert hits.sum() == pytest.approx(len(connector.connectivity.forward))

    def test_constant_law(self, net: Any) -> None:
        ax = plot.probability_by_distance(net, 102)
        (line,) = (each for each in ax.lines if each.get_label() == "law")
        assert (line.get_ydata() == 0.2).all()

    def test_some_sources(self, net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """Every fourth source stands for all."""
        monkeypatch.setattr(distance_curve, "MOST_DISTANCES", N * M // 4)
        ax = plot.probability_by_distance(net, 100, bins=1)
        dist = np.linalg.norm(
            random_positions(N, 0)[::4, None] - random_positions(M, 1)[None], axis=-1
        )
        inside = dist <= ax.get_xlim()[1]
        assert points(ax)[1] == pytest.approx(dense(net, 0)[::4][inside].mean())

    def test_no_positions(self) -> None:
        net = NetworkBuilder("net", verbose=False)
        net.add_nodes(N=9)
        connector = UnidirectionConnector(0.5, **SEEDED)
        connector.setup_nodes(net.nodes(), net.nodes())
        with pytest.raises(NodeError, match=r"probability_by_distance\(\) has nodes without pos"):
            plot.probability_by_distance(connector)

    @pytest.mark.parametrize(
        "options", [{"bins": 0}, {"bins": 2.5}, {"bins": "x"}, {"confidence": 1.0}]
    )
    def test_wrong_options(self, net: Any, options: Any) -> None:
        (name,) = options
        with pytest.raises(
            ParameterError, match=rf"{name} of probability_by_distance\(\) must be "
        ):
            plot.probability_by_distance(net, 100, **options)

    def test_gap_junctions_of_either_order(self, tmp_path: Path) -> None:
        """The earlier cell of a pool is the source, and may have the higher id."""
        net = NetworkBuilder("net", verbose=False)
        net.add_nodes(N=6, node_id=list(range(6))[::-1], positions=list(random_positions(6, 1)))
        connector = GapJunction(p=1.0, **SEEDED)
        connector.connect(net, net.nodes(), net.nodes(), forward={"is_gap_junction": True})
        net.build()
        net.save(tmp_path)
        for given in (net, tmp_path):
            _, share, _ = points(plot.probability_by_distance(given, bins=2))
            assert share.tolist() == [1.0, 1.0]


class TestDegrees:
    """How many partners nodes have."""

    def test_values(self, net: Any, given: Any) -> None:
        ax = plot.degrees(given, 100)
        forward = dense(net, 0)
        outlines = [each for each in ax.patches if each.get_label().endswith("-degree")]
        for each, axis, n in zip(outlines, (1, 0), (N, M), strict=True):
            values, edges, _ = each.get_data()
            wanted = np.bincount(forward.sum(axis=axis), minlength=len(values))
            assert (edges[:-1] == np.arange(len(values)) - 0.5).all()
            assert values == pytest.approx(wanted / n)
        labels = [each.get_text() for each in ax.get_legend().get_texts()]
        assert labels == ["out-degree", "expected mean, sd", "in-degree", "expected mean, sd"]

    def test_binomial(self, net: Any, given: Any) -> None:
        """Each of the other 39 nodes with probability 0.2."""
        ax = plot.degrees(given, 102)
        lines = [each for each in ax.lines if each.get_label() == "binomial"]
        assert len(lines) == 2
        for line in lines:
            degree, share = line.get_data()
            assert share == pytest.approx(stats.binom.pmf(degree, N - 1, 0.2))

    def test_wide_bins(self) -> None:
        """Degrees in the hundreds are gathered, and what is expected of them with them."""
        net = NetworkBuilder("net", verbose=False)
        net.add_nodes(N=400)
        connector = UnidirectionConnector(0.5, **SEEDED)
        connector.setup_nodes(net.nodes(), net.nodes())
        ax = plot.degrees(connector)
        values, edges, _ = ax.patches[0].get_data()
        assert values.sum() == pytest.approx(1.0)
        width = edges[1] - edges[0]
        assert width == 3
        _, share = ax.lines[0].get_data()
        assert share.sum() == pytest.approx(width, rel=1e-3)

    def test_gap_junctions(self, net: Any) -> None:
        ax = plot.degrees(net, 103)
        junctions = dense(net, 3)
        (outline,) = (each for each in ax.patches if each.get_label() == "junctions of a cell")
        counts = np.bincount((junctions | junctions.T).sum(axis=0))
        assert outline.get_data()[0][: len(counts)] == pytest.approx(counts / N)
        (line,) = ax.lines
        degree, share = line.get_data()
        assert line.get_label() == "binomial"
        assert share == pytest.approx(stats.binom.pmf(degree, N - 1, 0.3))


@pytest.mark.parametrize("name", ["connection_matrix", "probability_by_distance", "degrees"])
class TestAll:
    """What the pictures share."""

    def call(self, name: str, network: Any, **options: Any) -> Any:
        return getattr(plot, name)(network, **options)

    def test_given_axes(self, net: Any, name: str, capsys: pytest.CaptureFixture[str]) -> None:
        connector = net.get_connections()[2].connector.connector
        ax = plt.figure().add_subplot()
        assert self.call(name, connector, ax=ax) is ax
        assert len(plt.get_fignums()) == 1
        assert capsys.readouterr().out == ""

    def test_no_network(self, net: Any, name: str, tmp_path: Path) -> None:
        for junk in (None, 3, [net]):
            with pytest.raises(ParameterError, match=rf"network of {name}\(\) must be "):
                self.call(name, junk)
        with pytest.raises(ParameterError, match="there is no SONATA file"):
            self.call(name, tmp_path)

    def test_not_built(self, net: Any, name: str) -> None:
        made = NetworkBuilder("net", verbose=False)
        made.add_nodes(N=3)
        made.add_edges(connection_rule=1)
        with pytest.raises(ParameterError, match="is not built"):
            self.call(name, made)

    def test_edge_type(self, net: Any, name: str) -> None:
        if name == "connection_matrix":
            return
        for wrong in (None, 99, "100", [100]):
            with pytest.raises(
                ParameterError, match=rf"edge_type of {name}\(\) must be one of .*100, 101"
            ):
                self.call(name, net, edge_type=wrong)
        connector = net.get_connections()[2].connector.connector
        with pytest.raises(ParameterError, match="a connector has none"):
            self.call(name, connector, edge_type=100)


def test_edge_type_of_several_networks(tmp_path: Path) -> None:
    """Each network numbers its edge types from 100: one is never shown for another."""
    for network, n in (("one", 2), ("two", 1)):
        net = NetworkBuilder(network, verbose=False)
        net.add_nodes(N=3, positions=list(random_positions(3, n)))
        for _ in range(n):
            UnidirectionConnector(1.0, **SEEDED).connect(net, net.nodes(), net.nodes())
        net.build()
        net.save(tmp_path)
    for show in (plot.degrees, plot.probability_by_distance):
        for wrong in (None, 100, ("one", "two", 100)):
            with pytest.raises(ParameterError, match=r"must be one of \('one', 'one', 100\), 101,"):
                show(tmp_path, edge_type=wrong)  # type: ignore[arg-type]
        assert show(tmp_path, edge_type=("two", "two", 100)).get_title() == "two → two"
        assert show(tmp_path, edge_type=101).get_title() == "one → one"
