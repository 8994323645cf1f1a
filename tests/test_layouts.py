"""Networks laid out like real models: ``verify`` finds nothing wrong with them, whoever saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bmtk.builder
import pytest
from bmtk.builder.network_adaptors import DenseNetwork
from faults import saved
from layouts import LAYOUTS

from bmtool_connectors import NetworkBuilder, verify

#: Notes that say what was not looked at.
NOTES = {"structure-only", "no-nodes", "not-tested"}

OPTIONS: list[dict[str, Any]] = [
    {},
    {"sort_by": "source_node_id", "compact": True, "compression": "none"},
    {"sort_by": None, "index_by": ["edge_type_id"]},
]


def stock(name: str) -> Any:
    """Return a network of BMTK's own."""
    return bmtk.builder.NetworkBuilder(name, adaptor_cls=DenseNetwork)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", LAYOUTS)
def test_ours(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    report = verify(saved(tmp_path, LAYOUTS[name](NetworkBuilder), **options))
    assert {each.code for each in report.findings} <= {"not-tested"}, str(report)
    assert "no recipe" not in str(report)


@pytest.mark.parametrize("name", LAYOUTS)
def test_of_bmtk(name: str, tmp_path: Path) -> None:
    report = verify(saved(tmp_path, LAYOUTS[name](stock)))
    assert {each.code for each in report.findings} <= {"structure-only"}, str(report)
    assert "whether nodes are those that were saved (no recipe" in " ".join(str(report).split())


@pytest.mark.parametrize("name", LAYOUTS)
def test_in_folders_of_their_own(name: str, tmp_path: Path) -> None:
    """Each network by itself, where nodes of others are not known, and all of them together."""
    nets = LAYOUTS[name](NetworkBuilder)
    folders = [saved(tmp_path / net.name, [net]) for net in nets]
    for folder in folders:
        report = verify(folder)
        assert {each.code for each in report.findings} <= {"no-nodes", "not-tested"}, str(report)
    report = verify(folders)
    assert {each.code for each in report.findings} <= {"not-tested"}, str(report)


@pytest.mark.parametrize("name", LAYOUTS)
def test_nodes_and_edges_by_turns(name: str, tmp_path: Path) -> None:
    """Part after part, nodes first, edges first, and all in one folder, again and again."""
    nets = LAYOUTS[name](NetworkBuilder)
    for calls in (("save_nodes", "save_edges"), ("save_edges", "save_nodes"), ("save_edges",)):
        for net in nets:
            net.build()
            for call in calls:
                getattr(net, call)(output_dir=str(tmp_path))
                report = verify(tmp_path)
                assert {each.code for each in report.findings} <= NOTES, str(report)
