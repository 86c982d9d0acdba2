"""Which libraries a shared library asks for: the DT_NEEDED entries of an ELF file."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

_MAGIC = b"\x7fELF"
_LOAD, _DYNAMIC = 1, 2  # kinds of segment
_NEEDED, _STRINGS = 1, 5  # kinds of dynamic entry


def needed(path: Path) -> list[str]:
    """Return the names of the libraries that the dynamic linker loads with `path`.

    Raises
    ------
    ValueError
        If the file is not an ELF file or is cut short.
    """
    data = path.read_bytes()
    if data[:4] != _MAGIC:
        raise ValueError(f"{path} is not an ELF file")
    try:
        return list(_needed(data))
    except (struct.error, StopIteration) as error:
        raise ValueError(f"{path} is cut short") from error


def _needed(data: bytes) -> Iterator[str]:
    wide, order = data[4] == 2, "<" if data[5] == 1 else ">"
    segments = list(_segments(data, wide, order))
    entry = struct.Struct(order + ("qQ" if wide else "iI"))
    offset, size = next((at, size) for kind, at, _, size in segments if kind == _DYNAMIC)
    entries = list(entry.iter_unpack(data[offset : offset + size - size % entry.size]))
    address = next(value for tag, value in entries if tag == _STRINGS)
    strings = next(
        at + address - start
        for kind, at, start, size in segments
        if kind == _LOAD and start <= address < start + size
    )
    for tag, value in entries:
        if tag == _NEEDED:
            begin = strings + value
            yield data[begin : data.index(b"\0", begin)].decode(errors="replace")


def _segments(data: bytes, wide: bool, order: str) -> Iterator[tuple[int, int, int, int]]:
    """Yield kind, offset in the file, address and size in the file of each segment."""
    table = struct.unpack_from(order + ("Q" if wide else "I"), data, 32 if wide else 28)[0]
    size, count = struct.unpack_from(order + "HH", data, 54 if wide else 42)
    for place in range(table, table + size * count, size):
        if wide:
            kind, _, at, start, _, length = struct.unpack_from(order + "IIQQQQ", data, place)
        else:
            kind, at, start, _, length = struct.unpack_from(order + "IIIII", data, place)
        yield kind, at, start, length
