"""Ctrl-C and other signals, at any moment of a build and a save."""

from __future__ import annotations

import contextlib
import contextvars
import inspect
import json
import os
import pkgutil
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import h5py
import numpy as np
import pytest
from conftest import QUIET, random_positions

from bmtool_connectors import (
    GapJunction,
    GaussianDropoff,
    NetworkBuilder,
    ReciprocalConnector,
    SparseNetwork,
    UnidirectionConnector,
    generators,
    spherical_dist,
    syn_const_delay,
)
from bmtool_connectors.builder.pools import IndexedPool
from bmtool_connectors.patterns import projection
from bmtool_connectors.sonata.h5_file import h5_file
from bmtool_connectors.sonata.interrupts import held_signals

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


# ---------------------------------------------------------------------- signals that wait
def test_a_signal_waits() -> None:
    """Until the end of the block, or until it is asked for; the handler is put back."""
    done = []

    def to_the_end() -> None:
        with held_signals(), held_signals():
            interrupt()
            interrupt()
            done.append("block")

    def until_asked() -> None:
        with held_signals() as deliver:
            deliver()
            done.append("nothing has come")
            interrupt()
            deliver()
            done.append("too late")

    def to_the_end_of_the_outer_block() -> None:
        with held_signals():
            with held_signals():
                interrupt()
            done.append("outer block")

    for block in (to_the_end, until_asked, to_the_end_of_the_outer_block):
        with pytest.raises(KeyboardInterrupt):
            block()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert done == ["block", "nothing has come", "outer block"]


def test_other_signals_wait_as_well() -> None:
    """Those with a handler in Python; the handler of one that was ignored is not touched."""
    came: list[int] = []
    kept = [
        signal.signal(signal.SIGUSR1, lambda number, frame: came.append(number)),
        signal.signal(signal.SIGUSR2, signal.SIG_IGN),
    ]
    try:
        with held_signals():
            assert signal.getsignal(signal.SIGUSR2) == signal.SIG_IGN
            os.kill(os.getpid(), signal.SIGUSR1)
            assert came == []
        assert came == [signal.SIGUSR1]
    finally:
        for number, handler in zip((signal.SIGUSR1, signal.SIGUSR2), kept, strict=True):
            signal.signal(number, handler)


def test_other_threads_hold_nothing() -> None:
    """Python lets them set no handlers, and calls none in them."""
    done = []

    def in_thread() -> None:
        with held_signals() as deliver:
            deliver()
            done.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()
    assert done == [signal.getsignal(signal.SIGINT)]


# ---------------------------------------------------------------------- within HDF5
class Unlucky:
    """A file, one of whose methods raises something from its fourth call on."""

    def __init__(self, file: Any, name: str, error: BaseException) -> None:
        self._file, self._name, self._error, self._n = file, name, error, 0

    def __getattr__(self, name: str) -> Any:
        return self._unlucky if name == self._name else getattr(self._file, name)

    def _unlucky(self, *args: Any) -> Any:
        self._n += 1
        if self._n > 3:
            raise self._error
        return getattr(self._file, self._name)(*args)


HDF5 = """
import sys; sys.path[:0] = {path!r}
from pathlib import Path
import numpy as np
from test_interrupts import Unlucky
from bmtool_connectors.sonata import h5_file
open_file = h5_file._Disk.__init__
for number, name in enumerate(("write", "seek", "truncate") * 3):
    error = (KeyboardInterrupt("stop"), MemoryError("full"), OSError(28, "full"))[number // 3]
    def unlucky(self, path):
        open_file(self, path)
        self._file = Unlucky(self._file, name, error)
    h5_file._Disk.__init__ = unlucky
    try:
        with h5_file.h5_file(Path({folder!r}, str(number))) as (h5, check):
            for k in range(50):
                h5.create_dataset(str(k), data=np.arange(10_000), chunks=(1000,))
                h5.flush()
    except BaseException as caught:
        assert caught is error
        print(number, end=" ")
"""


def test_no_exception_goes_through_hdf5(tmp_path: Path) -> None:
    """Whatever is raised while HDF5 calls is raised when it has returned, in a live process."""
    code = HDF5.format(path=[str(Path(__file__).parent)], folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "0 1 2 3 4 5 6 7 8 "), done.stderr


def test_long_work_stops_at_a_check(tmp_path: Path) -> None:
    done = []

    def work() -> None:
        with h5_file(tmp_path / "a.h5") as (h5, check):
            interrupt()
            h5["a"] = np.arange(10)
            done.append("within")
            check()
            done.append("too late")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["within"]
    with h5py.File(tmp_path / "a.h5") as h5:
        assert h5["a"][9] == 9


@pytest.mark.parametrize(
    "where",
    [
        "index_writer.IndexWriter._stored",
        "node_writer._write_column",
        "chunks.DatasetWriter.append",
        "edge_writer._EdgeWriter.append",
    ],
)
def test_saves_stop_at_a_check(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long before the file has been written: between parts of it, and columns of nodes."""
    net = declared(False)
    net.add_nodes(N=3, pop_name="C", a=[1, 2, 3], b=[4, 5, 6])
    name = f"bmtool_connectors.sonata.{where}"
    module, own = name.rsplit(".", 1)
    original, called = getattr(pkgutil.resolve_name(module), own), []

    def interrupted_call(*args: Any) -> Any:
        called.append(args)
        interrupt()
        return original(*args)

    monkeypatch.setattr(name, interrupted_call)
    with pytest.raises(KeyboardInterrupt):
        net.save(tmp_path / "files")
    assert len(called) == 1
    assert not (tmp_path / "files").exists()


# ---------------------------------------------------------------------- moves
def test_all_files_are_moved_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C between two moves comes after the last one."""
    declared(False).save(tmp_path / "wanted")
    move, moved = os.replace, []

    def interrupted_move(*paths: Any) -> None:
        move(*paths)
        moved.append(paths)
        interrupt()

    monkeypatch.setattr("bmtool_connectors.sonata.staging.os.replace", interrupted_move)
    with pytest.raises(KeyboardInterrupt):
        declared(False).save(tmp_path / "files")
    assert len(moved) == 6
    assert files_of(tmp_path / "files") == files_of(tmp_path / "wanted")


def test_nodes_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the ids of nodes are taken: the second try finds the nodes made."""
    net = NetworkBuilder("net")
    net.add_nodes(N=3)
    make = SparseNetwork.make

    def interrupted_make(self: Any, given: Any) -> Any:
        nodes = make(self, given)
        interrupt()
        return nodes

    with monkeypatch.context() as patched:
        patched.setattr(SparseNetwork, "make", interrupted_make)
        with pytest.raises(KeyboardInterrupt):
            net.nodes()
    assert [node.node_id for node in net.nodes()] == [0, 1, 2]


# ---------------------------------------------------------------------- draws
class Stop:
    """Raises KeyboardInterrupt before one of the lines of some functions."""

    def __init__(self, number: int, *functions: Any) -> None:
        self.left, self._codes = number, [inspect.unwrap(each).__code__ for each in functions]

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Any:
        caller = frame.f_back
        is_exit = frame.f_code.co_name == "__exit__" and caller is not None
        if frame.f_code not in self._codes and not (is_exit and caller.f_code in self._codes):
            return None
        if event == "line":
            self.left -= 1
            if not self.left:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self


def test_a_shared_generator_is_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted before any line of a draw, the second try gives the same edges."""
    # Other than a signal, a trace can raise between the end of a block and the release of a lock.
    monkeypatch.setattr(generators, "_turn", threading.RLock())

    def drawn(stop: Stop | None) -> list[Any]:
        rng = np.random.default_rng(1)
        net = NetworkBuilder("net")
        net.add_nodes(N=10)
        made = [UnidirectionConnector(p=0.5, rng=rng, **QUIET) for _ in range(2)]
        for each in made:
            each.connect(net, {}, {})
        before = sys.gettrace()
        sys.settrace(stop)  # type: ignore[arg-type]
        with contextlib.suppress(KeyboardInterrupt):
            net.build()
        sys.settrace(before)
        net.build()
        return [each.conn_mat.tolist() for each in made]

    wanted, number, left = drawn(None), 0, 0
    while left == 0:
        number += 1
        stop = Stop(number, projection.Projection.drawn, generators._saving)
        # In a context of its own: it may be interrupted before it has put that back.
        assert contextvars.copy_context().run(drawn, stop) == wanted
        left = max(stop.left, 0)
    assert number > 40


def test_a_pool_has_each_node_once() -> None:
    net = NetworkBuilder("net")
    net.add_nodes(N=3)
    net.add_nodes(N=3)
    before = sys.gettrace()
    for number in range(1, 9):
        pool = net.nodes()
        sys.settrace(Stop(number, IndexedPool._found))  # type: ignore[arg-type]
        with contextlib.suppress(KeyboardInterrupt):
            len(pool)
        sys.settrace(before)
        assert [node.node_id for node in pool] == [0, 1, 2, 3, 4, 5]


# ---------------------------------------------------------------------- random moments
def declared(shared: bool) -> Any:
    """Return a network whose nodes, edges and properties are not made yet."""
    rng: Any = np.random.default_rng(1) if shared else 1
    options = {**QUIET, "rng": rng}
    net = NetworkBuilder("net", verbose=False)
    for name in "AB":
        net.add_nodes(N=400, pop_name=name, positions=list(random_positions(400)))
    a, b = net.nodes(pop_name="A"), net.nodes(pop_name="B")
    law = GaussianDropoff(stdev=40.0, pmax=0.5)
    delay = {"rule": syn_const_delay, "rule_params": {"rng": 7}, "dtypes": float}
    both = ReciprocalConnector(p0=law, p1=0.3, p0_arg=spherical_dist, pr=None, **options)
    for direction in both.connect(net, a, b):
        direction.add_properties("delay", **delay)
    UnidirectionConnector(p=0.2, n_syn=1, **options).connect(net, b, b)
    GapJunction(p=0.1, **options).connect(net, a, a, forward={"is_gap_junction": True})
    return net


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def interrupted(folder: Path, shared: bool, delay: float, wanted: dict[str, bytes]) -> int:
    """Build and save, interrupted by Ctrl-C after some seconds; return 1 if it was, 0 if not."""
    net, was_interrupted = declared(shared), 0
    killer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
    try:
        try:
            killer.start()
            net.save(folder)
        finally:
            killer.cancel()
    except KeyboardInterrupt:
        was_interrupted = 1
    if was_interrupted:
        left = sorted(os.listdir(folder)) if folder.exists() else []
        assert left in ([], sorted(wanted)), left
        net.save(folder)
    assert files_of(folder) == wanted
    return was_interrupted


def rounds(folder: Path, n: int) -> None:
    """Interrupt builds and saves in processes of their own, and print what became of them."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    rng = random.Random(1)
    wanted, seconds = [], []
    for shared in (False, False, True):  # the first one imports what is needed
        net = declared(shared)
        start = time.perf_counter()
        net.save(folder / f"wanted {shared}")
        seconds.append(time.perf_counter() - start)
        wanted.append(files_of(folder / f"wanted {shared}"))
    del seconds[0], wanted[0]
    found = []
    for number in range(n):
        delay, shared = rng.uniform(0, seconds[number % 2]), bool(number % 2)
        child = os.fork()
        if not child:
            status = 2
            try:
                status = interrupted(folder / str(number), shared, delay, wanted[shared])
            finally:
                sys.stderr.flush() if status < 2 else traceback.print_exc()
                os._exit(status)
        found.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        # As long as the work takes, on a machine that may have other work meanwhile.
        seconds[number % 2] *= 1.05 if found[-1] == 1 else 0.8
        shutil.rmtree(folder / str(number), ignore_errors=True)
    sys.stdout.write(json.dumps(found))


@pytest.mark.parametrize("n", [10, pytest.param(300, marks=pytest.mark.slow)])
def test_ctrl_c_at_random_moments(n: int, tmp_path: Path) -> None:
    """No crash, no file of an interrupted save, and the same files from a second try."""
    code = (
        f"import sys; sys.path[:0] = {[str(Path(__file__).parent)]!r}\n"
        "from pathlib import Path\nfrom test_interrupts import rounds\n"
        f"rounds(Path({str(tmp_path)!r}), {n})"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found) <= {0, 1}, done.stderr
    assert sum(found) > n / 2
