"""The state of a script that is previewed: nothing of it is built, drawn or saved.

``SparseNetwork`` asks :func:`current` before it builds or saves, and connectors before
they draw. While a script is previewed, a network that would be built or saved is shown
instead, once, and the script goes on; where it looks at what is therefore missing, the
preview ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["EndOfPreview", "ScriptPreview", "current", "look", "previewing"]


class EndOfPreview(BaseException):
    """A script looks at what a preview has not made; no Exception, which scripts may catch."""


class ScriptPreview:
    """What was skipped in a script that is previewed.

    Parameters
    ----------
    show : callable
        Given a network when it would be built or saved, and those of its edge types that it
        has not been given before.
    """

    def __init__(self, show: Callable[[Any, list[Any]], None]) -> None:
        self._show = show
        self._networks: set[Hashable] = set()
        self._edge_types: set[Hashable] = set()
        self._files: set[Path] = set()

    @property
    def lacks_edges(self) -> bool:
        """Whether the edges of a network were not made."""
        return bool(self._networks)

    @property
    def lacks_files(self) -> bool:
        """Whether files were not saved."""
        return bool(self._files)

    def skip(self, network: Any, edge_types: Iterable[Any]) -> None:
        """Show a network instead of building it or saving its edges."""
        new = [each for each in edge_types if each not in self._edge_types]
        if new or network not in self._networks:
            self._networks.add(network)
            self._edge_types.update(new)
            self._show(network, new)

    def skip_files(self, files: Iterable[Path]) -> None:
        """Remember files that are not saved."""
        self._files.update(file.resolve() for file in files)

    def missing(self, error: BaseException) -> str | None:
        """Return the file or folder that an error is about, if it would have been saved."""
        if not isinstance(error, FileNotFoundError):
            return None
        named = re.search("name = '(.+?)'", str(error))  # by h5py
        path = error.filename or (named and named[1])
        if not isinstance(path, str):
            return None
        full = Path(path).resolve()
        return path if any(each.is_relative_to(full) for each in self._files) else None


#: The preview that is under way, if one is.
_under_way: list[ScriptPreview] = []


def current() -> ScriptPreview | None:
    """Return the preview that is under way."""
    return _under_way[-1] if _under_way else None


def look(what: str) -> None:
    """End a preview in which edges are looked at after those of a network were not made."""
    script = current()
    if script is not None and script.lacks_edges:
        raise EndOfPreview(what)


@contextmanager
def previewing(show: Callable[[Any, list[Any]], None]) -> Iterator[ScriptPreview]:
    """Build, draw and save nothing within the block; see :class:`ScriptPreview`."""
    _under_way.append(ScriptPreview(show))
    try:
        yield _under_way[-1]
    finally:
        _under_way.pop()
