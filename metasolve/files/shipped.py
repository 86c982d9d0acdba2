"""Where the prior is that comes with metasolve."""

from __future__ import annotations

from pathlib import Path


def shipped() -> Path:
    """Return the directory of the prior that comes with metasolve."""
    return Path(__file__).parent.parent / "prior" / "shipped"
