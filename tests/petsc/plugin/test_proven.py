"""What has proven itself in a class may go on when the account is overdrawn."""

import sys
from pathlib import Path

import pytest

from ..prior_writer import write_prior

#: Whatever machine this is; each solve is one of its settings alone.
COUNTED = {"METASOLVE_DETERMINISTIC": "1", "METASOLVE_REUSE": "off"}
NAMES = ["gmres+ilu0", "gmres+jacobi", "stuck"]
#: ln seconds per unit of work, on cheap systems and on dear ones.
CHEAP = {"gmres+jacobi": 5.9, "gmres+ilu0": 4.1, "stuck": 12.0}
DEAR = {"gmres+jacobi": 8.3, "gmres+ilu0": 8.3, "stuck": 7.3}
TURNS = Path(__file__).parents[2] / "hosts" / "turns.py"


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("proven", [True, False])
def test_what_has_answered_often_goes_on_when_the_account_is_overdrawn(
    proven, ranks, tmp_path, feature_names, run_with
):
    """An attempt fails on a dear system, which costs more than cheap ones have brought."""
    tree = ("log_asymmetry", -8.0, CHEAP, DEAR)
    folder = write_prior(tmp_path / "prior", NAMES, [tree], list(feature_names))
    command = [sys.executable, str(TURNS), "-n", "160", "-pc_type", "jacobi"]
    turns = "c" * (3 + ranks if proven else 1 + ranks) + "dddd" + "c" * 8
    _, lines = run_with(folder, [*command, "-turns", turns], ranks, env=COUNTED)
    assert any(line["source"] == "fallback" for line in lines)
    before = [each["account"] for each in lines[:-1]]
    behind = [
        now["source"]
        for now, then in zip(lines[-7:], before[-7:], strict=True)
        if then["taken"] > then["own"]
    ]
    assert behind, lines
    assert ("model" in behind) is proven, behind
