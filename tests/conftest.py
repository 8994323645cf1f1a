"""Networks, pools and checks that several test modules use: ``from conftest import ...``."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from bmtk.builder import NetworkBuilder
from pairwise import pairwise

import bmtool_connectors
from bmtool_connectors import ConnectivityWarning, EdgeList, SparseNetwork

#: For connectors in tests that are not about output.
QUIET = {"verbose": False, "save_report": False}


@pytest.fixture(autouse=True)
def module_defaults() -> Iterator[None]:
    """Undo what a test assigns to the defaults of the package."""
    names = ("rng", "report_name", "infeasible")
    before = {name: getattr(bmtool_connectors, name) for name in names}
    yield
    for name, value in before.items():
        setattr(bmtool_connectors, name, value)


@contextmanager
def without_warnings() -> Iterator[None]:
    """Do not warn of what was repaired, where that is not what a test is about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConnectivityWarning)
        yield


#: Mark of modules, or tests, whose networks are made with BMTK's adaptor, and with ours. A test
#: marked ``traps`` is about what BMTK's does wrong, and runs with that one only.
BOTH_BUILDERS = pytest.mark.usefixtures("adaptor")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "adaptor" in metafunc.fixturenames:
        only_bmtk = metafunc.definition.get_closest_marker("traps")
        adaptors = ["BMTK"] if only_bmtk else ["BMTK", "sparse"]
        metafunc.parametrize("adaptor", adaptors, indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of a test marked ``pairwise`` keep so many cases that any two values of parameters meet."""
    cases: dict[tuple[Any, str], list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("pairwise") and hasattr(item, "callspec"):
            cases.setdefault((item.parent, item.originalname), []).append(item)  # type: ignore[attr-defined]
    left_out = set()
    for each in cases.values():
        # Values need not be hashable, and are the same objects in all items.
        parameters = [item.callspec.params for item in each]  # type: ignore[attr-defined]
        chosen = pairwise([{name: id(v) for name, v in case.items()} for case in parameters])
        left_out |= set(each) - {each[k] for k in chosen}
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def adaptor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Choose the adaptor of all networks that a test makes."""
    if request.param == "sparse":
        monkeypatch.setattr(NetworkBuilder.__init__, "__defaults__", (SparseNetwork,))
    return str(request.param)


def stored(n_builds: int) -> int:
    """Return how often edges are stored after some builds: BMTK's adaptor appends them again."""
    return n_builds if type(NetworkBuilder("probe").adaptor) is not SparseNetwork else 1


def random_positions(n: int, seed: int = 0, size: float = 100.0) -> npt.NDArray[np.float64]:
    """Return n points in a cube, um; shape (n, 3)."""
    return np.random.default_rng(seed).uniform(0.0, size, (n, 3))


def make_network(
    n_a: int,
    n_b: int = 0,
    positions: str | None = "positions",
    name: str = "net",
    seed: int = 0,
    size: float = 100.0,
) -> NetworkBuilder:
    """Return a network of populations A and (with `n_b`) B.

    Parameters
    ----------
    n_a, n_b : int
        Numbers of nodes; each with a number ``weight`` between 0 and 1.
    positions : {'positions', 'xyz', None}
        How nodes carry their coordinates, random in a cube.
    name : str
    seed : int
        Of the positions: the same ones in either form.
    size : float, um
        Edge of the cube.
    """
    net = NetworkBuilder(name)
    points = random_positions(n_a + n_b, seed, size)
    weights = np.random.default_rng((seed, 1)).random(n_a + n_b)
    start = 0
    for n, pop_name in ((n_a, "A"), (n_b, "B")):
        if not n:
            continue
        own = points[start : start + n]
        where: dict[str, Any] = {}
        if positions == "positions":
            where = {"positions": list(own)}
        elif positions == "xyz":
            where = {axis: own[:, k].tolist() for k, axis in enumerate("xyz")}
        weight = weights[start : start + n].tolist()
        net.add_nodes(N=n, pop_name=pop_name, weight=weight, **where)
        start += n
    return net


def pools(net: NetworkBuilder) -> tuple[Any, Any]:
    """Return pool A, and B where there is one, else A once more."""
    a, b = net.nodes(pop_name="A"), net.nodes(pop_name="B")
    return (a, b) if len(b) else (a, net.nodes(pop_name="A"))


def node_lists(source: Any, target: Any) -> tuple[list[Any], list[Any]]:
    """Return the nodes of two pools; one list twice if they are the same nodes."""
    first, second = list(source), list(target)
    same = len(first) == len(second) and all(a is b for a, b in zip(first, second, strict=True))
    return first, (first if same else second)


def built_edges(net: NetworkBuilder) -> list[tuple[int, int, int, int]]:
    """Return (edge type id, source id, target id, synapses) of a built network, sorted.

    BMTK stores a row per synapse where edges have properties; rows are added up.
    """
    found: Counter[tuple[int, int, int]] = Counter()
    for edge in net.edges():
        key = (int(edge.edge_type_id), int(edge.source_node_id), int(edge.target_node_id))
        found[key] += int(edge.synaptic_properties.get("nsyns", 1))
    return sorted((*key, n) for key, n in found.items())


def assert_canonical(edges: EdgeList) -> None:
    """Assert what holds for every edge list: sorted, unique, in range, read-only, compact."""
    assert isinstance(edges, EdgeList)
    m = len(edges)
    columns = {"source": edges.source, "target": edges.target, "n_syn": edges.n_syn}
    greatest = {
        "source": edges.shape[0] - 1,
        "target": edges.shape[1] - 1,
        "n_syn": int(edges.n_syn.max()) if m else 1,
    }
    for name, column in columns.items():
        assert column.shape == (m,), name
        assert column.dtype.kind == "i", f"{name} is {column.dtype}"
        fitting = [t for t in (np.int16, np.int32, np.int64) if greatest[name] <= np.iinfo(t).max]
        assert np.iinfo(column.dtype).max >= greatest[name], name
        assert column.dtype.itemsize <= np.dtype(fitting[0]).itemsize, f"{name} is {column.dtype}"
    if edges.pair_arg is not None:
        assert edges.pair_arg.shape == (m,)
        columns["pair_arg"] = edges.pair_arg
    for name, column in columns.items():
        assert not column.flags.writeable, name
        if m:
            with pytest.raises(ValueError, match="read-only"):
                column[0] = column[0]
    if m:
        for name, n in zip(("source", "target"), edges.shape, strict=True):
            assert columns[name].min() >= 0, name
            assert columns[name].max() < n, name
        assert edges.n_syn.min() >= 1
        key = edges.source.astype(np.int64) * edges.shape[1] + edges.target
        assert (np.diff(key) > 0).all(), "not sorted by source and target, or a pair twice"
