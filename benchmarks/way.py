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


def main() -> None:
    """Build and save a network of 20 x 20 cells, first once without counting."""
    parts: dict[str, dict[CodeType, None]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for k in range(2):  # the second time: what is done once per process is done

            def build(net: Any) -> None:
                connector = ReciprocalConnector(
                    p0=0.3, p1=0.2, pr=None, verbose=False, save_report=False, rng=1, name=str(k)
                )
                pools = net.nodes(pop_name="A"), net.nodes(pop_name="B")
                connector.setup_nodes(source=pools[0], target=pools[1])
                net.add_edges(**connector.edge_params(), syn_weight=1.0)
                net.add_edges(**connector.edge_params(), syn_weight=2.0)

            def work(net: Any, k: int = k) -> None:
                build(net)
                net.build()

            net = NetworkBuilder(f"net{k}")
            for name in "AB":
                net.add_nodes(N=N_CELLS, pop_name=name, x=np.arange(N_CELLS))
            built = called(lambda net=net: work(net))
            saved = called(lambda net=net, k=k: net.save(f"{folder}/{k}"))
            parts = {"built": built, "saved": built | saved}
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
