"""Signals that wait while what they would interrupt cannot be left half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any


@contextmanager
def held_signals() -> Iterator[Callable[[], None]]:
    """Have signals, Ctrl-C among them, wait until the end of a ``with`` block.

    Yields
    ------
    deliver : callable
        Calls the handlers of what has come so far, which may raise: for a place in between
        where that does no harm.

    Notes
    -----
    Python calls handlers of signals in the main thread, between any two steps of a program,
    before the first one of a function as well: no ``try`` in a function that C calls can catch
    all of what they raise. In other threads there is nothing to be held.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    known: dict[int, Any] = {each: signal.getsignal(each) for each in signal.valid_signals()}
    handlers = {each: handler for each, handler in known.items() if callable(handler)}  # of Python
    waiting: dict[int, FrameType | None] = {}

    def deliver() -> None:
        while waiting:
            number, frame = waiting.popitem()
            handlers[number](number, frame)

    with ExitStack() as stack:
        stack.callback(deliver)
        for number, handler in handlers.items():  # all are put back, whatever one of them raises
            stack.callback(signal.signal, number, handler)
        for number in handlers:
            signal.signal(number, waiting.__setitem__)
        yield deliver
