"""A script run for the previews of its networks."""

from __future__ import annotations

import os
import runpy
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from bmtool_connectors import previewing
from bmtool_connectors.builder import _bmtk, inspected
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.inspection.preview import Preview

__all__ = ["ScriptError", "preview_script"]


class ScriptError(Exception):
    """The script failed; the message is the traceback that Python would print."""


def preview_script(
    file: str, arguments: Sequence[str], show: Callable[[str, int, Preview], None]
) -> str | None:
    """Run a script that builds networks, as Python would, and preview them instead.

    Parameters
    ----------
    file : str
    arguments : sequence of str
        What the script finds in ``sys.argv`` after its own name.
    show : callable
        Given the name of a network, its number of nodes and its preview, where the script would
        first build it or save its edges; and again if it has added edges until it would next.

    Returns
    -------
    str or None
        Where the script was ended and why, if it looked at edges or files that were not made.

    Raises
    ------
    ParameterError
        If the script builds or saves networks of BMTK's own builder (nothing of them has been
        made), or none at all.
    ScriptError
        If the script raises an exception. What is none, like SystemExit, is passed on.
    """

    def shown(network: Any, edge_types: list[Any]) -> None:
        show(network.name, len(network.nodes()), inspected.preview(edge_types))

    with previewing.previewing(shown) as preview, _bmtk.replaced(_refuse):
        try:
            _run(file, arguments)
        except previewing.EndOfPreview as end:
            return f"{_place(end, file)}, where the script looks at {end}, which are not made"
        except _OtherNetworkError as other:
            raise ParameterError(
                f"network {other} is one of BMTK's own NetworkBuilder and would be built or saved "
                f"at {_place(other, file)}; only networks of bmtool_connectors.NetworkBuilder are "
                "previewed: import NetworkBuilder from bmtool_connectors."
            ) from None
        except Exception as error:
            path = preview.missing(error)
            if path is not None:
                return f"{_place(error, file)}, where the script needs {path!r}, which is not saved"
            lines = traceback.format_exception(type(error), error, _trace(error, file))
            raise ScriptError("".join(lines)) from error
    if not preview.lacks_edges and not preview.lacks_files:
        raise ParameterError(
            f"{file!r} ends without build() or save() of a network of "
            "bmtool_connectors.NetworkBuilder; only such networks are previewed."
        )
    return None


class _OtherNetworkError(BaseException):
    """A network of BMTK's own would be built or saved; no Exception, which scripts may catch."""


def _refuse(network: Any, *_: Any, **__: Any) -> None:
    raise _OtherNetworkError(repr(network.name))


def _run(file: str, arguments: Sequence[str]) -> None:
    """Run a script as ``python file arguments`` does."""
    kept = sys.argv, sys.path
    sys.argv = [file, *arguments]
    sys.path = [os.path.dirname(os.path.realpath(file)), *sys.path[1:]]
    try:
        runpy.run_path(file, run_name="__main__")
    finally:
        sys.argv, sys.path = kept


def _trace(error: BaseException, file: str) -> TracebackType | None:
    """Return the traceback of an error from the script on; None if it is not in there."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != file:
        trace = trace.tb_next
    return trace


def _place(error: BaseException, file: str) -> str:
    """Return the last line of the script that led to an error."""
    line, trace = 0, _trace(error, file)
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{Path(file).name}:{line}"
