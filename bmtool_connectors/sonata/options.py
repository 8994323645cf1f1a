"""What ``save`` may be asked for, checked before anything is built or written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from bmtool_connectors.checks import flag
from bmtool_connectors.errors import ParameterError, must_be
from bmtool_connectors.sonata import layout

#: Columns that may have an index, and the names that BMTK takes for them.
INDEX_BY = {
    layout.TARGET_NODE_ID: ("target", "target_id", "target_node_ids"),
    layout.SOURCE_NODE_ID: ("source", "source_id", "source_node_ids"),
    layout.EDGE_TYPE_ID: ("edge_type", "edge_type_ids"),
}
#: Columns to sort by; None keeps the order of the tables.
SORT_BY = (*INDEX_BY, layout.EDGE_GROUP_ID, None)
#: Rows in a chunk of a compressed dataset: 512 kB of ids, half of what HDF5 keeps in memory.
CHUNK_ROWS = 1 << 16
#: Level of gzip where none is given. Bytes are shuffled first, which saves more than the higher
#: levels do, and those take two to three times as long.
GZIP_LEVEL = 1


@dataclass(frozen=True)
class SaveOptions:
    """How files are written.

    Attributes
    ----------
    compression : {'gzip', 'lzf', None} or int
        Int is the level of gzip, by zlib.
    mode : {'w', 'a'}
        Whether the file of nodes is made anew, or gets one more population.
    force_overwrite : bool
        Whether files may be there already.
    sort_by : str or None
        Column that rows are sorted by.
    index_by : tuple of str
        Columns that get an index.
    compact : bool
        Store ids, groups, types and counts in the smallest unsigned types that hold them.
    portable : bool
        Write what every reader of SONATA takes.
    """

    compression: Any = "gzip"
    mode: str = "w"
    force_overwrite: bool = True
    sort_by: str | None = layout.TARGET_NODE_ID
    index_by: tuple[str, ...] = (layout.TARGET_NODE_ID, layout.SOURCE_NODE_ID)
    compact: bool = False
    portable: bool = False

    @classmethod
    def checked(cls, owner: str, given: Mapping[str, Any]) -> SaveOptions:
        """Return the options that were given to a method.

        Raises
        ------
        ParameterError
            If there is no such option, or its value is not allowed.
        """
        options = dict(given)
        options.pop("sort_on_disk", None)  # no sort here is so large that it needs the disk
        for name in ("compact", "portable", "force_overwrite"):
            if name in options:
                options[name] = flag(options[name], f"{name} of {owner}")
        if options.get("mode", "w") not in ("w", "a"):
            _refuse("mode", owner, options["mode"], "'w' (new files) or 'a' (add to a file)")
        if "sort_by" in options and options["sort_by"] not in SORT_BY:
            _refuse("sort_by", owner, options["sort_by"], f"one of {SORT_BY}")
        if "index_by" in options:
            options["index_by"] = _index_columns(options["index_by"], owner)
        given_compression = options.get("compression", "auto")
        default = None if options.get("portable") else "gzip"
        options["compression"] = _compression(given_compression, default, owner)
        try:
            return cls(**options)
        except TypeError:
            unknown = sorted(set(options) - set(cls.__dataclass_fields__))
            raise ParameterError(
                f"{unknown[0]} of {owner} is {options[unknown[0]]!r}, but there is no such option; "
                f"there are {', '.join(cls.__dataclass_fields__)} and sort_on_disk."
            ) from None

    def storage(self, shape: tuple[int, ...]) -> dict[str, Any]:
        """Return the keywords with which a dataset of this shape is made."""
        if self.compression is None:
            return {}
        rows = max(1, CHUNK_ROWS // int(np.prod(shape[1:], dtype=int)))
        chunks: Any = (min(shape[0], rows), *shape[1:]) if np.prod(shape) else True
        found = {"compression": self.compression, "shuffle": True, "chunks": chunks}
        if self.compression == "lzf":
            return found
        level = GZIP_LEVEL if self.compression == "gzip" else self.compression
        return found | {"compression": "gzip", "compression_opts": level}


def _compression(value: Any, default: str | None, owner: str) -> Any:
    """Return the name of a filter, a level of gzip, or None."""
    names = {"auto": default, "none": None, "gzip": "gzip", "lzf": "lzf"}
    if value is None:
        return None
    if isinstance(value, str) and value.lower() in names:
        return names[value.lower()]
    is_level = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if is_level and 0 <= value <= 9:
        return int(value)
    allowed = "'gzip', 'lzf', 'none', None, or a level of gzip from 0 to 9"
    return _refuse("compression", owner, value, allowed)


def _index_columns(value: Any, owner: str) -> tuple[str, ...]:
    """Return the columns to index, by the names that the file gives them."""
    found = []
    for each in value if isinstance(value, list | tuple) else [value] if value else []:
        names = [column for column, others in INDEX_BY.items() if each in (column, *others)]
        if not names:
            _refuse("index_by", owner, value, f"None, or some of {', '.join(INDEX_BY)}")
        found += names
    return tuple(dict.fromkeys(found))


def _refuse(name: str, owner: str, value: Any, allowed: str) -> NoReturn:
    raise ParameterError(must_be(f"{name} of {owner}", allowed, repr(value)))
