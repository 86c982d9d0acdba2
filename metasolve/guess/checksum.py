"""The checksum of guess.bin and newton.bin; basis_file.c computes the same as fast as it reads."""

from __future__ import annotations

import numpy as np

_PART = 1 << 20  # words


def checksum(data: bytes) -> int:
    """Sum modulo 2^64 of a mixture of each 8-byte word and its place.

    Parameters
    ----------
    data : a whole number of words, little-endian.
    """
    words, total = np.frombuffer(data, "<u8"), 0
    for start in range(0, len(words), _PART):
        part = words[start : start + _PART]
        place = np.arange(start + 1, start + 1 + len(part), dtype=np.uint64)
        x = (part ^ place * np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ x >> np.uint64(32)) * np.uint64(0x94D049BB133111EB)
        total += int(x.sum(dtype=np.uint64))
    return total % 2**64


def sealed(magic: bytes, data: bytes) -> bytes:
    """The file: 16 characters that say what it is, the checksum, and the rest."""
    return magic + checksum(data).to_bytes(8, "little") + data
