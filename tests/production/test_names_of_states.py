"""Reports and exports name the program, not the file; a state that was forgotten is not there."""

import json

import pytest

from metasolve.production import site

from .lines import head, solve, write
from .test_past import made, metasolve, run  # noqa: F401 (run is a fixture)

STATE = {"run": "r", "time": 200.0, "source": "state", "before": "", "state": "a" * 16}


def test_a_log_is_of_the_program_in_its_head(tmp_path):
    log = write(tmp_path / "lg", head(program="adv"), solve(expected=2.0), STATE)
    assert f"{'a' * 16} of adv, saved" in metasolve("report", log).stdout
    assert json.loads(metasolve("report", log, "--json").stdout)["states"][0]["name"] == "adv"
    done = metasolve("export", log, "--petsc-options", tmp_path / "opts")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "nothing to export of adv:" in done.stderr


def test_of_several_programs_in_a_log_the_last_state_is_named(tmp_path):
    other = {**STATE, "run": "s", "time": 300.0, "state": "b" * 16}
    lines = [head(program="adv"), head("s", program="beam"), other, STATE]
    assert (
        f"{'b' * 16} of beam, saved" in metasolve("report", write(tmp_path / "lg", *lines)).stdout
    )


@pytest.mark.parametrize("place", [(), ("--state", "there")])
def test_a_state_that_was_forgotten_is_told_to_be_gone(run, tmp_path, monkeypatch, place):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    run(*place)
    folder = tmp_path / "there" if place else site.folder()
    told = metasolve("report", folder).stdout
    assert "of two_ksps, saved" in told
    assert "not there any more" not in told
    assert metasolve("forget", folder / "two_ksps.state").returncode == 0
    assert "not there any more" in metasolve("report", folder).stdout
    assert metasolve("report", folder, "--html", "page.html").returncode == 0
    assert "not there any more" in (tmp_path / "page.html").read_text()


def test_a_state_that_lies_elsewhere_is_not_told_to_be_gone(run, tmp_path):  # noqa: F811
    run("--log", tmp_path / "lg")
    told = metasolve("report", tmp_path / "lg").stdout
    assert "of two_ksps, saved" in told
    assert "not there any more" not in told


def test_a_damaged_state_beside_a_journal_is_told(tmp_path):
    log = write(tmp_path / "adv.jsonl", head(program="adv"), solve(expected=2.0), STATE)
    (tmp_path / "adv.state").write_bytes(b"x" * 300)
    assert "the file is damaged" in " ".join(metasolve("report", log).stdout.split())
    (tmp_path / "adv.state").write_bytes(made(3))
    assert "the file is now" in " ".join(metasolve("report", log).stdout.split())
