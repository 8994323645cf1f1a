"""What the package finds by itself: the classes in a folder that carry examples.

A class of a profile or a connector says by ``examples``, an attribute of its own, with which
arguments it is tried. That is all that makes it known: the package exports it, the page of the API
describes it, and the tests try every law on each of its examples::

    class RingProfile(FormulaProfile):
        examples = ({"radius": 50.0}, {"radius": 120.0, "width": 10.0})

An example that needs a file is a function of a folder, which writes it and returns the arguments.
The first example of a connector fits any two populations, and connects some of their pairs.

To let another folder be found: add it to ``FOLDERS``, put a marker where ``docs/conf.py`` shall
list its classes, and let the tests go through ``found(folder)``. Type checkers and editors cannot
look into folders: they see the modules that ``bmtool_connectors/__init__.py`` imports ``*`` from.
For them the names of a module that is not there are ``Any``, no more.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

__all__ = ["FOLDERS", "Examples", "arguments", "found", "has_examples"]

#: Arguments of a constructor, or a function of a folder that returns them.
Examples: TypeAlias = "Sequence[Mapping[str, Any] | Callable[[Path], Mapping[str, Any]]]"

#: Folders whose classes are public when they carry examples.
FOLDERS = ("patterns", "profiles")


def has_examples(cls: type) -> bool:
    """Whether a class carries examples of its own: they are not inherited."""
    return "examples" in vars(cls)


def arguments(
    example: Mapping[str, Any] | Callable[[Path], Mapping[str, Any]], folder: Path
) -> dict[str, Any]:
    """Return the arguments of an example; files that it needs are written into a folder."""
    return dict(example(folder) if callable(example) else example)


def found(folder: str) -> dict[str, Any]:
    """Return the public classes with examples that are defined in the modules of a folder.

    Parameters
    ----------
    folder : str
        Of the package, ``'profiles'`` for one; its modules are imported.

    Returns
    -------
    dict of str to type
        By name, sorted. ``cls(**arguments(example, folder))`` for each of ``cls.examples`` makes
        an object.
    """
    package = importlib.import_module(f"{__package__}.{folder}")
    classes = {}
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        for name, value in vars(module).items():
            own = isinstance(value, type) and value.__module__ == module.__name__
            if own and has_examples(value) and not name.startswith("_"):
                classes[name] = value
    return dict(sorted(classes.items()))
