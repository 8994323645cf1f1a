"""What may be the name of a saved file, and what may stand at its place."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bmtool_connectors.builder.options import SaveOptions
from bmtool_connectors.errors import ParameterError

__all__ = ["check_names", "check_targets", "is_file_name"]


def is_file_name(name: Any) -> bool:
    """Whether this is the name of a file in some folder, on any system, and no path."""
    return (
        isinstance(name, str)
        and name not in ("", "..")
        and Path(name).name == name
        and not any(character in name for character in "/\\\0")
    )


def check_names(networks: Iterable[str]) -> None:
    """Refuse names of networks with which files would be elsewhere than in their folder."""
    for network in networks:
        if not is_file_name(f"{network}_nodes.h5"):
            raise ParameterError(
                f"name of NetworkBuilder is {network!r}, and its files are called after it; "
                "allowed are names without '/' and backslash: rename the network. Nothing was "
                "built or written."
            )


def check_targets(paths: Iterable[Path], options: SaveOptions) -> None:
    """Refuse to replace what is no file, and files where that was not allowed."""
    for path in paths:
        if not options.force_overwrite and path.exists():
            raise ParameterError(
                f"force_overwrite is False and {str(path)!r} exists; allowed are new files: choose "
                "another folder or name, or remove it. Nothing was written."
            )
        if path.exists() and not path.is_file():
            kind = "it is a folder" if path.is_dir() else "it is a device, pipe or socket"
            raise OSError(
                f"{str(path)!r} could not be written ({kind}); allowed are files and new names: "
                "choose another folder or name. Nothing was built or written."
            )
