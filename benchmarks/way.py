"""How many functions of the package one connector runs through: a constant p0, to a saved file.

    python benchmarks/way.py            counts, and lines of code of the package
    python benchmarks/way.py --list     each function, too, in the order of its first call

A function is a ``def`` (or lambda, or comprehension with a frame of its own) of the package; it
counts once, however often it is called. What runs when the package is imported does not count. The
number says how far a reader has to go from the parameter to the file, for one version of Python.
"""

from __future__ import annotations

import io
import platform
import sys
import tempfile
import tokenize
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np

import bmtool_connectors
from bmtool_connectors import NetworkBuilder, ReciprocalConnector

PACKAGE = Path(bmtool_connectors.__file__).parent
#: Frames that are no function of their own in every version of Python.
NO_FUNCTIONS = ("<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>", "<lambda>", "<module>")
N_CELLS = 20


def called(work: Callable[[], Any]) -> dict[CodeType, None]:
    """Return the functions of the package that `work` calls, in the order of their first call."""
    found: dict[CodeType, None] = {}

    def look(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        inside = event == "call" and code.co_filename.startswith(str(PACKAGE))
        if inside and code.co_name not in NO_FUNCTIONS:
            found.setdefault(code)

    sys.setprofile(look)
    try:
        work()
    finally:
        sys.setprofile(None)
    return found


def code_lines(path: Path) -> int:
    """Return how many lines of a file hold code: no comment, no docstring, not blank."""
    lines: set[int] = set()
    skip = {
        *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT),
        *(tokenize.ENCODING, tokenize.ENDMARKER),
    }
    is_first = True  # of a statement: a string there is a docstring
    source = io.StringIO(path.read_text(encoding="utf-8"))
    for token in tokenize.generate_tokens(source.readline):
        if token.type in skip:
            is_first = is_first or token.type == tokenize.NEWLINE
            continue
        if not (is_first and token.type == tokenize.STRING):
            lines.update(range(token.start[0], token.end[0] + 1))
        is_first = False
    return len(lines)


def counted_build(folder: str) -> dict[str, dict[CodeType, None]]:
    """Return the functions called until a network has been built, and until it is saved."""
    net = NetworkBuilder("net")
    for name in "AB":
        net.add_nodes(N=N_CELLS, pop_name=name, x=np.arange(N_CELLS))

    def build() -> None:
        connector = ReciprocalConnector(
            p0=0.3, p1=0.2, pr=None, verbose=False, save_report=False, rng=1
        )
        pools = net.nodes(pop_name="A"), net.nodes(pop_name="B")
        connector.setup_nodes(source=pools[0], target=pools[1])
        net.add_edges(**connector.edge_params(), syn_weight=1.0)
        net.add_edges(**connector.edge_params(), syn_weight=2.0)
        net.build()

    built = called(build)
    return {"built": built, "saved": built | called(lambda: net.save(folder))}


def main() -> None:
    """Count the second of two builds, when what is done once per process has been done."""
    with tempfile.TemporaryDirectory() as folder:
        parts = [counted_build(f"{folder}/{k}") for k in range(2)][-1]
    for name, found in parts.items():
        files = {code.co_filename for code in found}
        print(f"{name}: {len(found)} functions in {len(files)} files")
    files_of_package = sorted(PACKAGE.rglob("*.py"))
    lines = sum(map(code_lines, files_of_package))
    print(f"package: {lines} lines of code in {len(files_of_package)} files")
    print(f"Python {platform.python_version()}")
    if "--list" in sys.argv:
        for code in parts["saved"]:
            place = Path(code.co_filename).relative_to(PACKAGE)
            print(f"{place}:{code.co_firstlineno} {code.co_name}")


if __name__ == "__main__":
    main()
