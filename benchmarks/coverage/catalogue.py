"""Every entry there is."""

from __future__ import annotations

from benchmarks.coverage import codes, fenics, tutorials
from benchmarks.coverage.entry import Entry

ENTRIES: tuple[Entry, ...] = (*fenics.ENTRIES, *codes.ENTRIES, *tutorials.ENTRIES)
