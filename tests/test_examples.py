"""Every example runs by itself, quickly, without a warning, and fits a terminal."""

from __future__ import annotations

import functools
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bmtool_connectors import verify

#: What an example said, and where it ran.
Ran = tuple[subprocess.CompletedProcess[str], Path]

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "examples").glob("*.py"))


def run(example: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an example in a folder of its own."""
    return subprocess.run(
        [sys.executable, "-W", "error::UserWarning", str(example), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_there_are_examples() -> None:
    assert "quickstart.py" in [example.name for example in EXAMPLES]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Ran]:
    """Run an example as a user does first, in a folder of its own; each of them once."""

    @functools.cache
    def once(example: Path) -> Ran:
        folder = tmp_path_factory.mktemp(example.stem)
        size = () if example.name == "quickstart.py" else ("--cells", "500")
        return run(example, folder, *size), folder

    return once


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_runs(example: Path, ran: Callable[[Path], Ran]) -> None:
    done, folder = ran(example)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.strip()
    assert max(map(len, done.stdout.splitlines())) <= 80
    written = [path for path in folder.iterdir() if path.name != "output"]
    assert not written, "an example writes into its output folder only"


class TestColumn:
    """The main job: it writes a whole network or nothing."""

    example = next(example for example in EXAMPLES if example.name == "cortical_column.py")

    def test_files(self, ran: Callable[[Path], Ran]) -> None:
        done, folder = ran(self.example)
        assert done.returncode == 0, done.stderr
        folder /= "output/cortical_column"
        names = {path.name for path in folder.iterdir()}
        sources = ("cortex", "shell", "thalamus", "baseline")
        assert names >= {f"{source}_cortex_edges.h5" for source in sources}
        assert verify(folder).findings == ()
        assert names >= {"conn.csv", "probability.png", "cortex_gap_juncs.h5"}
        assert not [name for name in names if name.startswith(".")]

    def test_discrepancy(self, tmp_path: Path) -> None:
        """A wrong law in the check is a discrepancy of the network."""
        text = self.example.read_text()
        assert text.count("n, realised = int(chosen.sum()), int(gap[chosen].sum())") == 1
        changed = tmp_path / "changed.py"
        changed.write_text(text.replace("int(gap[chosen].sum())", "int(chosen.sum())"))
        assert run(changed, tmp_path, "--cells", "300").returncode == 1

    def test_interrupted(self, tmp_path: Path) -> None:
        """Ctrl-C leaves nothing half-written and says so."""
        command = [sys.executable, str(self.example), "--cells", "6000", "--output", "out"]
        started = subprocess.Popen(
            command,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Jobs in the background of a shell ignore the signal, and hand that down.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        assert started.stdout is not None
        for line in started.stdout:  # until the build is under way
            if line.startswith("Edges"):
                break
        started.send_signal(signal.SIGINT)
        _, said = started.communicate(timeout=60)
        assert started.returncode == 130
        assert "Interrupted: nothing was written to out." in said
        assert list((tmp_path / "out").iterdir()) == []


class TestQuickstart:
    """What the small example promises."""

    example = next(example for example in EXAMPLES if example.name == "quickstart.py")

    def test_files(self, tmp_path: Path, ran: Callable[[Path], Ran]) -> None:
        folder = ran(self.example)[1] / "output/quickstart"
        names = {path.name for path in folder.iterdir()}
        assert names >= {
            "background_example_net_edges.h5",
            "background_nodes.h5",
            "conn.csv",
            "example_net_example_net_edges.h5",
            "example_net_gap_juncs.h5",
            "example_net_nodes.h5",
        }
        assert verify(folder).findings == ()
        again = Path(shutil.copytree(folder, tmp_path / "a" / "b"))
        run(self.example, tmp_path, "--output", "a/b")
        first_report = (folder / "conn.csv").read_text()
        assert (again / "conn.csv").read_text() == first_report, "same seed, same network"

    def test_seed(self, tmp_path: Path, ran: Callable[[Path], Ran]) -> None:
        other = run(self.example, tmp_path, "--seed", "2", "--output", "a/b")
        assert (tmp_path / "a" / "b" / "conn.csv").exists(), other.stderr
        first = ran(self.example)[0]
        assert other.stdout.splitlines()[:-1] != first.stdout.splitlines()[:-1]

    def test_discrepancy(self, tmp_path: Path) -> None:
        """With a limit of 0 standard deviations any draw is a discrepancy, and says so."""
        text = self.example.read_text()
        assert text.count("LIMIT = 5.0") == 1
        changed = tmp_path / "changed.py"
        changed.write_text(text.replace("LIMIT = 5.0", "LIMIT = 0.0"))
        done = run(changed, tmp_path)
        assert done.returncode == 1
        assert "DISCREPANCY" in done.stderr
