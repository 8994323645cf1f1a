"""Files of an earlier save of a network that the next one does not write again.

The recipe of a network lists the files of its edges that stand beside it. What it lists and that of
the next save does not is removed; what no recipe lists never is. Nor are files of nodes, which may
hold other networks, too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable
from pathlib import Path

from bmtool_connectors.builder.targets import is_file_name
from bmtool_connectors.errors import warn
from bmtool_connectors.patterns.described import RECIPE

__all__ = ["leftovers", "listed", "names_beside", "unlisted", "warn_of"]


def names_beside(recipe: Path, files: Iterable[Path]) -> set[str]:
    """Return the names of those files that are in the folder of a recipe."""
    folder = os.path.abspath(recipe.parent)
    paths = {os.path.abspath(file) for file in files}
    return {os.path.basename(path) for path in paths if os.path.dirname(path) == folder}


def listed(recipe: Path, network: str | None = None) -> set[str] | None:
    """Return the names of files with edges that a recipe lists; None if it lists none at all.

    Parameters
    ----------
    recipe : Path
    network : str, optional
        Name, if a recipe of another network does not count.
    """
    try:
        found = json.loads(recipe.read_text(encoding="utf-8")) if recipe.is_file() else None
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or network not in (None, found.get("network")):
        return None
    files = found.get("files")
    return {name for name in files if is_file_name(name)} if isinstance(files, list) else None


def _of_others(recipe: Path) -> set[str]:
    """Return the names that recipes of other networks in the same folder list."""
    others = (each for each in recipe.parent.glob(f"*{RECIPE}") if each.name != recipe.name)
    return {name for each in others for name in listed(each) or ()}


def leftovers(recipe: Path, network: str, names: Collection[str]) -> list[Path]:
    """Return what the recipe there lists, and neither `names` nor other networks' recipes."""
    gone = (listed(recipe, network) or set()) - {*names, recipe.name}
    return [recipe.with_name(name) for name in sorted(gone - _of_others(recipe))] if gone else []


def unlisted(recipe: Path, network: str, names: Collection[str]) -> list[str]:
    """Return edge files that seem to be of a network, where no recipe says whose they are.

    Parameters
    ----------
    recipe : Path
        Of this network. If it lists files, it is known what belongs to it.
    network : str
        Name.
    names : collection of str
        Of the files that are written now.
    """
    if listed(recipe, network) is not None or not recipe.parent.is_dir():
        return []
    gaps, edges = f"{network}_gap_juncs.h5", "_edges.h5"
    found = {
        name
        for name in os.listdir(recipe.parent)
        # Edges from inputs are mostly added to the network that they end in.
        if name == gaps
        or (name.startswith(f"{network}_") and name.endswith(edges))
        or name.endswith(f"_{network}{edges}")
    }
    return sorted(found - set(names) - _of_others(recipe))


def warn_of(names: Collection[str], folder: str | os.PathLike[str]) -> None:
    """Warn of files that may be left from an earlier save."""
    if names:
        warn(
            f"{str(folder)!r} holds {', '.join(names)}, which this save did not write; no recipe "
            "says whose they are: remove them if they are left from an earlier save."
        )
