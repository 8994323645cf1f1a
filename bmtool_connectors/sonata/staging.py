"""Files that are written aside and moved into place when all of them are complete.

A reader, or a run that is killed, finds the old file or the new one, never a
part of one: a move within a file system is a single step.
"""

from __future__ import annotations

import os
import secrets
import shutil
import weakref
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import BinaryIO

from bmtool_connectors.errors import ParameterError
from bmtool_connectors.sonata.interrupts import held_signals

#: What the names of folders for files that are being written begin with.
_PREFIX = ".saving-"
#: A file in each of them that is locked for as long as the process that writes lives.
_LOCK = ".lock"


class StagedFiles:
    """Files that appear together at the end of a ``with`` block, if nothing failed in it.

    Notes
    -----
    Files are written into a hidden folder beside their place, flushed to the disk, and moved.
    When the block raises, what was made for it is removed and nothing else has changed. Hidden
    folders that a killed process left are removed by the next one that writes beside them.

    A process that is killed between two moves leaves some new files beside old ones.
    """

    def __init__(self) -> None:
        #: Removes what was made, at the latest when this object goes.
        self._cleaning = ExitStack()
        weakref.finalize(self, self._cleaning.close).atexit = False  # processes may be forked
        self._folders: dict[Path, Path] = {}
        #: What is to be done at the end: files and where they are now, None for those to remove.
        self._files: dict[Path, Path | None] = {}
        #: Whether a file has been moved into its place.
        self._moved = False

    def __enter__(self) -> StagedFiles:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with held_signals(), self._cleaning:
            if kind is not None:
                return
            done: list[Path] = []
            for final, path in self._files.items():
                with self._failures(final, "removed" if path is None else "written"):
                    if path is not None:
                        os.replace(path, final)
                        done.append(final)
                    # One file may have two names: links, or in other letters on some systems.
                    elif (final.is_file() and not final.is_symlink()) and not any(
                        final.samefile(each) for each in done
                    ):
                        final.unlink()
                self._moved = True
            for folder in self._folders:
                with suppress(OSError):  # some cannot be flushed; the files are there anyway
                    _flush(folder)

    @contextmanager
    def writing(self, file: str | os.PathLike[str]) -> Iterator[Path]:
        """Give the path to write to for `file`, and see to it that it reaches the disk.

        Raises
        ------
        OSError
            Of one sentence, if anything about it fails.
        """
        final = Path(os.path.realpath(file))  # a link stays, and what it points to is replaced
        with self._failures(final):
            path = self.folder(final.parent) / final.name
            yield path
            if path.exists():
                _flush(path)
                self._files[final] = path

    def folder(self, beside: Path) -> Path:
        """Return the hidden folder in a folder; both are made as needed."""
        if beside not in self._folders:
            for missing in [each for each in (beside, *beside.parents) if not each.exists()][::-1]:
                self._cleaning.callback(_remove_empty, missing)
                missing.mkdir(exist_ok=True)
            for left in beside.glob(f"{_PREFIX}*"):
                _remove_left(left)
            while beside not in self._folders:
                # Before it is locked another process may take it for one that was left.
                with suppress(FileNotFoundError) if beside.is_dir() else nullcontext():
                    self._folders[beside] = self._new_folder(beside)
        return self._folders[beside]

    def _new_folder(self, beside: Path) -> Path:
        folder = beside / f"{_PREFIX}{secrets.token_hex(8)}"
        self._cleaning.callback(_remove, folder)
        folder.mkdir()
        new = folder / f"{_LOCK}.new"
        # Locked until the end, before it has its name: there is no moment without the lock.
        if _locked(self._cleaning.enter_context(new.open("wb"))):
            new.rename(folder / _LOCK)
        return folder

    def remove(self, file: Path) -> None:
        """Have a file removed, unless it is a link or no file, once those before are in place."""
        self._files.setdefault(file, None)

    @contextmanager
    def _failures(self, final: Path, done: str = "written") -> Iterator[None]:
        """Say which file could not be written or removed, why, and what is there now."""
        try:
            yield
        except OSError as error:
            now = (
                "some files of this save are in place already; save again"
                if self._moved
                else "the files that were there are unchanged; make room or choose another "
                "folder, and save again"
            )
            message = f"{str(final)!r} could not be {done} ({error.strerror or error}); {now}."
            failure = OSError(message)
            failure.errno = error.errno
            raise failure from error


def check_targets(paths: Iterable[Path], force_overwrite: bool) -> None:
    """Refuse to replace what is no file, and files where that was not allowed.

    Raises
    ------
    ParameterError
        If there is a file, and `force_overwrite` is false.
    OSError
        If there is a folder, device or pipe.
    """
    for path in paths:
        if not force_overwrite and path.exists():
            raise ParameterError(
                f"force_overwrite is False, but {str(path)!r} exists; choose another folder or "
                "name, or remove it. Nothing was written."
            )
        if path.exists() and not path.is_file():
            kind = "it is a folder" if path.is_dir() else "it is a device, pipe or socket"
            raise OSError(
                f"{str(path)!r} could not be written ({kind}); choose another folder or name. "
                "Nothing was built or written."
            )


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):  # it holds something
        folder.rmdir()


def _flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(folder: Path) -> None:
    """Remove a hidden folder; its lock goes last, so that another process can go on with it."""
    with suppress(OSError):
        for file in folder.iterdir():
            if file.name != _LOCK:
                file.unlink()
    shutil.rmtree(folder, ignore_errors=True)


def _remove_left(folder: Path) -> None:
    """Remove a hidden folder, if the process that made it was killed."""
    for lock in folder.glob(f"{_LOCK}*"):
        with suppress(OSError), lock.open("r+b") as file:
            if _locked(file):
                _remove(folder)
        return
    _remove_empty(folder)  # it was killed before it made the lock, or while it removed the folder


def _locked(file: BinaryIO) -> bool:
    """Lock a file until it is closed or the process ends; False if that cannot be done."""
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):  # Windows; some network file systems; another process has it
        return False
    return True
