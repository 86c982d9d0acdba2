"""A real SLURM of one node, where slurm-wlm and munge are installed."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from one_node import OneNode, missing


@pytest.fixture(scope="module")
def slurm():
    """A `OneNode`; nothing of it or of its jobs is left in the end."""
    if missing():
        pytest.skip(f"SLURM is not installed: no {', '.join(missing())}")
    with OneNode() as node:
        yield node
    assert node.processes() == []
    assert not node.folder.exists()
