"""Systems of a run that should be learned from are recorded: few, whole, and unnoticed."""

import json
import sys
from pathlib import Path

import pytest

from metasolve.files.shipped import shipped
from metasolve.petsc.recording import Recording
from metasolve.petsc.replay import Replay

from ..prior_writer import write_prior

PROGRAM = Path(__file__).with_name("repeated_program.py")


@pytest.fixture
def gather(run_with, tmp_path):
    """`gather(model, solves, ranks)`: what the program says, the lines, and both recordings."""

    def run(model, solves=60, ranks=1, kinds="wind,flat,plain", **env):
        to = {kind: tmp_path / kind for kind in ("refused", "slow")}
        for each in to.values():
            for folder in ("operators", "vectors"):
                (each / folder).mkdir(parents=True, exist_ok=True)
        kept = {f"METASOLVE_KEEP_{kind.upper()}": str(each) for kind, each in to.items()}
        command = [sys.executable, str(PROGRAM), kinds, str(solves)]
        done, lines = run_with(model, command, ranks, env={**kept, **env})
        assert done.returncode == 0, done.stderr
        return done.stdout, lines, to["refused"], to["slow"]

    return run


@pytest.fixture
def failing(tmp_path, feature_names):
    """A prior that believes in settings that never answer."""
    leaf = {"gmres+ilu0": 9.0, "stuck": 5.0}
    return write_prior(tmp_path / "prior", list(leaf), [leaf], list(feature_names))


@pytest.fixture
def hopeless(tmp_path, feature_names):
    """A prior that thinks all else slower than the program's own settings."""
    leaf = {"gmres+ilu0": 5.0, "gmres+jacobi": 9.0}
    return write_prior(tmp_path / "prior", list(leaf), [leaf], list(feature_names))


def solved(lines, *sources):
    return [
        (line["prefix"], line["rows"], line["iterations"])
        for line in lines
        if line["source"] in sources
    ]


def recorded(path):
    return [
        (each.prefix, each.operator.rows, each.outcome.iterations)
        for each in Recording(path).solves
    ]


@pytest.mark.parametrize("ranks", [1, 2])
def test_what_was_refused_is_recorded_with_its_own_outcome(gather, hopeless, ranks):
    """The first eight, and then at growing distances."""
    _, lines, refused, slow = gather(hopeless, 30, ranks, kinds="plain")
    assert {line["source"] for line in lines} == {"refused"}
    found = recorded(refused)
    assert found[:8] == solved(lines, "refused")[:8]
    assert 8 < len(found) < 30
    assert not (slow / "manifest.jsonl").exists()
    for line, each in zip(lines[:8], Recording(refused).solves[:8], strict=True):
        own = each.outcome.setup_seconds + each.outcome.solve_seconds
        assert own == pytest.approx(line["own_taken"], abs=1e-8)


@pytest.mark.parametrize("ranks", [1, 2])
def test_what_failed_is_recorded_as_slow(gather, failing, ranks):
    _, lines, _, slow = gather(failing, 12, ranks, kinds="plain")
    found = solved(lines, "fallback")
    assert found
    assert recorded(slow)[: len(found)] == found


def test_the_program_does_not_notice(gather):
    """Neither that systems are written, nor that own settings solve beside an answer."""
    said, lines, _, slow = gather(shipped(), 90)
    found = Recording(slow).solves
    assert any(each.outcome.iterations > 0 for each in found)
    without, same, *_ = gather(shipped(), 90, METASOLVE_MAX_SYSTEMS="0")
    assert said == without
    assert [line["source"] for line in lines] == [line["source"] for line in same]


def test_they_can_be_replayed(gather, hopeless):
    _, _, refused, _ = gather(hopeless, 3, kinds="wind")
    instances = Recording(refused).instances()
    replay = Replay()
    outcomes = [replay.solve_host(each) for each in instances]
    replay.destroy()
    assert [each.iterations for each in outcomes] == [
        each.payload.outcome.iterations for each in instances
    ]


def test_they_are_no_more_than_a_recording_may_hold(gather, hopeless):
    """What it holds from earlier runs counts, and is not recorded again."""
    for most in (4, 5):
        _, _, refused, _ = gather(hopeless, 6, kinds="plain", METASOLVE_MAX_SYSTEMS=str(most))
        assert len(recorded(refused)) == most
    *first, last = (each.operator.hash for each in Recording(refused).solves)
    assert last not in first


def test_nothing_is_written_beyond_so_many_bytes(gather, hopeless):
    _, _, refused, _ = gather(hopeless, 6, kinds="plain", METASOLVE_MAX_BYTES="1000")
    assert len(recorded(refused)) == 1


def test_one_recording_may_take_both(gather, failing, tmp_path):
    both = str(tmp_path / "slow")
    _, lines, _, slow = gather(failing, 20, kinds="plain", METASOLVE_KEEP_REFUSED=both)
    sources = {line["source"] for line in lines}
    assert {"fallback", "refused"} <= sources
    runs = [json.loads(line) for line in (slow / "manifest.jsonl").read_text().splitlines()]
    assert [line["kind"] for line in runs].count("run") == 1
    assert len({line["id"] for line in runs if line["kind"] == "solve"}) == len(runs) - 1


def test_a_folder_that_is_gone_costs_nothing(gather, hopeless):
    said, *_ = gather(hopeless, 4, kinds="plain", METASOLVE_KEEP_REFUSED="/nowhere/at/all")
    assert len(said.splitlines()) == 4
