"""The methods that save a network."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bmtool_connectors.builder import _bmtk
from bmtool_connectors.builder.edge_table import EdgeTable
from bmtool_connectors.builder.leftovers import leftovers, unlisted, warn_of
from bmtool_connectors.builder.node_file import NodeTable, type_texts, write_nodes, write_types
from bmtool_connectors.builder.options import SaveOptions
from bmtool_connectors.builder.pools import NodeGroup
from bmtool_connectors.builder.portable import check_portable
from bmtool_connectors.builder.recipe import SavedParts, make_recipe, recipe_at
from bmtool_connectors.builder.sonata import write_edges, write_gap_junctions
from bmtool_connectors.builder.targets import check_names, check_targets
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.patterns.described import RECIPE
from bmtool_connectors.sonata.staging import StagedFiles

__all__ = ["SavingNetwork"]

logger = logging.getLogger(__name__)

PathLike = str | os.PathLike[str]

#: Arguments of ``save_nodes`` and ``save_edges`` that ``save`` passes on, each to its own.
_OF_NODES = ("nodes_file_name", "node_types_file_name")
_OF_EDGES = (
    *("edges_file_name", "edge_types_file_name"),
    *("src_network", "trg_network", "name", "force_build"),
)


@dataclass(frozen=True)
class _EdgeFiles:
    """What ``save_edges`` writes for the edges between two networks; a file may be None."""

    source: str
    target: str
    edges: Path | None
    types: Path | None


class SavingNetwork(_bmtk.HookedNetwork):
    """A network that saves itself; see ``SparseNetwork`` for what it is otherwise."""

    node_groups: list[NodeGroup]
    _first_gap_id: int

    def save(
        self,
        output_dir: PathLike = ".",
        force_overwrite: bool = True,
        mode: str = "w",
        compression: Any = "auto",
        **options: Any,
    ) -> None:
        """Write the files of nodes and edges; all of them appear at the end.

        Files of edges and gap junctions that the previous recipe of this network lists, and that
        are not written now, are removed then.

        Parameters
        ----------
        output_dir : str or path, default '.'
            Folder; made if it is not there.
        force_overwrite : bool, default True
            Whether files may be replaced.
        mode : {'w', 'a'}, default 'w'
            'a' adds the nodes to a file of nodes of other networks.
        compression : {'auto', 'gzip', 'lzf', 'none', None} or int, default 'auto'
            An int is the level of gzip; ``'gzip'`` is level 1 of shuffled bytes, which is smaller
            and faster than level 4 without. Auto is ``'gzip'``, or ``'none'`` with `portable`.
        **options
            As for ``save_nodes`` and ``save_edges``.

        Raises
        ------
        ParameterError
            If an option or the name of a network is not allowed, or a file exists and must not be
            replaced; nothing has been built or written.
        OSError
            If a file cannot be written, or would replace a folder, device or pipe; the files that
            were there are unchanged.

        Notes
        -----
        Files are moved into place one by one, the recipe last. Only a process that is killed
        meanwhile leaves new files beside old ones.
        """
        given = {"force_overwrite": force_overwrite, "mode": mode, "compression": compression}
        check_names({self.name}.union(*self._ends()))
        if _bmtk.n_ranks() > 1:
            super().save(output_dir, **_for_bmtk({**given, **options}))
            return
        nodes = {name: options.pop(name) for name in _OF_NODES if name in options}
        edges = {name: options.pop(name) for name in _OF_EDGES if name in options}
        chosen = SaveOptions.checked("save()", {**given, **options})
        node_files = self._node_files(output_dir, **nodes)
        edge_files, others = self._edge_files(output_dir, **edges)
        self._check_edges(edge_files, chosen)
        paths = [*node_files, *_paths(edge_files), *others]
        self._check_targets(paths, chosen)
        name, force_build = edges.get("name"), edges.get("force_build", True)
        with StagedFiles() as files:
            saved = self._write_nodes(files, node_files, chosen)
            self._write_edges(files, edge_files, others[0], name, chosen, force_build, saved)
            unknown = self._write_recipe(files, others[1], saved)
        warn_of(unknown, output_dir)

    def save_nodes(
        self,
        nodes_file_name: PathLike | None = None,
        node_types_file_name: PathLike | None = None,
        output_dir: PathLike = ".",
        force_overwrite: bool = True,
        mode: str = "w",
        compression: Any = "auto",
        **options: Any,
    ) -> None:
        """Write the file of nodes and the table of node types.

        Parameters
        ----------
        nodes_file_name, node_types_file_name : str or path, optional
            Default ``<network>_nodes.h5`` and ``<network>_node_types.csv``.
        output_dir, force_overwrite, mode, compression
            As for ``save``.
        **options
            ``compact=True`` and ``portable=True``, as for ``save_edges``. With `portable`, all
            nodes are in one group, and positions are columns ``x``, ``y`` and ``z``.
        """
        given = {"force_overwrite": force_overwrite, "mode": mode, "compression": compression}
        names = (nodes_file_name, node_types_file_name)
        check_names({self.name}.union(*self._ends()))
        if _bmtk.n_ranks() > 1:
            super().save_nodes(*names, output_dir, **_for_bmtk({**given, **options}))
            return
        chosen = SaveOptions.checked("save_nodes()", {**given, **options})
        paths = self._node_files(output_dir, *names)
        recipe = self._recipe_file(output_dir)
        self._check_targets([*paths, recipe], chosen)
        with StagedFiles() as files:
            saved = self._write_nodes(files, paths, chosen)
            self._write_recipe(files, recipe, saved)

    def save_edges(
        self,
        edges_file_name: PathLike | None = None,
        edge_types_file_name: PathLike | None = None,
        output_dir: PathLike = ".",
        src_network: str | None = None,
        trg_network: str | None = None,
        name: str | None = None,
        force_build: bool = True,
        force_overwrite: bool = True,
        **options: Any,
    ) -> None:
        """Write the files of edges and gap junctions, the tables of edge types and the recipe.

        What was saved earlier is removed as by ``save``, if all edges are saved.

        Parameters
        ----------
        edges_file_name, edge_types_file_name : str or path, optional
            Default ``<source>_<target>_edges.h5`` and ``<source>_<target>_edge_types.csv``. If
            only one is given, only that file is written, as in BMTK.
        output_dir, force_overwrite
            As for ``save``.
        src_network, trg_network : str, optional
            Only edges between these networks; default all.
        name : str, optional
            Name of the population of edges, default ``<source>_to_<target>``.
        force_build : bool, default True
            Build what has not been built; else nothing is written then.
        **options
            ``compression`` as for ``save``. ``sort_by='target_node_id'``: column that rows are
            sorted by; also ``'source_node_id'``, ``'edge_type_id'``, ``'edge_group_id'`` or None.
            ``index_by=('target_node_id', 'source_node_id')``: columns that get an index; also
            ``'edge_type_id'``. ``compact=True``: ids, groups, types and counts in the smallest
            unsigned types that hold them. ``portable=True``: files for libsonata and bluepysnap
            too, with all rows in one group of columns; what an edge type lacks is taken from its
            properties. ``sort_on_disk`` is accepted and not needed.
        """
        given = {"force_overwrite": force_overwrite, **options}
        chosen_names: dict[str, Any] = {
            "edges_file_name": edges_file_name,
            "edge_types_file_name": edge_types_file_name,
            "src_network": src_network,
            "trg_network": trg_network,
        }
        check_names({self.name}.union(*self._ends()))
        if _bmtk.n_ranks() > 1:
            super().save_edges(
                output_dir=output_dir,
                name=name,
                force_build=force_build,
                **chosen_names,
                **_for_bmtk(given),
            )
            return
        chosen = SaveOptions.checked("save_edges()", given)
        edge_files, others = self._edge_files(output_dir, **chosen_names)
        self._check_edges(edge_files, chosen)
        paths = [*_paths(edge_files), *others]
        self._check_targets(paths, chosen)
        with StagedFiles() as files:
            saved = SavedParts(nodes=self._node_table(False).digests())
            self._write_edges(files, edge_files, others[0], name, chosen, force_build, saved)
            unknown = self._write_recipe(files, others[1], saved)
        warn_of(unknown, output_dir)

    # ------------------------------------------------------------------ names of files
    def _ends(self) -> set[tuple[str, str]]:
        """Return which two networks have edges between them."""
        return {
            (each.source_network_name, each.target_network_name) for each in self.get_connections()
        }

    def _node_files(
        self,
        output_dir: PathLike,
        nodes_file_name: PathLike | None = None,
        node_types_file_name: PathLike | None = None,
    ) -> list[Path]:
        names = nodes_file_name, node_types_file_name
        defaults = f"{self.name}_nodes.h5", f"{self.name}_node_types.csv"
        return [
            Path(output_dir, default if given is None else given)
            for given, default in zip(names, defaults, strict=True)
        ]

    def _edge_files(
        self,
        output_dir: PathLike,
        edges_file_name: PathLike | None = None,
        edge_types_file_name: PathLike | None = None,
        src_network: str | None = None,
        trg_network: str | None = None,
        **_: Any,
    ) -> tuple[list[_EdgeFiles], list[Path]]:
        """Return the files of each two networks, and those of gap junctions and the recipe."""
        chosen = sorted(
            (source, target)
            for source, target in self._ends()
            if src_network in (None, source) and trg_network in (None, target)
        )
        names = edges_file_name, edge_types_file_name
        given = names != (None, None)
        if given and len(chosen) > 1:
            raise ParameterError(
                f"edges_file_name of save_edges() is {edges_file_name!r} and edge_types_file_name "
                f"{edge_types_file_name!r} for the edges of {len(chosen)} pairs of networks "
                f"({', '.join(map(' to '.join, chosen))}); choose one pair with src_network and "
                "trg_network."
            )
        files = []
        for source, target in chosen:
            defaults = f"{source}_{target}_edges.h5", f"{source}_{target}_edge_types.csv"
            own = names if given else defaults
            paths = [None if each is None else Path(output_dir, each) for each in own]
            files.append(_EdgeFiles(source, target, *paths))
        gap_file = Path(output_dir, f"{self.name}_gap_juncs.h5")
        return files, [gap_file, self._recipe_file(output_dir)]

    def _recipe_file(self, output_dir: PathLike) -> Path:
        return Path(output_dir, f"{self.name}{RECIPE}")

    def _check_targets(self, paths: Sequence[Path], options: SaveOptions) -> None:
        """Refuse places where files cannot be, or must not be replaced.

        The last of them is the recipe: one of this network is completed, and not replaced.
        """
        is_completed = not options.force_overwrite and recipe_at(paths[-1], self.name)
        check_targets(paths[:-1] if is_completed else paths, options)

    # ------------------------------------------------------------------ writing
    def _check_edges(self, files: Sequence[_EdgeFiles], options: SaveOptions) -> None:
        """Refuse edges that cannot be written as asked, before they are built."""
        if options.portable:
            ends = {(each.source, each.target) for each in files if each.edges is not None}
            check_portable(
                each
                for each in self.get_connections()
                if (each.source_network_name, each.target_network_name) in ends
            )

    def _is_ready(self, force_build: bool) -> bool:
        """Build what has not been built, and return whether that has been done."""
        if not self.edges_built:
            if not force_build:
                logger.warning("Edges are not built; no file of edges is written.")
                return False
            self.build()
        return True

    def _write_nodes(
        self, files: StagedFiles, paths: Sequence[Path], options: SaveOptions
    ) -> SavedParts:
        """Write the files of nodes, and return what was saved."""
        nodes = self._node_table(options.portable)
        with files.writing(paths[0]) as path:
            if options.mode == "a" and paths[0].exists():
                shutil.copyfile(paths[0], path)
            write_nodes(path, self.name, nodes, options)
        with files.writing(paths[1]) as path:
            write_types(path, ["node_type_id"], self.node_types, none="")
        types = {int(each["node_type_id"]): type_texts(each, none="") for each in self.node_types}
        return SavedParts(node_files=list(paths), nodes=nodes.digests(), node_types=types)

    def _node_table(self, portable: bool) -> NodeTable:
        if not self.nodes_built:
            self.make_nodes()
        return NodeTable(self.node_groups, portable)

    def _write_edges(
        self,
        files: StagedFiles,
        edge_files: Sequence[_EdgeFiles],
        gap_file: Path,
        name: str | None,
        options: SaveOptions,
        force_build: bool,
        saved: SavedParts,
    ) -> None:
        """Write the files of edges, and note what was saved."""
        if not self.get_connections():
            logger.warning("Network %s has no edges; no file of edges is written.", self.name)
            saved.ends = None
            return
        if not self._is_ready(force_build):
            return
        if not edge_files:
            logger.warning("There are no edges between these networks; no file is written.")
            return
        tables: list[EdgeTable] = self.edges_table()
        ends_of = {table: (table.source_network, table.target_network) for table in tables}
        done = set()
        for each in edge_files:
            ends = each.source, each.target
            chosen = [table for table in tables if ends_of[table] == ends]
            if each.types is not None:
                with files.writing(each.types) as path:
                    first = ["edge_type_id", "target_query", "source_query"]
                    types = [table.edge_type_properties for table in chosen]
                    write_types(path, first, types, none="NULL")
                saved.files.append(each.types)
            if each.edges is None:
                continue
            done.add(ends)
            if not any(table.n_pairs for table in chosen):
                logger.warning("No edges from %s to %s; no file of edges is written.", *ends)
                continue
            population = f"{each.source}_to_{each.target}" if name is None else name
            with files.writing(each.edges) as path:
                saved.edges |= write_edges(path, chosen, (*ends, population), options)
            saved.files.append(each.edges)
        saved.ends = None if done == set(ends_of.values()) else done
        gaps = [table for table in tables if table.is_gap_junction and table.n_syns]
        if gaps:
            with files.writing(gap_file) as path:
                saved.gaps = write_gap_junctions(path, gaps, self._first_gap_id, options)
            saved.files.append(gap_file)

    def _write_recipe(self, files: StagedFiles, place: Path, saved: SavedParts) -> list[str]:
        """Write the recipe; return what is left of an earlier save, if no recipe tells of it."""
        unknown: list[str] = []
        with files.writing(place) as path:  # last: until then there is the previous one
            recipe = make_recipe(place, self.name, self.edges_table(), saved)
            if saved.ends is None:
                unknown = unlisted(place, self.name, recipe["files"])
            if recipe["files"] is not None:
                for file in leftovers(place, self.name, recipe["files"]):
                    files.remove(file)
            text = json.dumps(recipe, indent=1, allow_nan=False)
            path.write_text(text + "\n", encoding="utf-8")
        return unknown


def _paths(edge_files: Sequence[_EdgeFiles]) -> list[Path]:
    return [path for each in edge_files for path in (each.edges, each.types) if path is not None]


def _for_bmtk(given: dict[str, Any]) -> dict[str, Any]:
    """Return the options for BMTK's own savers, which several processes need."""
    options = SaveOptions.checked("save()", given)
    if options.compact or options.portable:
        raise ParameterError(
            "compact and portable are for one process, and several MPI processes save by BMTK's "
            "own code; leave them out, or save in one process."
        )
    given = {name: value for name, value in given.items() if name not in ("compact", "portable")}
    if given.get("mode") == "w":  # which BMTK 1.1 writes without being told
        del given["mode"]
    if given.get("compression") == "auto":
        given["compression"] = "gzip"
    return given
