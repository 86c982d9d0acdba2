"""An attempt whose time is up goes on where it seems to be done soon: others would begin anew."""

import math
import sys
from pathlib import Path

import pytest

from ..prior_writer import write_prior

COMMAND = [sys.executable, str(Path(__file__).parents[2] / "hosts" / "turns.py")]
COMMAND += ["-turns", "c", "-n", "120", "-ksp_rtol", "1e-10"]
#: ln seconds per unit of work; own settings are the first.
BEFORE = {"gmres+ilu0": 12.0, "cg+jacobi": 10.0, "stuck": 16.0}
PATIENT = 4  #: times what was foreseen of it, after which an attempt's time is up


@pytest.fixture
def under(tmp_path, feature_names, run_with):
    """`under(ranks, ln seconds)`: the journal's line of the one solve."""

    def run(ranks, foreseen):
        folder = write_prior(tmp_path / "prior", list(foreseen), [foreseen], list(feature_names))
        return run_with(folder, COMMAND, ranks)[1][0]

    return run


def surprised(line, candidate):
    """What to foresee, for the time of an attempt to be up when nine tenths of it are over."""
    taken = line["seconds"]["setup"] + line["seconds"]["solve"]
    return {
        **BEFORE,
        "gmres+ilu0": BEFORE["gmres+ilu0"] + math.log(1.5 * taken / line["own_expected"]),
        candidate: BEFORE["cg+jacobi"] + math.log(0.9 * taken / PATIENT / line["foreseen"]),
    }


@pytest.mark.parametrize("ranks", [1, 2])
def test_it_goes_on(ranks, under):
    line = under(ranks, BEFORE)
    assert line["source"] == "model", line["why"]
    again = under(ranks, surprised(line, "cg+jacobi"))
    assert again["source"] == "model", again["why"]
    assert again["iterations"] == line["iterations"]


@pytest.mark.parametrize("ranks", [1, 2])
def test_but_not_where_it_comes_no_closer(ranks, under):
    line = under(ranks, {**surprised(under(ranks, BEFORE), "stuck"), "cg+jacobi": 16.0})
    assert line["candidate"] == "stuck"
    assert line["source"] == "fallback"
