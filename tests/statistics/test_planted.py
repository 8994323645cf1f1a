"""`verify` finds planted faults, and says nothing of harmless changes and good networks.

By default a part of the faults and networks is tried; all of them under the mark ``slow``. What
`verify` says about each change is printed by ``cd tests; python -m planted``.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from good_networks import save_good_network
from planted import FAULTS, HARMLESS, Change, plant, said
from scipy import stats

from bmtool_connectors import verify

#: How often a good network may be reported by chance, in tests of structure.
NEVER = 1e-9
NETWORKS = 2000
#: Of tests that count alarms of chance.
FALSE_ALARM = 1e-4
#: Faults that are not found, and why.
NOT_FOUND = {
    "configuration without the inputs": "a configuration may leave out what it does not need",
    "configuration with an empty list of edges": "a configuration may leave out what it likes",
    "cortex_gap_juncs.h5 of an earlier network left in the folder": "of another network",
    "thal_cortex_edges.h5 of an earlier network left in the folder": "of another network",
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where good folders are kept, which are made when they are needed."""
    return tmp_path_factory.mktemp("folders")


def some(changes: dict[str, Change], step: int) -> list[object]:
    """Return all changes, each of which is slow except every so many."""
    found = []
    for k, (name, change) in enumerate(changes.items()):
        marks = [pytest.mark.slow] if k % step else []
        if name in NOT_FOUND:
            marks.append(pytest.mark.xfail(reason=NOT_FOUND[name], strict=True))
        found.append(pytest.param(change, id=name, marks=marks))
    return found


@pytest.mark.parametrize("fault", some(FAULTS, 15))
def test_fault_is_found(fault: Change, folders: Path, tmp_path: Path) -> None:
    gravest, named, report = said(fault, plant(fault, folders, tmp_path / "net"), NEVER)
    assert gravest != "nothing", report
    assert named, report


@pytest.mark.parametrize("change", some(HARMLESS, 4))
def test_harmless_change_is_not_reported(change: Change, folders: Path, tmp_path: Path) -> None:
    gravest, _, report = said(change, plant(change, folders, tmp_path / "net"), NEVER)
    assert gravest == "nothing", report


def test_enough_is_planted() -> None:
    assert len(FAULTS) >= 150
    assert len(HARMLESS) >= 25
    assert len(NOT_FOUND) / len(FAULTS) < 10 / 150
    assert set(NOT_FOUND) <= set(FAULTS)


def check_networks(seeds: range, path: Path) -> tuple[int, int]:
    """Assert that good networks are called good; return alarms of chance, and networks tested."""
    alarms = tested = 0
    for seed in seeds:
        told = save_good_network(seed, path / str(seed))
        report = verify(path / str(seed), alarm_rate=NEVER)
        assert report, "\n".join([f"seed {seed}", *told, str(report)])
        tested += bool(report.tests)
        # verify shares its rate among the tests of a network.
        alarms += any(test.p_value < 1e-3 / len(report.tests) for test in report.tests)
    return alarms, tested


@pytest.mark.parametrize("part", range(4))
def test_good_networks(part: int, tmp_path: Path) -> None:
    check_networks(range(NETWORKS + 10 * part, NETWORKS + 10 * (part + 1)), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(20))
def test_many_good_networks(part: int, tmp_path: Path) -> None:
    """Seeds 0 to 1,999; in a part there are more alarms of chance than allowed once in 10,000."""
    n = NETWORKS // 20
    alarms, tested = check_networks(range(n * part, n * (part + 1)), tmp_path)
    assert alarms <= stats.binom.isf(FALSE_ALARM, tested, 1e-3)
