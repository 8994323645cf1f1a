"""Locks that survive copies, and what threads do at the same time."""

from __future__ import annotations

import copy
import pickle
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import QUIET

import bmtool_connectors
from bmtool_connectors import (
    BaseConnector,
    BlockConnector,
    CorrelatedGapJunction,
    EdgeList,
    FixedInDegreeConnector,
    NetworkBuilder,
    UnidirectionConnector,
    decision,
    randomness,
    syn_const_delay,
)
from bmtool_connectors.generators import restored_on_error
from bmtool_connectors.locks import Lock

N = 12


@pytest.fixture(autouse=True)
def threads_alternate() -> Iterator[None]:
    """Let threads give way to each other as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Return what functions give that begin at one moment, each in a thread of its own."""
    barrier = threading.Barrier(len(calls))

    def one(call: Callable[[], Any]) -> Any:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [each.result(60) for each in [pool.submit(one, call) for call in calls]]


def slow(source: Any, target: Any) -> float:
    """Return the argument of a pair, and let other threads go on meanwhile."""
    time.sleep(1e-5)
    return 0.0


def half(argument: float) -> float:
    """Return a probability."""
    return 0.5


def network() -> NetworkBuilder:
    """Return a network of two populations that is not built."""
    net = NetworkBuilder("net", verbose=False)
    net.add_nodes(N=N, pop_name="A")
    net.add_nodes(N=N, pop_name="B")
    return net


def connector(net: Any, rng: Any, **options: Any) -> UnidirectionConnector:
    """Return a connector from A to B that takes its time."""
    made = UnidirectionConnector(half, slow, rng=rng, **{**QUIET, **options})
    made.setup_nodes(net.nodes(pop_name="A"), net.nodes(pop_name="B"))
    return made


def dense(made: Any) -> list[list[int]]:
    """Return the edges of a connector, drawn if they have not been."""
    found: list[list[int]] = made.use.drawn().forward.to_dense().tolist()
    return found


def test_a_lock_of_its_own() -> None:
    lock = Lock()
    for other in (copy.copy(lock), copy.deepcopy(lock), pickle.loads(pickle.dumps(lock))):
        with lock, lock, other, ThreadPoolExecutor(1) as pool:
            assert not pool.submit(lock.acquire, blocking=False).result()
        with lock, ThreadPoolExecutor(1) as pool:
            assert pool.submit(other.acquire, blocking=False).result()


# ---------------------------------------------------------------------- connectors
@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState, int])
def test_one_draw_of_a_use(make: Callable[[int], Any], tmp_path: Path) -> None:
    """All threads that ask get the edges of one draw, which is reported once."""
    wanted = dense(connector(network(), make(3)))
    for k in range(5):
        file = tmp_path / f"{k}.csv"
        made = connector(network(), make(3), save_report=True, report_name=file)
        found = at_once(*[lambda made=made: dense(made)] * 4)
        assert found == [wanted] * 4
        assert len(file.read_text().splitlines()) == 2


@pytest.mark.parametrize("make", [UnidirectionConnector, FixedInDegreeConnector])
def test_looking_at_a_private_stream_waits_for_nobody(make: Callable[..., Any]) -> None:
    """Only shared generators have turns."""
    net = network()
    made = make(1, rng=3, **QUIET)
    made.setup_nodes(net.nodes(pop_name="A"), net.nodes(pop_name="B"))
    with ThreadPoolExecutor(1) as pool, restored_on_error(np.random.default_rng(3)):
        found = pool.submit(made.expected)
        assert found.result(20).edges > 0


class TwoHalves(BaseConnector):
    """Connects as two draws say between which others have time for theirs."""

    def __init__(self, fails: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.fails = fails

    def draw(self, source: Any, target: Any, rng: Any) -> EdgeList:
        shape = len(source), len(target)
        drawn = rng.random(shape) < 0.5
        time.sleep(0.01)
        drawn &= rng.random(shape) < 0.5
        if self.fails:
            raise RuntimeError("after both draws")
        return EdgeList.from_arrays(*drawn.nonzero(), shape)


def two_halves(net: Any, rng: Any, fails: bool = False) -> TwoHalves:
    """Return a connector from A to B that draws twice."""
    made = TwoHalves(fails, rng=rng, **QUIET)
    made.setup_nodes(net.nodes(pop_name="A"), net.nodes(pop_name="B"))
    return made


def test_draws_from_one_generator_are_whole() -> None:
    """Two connectors in two threads: as one after the other, in one of the two orders."""
    net, rng = network(), np.random.default_rng(3)
    first, second = (dense(two_halves(net, rng)) for _ in range(2))
    for _ in range(3):
        rng = np.random.default_rng(3)
        made = [two_halves(net, rng) for _ in range(2)]
        found = at_once(*[lambda each=each: dense(each) for each in made])
        assert found in ([first, second], [second, first])


def test_a_failed_draw_puts_back_its_own_numbers_only() -> None:
    """What another thread drew from the generator meanwhile is not drawn again."""
    net, rng = network(), np.random.default_rng(3)
    wanted, after = dense(two_halves(net, rng)), rng.bit_generator.state

    def failing(made: Any) -> None:
        with pytest.raises(RuntimeError, match="after both"):
            dense(made)

    for _ in range(3):
        rng = np.random.default_rng(3)
        good, bad = (two_halves(net, rng, fails) for fails in (False, True))
        assert at_once(lambda good=good: dense(good), lambda bad=bad: failing(bad))[0] == wanted
        assert rng.bit_generator.state == after


def test_threads_ask_what_depends_on_each_other() -> None:
    """A reference and what depends on it, of two generators: nobody waits for ever."""

    def made() -> list[Any]:
        net = network()
        pool = net.nodes(pop_name="A")
        rngs = [np.random.default_rng(seed) for seed in (1, 2)]
        chemical = UnidirectionConnector(half, slow, rng=rngs[0], **QUIET)
        chemical.setup_nodes(pool, pool)
        gap = CorrelatedGapJunction(0.1, 0.5, 0.9, connector=chemical, rng=rngs[1], **QUIET)
        gap.setup_nodes(pool, pool)
        entries = {("A", "A"): UnidirectionConnector(half, slow, rng=rngs[1], **QUIET)}
        blocks = BlockConnector(entries, rng=rngs[0], **QUIET)
        blocks.setup_nodes(pool, pool)
        return [chemical, gap, blocks]

    for _ in range(5):
        found = made()
        chemical, gap, _ = at_once(*[lambda each=each: dense(each) for each in found])
        assert np.array_equal(chemical, found[0].connectivity.forward.to_dense())
        assert np.array_equal(gap, found[1].connectivity.forward.to_dense())


def test_uses_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a seed for the module, no two uses get one number, whichever thread begins them."""
    monkeypatch.setattr(bmtool_connectors, "rng", 7)
    seed = randomness.default.source

    class Slow(dict):  # type: ignore[type-arg]
        def get(self, *key: Any) -> Any:
            found = super().get(*key)
            time.sleep(1e-4)
            return found

    monkeypatch.setattr(seed, "_uses", Slow())
    numbers = at_once(*[lambda: [seed.count_use("key") for _ in range(20)]] * 4)
    assert sorted(number for each in numbers for number in each) == list(range(80))


# ---------------------------------------------------------------------- networks
def test_two_builds_at_once() -> None:
    """The network has the edges of its connectors, and each edge type once."""
    threads: dict[int, int] = {}

    class Numbered(TwoHalves):
        def draw(self, *args: Any) -> EdgeList:
            number = threads.setdefault(threading.get_ident(), len(threads))
            time.sleep(0.01 * number)
            return super().draw(*args)

    def delay(source: Any, target: Any) -> float:
        # Whoever drew first is the last to store.
        time.sleep(0 if threads.get(threading.get_ident()) else 1e-3)
        return 1.0

    net, rng = network(), np.random.default_rng(3)
    made = Numbered(rng=rng, **QUIET)
    made.setup_nodes(net.nodes(pop_name="A"), net.nodes(pop_name="B"))
    net.add_edges(**made.edge_params()).add_properties("delay", rule=delay, dtypes=float)
    net.add_edges(source={"pop_name": "B"}, connection_rule=lambda *ends: 2)
    at_once(*[net.build] * 3)
    edges = [(e.source_node_id, e.target_node_id) for e in net.edges()]
    drawn = made.connectivity.forward
    wanted = list(zip(drawn.source.tolist(), (drawn.target + N).tolist(), strict=True))
    assert edges[: len(wanted)] == wanted
    assert len(edges) == len(wanted) + 2 * N * N
    assert net.nnodes == 2 * N


def test_nodes_are_made_once() -> None:
    for _ in range(20):
        net = network()
        pools = at_once(*[net.nodes] * 4)
        assert [len(pool) for pool in pools] == [2 * N] * 4
        assert at_once(*[lambda pool=pools[0]: len(pool)] * 4) == [2 * N] * 4
        assert [node.node_id for node in pools[0]] == list(range(2 * N))


def test_properties_of_two_networks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each property rule draws from the private stream of its own edge type."""

    def build(name: str) -> list[float]:
        net = NetworkBuilder(name, verbose=False)
        net.add_nodes(N=N)
        edges = net.add_edges(connection_rule=1)
        for column in ("a", "b"):
            rule = lambda *ends: syn_const_delay(fluc_stdev=1.0) + decision(0.5)  # noqa: E731
            edges.add_properties(column, rule=rule, dtypes=float)
        net.build()
        return [edge[column] for edge in net.edges() for column in ("a", "b")]

    monkeypatch.setattr(bmtool_connectors, "rng", 7)
    wanted = [build("one"), build("two")]
    assert wanted[0] != wanted[1]
    for _ in range(3):
        assert at_once(lambda: build("one"), lambda: build("two")) == wanted
