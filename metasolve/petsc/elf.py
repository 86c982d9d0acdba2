"""What an ELF file asks for: the libraries it needs, and the dynamic linker that finds them."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

_Told = TypeVar("_Told")
_MAGIC = b"\x7fELF"
_LOAD, _DYNAMIC, _INTERPRETER = 1, 2, 3  # kinds of segment
_NEEDED, _STRINGS = 1, 5  # kinds of dynamic entry


def needed(path: Path) -> list[str]:
    """Return the names of the libraries that the dynamic linker loads with `path`.

    Raises
    ------
    ValueError
        If the file is not an ELF file or is cut short.
    """
    return _read(path, lambda data: list(_needed(data)))


def linker(path: Path) -> str | None:
    """Return the dynamic linker that starts a program; None for one that needs none.

    Raises
    ------
    ValueError
        If the file is not an ELF file or is cut short.
    """
    return _read(path, lambda data: next(_interpreters(data), None))


def _read(path: Path, look: Callable[[mmap.mmap], _Told]) -> _Told:
    """Look at a file, of which no more is read than is looked at."""
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ValueError(f"{path} is not an ELF file")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                return look(data)
            except (struct.error, IndexError, RuntimeError) as error:
                raise ValueError(f"{path} is cut short") from error


def _needed(data: mmap.mmap) -> Iterator[str]:
    wide, order = _class(data)
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
            yield _text(data, strings + value)


def _interpreters(data: mmap.mmap) -> Iterator[str]:
    for kind, at, _, _ in _segments(data, *_class(data)):
        if kind == _INTERPRETER:
            yield _text(data, at)


def _class(data: mmap.mmap) -> tuple[bool, str]:
    return data[4] == 2, "<" if data[5] == 1 else ">"


def _text(data: mmap.mmap, begin: int) -> str:
    end = data.find(b"\0", begin)
    if end < 0:
        raise IndexError
    return data[begin:end].decode(errors="replace")


def _segments(data: mmap.mmap, wide: bool, order: str) -> Iterator[tuple[int, int, int, int]]:
    """Yield kind, offset in the file, address and size in the file of each segment."""
    table = struct.unpack_from(order + ("Q" if wide else "I"), data, 32 if wide else 28)[0]
    size, count = struct.unpack_from(order + "HH", data, 54 if wide else 42)
    for place in range(table, table + size * count, size):
        if wide:
            kind, _, at, start, _, length = struct.unpack_from(order + "IIQQQQ", data, place)
        else:
            kind, at, start, _, length = struct.unpack_from(order + "IIIII", data, place)
        yield kind, at, start, length
