"""What a report states is put beside pairs of runs of the same program."""

import json

import pytest

from benchmarks.__main__ import main
from benchmarks.first_run import Run
from benchmarks.savings import Savings


def pair(alone, under):
    return Run(alone, alone, []), Run(under, under, [])


def stated(saved, least=None, most=None, own=20.0):
    return {"own seconds": own, "saved seconds": saved, "least": least, "most": most}


def rows(saved, canary=None):
    document = {"saved": saved, "canary": canary}
    found = Savings(["app"], [pair(10.0, 5.0), pair(10.0, 7.0)], document).result
    return found.sections[0].rows


def test_measured_is_the_sum_of_differences_with_its_error():
    found = Savings(["app"], [pair(10.0, 5.0), pair(10.0, 7.0)], {})
    assert (found.own, found.saved) == (20.0, 8.0)
    assert found.doubt == pytest.approx(2.0)  # of two differences that are 2 apart


def test_what_is_stated_is_within_a_share_of_own_seconds_or_not():
    _, near = rows(stated(9.9, 7.0, 12.0))
    _, far, canary = rows(stated(10.1, 9.0, 12.0), stated(8.0, 7.5, 8.5))
    assert (near["within 10 %"], near["covers"]) == ("yes", "yes")
    assert (far["within 10 %"], far["covers"]) == ("no", "no")
    assert (canary["apart, of own"], canary["covers"]) == ("+0.0 %", "yes")
    assert rows(stated(8.0))[1]["covers"] == "-"


def test_a_program_is_run_in_pairs(host, tmp_path, capsys):
    program = host("two_ksps")
    with pytest.raises(SystemExit) as stop:
        main(["savings", "--out", str(tmp_path), "--rounds", "2", "--", *program])
    assert not stop.value.code
    assert capsys.readouterr().err.count("--canary 0.2") == 2
    found = json.loads((tmp_path / "savings.json").read_text())
    assert found["settings"]["rounds"] == 2
