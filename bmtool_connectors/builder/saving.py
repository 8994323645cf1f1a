"""The methods that save a network."""

from __future__ import annotations

from typing import Any

from bmtool_connectors.builder import _bmtk, network_save
from bmtool_connectors.builder.network_save import PathLike
from bmtool_connectors.builder.pools import NodeGroup
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.sonata.options import SaveOptions

#: Arguments by their names.
Given = dict[str, Any]


class SavingNetwork(_bmtk.HookedNetwork):
    """A network that saves itself; see ``SparseNetwork`` for what it is otherwise."""

    node_groups: list[NodeGroup]
    first_gap_id: int

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
            ``'gzip'`` shuffles bytes, and compresses them with ISA-L (the package ``isal``) where
            it is installed, else with level 1 of zlib: files are smaller than those of level 4
            without shuffling. An int is the level of gzip, by zlib: slower, and a few per cent
            smaller from 4 on. Readers see gzip, and the same values, in each case. Auto is
            ``'gzip'``, or ``'none'`` with `portable`.
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
        options |= {"force_overwrite": force_overwrite, "mode": mode, "compression": compression}
        nodes = {name: options.pop(name) for name in network_save.NODE_FILES if name in options}
        edges = {name: options.pop(name) for name in network_save.EDGE_ARGUMENTS if name in options}
        self._save("save", output_dir, options, nodes, edges)

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
        output_dir, force_overwrite, compression, mode
            As for ``save``.
        **options
            ``compact=True`` and ``portable=True``, as for ``save_edges``. With `portable`, all
            nodes are in one group, and positions are columns ``x``, ``y`` and ``z``.
        """
        options |= {"force_overwrite": force_overwrite, "mode": mode, "compression": compression}
        names = (nodes_file_name, node_types_file_name)
        nodes = dict(zip(network_save.NODE_FILES, names, strict=True))
        self._save("save_nodes", output_dir, options, nodes, None)

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
        compression: Any = "auto",
        **options: Any,
    ) -> None:
        """Write the files of edges and gap junctions, the tables of edge types and the recipe.

        What was saved earlier is removed as by ``save``, if all edges are saved.

        Parameters
        ----------
        edges_file_name, edge_types_file_name : str or path, optional
            Default ``<source>_<target>_edges.h5`` and ``<source>_<target>_edge_types.csv``. If
            only one is given, only that file is written, as in BMTK.
        output_dir, force_overwrite, compression
            As for ``save``.
        src_network, trg_network : str, optional
            Only edges between these networks; default all.
        name : str, optional
            Name of the population of edges, default ``<source>_to_<target>``.
        force_build : bool, default True
            Build what has not been built; else nothing is written then.
        **options
            ``sort_by='target_node_id'``: column that rows are sorted by; also
            ``'source_node_id'``, ``'edge_type_id'``, ``'edge_group_id'`` or None.
            ``index_by=('target_node_id', 'source_node_id')``: columns that get an index; also
            ``'edge_type_id'``. ``compact=True``: ids, groups, types and counts in the smallest
            unsigned types that hold them. ``portable=True``: files for libsonata and bluepysnap
            too, with all rows in one group of columns; what an edge type lacks is taken from its
            properties. ``sort_on_disk`` is accepted and not needed.
        """
        options |= {"force_overwrite": force_overwrite, "compression": compression}
        chosen = edges_file_name, edge_types_file_name, src_network, trg_network, name, force_build
        edges = dict(zip(network_save.EDGE_ARGUMENTS, chosen, strict=True))
        self._save("save_edges", output_dir, options, None, edges)

    def _save(
        self, method: str, folder: PathLike, given: Given, nodes: Given | None, edges: Given | None
    ) -> None:
        """Save nodes, or edges, or both; BMTK's method of this name does it for several ranks."""
        network_save.check_names(self)
        if _bmtk.n_ranks() > 1:
            save = getattr(super(), method)
            save(output_dir=folder, **(nodes or {}), **(edges or {}), **_for_bmtk(given))
            return
        checked = SaveOptions.checked(f"{method}()", given)
        network_save.NetworkSave(self, checked, folder).run(nodes, edges)


def _for_bmtk(given: Given) -> Given:
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
