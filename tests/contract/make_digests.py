"""Write the digests of the predecessor's edges into ``test_digests.py``.

Run it from the repository, with bmtool installed (``pip install --no-deps
bmtool``), whenever ``cases.py`` has got a new case::

    python tests/contract/make_digests.py

It runs every case of ``cases.py`` with ``bmtool.connectors`` on stock BMTK and
replaces the table ``DIGESTS``: number of (source, target, edge type) entries
and the first 16 hexadecimal digits of the SHA-256 of the sorted rows (network,
edge type id, source id, target id, synapses) as little-endian int64. Entries
of old cases must not change: if one does, a case was edited, or the
predecessor or NumPy's streams are not what they were. The table was made with
bmtool 0.8.7, BMTK 1.2.0 and NumPy 2.4.
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from cases import CASES, digest, run  # noqa: E402


def main() -> None:
    """Run all cases with the predecessor and replace the table."""
    module = importlib.import_module("bmtool.connectors")
    lines = []
    for case in CASES:
        rows = run(case, module, warns=False).rows
        lines.append(f'    "{case.name}": ({len(rows)}, "{digest(rows)}"),\n')
    path = HERE / "test_digests.py"
    table = re.compile(r"(?<=^DIGESTS = \{\n).*?(?=^\})", re.DOTALL | re.MULTILINE)
    text, replaced = table.subn("".join(lines), path.read_text())
    if replaced != 1:
        raise SystemExit(f"no table DIGESTS in {path.name}")
    path.write_text(text)


if __name__ == "__main__":
    main()
