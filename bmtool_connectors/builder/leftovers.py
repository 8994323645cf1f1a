"""Files of an earlier save of a network that the next one does not write again."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

__all__ = ["names_beside"]


def names_beside(recipe: Path, files: Iterable[Path]) -> list[str]:
    """Return the sorted names of those files that are in the folder of a recipe."""
    folder = os.path.abspath(recipe.parent)
    paths = {os.path.abspath(file) for file in files}
    return sorted(os.path.basename(path) for path in paths if os.path.dirname(path) == folder)
