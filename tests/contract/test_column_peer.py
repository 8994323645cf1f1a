"""The cortical column with the predecessor's connectors is the same network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bmtool_connectors import compare

pytestmark = pytest.mark.peer

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "cortical_column.py"


def build(folder: Path, connectors: str, seed: int, builder: str) -> Path:
    """Run the example with connectors and NetworkBuilder of two modules; return its output."""
    command = [sys.executable, str(EXAMPLE), "--cells", "600", "--seed", str(seed)]
    output = folder / f"{connectors}-{builder}-{seed}"
    subprocess.run(
        [*command, "--connectors", connectors, "--builder", builder, "--output", str(output)],
        check=True,
        cwd=folder,
        timeout=240,
    )
    return output


def test_same_network(tmp_path: Path) -> None:
    """Edges, gap junctions, delays and sections, from the same seed."""
    ours = build(tmp_path, "bmtool_connectors", 7, "bmtool_connectors")
    for connectors in ("bmtool.connectors", "bmtool_connectors"):
        theirs = build(tmp_path, connectors, 7, "bmtk.builder")
        same = compare(ours, theirs, rtol=1e-12)
        assert same, str(same)
    other = build(tmp_path, "bmtool_connectors", 8, "bmtool_connectors")
    assert not compare(ours, other, rtol=1e-12)
