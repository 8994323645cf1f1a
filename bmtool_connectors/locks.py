"""Locks for objects that are copied and pickled."""

from __future__ import annotations

import _thread
from typing import Any

__all__ = ["Lock"]


class Lock(_thread.RLock):  # type: ignore[misc]  # final in typeshed, and not in CPython
    """A reentrant lock; a copy of it, and what is unpickled, is a lock of its own.

    It is taken and released in C, where no signal comes in between: Ctrl-C leaves none locked.
    """

    def __reduce__(self) -> Any:
        return type(self), ()
