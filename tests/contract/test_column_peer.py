"""The cortical column with the predecessor's connectors is the same network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bmtool_connectors import compare

pytestmark = pytest.mark.peer

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "cortical_column.py"


def build(folder: Path, connectors: str, seed: int) -> Path:
    """Run the example with the connectors of a module, and return its output folder."""
    command = [sys.executable, str(EXAMPLE), "--cells", "600", "--seed", str(seed)]
    output = folder / f"{connectors}-{seed}"
    subprocess.run(
        [*command, "--connectors", connectors, "--output", str(output)],
        check=True,
        cwd=folder,
        timeout=240,
    )
    return output


def test_same_network(tmp_path: Path) -> None:
    """Edges, gap junctions, delays and sections, from the same seed."""
    ours = build(tmp_path, "bmtool_connectors", 7)
    theirs = build(tmp_path, "bmtool.connectors", 7)
    same = compare(ours, theirs, rtol=1e-12)
    assert same, str(same)
    assert not compare(ours, build(tmp_path, "bmtool_connectors", 8), rtol=1e-12)
