"""Chunks that are compressed here, against those that HDF5 makes of the same values."""

from __future__ import annotations

import errno
import itertools
import sys
import zlib
from itertools import cycle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from bmtool_connectors.sonata import chunks, h5_file, options
from bmtool_connectors.sonata.chunks import DatasetWriter
from bmtool_connectors.sonata.options import SaveOptions

#: Rows in a chunk of one column.
ROWS = 64
#: Rows of a dataset: none, less than a chunk, one, one and a row, and several.
LENGTHS = (0, 1, ROWS - 1, ROWS, ROWS + 1, 3 * ROWS, 5 * ROWS + 17)
NUMBERS = ("?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16")
DTYPES = (*NUMBERS, ">i4", ">f8", "g", "G")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "CHUNK_ROWS", ROWS)


@pytest.fixture(params=["isal", "zlib"])
def module(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have the wheel, or be without it."""
    name: str = request.param
    if name == "isal":
        pytest.importorskip("isal")
    else:
        monkeypatch.setitem(sys.modules, "isal", None)
    return name


def values_of(dtype: str, shape: tuple[int, ...]) -> Any:
    """Return values in all bytes, and some that are equal to others."""
    rng = np.random.default_rng(1)
    values = np.where(rng.random(shape) < 0.5, 100 * rng.normal(size=shape), 3)
    if np.dtype(dtype).kind in "bu":
        values = np.abs(values)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.normal(size=shape)
    return values.astype(dtype)


def written(h5: Any, name: str, values: Any, compression: Any, sizes: Any) -> Any:
    """Write values in pieces of some sizes, again and again, and return the dataset."""
    made = SaveOptions.checked("save()", {"compression": compression})
    writer = DatasetWriter(h5, name, values.shape, values.dtype, made)
    ends = itertools.takewhile(lambda end: end < len(values), itertools.accumulate(cycle(sizes)))
    for part in np.split(values, list(ends)):
        writer.append(part)
    return writer.dataset


def of_hdf5(h5: Any, name: str, values: Any, compression: Any) -> Any:
    """Have HDF5 write the values."""
    made = SaveOptions.checked("save()", {"compression": compression})
    return h5.create_dataset(name, data=values, **made.storage(values.shape))


def raw_chunks(dataset: Any) -> list[tuple[Any, int, bytes]]:
    """Return place, filters and bytes of each chunk."""
    found = []
    for k in range(dataset.id.get_num_chunks()):
        place = dataset.id.get_chunk_info(k).chunk_offset
        found.append((place, *dataset.id.read_direct_chunk(place)))
    return sorted(found)


# ---------------------------------------------------------------------- content
@pytest.mark.parametrize("inner", [(), (2,), (3,), (2, 2)], ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_as_hdf5_writes_it(dtype: str, inner: tuple[int, ...], module: str, tmp_path: Path) -> None:
    """Values, and the bytes that are compressed, to the end of the last chunk."""
    with h5py.File(tmp_path / "a.h5", "w") as h5:
        for n in LENGTHS:
            values = values_of(dtype, (n, *inner))
            ours = written(h5, f"ours {n}", values, "gzip", [1, 7, 0, 30, 2 * ROWS + 3])
            wanted = of_hdf5(h5, f"wanted {n}", values, "gzip")
            pieces = raw_chunks(ours)
            assert len(pieces) == -(-n // wanted.chunks[0])
            for own, other in zip(pieces, raw_chunks(wanted), strict=True):
                assert own[:2] == other[:2]
                assert zlib.decompress(own[2]) == zlib.decompress(other[2])
    with h5py.File(tmp_path / "a.h5") as h5:
        for n in LENGTHS:
            values = values_of(dtype, (n, *inner))
            ours, wanted = h5[f"ours {n}"], h5[f"wanted {n}"]
            assert ours.dtype == wanted.dtype == values.dtype
            np.testing.assert_array_equal(ours[()], values)
            for name in ("shape", "chunks", "compression", "compression_opts", "shuffle"):
                assert getattr(ours, name) == getattr(wanted, name), name
            assert ours.id.get_create_plist() == wanted.id.get_create_plist()


@pytest.mark.parametrize("sizes", [[1], [ROWS], [ROWS - 1], [ROWS + 1], [1000], [0, 5 * ROWS, 3]])
@pytest.mark.parametrize("compression", ["gzip", 0, 1, 4, 9, "lzf", "none"])
def test_pieces(compression: Any, sizes: list[int], tmp_path: Path) -> None:
    """The same values, whatever the pieces and the compression."""
    values = values_of("f8", (5 * ROWS + 17,))
    with h5py.File(tmp_path / "a.h5", "w") as h5:
        written(h5, "a", values, compression, sizes)
    with h5py.File(tmp_path / "a.h5") as h5:
        np.testing.assert_array_equal(h5["a"][()], values)


@pytest.mark.parametrize("compression", ["gzip", 4, "lzf", "none"])
def test_types_are_converted(compression: Any, tmp_path: Path) -> None:
    """Rows of any type; what stands in the file is that of the dataset."""
    made = SaveOptions.checked("save()", {"compression": compression})
    with h5py.File(tmp_path / "a.h5", "w") as h5:
        writer = DatasetWriter(h5, "a", (2 * ROWS,), np.uint64, made)
        writer.append(np.arange(ROWS, dtype=np.int16))
        writer.append(np.arange(ROWS, 2 * ROWS, dtype=float))
        assert h5["a"][()].tolist() == list(range(2 * ROWS))
        assert h5["a"].dtype == np.uint64


@pytest.mark.parametrize("values", [np.array(["a", "bc", ""] * ROWS, dtype=object), [b"a", b"bcd"]])
def test_text_is_left_to_hdf5(values: Any, module: str, tmp_path: Path) -> None:
    values = np.asarray(values)
    dtype = h5py.string_dtype() if values.dtype.kind == "O" else values.dtype
    made = SaveOptions.checked("save()", {})
    with h5py.File(tmp_path / "a.h5", "w") as h5:
        writer = DatasetWriter(h5, "a", values.shape, dtype, made)
        writer.append(values[:1])
        writer.append(values[1:])
        found = h5["a"].asstr()[()] if values.dtype.kind == "O" else h5["a"][()]
        assert found.tolist() == values.tolist()
        assert (h5["a"].compression, h5["a"].shuffle) == ("gzip", True)


@pytest.mark.parametrize("compression", ["gzip", "lzf", "none"])
def test_too_many_rows(compression: Any, tmp_path: Path) -> None:
    made = SaveOptions.checked("save()", {"compression": compression})
    with h5py.File(tmp_path / "a.h5", "w") as h5:
        writer = DatasetWriter(h5, "a", (3,), np.uint8, made)
        writer.append(np.arange(2))
        with pytest.raises(ValueError, match="/a has 3 rows, got 4"):
            writer.append(np.arange(2))


# ---------------------------------------------------------------------- who compresses
@pytest.mark.parametrize("level", [0, 1, 4, 9])
def test_a_level_is_that_of_zlib(level: int, module: str, tmp_path: Path) -> None:
    """With and without the wheel, who asks for a level of gzip gets it."""
    values = values_of("f8", (ROWS,))
    with h5py.File(tmp_path / "a.h5", "w") as h5:
        ((_, _, found),) = raw_chunks(written(h5, "a", values, level, [ROWS]))
    assert found == zlib.compress(chunks._shuffled(values), level)


def test_the_default(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is the wheel where it is installed, and level 1 of zlib elsewhere."""
    used = []

    def spy(data: Any, level: int) -> bytes:
        used.append(level)
        return compress(data, level)

    name = "isal.isal_zlib.compress" if module == "isal" else "zlib.compress"
    compress = isal_compress() if module == "isal" else zlib.compress
    monkeypatch.setattr(name, spy)
    with h5py.File(tmp_path / "a.h5", "w") as h5:
        written(h5, "a", values_of("f8", (3 * ROWS,)), "gzip", [ROWS])
    assert used == [1, 1, 1]


def isal_compress() -> Any:
    from isal import isal_zlib

    return isal_zlib.compress


# ---------------------------------------------------------------------- full disks
class Full:
    """A file that refuses one write, and takes the others: room may have been made since."""

    def __init__(self, file: Any, number: int) -> None:
        self._file, self.left = file, number

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, data: Any) -> int:
        self.left -= 1
        if self.left == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return int(self._file.write(data))


@pytest.mark.parametrize("compression", ["gzip", 4, "none"])
def test_no_write_is_lost(
    compression: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever write the disk refuses, that of the last chunk and those at the close as well."""
    values = values_of("f8", (5 * ROWS + 17, 2))
    opened: list[Full] = []
    open_file = h5_file._Disk.__init__

    def save(number: int) -> None:
        def init(self: Any, path: Path) -> None:
            open_file(self, path)
            self._file = Full(self._file, number)
            opened.append(self._file)

        monkeypatch.setattr(h5_file._Disk, "__init__", init)
        with h5_file.h5_file(tmp_path / f"{number}.h5") as (h5, _):
            written(h5, "a", values, compression, [7])
            written(h5, "b", values[:, 0], compression, [ROWS])

    save(0)
    n_writes = -opened[0].left
    assert n_writes > (10 if compression != "none" else 3)
    for number in range(1, n_writes + 1):
        with pytest.raises(OSError, match="No space left on device"):
            save(number)
    with h5py.File(tmp_path / "0.h5") as h5:
        np.testing.assert_array_equal(h5["a"][()], values)
        np.testing.assert_array_equal(h5["b"][()], values[:, 0])
