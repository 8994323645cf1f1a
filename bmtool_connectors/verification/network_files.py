"""Which files make up a network: those of a folder, or those that a configuration names."""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bmtool_connectors.checks import HUGE
from bmtool_connectors.sonata import layout
from bmtool_connectors.sonata.datasets import open_file
from bmtool_connectors.sonata.folder import items_in, recipe_files, visible_files
from bmtool_connectors.sonata.type_tables import TypeTable, match_types, read_types, stem_of
from bmtool_connectors.verification.findings import Findings

#: Letters of a path.
MOST_LETTERS = 1 << 14


@dataclass
class Files:
    """The files of a network.

    Attributes
    ----------
    h5 : dict of Path to set of str
        What each file holds: 'nodes', 'edges', 'gap junctions', or nothing of the kind.
    types : dict
        Table of types of (item, file), where there is one.
    recipes : list of Path
    dt : float or None
        Time step of a configuration, ms.
    configurations : set of Path
        Those that were read.
    tables : dict of Path to TypeTable
        All that were read: also those of edge types without edges.
    """

    h5: dict[Path, set[str]] = field(default_factory=dict)
    types: dict[tuple[str, Path], TypeTable] = field(default_factory=dict)
    recipes: list[Path] = field(default_factory=list)
    dt: float | None = None
    configurations: set[Path] = field(default_factory=set)
    tables: dict[Path, TypeTable] = field(default_factory=dict)

    def of(self, item: str) -> list[Path]:
        """Return the files that hold nodes, edges, or gap junctions."""
        return [file for file, items in self.h5.items() if item in items]


def locate(paths: Sequence[Path], found: Findings) -> Files:
    """List the files of folders and configurations, and read the tables of types.

    Parameters
    ----------
    paths : sequence of Path
        Folders; circuit or simulation configurations in JSON.
    found : Findings
        Gets what cannot be read, or is not there.
    """
    files = Files()
    for given in paths:
        path, before, holds = given.resolve(), len(found.found), False
        if path.is_dir():
            with found.reading(path):
                holds = _add_folder(files, path, found)
        elif path.is_file() and path.suffix == ".json":
            with found.reading(path):
                holds = _add_configuration(files, path, found)
        elif path.is_file():
            found.add("no-network", "it is neither a folder nor a configuration (.json)", path)
        else:
            found.add("no-network", "there is no such folder or file", str(given))
        if not holds and before == len(found.found):
            found.add("no-network", "there is no SONATA file in it", str(given))
    return files


# ---------------------------------------------------------------------- folders
def _add_folder(files: Files, folder: Path, found: Findings) -> bool:
    """Add the files of a folder, and say whether there are any of SONATA's."""
    visible = visible_files(folder)
    h5 = [file for file in visible if file.suffix in layout.H5_SUFFIXES]
    for file in h5:
        _add_h5(files, file, found)
    _add_recipes(files, folder)
    tables = [table for file in visible if file.suffix == ".csv" for table in _types(file, found)]
    files.tables |= {table.file: table for table in tables}
    held = [
        (item, file) for item in layout.TYPE_IDS for file in h5 if item in files.h5.get(file, ())
    ]
    stems = {item: {stem_of(file) for kind, file in held if kind == item} for item, _ in held}
    matched = match_types(stems, tables)
    for item, file in held:
        if (item, stem_of(file)) in matched:
            files.types[item, file] = matched[item, stem_of(file)]
    return any(files.h5.get(file) for file in h5)


def _add_recipes(files: Files, folder: Path) -> None:
    recipes = recipe_files(folder)
    files.recipes += [each for each in recipes if each not in files.recipes]


def _add_h5(files: Files, file: Path, found: Findings) -> None:
    """List a file with what it holds; other files than SONATA's are passed over."""
    if file in files.h5:
        return
    with found.reading(file), open_file(file) as h5:
        files.h5[file] = items_in(h5)


def _types(file: Path, found: Findings) -> list[TypeTable]:
    """Return the table of types in a file, if it is one."""
    table = None
    with found.reading(file):
        table = read_types(file, found)
    return [] if table is None else [table]


# ---------------------------------------------------------------------- configurations
def _add_configuration(files: Files, path: Path, found: Findings) -> bool:
    """Add the files that a configuration names, and say whether there are any of SONATA's."""
    if path in files.configurations:  # they name each other
        return False
    files.configurations.add(path)
    config = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(config, dict):
        raise ValueError("a configuration is a JSON object")
    variables = _Variables(_object(config, "manifest"))
    dt = _object(config, "run").get("dt")
    if isinstance(dt, int | float) and -HUGE < dt < HUGE:
        files.dt = float(dt)

    def resolved(name: Any) -> Path:
        return Path(os.path.normpath(path.parent / variables.expanded(str(name))))

    holds = False
    for name in (config.get("network"), config.get("circuit")):
        if isinstance(name, str):
            if resolved(name).is_file():
                with found.reading(resolved(name)):
                    holds |= _add_configuration(files, resolved(name), found)
            else:
                found.add("missing-file", f"it names {name!r}, which is not there", path)
    networks = _object(config, "networks")
    folders, seen = set(), defaultdict[str, set[Path]](set)
    for entry, item, file_key, types_key in _entries(networks):
        named = {key: resolved(entry[key]) for key in (file_key, types_key) if entry.get(key)}
        for key, path_of in named.items():
            if not path_of.is_file():
                text = f"{key} is {entry[key]!r}, which is not there"
                found.add("missing-file", text, path)
        file = named.get(file_key)
        if file is None or not file.is_file():
            continue
        folders.add(file.parent)
        _add_h5(files, file, found)
        items = files.h5.get(file)
        if items is not None and item not in items:
            text = f"{file_key} is {entry[file_key]!r}, and there are no {item} in it"
            found.add("missing-dataset", text, path)
        holds |= bool(items)
        if file in seen[item]:
            text = f"{file_key} names {entry[file_key]!r}, which another one names, too"
            found.add("file-twice", text, path)
        seen[item].add(file)
        types = named.get(types_key)
        if types is not None and types.is_file() and (item, file) not in files.types:
            for table in _types(types, found):
                files.types[item, file] = files.tables[types] = table
    for folder in sorted(folders):
        _add_recipes(files, folder)
    return holds


def _entries(networks: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str, str, str]]:
    """Yield the entries of a configuration: what is in the files, and the keys that name them."""
    for section, item, file_key, types_key in (
        ("nodes", layout.NODES, "nodes_file", "node_types_file"),
        ("edges", layout.EDGES, "edges_file", "edge_types_file"),
        ("gap_juncs", layout.GAP_JUNCTIONS, "gap_juncs_file", ""),
    ):
        entries = networks.get(section)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict):
                yield entry, item, file_key, types_key


def _object(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = config.get(name)
    return value if isinstance(value, dict) else {}


class _Variables:
    """The variables of a manifest, which may be made of each other."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self._values = {str(name).lstrip("$"): str(value) for name, value in manifest.items()}
        self._values.pop("", None)
        names = sorted(map(re.escape, self._values), key=len, reverse=True)  # $DIR after $DIRECTORY
        either = "|".join(names)
        self._form = re.compile(rf"\$(?:\{{({either})\}}|({either}))") if names else None
        self._open: list[str] = []

    def expanded(self, text: str) -> str:
        """Return a text with the values of the variables in it; ValueError for a very long one."""
        if self._form is not None:
            text = self._form.sub(self._value, text)
        if len(text) > MOST_LETTERS:
            raise ValueError(f"a path has more than {MOST_LETTERS:,} letters with its variables")
        return text

    def _value(self, match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name in self._open:
            raise ValueError(f"${name} of the manifest is made of itself")
        self._open.append(name)
        # Kept, so that many uses of one cost no more than their letters.
        self._values[name] = self.expanded(self._values[name])
        self._open.pop()
        return self._values[name]
