"""The recipe of a network: a JSON file beside its SONATA files that says how they were made.

Its name is that of the network and ``layout.RECIPE_FILE``. `NetworkRecipe` lists what it holds:
what the edges were made by, and digests of what was written. It has a digest of its own under
``blake2b``. The format is at home here; who reads a recipe takes `load_recipe`, which checks the
format, and `is_as_written`, which checks the digest. All else in it is for the reader to check.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

from bmtool_connectors.sonata.digests import ColumnDigests, digest_of_json
from bmtool_connectors.sonata.layout import GAP_JUNCTIONS_FILE

#: Version of the format that is written.
FORMAT = 2
#: Formats that are read: the first has no digests of nodes and values.
FORMATS = (1, FORMAT)


# ---------------------------------------------------------------------- what it holds
class ValuesRecipe(TypedDict):
    """Digests of the columns of some rows, as `ColumnDigests` makes them.

    How many rows there are, the digest of each column, and that of whole rows.
    """

    rows: int
    columns: dict[str, str]
    together: str


class NodesRecipe(TypedDict):
    """Of the nodes: names of files, digests of columns, properties of each type as text."""

    files: list[str]
    columns: dict[str, str]
    types: dict[str, dict[str, str]]


class EdgeTypeRecipe(TypedDict, total=False):
    """What is said of one edge type.

    ``blake2b`` is the digest of its pairs (see `PairDigests`) and ``nodes`` that of the nodes'
    columns when it was saved; ``type`` has its properties as text. Where a file of edges was
    written, its ``population``, the names of its ``indices`` and the digests of its ``values``.
    Edges of a connector have ``connector``: class, parameters and seed, the number of the ``use``,
    the ``direction``, what was ``drawn`` and what is ``wanted``; other edges have
    ``connection_rule`` and ``iterator``. ``properties`` are the calls of ``add_properties``.
    """

    edge_type_id: int
    source_network: str
    target_network: str
    source_query: Any
    target_query: Any
    pairs: int
    synapses: int
    blake2b: str
    row_per_synapse: bool
    nodes: str
    type: dict[str, str]
    population: str
    indices: list[str]
    values: ValuesRecipe
    connector: dict[str, Any]
    connection_rule: Any
    iterator: str
    properties: list[dict[str, Any]]


class NetworkRecipe(TypedDict, total=False):
    """What a recipe holds.

    ``versions`` of packages and of the ``streams`` of random numbers; ``files`` are the names of
    files with edges, edge types and gap junctions beside it, None where they are not known.
    """

    format: int
    network: str
    versions: dict[str, str]
    streams: dict[str, int]
    nodes: NodesRecipe | None
    files: list[str] | None
    gap_junctions: ValuesRecipe | None
    edge_types: list[EdgeTypeRecipe]
    blake2b: str


# ---------------------------------------------------------------------- reading
class RecipeError(ValueError):
    """JSON that is no recipe of a format that this version reads."""


def load_recipe(text: str) -> dict[str, Any]:
    """Return what a recipe holds; only the format and the list of edge types are checked.

    Raises
    ------
    RecipeError
        If it is no recipe, or of an unknown format.
    ValueError
        If it is no JSON.
    """
    found = json.loads(text)
    if found is None:
        raise RecipeError("it is empty")
    if not isinstance(found, dict) or not isinstance(found.get("edge_types"), list):
        raise RecipeError("it has no list of edge types")
    if found.get("format") not in FORMATS:
        raise RecipeError(f"its format is {found.get('format')!r}, and this version reads {FORMAT}")
    return found


def is_as_written(recipe: Mapping[str, Any]) -> bool:
    """Whether a recipe has its own digest."""
    rest = {name: each for name, each in recipe.items() if name != "blake2b"}
    return recipe.get("blake2b") == digest_of_json(rest)


def own_recipe(file: Path, network: str) -> dict[str, Any]:
    """Return the recipe of a network that is there already; empty if it cannot be trusted."""
    recipe = _read(file)
    is_own = recipe.get("format") == FORMAT and recipe.get("network") == network
    return recipe if is_own and is_as_written(recipe) else {}


def listed_files(file: Path, network: str | None = None) -> set[str] | None:
    """Return the names of files with edges that a recipe lists; None if it lists none at all.

    Parameters
    ----------
    file : Path
    network : str, optional
        Name, if a recipe of another network does not count.
    """
    recipe = _read(file)
    files = recipe.get("files") if network in (None, recipe.get("network")) else None
    return {name for name in files if is_file_name(name)} if isinstance(files, list) else None


def _read(file: Path) -> dict[str, Any]:
    """Return the object of JSON in a file; empty if there is none."""
    try:
        # A pipe would be waited for.
        found = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


#: Bytes that the name of a file may have, on all usual systems.
MOST_BYTES = 255


def is_file_name(name: Any) -> bool:
    """Whether this is the name of a file in some folder, on any system, and no path."""
    return (
        isinstance(name, str)
        and name not in ("", "..")
        and Path(name).name == name
        and not any(character in name for character in "/\\\0")
        and len(name.encode(errors="replace")) <= MOST_BYTES
    )


# ---------------------------------------------------------------------- writing
@dataclass
class SavedParts:
    """What a save has written of a network.

    Attributes
    ----------
    files : list of Path
        Of edges, edge types and gap junctions.
    ends : set of (str, str), or None
        Source and target networks whose edges these are; None: all that the network has. Empty
        where no edges were saved.
    gap_junctions : ValuesRecipe or None
        Of the file of gap junctions.
    node_files : list of Path
        Of nodes and node types.
    nodes : dict of str to str
        Digests of the nodes' columns, which belong to the edges whether they were saved or not.
    node_types : dict of str to dict of str
        Properties of each type as text, by its id.
    """

    files: list[Path] = field(default_factory=list)
    ends: set[tuple[str, str]] | None = field(default_factory=set)
    gap_junctions: ValuesRecipe | None = None
    node_files: list[Path] = field(default_factory=list)
    nodes: dict[str, str] = field(default_factory=dict)
    node_types: dict[str, dict[str, str]] = field(default_factory=dict)


def write_recipe(path: Path, file: Path, recipe: NetworkRecipe, saved: SavedParts) -> None:
    """Add to a recipe what was saved, and its own digest, and write it.

    Parameters
    ----------
    path : Path
        Where it is written to.
    file : Path
        Where it will be; what the recipe there says of parts that were not saved now stays.
    recipe : NetworkRecipe
        With format, network, versions and streams, and the edge types that were saved.
    saved : SavedParts

    Notes
    -----
    The same network gives the same file, whenever, wherever and however often it is saved.
    """
    before = own_recipe(file, recipe["network"])
    files, gaps = listed_files(file, recipe["network"]), saved.gap_junctions
    if saved.ends == set():
        gaps = before.get("gap_junctions")
    elif saved.ends is None or files is None:
        files = _names_beside(file, saved.files)
    else:  # other calls write, or wrote, the others
        files -= {f"{recipe['network']}{GAP_JUNCTIONS_FILE}"}
        files |= _names_beside(file, saved.files)
    recipe["nodes"] = before.get("nodes")
    if saved.node_files:
        names = sorted(_names_beside(file, saved.node_files))
        recipe["nodes"] = {"files": names, "columns": saved.nodes, "types": saved.node_types}
    recipe["files"] = None if files is None else sorted(files)
    recipe["gap_junctions"] = gaps
    ends = saved.ends
    kept = [
        each
        for each in before.get("edge_types", [])
        if ends is not None and (each["source_network"], each["target_network"]) not in ends
    ]
    recipe["edge_types"] = [*recipe.pop("edge_types"), *kept]  # in the order of NetworkRecipe
    recipe["blake2b"] = digest_of_json(recipe)
    path.write_text(json.dumps(recipe, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def values_recipe(digests: ColumnDigests) -> ValuesRecipe:
    """Return what a recipe says of the columns of some rows."""
    return {"rows": digests.n_rows, "columns": digests.columns, "together": digests.whole}


def _names_beside(recipe: Path, files: Iterable[Path]) -> set[str]:
    """Return the names of those files that are in the folder of a recipe."""
    folder = os.path.abspath(recipe.parent)
    paths = {os.path.abspath(file) for file in files}
    return {os.path.basename(path) for path in paths if os.path.dirname(path) == folder}
