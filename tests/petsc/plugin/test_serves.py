"""How many operators a set-up is expected to serve."""

import sys
from pathlib import Path

from ..prior_writer import write_prior

TURNS = [sys.executable, str(Path(__file__).parents[2] / "hosts" / "turns.py")]
TURNS += ["-n", "40", "-ksp_type", "preonly", "-pc_type", "lu"]
#: ln seconds per unit of work, of set-up and solve and of the solve alone.
CHEAP = {"gmres+jacobi": (4.0, 4.0), "lu": (9.0, 5.0)}
DEAR = {"gmres+jacobi": (14.0, 14.0), "lu": (9.0, 5.0)}


def test_set_ups_that_are_worth_little_say_nothing_of_dear_ones(tmp_path, feature_names, run_with):
    """Jacobi is made anew for each of many operators; a factor may serve several all the same."""
    tree = ("log_asymmetry", -8.0, CHEAP, DEAR)
    folder = write_prior(tmp_path / "prior", list(CHEAP), [tree], list(feature_names))
    _, lines = run_with(folder, [*TURNS, "-turns", "c" * 12 + "d" * 6])
    cheap, dear = lines[:12], lines[12:]
    assert [each["preconditioner"] for each in cheap].count("kept") == 0
    assert [each["candidate"] for each in cheap].count("gmres+jacobi") > 8
    assert any(each["candidate"] == "own-kept" and each["source"] == "model" for each in dear)
