"""The edges of an edge type: those of our rules as they are, all others by asking BMTK."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.builder import _bmtk
from bmtool_connectors.builder.edge_table import COUNTS
from bmtool_connectors.builder.registry import ITERATOR_NAMES
from bmtool_connectors.connection_rule import ConnectionRule, edges_between
from bmtool_connectors.edges import EdgeList
from bmtool_connectors.errors import NodeError, ParameterError
from bmtool_connectors.generators import generators_in, restored_on_error
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.progress import progress

#: Pairs between two steps of the progress bar; a power of 2.
_PAIRS_PER_STEP = 1 << 14
#: The greatest number of synapses that BMTK's type holds.
_MOST_SYNAPSES = int(np.iinfo(COUNTS).max)


def edges_of(edge_type: Any, source: NodeArrays, target: NodeArrays, show: bool) -> EdgeList:
    """Return the edges of an edge type as indices into its pools.

    Parameters
    ----------
    edge_type : ConnectionMap
    source, target : NodeArrays
        Its pools.
    show : bool
        Whether progress may be shown.

    Raises
    ------
    ParameterError
        If the rule gives something that is no number of synapses.
    NodeError
        If an iterator gives a node that is not in the pools.
    """
    rule = edge_type.connector
    if isinstance(rule, ConnectionRule) and edge_type.iterator in ITERATOR_NAMES:
        return edges_between(rule, source, target)
    with restored_on_error(*generators_in(rule)):
        return _asked(edge_type, source, target, show)


def _asked(edge_type: Any, source: NodeArrays, target: NodeArrays, show: bool) -> EdgeList:
    """Run BMTK's iterator, and keep what is connected."""
    source_ids, target_ids, counts = array("q"), array("q"), array("q")
    label = f"edge type {edge_type.edge_type_id}"
    with progress(len(source) * len(target), show, text=label) as advance:
        for number, (sid, tid, value) in enumerate(_bmtk.connection_iterator(edge_type), 1):
            count = value if type(value) is int else _n_synapses(value)
            if not 0 <= count <= _MOST_SYNAPSES:
                raise ParameterError(
                    f"connection_rule of {label} must give a number of synapses, up to "
                    f"{_MOST_SYNAPSES}, got {value!r} for source {sid} and target {tid}: correct "
                    "the rule."
                )
            if count:
                source_ids.append(sid)
                target_ids.append(tid)
                counts.append(count)
            if not number % _PAIRS_PER_STEP:
                advance(_PAIRS_PER_STEP)
    i = _pool_indices(np.array(source_ids, dtype=np.int64), source, label)
    j = _pool_indices(np.array(target_ids, dtype=np.int64), target, label)
    return _canonical(i, j, np.array(counts, dtype=np.int64), (len(source), len(target)))


def _n_synapses(value: Any) -> int:
    """Return a number of synapses as BMTK stores it, or -1 where it is none."""
    try:
        if not value:
            return 0
        return int(np.asarray(value).item()) if value >= 0 else -1
    except (TypeError, ValueError, OverflowError):
        return -1


def _pool_indices(ids: npt.NDArray[np.int64], nodes: NodeArrays, label: str) -> npt.NDArray[Any]:
    found = nodes.find(ids)
    missing = found < 0
    if missing.any():
        raise NodeError(
            f"iterator of {label} must give nodes of the pool {nodes.label}, which it was given, "
            f"got node {ids[missing][0]}."
        )
    return found


def _canonical(
    i: npt.NDArray[Any], j: npt.NDArray[Any], counts: npt.NDArray[Any], shape: tuple[int, int]
) -> EdgeList:
    """Return pairs in order of source and target; of a pair given twice, BMTK keeps the last."""
    keys = i * shape[1] + j
    if not (np.diff(keys) > 0).all():
        order = np.argsort(keys, kind="stable")
        last = np.append(np.diff(keys[order]) > 0, True)
        chosen = order[last]
        i, j, counts = i[chosen], j[chosen], counts[chosen]
    return EdgeList.from_sorted(i, j, shape, counts)
