"""What might be much faster is tried, in place of own settings, too."""

import sys
from pathlib import Path

import pytest

from ..prior_writer import write_prior

TURNS = [sys.executable, str(Path(__file__).parents[2] / "hosts" / "turns.py")]
#: ln seconds per unit of work; own settings are the first. Trees differ by far on the others.
TREES = [{"gmres+ilu0": 4.3, "cg+jacobi": x, "gmres+jacobi": x} for x in (2.5, 5.9)]
BOUND = 0.03  #: of the time of own settings, that trials may lose


@pytest.mark.parametrize("ranks", [1, 2])
def test_it_is_tried_when_what_it_may_lose_is_little_of_what_was_spent(
    ranks, tmp_path, feature_names, run_with
):
    """It is no sure gain, so own settings solve until then."""
    folder = write_prior(tmp_path / "prior", list(TREES[0]), TREES, list(feature_names))
    command = [*TURNS, "-n", "40", "-turns", "c" * 90]
    _, lines = run_with(folder, command, ranks, env={"METASOLVE_REUSE": "off"})
    tried = [line for line in lines if line["source"] != "refused"]
    own = [line["seconds"]["total"] for line in lines if line["source"] == "refused"]
    assert tried, lines[-1]
    assert lines[0]["source"] == "refused"
    usual = sum(own) / len(own)
    lost = sum(max(line["seconds"]["total"] - usual, 0.0) for line in tried)
    assert lost <= BOUND * usual * len(lines)
