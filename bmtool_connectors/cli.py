"""Command line: ``python -m bmtool_connectors`` and ``diff``, ``summary``, ``verify``.

Exit codes: 0 equal, or nothing wrong; 1 different, or something wrong; 2 error.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TextIO, TypeAlias

from bmtool_connectors.comparison.compare import RTOL, compare
from bmtool_connectors.saved import summarize
from bmtool_connectors.verification.verify import verify

#: Returns what is printed, and the exit code.
Command: TypeAlias = Callable[[argparse.Namespace], tuple[str, int]]

EQUAL, DIFFERENT, ERROR = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run a sub-command and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process when left out.

    Returns
    -------
    int
        0 equal or nothing wrong, 1 different or something wrong, 2 error (one sentence on stderr,
        or in the report of what cannot be read).
    """
    try:
        arguments = _parser().parse_args(argv)
        command: Command = arguments.command
        try:
            text, code = command(arguments)
            _print(text)
            return code
        except (ValueError, OSError, MemoryError) as error:
            _print(f"error: {str(error) or type(error).__name__}\n", sys.stderr)
        except Exception:
            # Python would exit with 1, which scripts take for "different".
            _print(traceback.format_exc(), sys.stderr)
        return ERROR
    finally:
        _print("")  # what others have printed


def _print(text: str, stream: TextIO | None = None) -> None:
    """Write to stdout, or another stream; a reader that has had enough is no error."""
    stream = sys.stdout if stream is None else stream
    if stream is None:  # closed when Python was started
        return
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except BrokenPipeError:
        # As Python's documentation advises: what is left goes nowhere, also at the end of Python.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bmtool_connectors", description="Tools for networks in SONATA files."
    )
    commands = parser.add_subparsers(title="commands", metavar="command", required=True)
    # A new sub-command is one function here, that adds its parser and sets what runs it.
    for add in (_add_diff, _add_summary, _add_verify):
        add(commands)
    return parser


def _add_diff(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "diff",
        help="compare two network folders",
        description="Compare two folders with SONATA files; the order of rows does not count.",
        epilog="With --rtol 0, float values must be equal. Exit codes: 0 equal, 1 different, "
        "2 error.",
    )
    parser.add_argument("a", metavar="A", help="folder with *_nodes.h5, *_edges.h5, ...")
    parser.add_argument("b", metavar="B", help="folder to compare it with")
    for name, kind, default in (("rtol", "relative", RTOL), ("atol", "absolute", 0.0)):
        parser.add_argument(
            f"--{name}",
            type=float,
            default=default,
            metavar="X",
            help=f"{kind} tolerance for float values (default {default:g})",
        )
    parser.set_defaults(command=_diff)


def _diff(arguments: argparse.Namespace) -> tuple[str, int]:
    comparison = compare(arguments.a, arguments.b, rtol=arguments.rtol, atol=arguments.atol)
    return f"{comparison}\n", EQUAL if comparison else DIFFERENT


def _add_verify(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "verify",
        help="check a network folder",
        description="Check SONATA files, and the recipe that was saved with them.",
        epilog="Exit codes: 0 nothing wrong, 1 errors or warnings, 2 something cannot be read.",
    )
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="+",
        help="folder with *_nodes.h5, *_edges.h5, ..., or configuration (.json) that names them",
    )
    parser.add_argument("--dt", type=float, metavar="MS", help="least delay that is allowed")
    parser.add_argument(
        "--alarm-rate",
        type=float,
        default=1e-3,
        metavar="P",
        help="how often a good network may be found improbable (default 0.001)",
    )
    parser.set_defaults(command=_verify)


def _verify(arguments: argparse.Namespace) -> tuple[str, int]:
    report = verify(arguments.paths, dt=arguments.dt, alarm_rate=arguments.alarm_rate)
    return f"{report}\n", report.exit_code


def _add_summary(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "summary",
        help="count the connections of a network folder, and compare with what was wanted",
        description="Count the connections of a folder with SONATA files. What was wanted of them "
        "is known where *_connections.json is.",
        epilog="Exit codes: 0 done, 2 error.",
    )
    parser.add_argument("folder", metavar="FOLDER", help="folder with *_edges.h5, ...")
    parser.add_argument(
        "--format", choices=("text", "csv", "json"), default="text", help="default text"
    )
    parser.set_defaults(command=_summary)


def _summary(arguments: argparse.Namespace) -> tuple[str, int]:
    summary = summarize(arguments.folder)
    texts = {"text": lambda: f"{summary}\n", "csv": summary.to_csv, "json": summary.to_json}
    return texts[arguments.format](), EQUAL
