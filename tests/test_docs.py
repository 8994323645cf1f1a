"""The documentation builds without a warning, and its examples are true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import bmtool_connectors

DOCS = Path(__file__).resolve().parents[1] / "docs"

pytestmark = pytest.mark.docs


def build(builder: str, folder: Path) -> None:
    """Run a builder of Sphinx with warnings as errors."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-E", "-b", builder]
    command += ["-d", str(folder / "doctrees"), str(DOCS), str(folder / builder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_html(tmp_path: Path) -> None:
    build("html", tmp_path)
    pages = {path.stem: path.read_text(encoding="utf-8") for path in tmp_path.glob("html/*.html")}
    assert {"index", "guide", "migration", "design", "api"} <= set(pages)
    assert "estimate_rho" in pages["api"]
    for name in bmtool_connectors.__all__:
        assert f'id="bmtool_connectors.{name}"' in pages["api"], name
    # Readable offline: scripts and style sheets come from the pages themselves.
    for name, page in pages.items():
        remote = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="https?://[^"]*"', page)
        assert not remote, name


def test_doctest(tmp_path: Path) -> None:
    build("doctest", tmp_path)
    report = (tmp_path / "doctest" / "output.txt").read_text(encoding="utf-8")
    (n_tests,) = re.findall(r"^ *(\d+) tests?$", report, flags=re.MULTILINE)
    assert int(n_tests) > 10
