"""The methods that save a network."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bmtool_connectors.builder import _bmtk
from bmtool_connectors.builder.edge_table import EdgeTable
from bmtool_connectors.builder.node_table import node_table
from bmtool_connectors.builder.pools import NodeGroup
from bmtool_connectors.builder.portable import check_portable
from bmtool_connectors.builder.provenance import make_recipe
from bmtool_connectors.errors import ParameterError, warn
from bmtool_connectors.sonata.edge_writer import WrittenEdges, write_edges, write_gap_junctions
from bmtool_connectors.sonata.layout import (
    EDGE_TYPE_ID,
    EDGE_TYPES_FILE,
    EDGES_FILE,
    GAP_JUNCTIONS_FILE,
    NODE_TYPE_ID,
    NODE_TYPES_FILE,
    NODES_FILE,
    NULL,
    RECIPE_FILE,
    SOURCE_QUERY,
    TARGET_QUERY,
)
from bmtool_connectors.sonata.leftovers import leftovers
from bmtool_connectors.sonata.node_writer import NodeTable, write_nodes
from bmtool_connectors.sonata.options import SaveOptions
from bmtool_connectors.sonata.recipe import (
    SavedParts,
    is_file_name,
    own_recipe,
    values_recipe,
    write_recipe,
)
from bmtool_connectors.sonata.staging import StagedFiles, check_targets
from bmtool_connectors.sonata.type_writer import type_texts, write_types

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
    """What ``save_edges`` writes for the edges between two networks; a file may be None.

    Attributes
    ----------
    ends : tuple of str
        Source and target network.
    edges, types : Path or None
    """

    ends: tuple[str, str]
    edges: Path | None
    types: Path | None

    @property
    def paths(self) -> list[Path]:
        """Those that there are."""
        return [path for path in (self.edges, self.types) if path is not None]


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
        given |= options
        self._check_names()
        if _bmtk.n_ranks() > 1:
            super().save(output_dir, **_for_bmtk(given))
            return
        nodes = {name: given.pop(name) for name in _OF_NODES if name in given}
        edges = {name: given.pop(name) for name in _OF_EDGES if name in given}
        self._save(SaveOptions.checked("save()", given), output_dir, nodes, edges)

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
        given |= options
        names = (nodes_file_name, node_types_file_name)
        self._check_names()
        if _bmtk.n_ranks() > 1:
            super().save_nodes(*names, output_dir, **_for_bmtk(given))
            return
        nodes = dict(zip(_OF_NODES, names, strict=True))
        self._save(SaveOptions.checked("save_nodes()", given), output_dir, nodes, None)

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
        chosen = edges_file_name, edge_types_file_name, src_network, trg_network, name, force_build
        edges = dict(zip(_OF_EDGES, chosen, strict=True))
        self._check_names()
        if _bmtk.n_ranks() > 1:
            super().save_edges(output_dir=output_dir, **edges, **_for_bmtk(given))
            return
        self._save(SaveOptions.checked("save_edges()", given), output_dir, None, edges)

    def _save(
        self,
        options: SaveOptions,
        output_dir: PathLike,
        nodes: Mapping[str, Any] | None,
        edges: Mapping[str, Any] | None,
    ) -> None:
        """Write files of nodes, or of edges, or both; None for what is not saved."""
        node_files = [] if nodes is None else self._node_files(output_dir, **nodes)
        edge_files = [] if edges is None else self._edge_files(output_dir, **edges)
        gap_file = Path(output_dir, f"{self.name}{GAP_JUNCTIONS_FILE}")
        recipe = Path(output_dir, f"{self.name}{RECIPE_FILE}")
        if options.portable:  # before edges are built
            ends = {each.ends for each in edge_files if each.edges is not None}
            check_portable(each for each in self.get_connections() if _ends(each) in ends)
        targets = [*node_files, *(path for each in edge_files for path in each.paths)]
        targets += [] if edges is None else [gap_file]
        # A recipe of this network is completed, and not replaced.
        if options.force_overwrite or not own_recipe(recipe, self.name):
            targets.append(recipe)
        check_targets(targets, options.force_overwrite)
        saved = SavedParts()
        written: dict[EdgeTable, WrittenEdges] = {}
        with StagedFiles() as files:
            if nodes is None:
                saved.nodes = self._node_table(False).digests()
            else:
                self._write_nodes(files, node_files, options, saved)
            if edges is not None:
                how = options, edges.get("name"), edges.get("force_build", True)
                written = self._write_edges(files, edge_files, gap_file, *how, saved)
            possible = self._write_recipe(files, recipe, written, saved)
        if possible:
            warn(
                f"{str(output_dir)!r} holds {', '.join(possible)}, which this save did not write; "
                "no recipe says whose they are: remove them if they are left from an earlier save."
            )

    # ------------------------------------------------------------------ names of files
    def _check_names(self) -> None:
        """Refuse names of networks with which files would be elsewhere than in their folder."""
        for network in {self.name}.union(*map(_ends, self.get_connections())):
            if not is_file_name(f"{network}{NODES_FILE}"):
                raise ParameterError(
                    f"name of NetworkBuilder is {network!r}, and its files are called after it; "
                    "allowed are names without '/' and backslash: rename the network. Nothing was "
                    "built or written."
                )

    def _node_files(
        self,
        output_dir: PathLike,
        nodes_file_name: PathLike | None = None,
        node_types_file_name: PathLike | None = None,
    ) -> list[Path]:
        names = nodes_file_name, node_types_file_name
        defaults = f"{self.name}{NODES_FILE}", f"{self.name}{NODE_TYPES_FILE}"
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
    ) -> list[_EdgeFiles]:
        """Return the files of each two networks."""
        chosen = sorted(
            (source, target)
            for source, target in set(map(_ends, self.get_connections()))
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
            stem = f"{source}_{target}"
            own = names if given else (f"{stem}{EDGES_FILE}", f"{stem}{EDGE_TYPES_FILE}")
            paths = [None if each is None else Path(output_dir, each) for each in own]
            files.append(_EdgeFiles((source, target), *paths))
        return files

    # ------------------------------------------------------------------ writing
    def _node_table(self, portable: bool) -> NodeTable:
        if not self.nodes_built:
            self.make_nodes()
        return node_table(self.node_groups, portable)

    def _write_nodes(
        self, files: StagedFiles, paths: list[Path], options: SaveOptions, saved: SavedParts
    ) -> None:
        """Write the files of nodes, and note what was saved."""
        nodes = self._node_table(options.portable)
        with files.writing(paths[0]) as path:
            if options.mode == "a" and paths[0].exists():
                shutil.copyfile(paths[0], path)
            write_nodes(path, self.name, nodes, options)
        types = {str(int(each[NODE_TYPE_ID])): type_texts(each, "") for each in self.node_types}
        with files.writing(paths[1]) as path:
            write_types(path, [NODE_TYPE_ID], list(types.values()))
        saved.node_files, saved.nodes, saved.node_types = paths, nodes.digests(), types

    def _write_edges(
        self,
        files: StagedFiles,
        edge_files: Sequence[_EdgeFiles],
        gap_file: Path,
        options: SaveOptions,
        name: str | None,
        force_build: bool,
        saved: SavedParts,
    ) -> dict[EdgeTable, WrittenEdges]:
        """Write the files of edges, note what was saved, and return what has rows in a file."""
        written: dict[EdgeTable, WrittenEdges] = {}
        if not self.get_connections():
            logger.warning("Network %s has no edges; no file of edges is written.", self.name)
            saved.ends = None
            return written
        if not self.edges_built:
            if not force_build:
                logger.warning("Edges are not built; no file of edges is written.")
                return written
            self.build()
        if not edge_files:
            logger.warning("There are no edges between these networks; no file is written.")
            return written
        tables: list[EdgeTable] = self.edges_table()
        done = set()
        for each in edge_files:
            chosen = [table for table in tables if _ends(table.connection_map) == each.ends]
            if each.types is not None:
                types = [type_texts(table.edge_type_properties, NULL) for table in chosen]
                with files.writing(each.types) as path:
                    write_types(path, [EDGE_TYPE_ID, TARGET_QUERY, SOURCE_QUERY], types)
                saved.files.append(each.types)
            if each.edges is None:
                continue
            done.add(each.ends)
            if not any(table.n_pairs for table in chosen):
                logger.warning("No edges from %s to %s; no file of edges is written.", *each.ends)
                continue
            population = "_to_".join(each.ends) if name is None else name
            with files.writing(each.edges) as path:
                arrays = [table.arrays() for table in chosen]
                found = write_edges(path, arrays, (*each.ends, population), options)
            written |= zip(chosen, found, strict=True)
            saved.files.append(each.edges)
        saved.ends = None if done == {_ends(table.connection_map) for table in tables} else done
        gaps = [table for table in tables if table.is_gap_junction and table.n_syns]
        if gaps:
            ends = np.concatenate([table.node_ids(np.uint64, synapses=True) for table in gaps])
            with files.writing(gap_file) as path:
                digests = write_gap_junctions(path, ends, self._first_gap_id, options)
            saved.gap_junctions = values_recipe(digests)
            saved.files.append(gap_file)
        return written

    def _write_recipe(
        self,
        files: StagedFiles,
        place: Path,
        written: Mapping[EdgeTable, WrittenEdges],
        saved: SavedParts,
    ) -> list[str]:
        """Write the recipe; return what is left of an earlier save, if no recipe tells of it."""
        with files.writing(place) as path:  # last: until then there is the previous one
            recipe = make_recipe(place, self.name, self.edges_table(), written, saved)
            names, is_complete = recipe["files"] or (), saved.ends is None
            known, possible = leftovers(place, self.name, names, is_complete)
            for file in known:
                files.remove(file)
            write_recipe(path, recipe)
        return possible


def _ends(edge_type: Any) -> tuple[str, str]:
    """Return the names of the source and the target network of a ConnectionMap."""
    return edge_type.source_network_name, edge_type.target_network_name


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
