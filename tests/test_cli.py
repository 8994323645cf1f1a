"""The command line: what it prints, and the exit codes that scripts rely on."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

import bmtool_connectors.cli as cli


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


@pytest.mark.parametrize("arguments", [[], ["diff"], ["diff", "a"], ["preview", "a.py"]])
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
    assert "preview" not in out
    assert "verify" in out


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
