"""Warnings: which connector and pools, which line of the script, one for each cause."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import bmtool_connectors
from bmtool_connectors import ConnectivityWarning, errors

#: What each script begins with: a network of three populations.
START = """
import numpy as np
from bmtool_connectors import *
{builder}
quiet = dict(verbose=False, save_report=False)
positions = np.random.default_rng(1).random((30, 3)) * 300
net = NetworkBuilder("net")
for name in "ABC":
    net.add_nodes(N=30, pop_name=name, positions=positions)
profile = GaussianDropoff(stdev=60.0, pmax=0.5)
pool = lambda name: net.nodes(pop_name=name)
"""
BUILDERS = {"BMTK": "from bmtk.builder import NetworkBuilder", "sparse": ""}

#: Loops in which each connector has a reason to warn, all on one line; and the line's start.
LOOPS = {
    "not passed": (
        """
for p in (0.1, 0.2, 0.3):
    c = ReciprocalConnector(p0=p, rng=1, **quiet)
    c.setup_nodes(pool("A"), pool("A"))
    net.add_edges(**c.edge_params())
net.build()
""",
        "c = Reciprocal",
        ["was not passed.*p0=0.1", "was not passed.*p0=0.2", "was not passed.*p0=0.3"],
    ),
    "overwritten": (
        """
for name in "ABC":
    c = ReciprocalConnector(p0=0.1, p1=0.2, pr=None, rng=1, **quiet)
    c.setup_nodes(pool(name), pool(name))
net.build()
""",
        "c.setup_nodes",
        [f"p1 of Rec.* is 0.2.*, within net: pop_name=='{name}'" for name in "ABC"],
    ),
    "unreachable": (
        """
for name in "ABC":
    c = ReciprocalConnector(profile, p0_arg=spherical_dist, pr=0.4, rng=1, **quiet)
    c.setup_nodes(pool(name), pool(name))
    net.add_edges(**c.edge_params())
net.build()
""",
        "net.build",
        [f"no correlation reaches.*dist_range_forward.*, within .*'{name}'" for name in "ABC"],
    ),
    "one connector": (
        """
c = ReciprocalConnector(profile, p0_arg=spherical_dist, pr=0.4, rng=1, **quiet)
for name in "ABC":
    c.setup_nodes(pool(name), pool(name))
    net.add_edges(**c.edge_params())
net.build()
""",
        "net.build",
        [f"no correlation reaches.*, within .*'{name}'" for name in "ABC"],
    ),
    "clipped": (
        """
for name, p in zip("BC", (0.3, 0.4)):
    c = ReciprocalConnector(
        profile, p, p0_arg=spherical_dist, pr=0.3, estimate_rho=False, rng=1, **quiet
    )
    c.setup_nodes(pool("A"), pool(name))
    for _ in range(2):
        net.add_edges(**c.edge_params())
net.build()
""",
        "net.build",
        [f"was not feasible.*, from net: pop_name=='A' to net: .*'{name}'" for name in "BC"],
    ),
    "overlap": (
        """
for name in "BC":
    c = ReciprocalConnector(p0=0.1, p1=0.1, pr=None, rng=1, **quiet)
    c.setup_nodes(pool(["A", name]), pool("A"))
    for _ in range(2):
        net.add_edges(**c.edge_params())
net.build()
""",
        "net.build",
        [rf"share nodes.*, from net: pop_name=='\['A', '{name}'\]' to net: " for name in "BC"],
    ),
    "forward only": (
        """
for name in "BC":
    c = ReciprocalConnector(p0=0.1, p1=0.1, pr=None, rng=1, **quiet)
    c.setup_nodes(pool("A"), pool(name))
    net.add_edges(**c.edge_params())
net.build()
""",
        "net.build",
        [f"never handed to add_edges.*, from .*'A' to .*'{name}'" for name in "BC"],
    ),
    "looked at early": (
        """
for name in "BC":
    c = UnidirectionConnector(p=0.1, name=f"to {name}", rng=np.random.default_rng(1), **quiet)
    c.setup_nodes(pool("A"), pool(name))
    edges = c.connectivity
net.build()
""",
        "edges = c.conn",
        [
            f"looked at.*UnidirectionConnector.*'to {name}', from .*'A' to .*'{name}'"
            for name in "BC"
        ],
    ),
    "other pools": (
        """
for name in "BC":
    c = UnidirectionConnector(p=0.1, rng=1, **quiet)
    c.setup_nodes(pool("A"), pool(name))
    net.add_edges(**{**c.edge_params(), "source": pool(name)})
net.build()
""",
        "net.build",
        [f"from .*'{name}' to .*none of its.*, from .*'A' to .*'{name}'" for name in "BC"],
    ),
    "profiles": (
        """
for pmax in (2.0, 3.0):
    g = GaussianDropoff(stdev=50.0, pmax=pmax)
""",
        "g = Gauss",
        ["pmax of GaussianDropoff is 2", "pmax of GaussianDropoff is 3"],
    ),
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[Any]]:
    """Return a function that runs a script, and returns what Python shows of its warnings."""
    monkeypatch.chdir(tmp_path)

    def shown(text: str) -> list[Any]:
        file = tmp_path / "script.py"
        file.write_text(text)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            exec(compile(text, str(file), "exec"), {"__name__": "__main__"})
        return [each for each in caught if each.category is ConnectivityWarning]

    return shown


@pytest.mark.parametrize("builder", BUILDERS)
@pytest.mark.parametrize("name", LOOPS)
def test_warnings_in_a_loop(
    name: str, builder: str, run: Callable[[str], list[Any]], tmp_path: Path
) -> None:
    """With the filter that Python has by default, for each connector and its pools one."""
    text, line, words = LOOPS[name]
    text = START.format(builder=BUILDERS[builder]) + text
    found = run(text)
    assert len(found) == len(words), [str(each.message) for each in found]
    for each, pattern in zip(found, words, strict=True):
        with pytest.raises(ConnectivityWarning, match=pattern):
            raise each.message
        assert each.filename == str(tmp_path / "script.py")
        assert text.splitlines()[each.lineno - 1].strip().startswith(line)


def test_advice_for_numbers(run: Callable[[str], list[Any]]) -> None:
    """Ranges of distance help only where there are distances."""
    text = START.format(builder="") + LOOPS["unreachable"][0]
    text = text.replace("profile, p0_arg=spherical_dist, pr=0.4", "0.2, 0.5, pr=0.4")
    text = text.replace("c.setup_nodes(pool(name)", "c.setup_nodes(net.nodes(pop_name=[name])")
    found = [str(each.message) for each in run(text) if "no correlation" in str(each.message)]
    assert len(found) == 3
    assert all("dist_range" not in each and "min(p0, p1)" in each for each in found)


def test_a_p1_that_was_not_passed(run: Callable[[str], list[Any]]) -> None:
    """It is 1, which is why no pr but p0 is reached: the warning has the numbers."""
    text = """
c = ReciprocalConnector(p0=0.1, pr=0.02, rng=1, **quiet)
c.setup_nodes(pool("A"), pool("B"))
c.connectivity
"""
    (found,) = run(START.format(builder="") + text)
    assert "pr of ReciprocalConnector is 0.02" in str(found.message)
    assert "no correlation reaches with p0=0.1 and p1=1; rho = 0 gives 0.1" in str(found.message)


def test_a_long_parameter_is_shortened() -> None:
    net = bmtool_connectors.NetworkBuilder("net")
    net.add_nodes(N=40)
    rng = np.random.default_rng(1)
    p = {(i, j): 0.1 for i in range(40) for j in range(40)}
    made = bmtool_connectors.BlockConnector(p, "node_id", rng=rng, verbose=False, save_report=False)
    made.setup_nodes(net.nodes(), net.nodes())
    with pytest.warns(ConnectivityWarning, match="before the network is built") as caught:
        _ = made.connectivity
    text = str(caught[0].message)
    assert len(text) < 600
    assert text.endswith(", within net: *.")


def frames(*names: str) -> Iterator[Any]:
    """Yield functions, each of which is a frame in a module of that name, and calls one."""
    for name in names:
        namespace = {"__name__": name}
        code = compile("def call(*rest):\n    return rest[0](*rest[1:])\n", f"{name}.py", "exec")
        exec(code, namespace)
        yield namespace["call"]


@pytest.mark.parametrize(
    ("modules", "file"),
    [
        (["script", "bmtk.builder.network"], "script.py"),
        (
            ["script", "bmtk", "bmtool_connectors.connection_rule", "importlib._bootstrap"],
            "script.py",
        ),
        (["script", "bmtool_connectors_tests", "bmtk.builder"], "bmtool_connectors_tests.py"),
        (["script", "bmtkx"], "bmtkx.py"),
    ],
)
def test_frames_that_are_skipped(modules: list[str], file: str) -> None:
    first, *rest = frames(*modules)
    with pytest.warns(ConnectivityWarning) as caught:
        first(*rest, errors.warn, "text")
    assert caught[0].filename == file
    assert caught[0].lineno == 2


def test_no_script(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no frame but ours, the outermost one is named."""
    code = SimpleNamespace(co_filename="ours.py")
    frame = SimpleNamespace(
        f_back=None, f_code=code, f_lineno=7, f_globals={"__name__": "bmtool_connectors.cli"}
    )
    monkeypatch.setattr(sys, "_getframe", lambda: frame)
    with pytest.warns(ConnectivityWarning) as caught:
        errors.warn("text")
    assert (caught[0].filename, caught[0].lineno) == ("ours.py", 7)
