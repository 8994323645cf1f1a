"""Errors and warnings of the package.

::

    ValueError, AssertionError
     +-- ParameterError      a parameter of a function or a connector is not allowed
    ValueError
     +-- NodeError           a node pool does not fit the connector, or is missing
    UserWarning
     +-- ConnectivityWarning something was repaired or is likely not what was meant

Every message is one sentence (or two) that says which parameter of which class, what it must be,
what it got and what to do: ``p of X must be a probability in [0, 1], got 1.5.``
"""

from __future__ import annotations

import sys
import warnings
from types import FrameType

__all__ = ["ConnectivityWarning", "NodeError", "ParameterError"]


class _OneSentenceError(ValueError):
    """An error whose message is one short line, whatever values it quotes."""

    def __init__(self, message: str = "") -> None:
        line = " ".join(message.split())
        if len(line) > 480:  # a long value: what it must be stands before it, the remedy after it
            line = f"{line[:240]} ... {line[-220:]}"
        super().__init__(line)


def must_be(name: str, allowed: str, got: str) -> str:
    """Return "<name> must be <allowed>, got <got>.", and last what follows a colon in `allowed`."""
    what, colon, remedy = allowed.partition(": ")
    return f"{name} must be {what}, got {got}{colon}{remedy}."


class ParameterError(_OneSentenceError, AssertionError):
    """A parameter value is not allowed.

    Also an ``AssertionError``, because that is what build scripts written for
    the ``connectors`` module of bmtool catch.
    """


class NodeError(_OneSentenceError):
    """A node pool is missing, empty, or does not fit the connector."""


class ConnectivityWarning(UserWarning):
    """The network was built, but something was repaired or looks unintended."""


#: Packages whose code a warning does not point to: a script called them, or they called a script.
_NOT_THE_SCRIPT = frozenset({"bmtool_connectors", "bmtk", "importlib"})


def warn(message: str) -> None:
    """Warn at the line of the user's script that led here, however deep we and BMTK are.

    Python shows one text once per line of a script: it has to say which object it is about.
    """
    frame = sys._getframe()
    while frame.f_back is not None and _module(frame).partition(".")[0] in _NOT_THE_SCRIPT:
        frame = frame.f_back
    warnings.warn_explicit(
        message,
        ConnectivityWarning,
        filename=frame.f_code.co_filename,
        lineno=frame.f_lineno,
        module=_module(frame),
        registry=frame.f_globals.setdefault("__warningregistry__", {}),
    )


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "<unknown>"))
