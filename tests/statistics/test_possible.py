"""Numbers of possible pairs after a sparse draw: counted, or estimated and said to be."""

from __future__ import annotations

import csv
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bmtool_connectors import (
    BlockConnector,
    Connectivity,
    GaussianDropoff,
    NetworkBuilder,
    ReciprocalConnector,
    UnidirectionConnector,
    UniformInRange,
    spherical_dist,
)
from bmtool_connectors.connectivity import EstimatedCounts, is_estimated
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.sampling import possible
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.laws import Law, PairLaws
from bmtool_connectors.sampling.strata import Strata

QUIET: dict[str, Any] = {"verbose": False, "save_report": False, "rng": 1, "sampler": "sparse"}
GAUSS = GaussianDropoff(stdev=75.0, pmax=0.05, max_dist=200.0)
BALL, RING = UniformInRange(0.02, max_dist=120.0), UniformInRange(0.02, 80.0, 200.0)


class Node(dict[str, Any]):
    """A node object, as BMTK makes them."""

    def __init__(self, node_id: int, position: np.ndarray) -> None:
        super().__init__(positions=position)
        self.node_id = node_id


def nodes(n: int, seed: int) -> NodeArrays:
    """Return n nodes in a slab."""
    positions = np.random.default_rng(seed).uniform(0, (900.0, 900.0, 250.0), (n, 3))
    return NodeArrays([Node(k, position) for k, position in enumerate(positions)])


@pytest.fixture(scope="module")
def pools() -> tuple[NodeArrays, NodeArrays]:
    """Return two pools."""
    return nodes(9000, 1), nodes(7000, 2)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Let few pairs be too many to count, and small errors do."""
    monkeypatch.setattr(possible, "MOST_COUNTED", 1000)
    monkeypatch.setattr(possible, "FIRST", 1 << 14)
    monkeypatch.setattr(possible, "ACCURACY", 1e-3)
    return monkeypatch


def laws(forward: Any, backward: Any = None) -> PairLaws:
    """Return laws of distance: one, one for both directions, or two."""
    own = Law(forward, spherical_dist, "p0 of Test")
    if backward is None:
        return PairLaws(own)
    if backward is forward:
        return PairLaws(own, own, same_arg=True, same_p=True)
    return PairLaws(own, Law(backward, spherical_dist, "p1 of Test", backward=True))


@pytest.mark.parametrize(
    ("forward", "backward", "kind"),
    [
        (GAUSS, GAUSS, "upper"),
        (RING, RING, "upper and diagonal"),
        (BALL, RING, "all"),
        (BALL, None, "all"),
        (BALL, 0.0, "all"),
        (0.0, BALL, "all"),
    ],
)
def test_within_the_error(
    forward: Any, backward: Any, kind: Any, pools: tuple[NodeArrays, ...], few: pytest.MonkeyPatch
) -> None:
    """5 standard errors: a false alarm in a million; not so good that it must have been counted."""
    space = PairSpace(pools[0], pools[0] if kind != "all" else pools[1], kind)
    law = laws(forward, backward)
    exact = np.zeros(3)
    for pairs in Strata(space, law).every():
        exact += law.evaluate_on(pairs).possible()
    found = possible._estimated(Strata(space, law), law)
    assert found is not None
    assert (found[exact == 0] == 0).all()
    off = found[exact > 0] / exact[exact > 0] - 1
    assert (np.abs(off) < 5e-3).all()
    assert (off != 0).any()


def drawn(pools: tuple[NodeArrays, ...], **options: Any) -> Connectivity:
    """Return what a connector draws within a pool."""
    connector = ReciprocalConnector(p0_arg=spherical_dist, pr=None, **{**QUIET, **options})
    return connector.draw(pools[0], pools[0], np.random.default_rng(3))


def test_few_are_counted(pools: tuple[NodeArrays, ...]) -> None:
    near = UniformInRange(0.1, max_dist=30.0)
    exact = drawn(pools, p0=near)
    assert not is_estimated(exact.possible)
    assert exact.possible == drawn(pools, p0=near, sampler="pairwise").possible
    assert "about" not in repr(exact.possible)
    constant = drawn(pools, p0=1e-4).possible
    assert constant == (9000 * 8999 // 2,) * 2
    assert not is_estimated(constant)


def test_never_fewer_than_connected(pools: tuple[NodeArrays, ...], few: pytest.MonkeyPatch) -> None:
    """Also where all possible pairs are connected, and the estimate is too low by chance."""
    low = 0
    for reach in range(100, 107):
        found = drawn(pools, p0=UniformInRange(1.0, max_dist=float(reach)))
        assert is_estimated(found.possible)
        assert all(c <= p for c, p in zip(found.connected, found.possible, strict=True))
        low += found.connected[0] == found.possible[0]
    assert 0 < low < 7


def test_estimates_are_marked(
    pools: tuple[NodeArrays, ...], few: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """In the text; in the report by fewer digits; when copied and when summed."""
    net = NetworkBuilder("net")
    net.add_nodes(N=9000, positions=list(pools[0].positions))  # type: ignore[arg-type]
    report = tmp_path / "conn.csv"
    connector = UnidirectionConnector(
        GAUSS, spherical_dist, rng=1, sampler="sparse", report_name=str(report)
    )
    connector.setup_nodes(net.nodes(), net.nodes())
    found = connector.connectivity.possible
    assert is_estimated(found)
    assert repr(found) == f"about {tuple(found)}"
    assert isinstance(pickle.loads(pickle.dumps(found)), EstimatedCounts)
    text = capsys.readouterr().out
    assert f"Number of possible connections: about {found[0]:.5g}\n" in text
    assert "Fraction of connected pairs in possible ones: about " in text
    row = list(csv.reader(report.read_text().splitlines()))[1]
    share = 100 * len(connector.connectivity.forward) / found[0]
    assert row[2] == f"{share:.4g}"
    assert len(row[3]) > len(row[2])


def test_sums_over_blocks_are_marked(
    pools: tuple[NodeArrays, ...], few: pytest.MonkeyPatch
) -> None:
    """Where one of the blocks was estimated."""
    net = NetworkBuilder("net")
    for name, pool in zip("ab", pools, strict=True):
        assert pool.positions is not None
        net.add_nodes(N=len(pool), pop_name=name, positions=list(pool.positions))
    for within, estimated in ((GAUSS, True), (1e-5, False)):
        connector = BlockConnector(
            {("a", "a"): (within, None), ("b", "b"): (1e-5, None)}, missing=None, **QUIET
        )
        connector.setup_nodes(net.nodes(), net.nodes())
        connector.edge_params()
        assert (
            is_estimated(connector.draw(*connector.use.ends, np.random.default_rng(1)).possible)
            is estimated
        )


def test_the_sample_is_of_laws_and_nodes(
    pools: tuple[NodeArrays, ...], few: pytest.MonkeyPatch
) -> None:
    """A second count is the first, whatever was drawn."""
    space = PairSpace(pools[0], pools[0], "upper")
    law = laws(GAUSS, GAUSS)
    first, second = (possible._estimated(Strata(space, law), law) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.tolist() == second.tolist()


def test_rare_ones_are_counted(pools: tuple[NodeArrays, ...], few: pytest.MonkeyPatch) -> None:
    """No sample tells how many they are."""
    law = laws(BALL, UniformInRange(0.1, 119.99, 120.0))
    assert possible._estimated(Strata(PairSpace(*pools), law), law) is None
