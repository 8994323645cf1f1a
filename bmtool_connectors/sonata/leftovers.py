"""Files of an earlier save of a network that the next one does not write again.

The recipe of a network lists the files of its edges that stand beside it. What it lists and that of
the next save does not is removed; what no recipe lists never is. Nor are files of nodes, which may
hold other networks, too.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from bmtool_connectors.sonata import layout
from bmtool_connectors.sonata.recipe import listed_files


def leftovers(
    recipe: Path, network: str, names: Collection[str], is_complete: bool
) -> tuple[list[Path], list[str]]:
    """Return what an earlier save of a network has left in the folder.

    Parameters
    ----------
    recipe : Path
        Of this network, as it was before.
    network : str
        Name.
    names : collection of str
        Of the files with edges that the network has now.
    is_complete : bool
        Whether all its edges are saved now.

    Returns
    -------
    known : list of Path
        What the recipe there lists, and neither `names` nor recipes of other networks do.
    possible : list of str
        If no recipe says what belongs to this network, and it is saved as a whole: names of edge
        files that seem to be of it.
    """
    before = listed_files(recipe, network)
    found = set()
    if before is not None:
        found = before - {recipe.name}
    elif is_complete and recipe.parent.is_dir():
        # Edges from inputs are mostly added to the network that they end in.
        found = {
            name
            for name in os.listdir(recipe.parent)
            if name == f"{network}{layout.GAP_JUNCTIONS_FILE}"
            or (name.startswith(f"{network}_") and name.endswith(layout.EDGES_FILE))
            or name.endswith(f"_{network}{layout.EDGES_FILE}")
        }
    found -= set(names)
    if found:
        for other in recipe.parent.glob(f"*{layout.RECIPE_FILE}"):
            if other.name != recipe.name:
                found -= listed_files(other) or set()
    if before is None:
        return [], sorted(found)
    return [recipe.with_name(name) for name in sorted(found)], []
