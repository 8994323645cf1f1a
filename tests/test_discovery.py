"""Classes that carry examples are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from bmtool_connectors import GaussianDropoff, discovery, profiles

NEW = """
from bmtool_connectors.profiles.gaussian import GaussianDropoff

class NewProfile(GaussianDropoff):
    examples = ({"stdev": 20.0},)

class Inherited(NewProfile):
    pass

class _Private(NewProfile):
    examples = ()
"""


def test_a_file_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not what it imports, what has no examples of its own, or what is private."""
    before = discovery.found("profiles")
    (tmp_path / "new_profile.py").write_text(NEW)
    monkeypatch.setattr(profiles, "__path__", [*profiles.__path__, str(tmp_path)])
    found = discovery.found("profiles")
    assert found.keys() - before.keys() == {"NewProfile"}
    assert list(found) == sorted(found)
    assert found["GaussianDropoff"] is GaussianDropoff
    assert found["NewProfile"](**found["NewProfile"].examples[0]).stdev == 20.0
