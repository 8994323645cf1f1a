"""Errors and warnings of the package.

::

    ValueError, AssertionError
     +-- ParameterError      a parameter of a function or a connector is not allowed
    ValueError
     +-- NodeError           a node pool does not fit the connector, or is missing
    UserWarning
     +-- ConnectivityWarning something was repaired or is likely not what was meant

Every message is one sentence (or two) that says which parameter of which class,
what it got, what is allowed and what to do.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

__all__ = ["ConnectivityWarning", "NodeError", "ParameterError"]


class _OneSentenceError(ValueError):
    """An error whose message is one short line, whatever values it quotes."""

    def __init__(self, message: str = "") -> None:
        line = " ".join(message.split())
        if len(line) > 480:  # a long value: what it is stands before it, the remedy after it
            line = f"{line[:200]} ... {line[-240:]}"
        super().__init__(line)


class ParameterError(_OneSentenceError, AssertionError):
    """A parameter value is not allowed.

    Also an ``AssertionError``, because that is what build scripts written for
    the ``connectors`` module of bmtool catch.
    """


class NodeError(_OneSentenceError):
    """A node pool is missing, empty, or does not fit the connector."""


class ConnectivityWarning(UserWarning):
    """The network was built, but something was repaired or looks unintended."""


_PACKAGE = str(Path(__file__).parent)


def warn(message: str) -> None:
    """Warn at the line of the user's script that led here, however deep we are."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, ConnectivityWarning, stacklevel=level)
