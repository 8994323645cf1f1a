"""The command line: what it prints, and the exit codes that scripts rely on."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from bmtk.builder.network_adaptors import DenseNetwork

import bmtool_connectors
import bmtool_connectors.cli as cli
from bmtool_connectors import NetworkBuilder


def write(folder, targets, delays=None):
    folder.mkdir()
    with h5py.File(folder / "net_net_edges.h5", "w") as h5:
        group = h5.create_group("edges/net_to_net")
        group["source_node_id"] = np.arange(len(targets))
        group["target_node_id"] = targets
        group["edge_type_id"] = np.full(len(targets), 100)
        group["0/delay"] = np.ones(len(targets)) if delays is None else delays
    return str(folder)


@pytest.fixture
def a(tmp_path):
    return write(tmp_path / "a", [5, 6, 7])


def test_equal_is_0(a, capsys):
    assert cli.main(["diff", a, a]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("equal (rtol 1e-12, atol 0)\n")
    assert err == ""


def test_different_is_1(a, tmp_path, capsys):
    assert cli.main(["diff", a, write(tmp_path / "b", [5, 6, 8])]) == 1
    out, err = capsys.readouterr()
    assert "type 100: 1 pair (1 synapse) only in A\n      2 -> 7\n" in out
    assert err == ""


def test_tolerances(a, tmp_path, capsys):
    b = write(tmp_path / "b", [5, 6, 7], [1.0, 1.0, 1.01])
    assert cli.main(["diff", a, b]) == 1
    assert cli.main(["diff", a, b, "--rtol", "0.02"]) == 0
    assert cli.main(["diff", a, b, "--atol", "0.02"]) == 0
    assert cli.main(["diff", a, b, "--rtol", "0.001", "--atol", "0.001"]) == 1
    assert "(rtol 0.001, atol 0.001)" in capsys.readouterr().out


def test_rounding_is_no_difference_but_by_wish(a, tmp_path, capsys):
    b = write(tmp_path / "b", [5, 6, 7], [1.0, 1.0, 1.0 + 4e-16])
    assert cli.main(["diff", a, b]) == 0
    assert cli.main(["diff", a, b, "--rtol", "0"]) == 1
    assert capsys.readouterr().out.count("rtol") == 1


def test_text_that_the_terminal_does_not_know(a, tmp_path, monkeypatch):
    b = tmp_path / "\u00fc\udcff"  # a name of bytes that are no UTF-8
    write(b, [5, 6, 8])
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, encoding="ascii"))
    assert cli.main(["diff", a, str(b)]) == 1
    assert rb"\xfc\udcff" in buffer.getvalue()


@pytest.mark.parametrize("broken", ["nowhere", "empty", "damaged"])
def test_an_error_is_2_and_one_sentence(a, tmp_path, capsys, broken):
    folder = tmp_path / broken
    if broken != "nowhere":
        folder.mkdir()
    if broken == "damaged":
        (folder / "net_nodes.h5").write_text("no HDF5")
    assert cli.main(["diff", a, str(folder)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert ("net_nodes.h5" if broken == "damaged" else broken) in err


def test_a_bad_tolerance_is_2(a, capsys):
    assert cli.main(["diff", a, a, "--rtol", "-1"]) == 2
    assert "rtol" in capsys.readouterr().err


def test_an_unforeseen_error_is_not_taken_for_a_difference(a, monkeypatch, capsys):
    def fail(*args, **kwargs):
        raise TypeError("unforeseen")

    monkeypatch.setattr(cli, "compare", fail)
    assert cli.main(["diff", a, a]) == 2
    assert "unforeseen" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["diff"], ["diff", "a"], ["unknown", "a", "b"]])
def test_wrong_usage_is_2(arguments, capsys):
    with pytest.raises(SystemExit) as raised:
        cli.main(arguments)
    assert raised.value.code == 2
    assert "usage: python -m bmtool_connectors" in capsys.readouterr().err


def test_help_names_the_commands(capsys):
    with pytest.raises(SystemExit) as raised:
        cli.main(["--help"])
    assert raised.value.code == 0
    out = capsys.readouterr().out
    assert "diff" in out
    assert "preview" in out
    assert "verify" in out


class TestPreview:
    """A build script run for what it would build."""

    NETWORK = """
import sys
import numpy as np
import bmtool_connectors
from bmtool_connectors import NetworkBuilder, UnidirectionConnector

rng = bmtool_connectors.rng = np.random.default_rng(1)
bmtool_connectors.report_name = "conn.csv"
net = NetworkBuilder("net")
net.add_nodes(N=10, pop_name="a")
connector = UnidirectionConnector(p=0.5)
connector.connect(net, {"pop_name": "a"}, {"pop_name": "a"})
"""

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path, monkeypatch):
        """Whatever a script assigns to the package, and the folder it runs in."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(bmtool_connectors, "rng", bmtool_connectors.rng)
        monkeypatch.setattr(bmtool_connectors, "report_name", bmtool_connectors.report_name)
        return tmp_path

    def run(self, code, *arguments, network=True):
        """Return the exit code of the preview of a script."""
        folder = Path("of_script")
        folder.mkdir(exist_ok=True)
        script = folder / "build.py"
        script.write_text(self.NETWORK * network + code)
        return cli.main(["preview", str(script), *arguments])

    def test_nothing_is_built_drawn_or_written(self, tmp_path, capsys):
        code = """
state = rng.bit_generator.state
net.build()
net.save("out")
assert connector.use.connectivity is None and not net.edges_built
assert rng.bit_generator.state == state
print("the end")
"""
        assert self.run(code) == 0
        out, err = capsys.readouterr()
        assert out.startswith("Network 'net', 10 nodes:\nnet: pop_name=='a' to net: pop_name=='a'")
        assert re.search(r"\n  edges +50 +5\n", out)
        assert out.count("Network") == 1
        assert out.endswith("\nthe end\n")
        assert err == ""
        assert [path.name for path in tmp_path.rglob("*")] == ["of_script", "build.py"]

    def test_as_python_runs_it(self, tmp_path, capsys):
        (tmp_path / "of_script").mkdir()
        (tmp_path / "of_script" / "beside.py").write_text("value = 5")
        code = """
import beside
if __name__ == "__main__":
    assert sys.modules["__main__"].net is net
    print(sys.argv, beside.value)
    net.save_nodes(output_dir="out")
"""
        before = sys.argv, sys.path, [*sys.argv], [*sys.path]
        script = str(Path("of_script", "build.py"))
        assert self.run(code, "--size", "3", "--help") == 0
        assert capsys.readouterr().out.startswith(f"{[script, '--size', '3', '--help']} 5\n")
        assert (sys.argv, sys.path, [*sys.argv], [*sys.path]) == before
        sys.modules.pop("beside")

    def test_each_network_and_edge_type_once(self, capsys):
        code = """
other = NetworkBuilder("other")
other.add_nodes(N=3)
other.save_nodes(output_dir="out")
other.add_edges(net.nodes(), other.nodes(), connection_rule=lambda a, b: 1)
net.build()
other.build()
other.build(force=True)
connector.connect(net, {"pop_name": "a"}, {})
net.save_edges(output_dir="out")
NetworkBuilder("no_edges").build()
"""
        assert self.run(code) == 0
        lines = capsys.readouterr().out.splitlines()
        shown = [lines[i : i + 2] for i, line in enumerate(lines) if line.startswith("Network")]
        assert shown == [
            ["Network 'net', 10 nodes:", self._of_net("pop_name=='a'")],
            [
                "Network 'other', 3 nodes:",
                "net: * to other: *: connection_rule <lambda>, 10 x 3 nodes",
            ],
            ["Network 'net', 10 nodes:", self._of_net("*")],
            ["Network 'no_edges', 0 nodes:", "no connections"],
        ]

    @staticmethod
    def _of_net(target):
        return f"net: pop_name=='a' to net: {target}: UnidirectionConnector, 10 x 10 nodes"

    def test_functions_that_look_at_edges(self, capsys):
        """What depends on edges is not known, and the rest of the network is."""
        code = """
def as_before(a, b):
    return float(b.node_id in connector.conn_prop.get(a.node_id, {}))
other = UnidirectionConnector(p_arg=as_before, p=lambda found: found)
other.connect(net, {"pop_name": "a"}, {})
net.build()
print("the end")
"""
        assert self.run(code) == 0
        out = capsys.readouterr().out
        said = "a function of UnidirectionConnector looks at edges of UnidirectionConnector, which"
        assert f"nodes\n  hint: {said} are not drawn.\ntogether: 50 edges" in out
        assert out.endswith("; 1 of 2 not known; hints above: 1\n\nthe end\n")

    def test_a_look_before_the_build_draws_without_report(self, tmp_path, capsys):
        code = self.NETWORK.replace("p=0.5", "p=0.5, rng=1, verbose=False")
        code += "print(len(connector.conn_prop) > 0)\nnet.save('out')"
        assert self.run(code, network=False) == 0
        assert capsys.readouterr().out.startswith("True\nNetwork 'net'")
        assert not (tmp_path / "conn.csv").exists()

    @pytest.mark.parametrize(
        ("look", "what"),
        [
            ("net.edges()", "edges() of network 'net'"),
            ("print(net.nedges)", "nedges of network 'net'"),
            ("net.summary()", "the connections of network 'net'"),
            ("connector.conn_mat", "edges of UnidirectionConnector"),
            ("connector.summary()", "edges of UnidirectionConnector"),
            ("open('out/net_nodes.h5')", "'out/net_nodes.h5'"),
            ("import h5py; h5py.File('out/net_nodes.h5')", "'out/net_nodes.h5'"),
            ("from pathlib import Path; list(Path('out').iterdir())", "'out'"),
        ],
    )
    def test_ends_where_something_is_missing(self, look, what, capsys):
        code = f"""
net.build()
net.save("out")
def check():
    try:
        {look}
    except KeyError:
        raise
check()
print("after")
"""
        assert self.run(code) == 0
        out, err = capsys.readouterr()
        assert "Network 'net'" in out
        assert "after" not in out
        line = (self.NETWORK + code).splitlines().index(f"        {look}") + 1
        assert err.startswith(f"The preview ends at build.py:{line}, where the script ")
        assert what in err
        assert err.count("\n") == 1

    def test_edges_are_missing_without_a_build(self, capsys):
        """BMTK's ``edges()`` builds; a script must not go on as if there were none."""
        assert self.run("print(len(net.edges()))") == 0
        out, err = capsys.readouterr()
        assert out.startswith("Network 'net', 10 nodes:\n")
        assert "\n0\n" not in out
        assert "edges() of network 'net'" in err

    @pytest.mark.parametrize("save", ["net.save()", "net.save('out')", "net.build()"])
    def test_another_missing_file_is_an_error(self, save, capsys):
        assert self.run(f"{save}\nopen('positions.csv')") == 1
        assert "FileNotFoundError" in capsys.readouterr().err
        assert self.run("open('out/net_nodes.h5')") == 1  # nothing was to be saved yet

    @pytest.mark.parametrize("method", ["build()", "save('out')", "save_nodes(output_dir='out')"])
    def test_other_networks_are_refused(self, method, tmp_path, capsys):
        code = f"""
from bmtk.builder import NetworkBuilder
net = NetworkBuilder("theirs")
net.add_nodes(N=3)
net.add_edges(net.nodes(), net.nodes(), connection_rule=lambda a, b: 1 / 0)
try:
    net.{method}
except Exception:
    print("goes on")
"""
        before = dict(vars(DenseNetwork))
        assert self.run(code, network=False) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("error: network 'theirs' is one of BMTK's own NetworkBuilder")
        assert "build.py:7; only networks of bmtool_connectors.NetworkBuilder are" in err
        assert err.count("\n") == 1
        assert not (tmp_path / "out").exists()
        assert dict(vars(DenseNetwork)) == before

    def test_no_network_is_2(self, capsys):
        assert self.run("print('nothing')") == 2
        assert "ends without build() or save()" in capsys.readouterr().err

    @pytest.mark.parametrize("code", ["def f():\n    1 / 0\n\nf()\n", "x = = 1\n"])
    def test_an_error_is_told_as_python_tells_it(self, code, capsys):
        assert self.run(code, network=False) == 1
        command = [sys.executable, str(Path("of_script", "build.py"))]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        assert self._without_folders(capsys.readouterr().err) == self._without_folders(run.stderr)

    @staticmethod
    def _without_folders(text):
        return re.sub(r'File ".*build.py"', "File build.py", text)

    def test_an_error_in_the_package_is_the_script_s(self, capsys):
        assert self.run("UnidirectionConnector(p=2)") == 1
        err = capsys.readouterr().err
        assert err.startswith("Traceback")
        assert "runpy" not in err
        assert "ParameterError" in err

    def test_options_are_checked(self, capsys):
        assert self.run("net.save('out', compression='zip')") == 1
        assert "compression" in capsys.readouterr().err

    def test_exit_of_the_script(self):
        with pytest.raises(SystemExit) as raised:
            self.run("net.save('out')\nsys.exit(3)")
        assert raised.value.code == 3

    @pytest.mark.parametrize("script", ["nowhere.py", "."])
    def test_no_script_is_2(self, script, capsys):
        assert cli.main(["preview", script]) == 2
        err = capsys.readouterr().err
        assert err.startswith(f"error: SCRIPT is '{script}'")
        assert err.count("\n") == 1

    def test_nothing_is_left_behind(self, tmp_path):
        """After a preview networks are built and saved again."""
        assert self.run("net.save('out')") == 0
        net = NetworkBuilder("net", verbose=False)
        net.add_nodes(N=3)
        net.add_edges(connection_rule=1)
        net.save(tmp_path / "out")
        assert net.nedges == 9
        assert (tmp_path / "out" / "net_net_edges.h5").exists()


@pytest.mark.parametrize(
    ("command", "code", "closed"),
    [
        ("diff A A", 0, "stdout"),
        ("diff A B", 1, "stdout"),
        ("diff A nowhere", 2, "stdout"),
        ("diff A nowhere", 2, "stderr"),
        ("summary A", 0, "stdout"),
        ("verify A", 1, "stdout"),
        ("--help", 0, "stdout"),
    ],
)
def test_a_closed_pipe_changes_nothing(command, code, closed, a, tmp_path):
    """``python -m bmtool_connectors diff A B | head -1`` is as silent as other programs."""
    folders = {"A": a, "B": write(tmp_path / "b", [5, 6, 8]), "nowhere": str(tmp_path / "nowhere")}
    arguments = [folders.get(each, each) for each in command.split()]
    read, pipe = os.pipe()
    os.close(read)
    other = "stderr" if closed == "stdout" else "stdout"
    run = subprocess.run(
        [sys.executable, "-m", "bmtool_connectors", *arguments],
        **{closed: pipe, other: subprocess.PIPE},
        text=True,
        check=False,
        cwd=Path(cli.__file__).parents[1],
    )
    os.close(pipe)
    assert run.returncode == code
    said = getattr(run, other)
    assert said.startswith("error: ") if code == 2 and closed == "stdout" else said == ""


def test_as_a_process(a, tmp_path):
    b = write(tmp_path / "b", [5, 6, 8])
    root = Path(cli.__file__).parents[1]
    codes = {}
    for other in (a, b, str(tmp_path / "nowhere")):
        command = [sys.executable, "-m", "bmtool_connectors", "diff", a, other]
        run = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        codes[other] = run.returncode
        assert "Traceback" not in run.stderr
        assert (run.returncode == 2) == run.stderr.startswith("error: ")
    assert list(codes.values()) == [0, 1, 2]
