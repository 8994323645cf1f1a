"""What node pools select: the filter of a BMTK pool, its text, and its key in random streams.

Pools are duck-typed, as in ``nodes``: any that has a ``network_name``.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import itertools
import json
from collections.abc import Hashable
from typing import Any

import numpy as np
import numpy.typing as npt

#: Stands for a value that is not plain.
_OTHER = object()


def pool_label(pool: Any) -> str:
    """Return network name and filter of a pool, as in the CSV report."""
    return f"{pool.network_name}: {getattr(pool, 'filter_str', '*')}"


def filters_of(pool: Any) -> dict[str, Any] | None:
    """Return the filter of a pool by attribute name, or None when it cannot be read."""
    # BMTK keeps it under a mangled name only, our parts of pools do not; without it (another kind
    # of pool, another version) pools are scanned each time and compared by their nodes.
    filters = getattr(pool, "filters", getattr(pool, "_NodePool__properties", None))
    return filters if isinstance(filters, dict) else None


def filter_key(pool: Any) -> Hashable:
    """Return a key equal for equal filters of pools; None when the filter has none.

    ``'A'`` and ``['A']`` select the same nodes; 1 and ``'1'``, or 1 and True, do not.
    """
    filters = filters_of(pool)
    if filters is None:
        return None
    asked = {name: value if isinstance(value, list) else [value] for name, value in filters.items()}
    try:
        return frozenset(
            (name, frozenset((type(each).__name__, each) for each in values))
            for name, values in asked.items()
        )
    except TypeError:  # an array, a dict: scanned each time
        return None


def stream_label(pool: Any, ids: npt.NDArray[np.int64]) -> str:
    """Return the key of a pool in private random streams: equal only for equal filters.

    Parameters
    ----------
    pool : NodePool
    ids : ndarray of int64, shape (n,)
        Of its nodes.

    Notes
    -----
    It is BMTK's text of the filter, as in reports, where that can only mean this filter; else
    JSON of network name and sorted filters, which tells ``1`` from ``'1'``. What is no plain value
    (a function, which may share its name with another) enters as a digest of the node ids.
    """
    filters = filters_of(pool)
    if filters is None:
        return pool_label(pool)
    plain = {name: _plain(value) for name, value in filters.items()}
    if all(itertools.starmap(_has_own_text, plain.items())):
        conditions = (f"{name}=='{value}'" for name, value in plain.items())
        return f"{pool.network_name}: {'&'.join(conditions) or '*'}"
    digest = hashlib.blake2b(ids.astype("<i8").tobytes(), digest_size=16).hexdigest()
    values = {name: _as_json(value, digest) for name, value in plain.items()}
    return json.dumps([pool.network_name, values], sort_keys=True)


def chooses_anew(pool: Any) -> bool:
    """Whether the filter of a pool holds a function, or an object that compares in its own way."""
    return any(_plain(value) is _OTHER for value in (filters_of(pool) or {}).values())


def _plain(value: Any) -> Any:
    """Return a number, a text, or a list or tuple of them as Python's own; else ``_OTHER``."""
    if isinstance(value, np.generic):
        value = value.item()
    if type(value) in (list, tuple):
        items = [_plain(item) for item in value]
        return _OTHER if _OTHER in items else type(value)(items)
    return value if value is None or type(value) in (bool, int, float, str) else _OTHER


def _has_own_text(name: str, value: Any) -> bool:
    """Whether BMTK's text of a condition can only mean this attribute with this value."""
    text = str(value)
    if value is _OTHER or "'&" in text or "==" in name or ": " in name:
        return False  # it may be any object, or looks like two conditions
    if not isinstance(value, str):
        return True  # only a text can look like it, and that one gives way
    for read in (int, float, ast.literal_eval):
        with contextlib.suppress(ValueError, SyntaxError, RecursionError, MemoryError):
            other = read(text)
            if not isinstance(other, str) and str(other) == text:
                return False
    return True


def _as_json(value: Any, digest: str) -> Any:
    """Return a value for JSON, a list told from a tuple, and what is not plain as the digest."""
    if value is _OTHER:
        return {"ids": digest}
    if isinstance(value, list | tuple):
        items = [_as_json(item, digest) for item in value]
        return items if isinstance(value, list) else {"tuple": items}
    return value
