"""Progress bars."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["progress"]


@contextmanager
def progress(
    total: float, show: bool, unit: str = "pair", text: str = ""
) -> Iterator[Callable[[float], Any]]:
    """Show a bar on a terminal, after a second of work; yields a function ``advance(n)``."""
    if not show or not sys.stderr.isatty():
        yield lambda n: None
        return
    from tqdm import tqdm

    options = {"unit": unit, "unit_scale": True, "desc": text or None}
    with tqdm(total=total, delay=1.0, leave=False, **options) as bar:
        yield bar.update
