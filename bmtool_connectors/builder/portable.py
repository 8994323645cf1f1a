"""Values for rows of edge types that lack a column of others, where all are in one group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.errors import ParameterError

#: What gap junctions have in columns of chemical synapses, unless they are told: currents flow at
#: once.
OF_GAP_JUNCTIONS = {"delay": 0}


def common_value(edge_type: Any, name: str, dtype: Any) -> npt.NDArray[Any]:
    """Return the one value that all rows of an edge type have of a property, shape ().

    Parameters
    ----------
    edge_type : ConnectionMap
        Without the property.
    name : str
    dtype : dtype
        Of the column.

    Raises
    ------
    ParameterError
        If it has none.
    """
    properties = edge_type.edge_type_properties
    common = 1 if name == "nsyns" else properties.get(name)
    if common is None and properties.get("is_gap_junction", False):
        common = OF_GAP_JUNCTIONS.get(name)
    try:
        constant = np.asarray(common).astype(dtype)
        if common is None or constant.ndim:
            raise ValueError
    except (TypeError, ValueError):
        raise ParameterError(
            f"portable=True needs {name!r} for the rows of edge type {edge_type.edge_type_id}, "
            f"which has {common!r}, because other edge types between the same networks have it for "
            f"each row: pass {name}=<number> to add_edges(), or call add_properties() for it as "
            "well."
        ) from None
    return constant


def check_portable(edge_types: Iterable[Any]) -> None:
    """Refuse edge types without a value for what others between the same networks have per row.

    Parameters
    ----------
    edge_types : iterable of ConnectionMap
        Built or not.

    Raises
    ------
    ParameterError
        As for `common_value`.
    """
    between = defaultdict(list)
    for each in edge_types:
        dtypes = {name: dtype for param in each.params for name, dtype in param.dtypes.items()}
        between[each.source_network_name, each.target_network_name].append((each, dtypes))
    for group in between.values():
        columns = {name: dtype for _, dtypes in group for name, dtype in dtypes.items()}
        for edge_type, dtypes in group:
            for name in (each for each in columns if each not in dtypes):
                common_value(edge_type, name, columns[name])
