"""Print what `verify` says about each planted change: ``cd tests; python -m planted``."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

from planted import FAULTS, HARMLESS, plant, said


def main() -> None:
    """Plant all changes, print a row for each, and the sums."""
    sums: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        for kind, changes in (("fault", FAULTS), ("harmless", HARMLESS)):
            for k, change in enumerate(changes.values()):
                path = plant(change, root / "folders", root / f"{kind}{k}")
                try:
                    gravest, named, report = said(change, path)
                except Exception as error:  # the table shall have all rows
                    gravest, named, first = "crash", False, repr(error)
                else:
                    alarms = [f for f in report.findings if f.severity != "note"]
                    first = str(alarms[0]) if alarms else ""
                sums[f"{kind}: {gravest}"] += 1
                if gravest != "nothing" and kind == "fault":
                    sums[f"fault: {gravest}, thing named"] += named
                by_name = "named" if named else ""
                first = first.replace(str(root), "")
                row = (kind, gravest, by_name, change.folder, change.name, first)
                sys.stdout.write(" | ".join(row) + "\n")
    for name, count in sorted(sums.items()):
        sys.stdout.write(f"{name}: {count}\n")


if __name__ == "__main__":
    main()
