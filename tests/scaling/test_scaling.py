"""Laws of the measured scaling: the same calls on every number of ranks, shares that add up."""

import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest

from metasolve.cli.main import main
from metasolve.errors import MetasolveError, RecordingError, UsageError
from metasolve.farm import Request, attempt
from metasolve.scaling.measurement import Sample, Scaling, _Launch, environment, measure
from metasolve.scaling.report import Measured
from metasolve.solve.outcome import Reason

ONE = Sample(1, 10.0, [4.0, 3.0, 2.5], ["a", "a", "a"], 3e-5, 1e-4, 100.0)
TWO = Sample(2, 5.0, [4.4, 3.0, 1.5], ["b", "c", "c"], 4e-5, 2e-4, 120.0)


def test_medians_over_launches_make_the_rows():
    slow = replace(ONE, wall=20.0)
    [one, two] = Scaling("toy", [4.0, 3.0, 2.0], [slow, TWO, ONE, TWO, ONE, TWO]).rows()
    assert (one.ranks, one.speedup, one.efficiency, one.slowdown) == (1, 1.0, 1.0, 1.0)
    assert one.calls_per_second == pytest.approx(0.3)
    assert (two.speedup, two.efficiency) == (2.0, 1.0)
    assert two.slowdown == pytest.approx(8.9 / 9.5)
    assert two.idle == pytest.approx([0.1, 0.12])  # b made one call, c two
    assert (two.scheduling, two.overhead, two.size) == (4e-5, 2e-4, 120.0)


def test_the_simulation_replays_what_one_rank_measured():
    """4 | 3 + 2.5 on two ranks, and half a second of 10 is the farm's."""
    [one, two] = Scaling("toy", [4.0, 3.0, 2.0], [ONE, TWO]).rows()
    assert one.simulated == 1.0
    assert two.simulated == pytest.approx(10.0 / (5.5 + 2 * 0.5 / 3), rel=1e-3)


def test_a_rank_that_made_no_call_was_idle_all_the_time():
    assert replace(TWO, ranks=3).idle == pytest.approx([0.1, 0.12, 1.0])


def test_the_document_is_plain_json_and_holds_every_launch():
    told = Measured(Scaling("toy", [4.0, 3.0, 2.0], [ONE, TWO]), seed=3).result.document()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert [each["ranks"] for each in told["settings"]["samples"]] == [1, 2]
    assert told["settings"]["seed"] == 3


def test_ranks_beyond_the_cores_may_share_them():
    cores = len(os.sched_getaffinity(0))
    enough, more = environment(cores, {"HERE": "1"}), environment(cores + 1, {})
    assert enough["HERE"] == "1"
    assert enough["OMPI_MCA_hwloc_base_binding_policy"] == "core"
    assert more["OMPI_MCA_hwloc_base_binding_policy"] == "none"
    assert more["OMPI_MCA_rmaps_base_oversubscribe"] == "1"
    assert enough["OMP_NUM_THREADS"] == more["OMP_NUM_THREADS"] == "1"


@pytest.mark.parametrize("words", [{"ranks": [0]}, {"calls": 0}, {"repeats": 0}, {"ranks": []}])
def test_nothing_to_measure_is_refused(words):
    with pytest.raises(UsageError, match="below 1"):
        measure(**words)


@pytest.fixture(scope="module")
def workload():
    pytest.importorskip("petsc4py")
    from metasolve.scaling import workload

    return workload


def test_built_in_problems_are_drawn_by_seed(workload):
    def drawn(seed):
        return [(i.payload, settings) for i, settings in workload.built_in(20, seed).calls]

    assert drawn(0) == drawn(0) != drawn(1)


def test_built_in_problems_are_solved_to_their_tolerance(workload):
    calls = workload.built_in(12).calls
    solver = workload.ConvectionDiffusion()
    for instance, settings in calls:
        small = replace(instance, payload=(min(instance.payload[0], 40), instance.payload[1]))
        outcome = attempt(solver, Request(small, settings))
        assert outcome.reason is Reason.CONVERGED, outcome.message
        assert outcome.true_residual <= 1.001 * instance.tolerance
        assert outcome.iterations > 1


def test_upwind_rows_sum_to_what_the_boundary_takes(workload):
    """Inside, a constant has no derivative; the operator is an M-matrix."""
    A = workload._matrix(5, 7.0)
    dense = A.getValues(range(25), range(25))
    sums = dense.sum(axis=1).reshape(5, 5)
    assert sums[1:-1, 1:-1] == pytest.approx(0.0, abs=1e-12)
    assert (sums >= -1e-12).all()
    assert (dense[~np.eye(25, dtype=bool)] <= 0).all()
    A.destroy()


@pytest.fixture
def mpi(workload):
    pytest.importorskip("mpi4py")
    if shutil.which("mpiexec") is None:
        pytest.skip("mpiexec is not installed")


def test_one_and_two_ranks_make_the_same_calls(mpi, tmp_path, capsys):
    """The command, end to end."""
    out, picture = tmp_path / "scaling.json", tmp_path / "scaling.png"
    words = ["--calls", "6", "--repeats", "1", "--json", str(out), "--plot", str(picture)]
    with pytest.raises(SystemExit) as stop:
        main(["scaling", *words])
    assert not stop.value.code
    assert "speed-up" in capsys.readouterr().out
    told = json.loads(out.read_text())["settings"]
    assert [(each["ranks"], len(each["seconds"])) for each in told["samples"]] == [(1, 6), (2, 6)]
    assert [len(set(each["workers"])) for each in told["samples"]] == [1, 2]
    assert len(told["expected_seconds"]) == 6
    assert all(each["size"] > 0 for each in told["samples"] if each["ranks"] > 1)
    assert picture.stat().st_size > 1000


def test_a_recording_is_solved_under_settings_of_its_space(mpi, host, tmp_path):
    if shutil.which("mpicc") is None:
        pytest.skip("the plug-in is compiled")
    from metasolve.petsc.recording import record

    record(host("two_ksps"), tmp_path / "recording")
    found = measure(tmp_path / "recording", ranks=[1], calls=8, repeats=1)
    assert len(found.expected) == 8
    assert len(set(found.expected)) <= 4  # eight calls, four systems
    assert all(seconds > 0 for seconds in found.samples[0].seconds)


def test_a_launch_that_fails_says_why(mpi, tmp_path):
    """Here: nobody measured what is expected."""
    with pytest.raises(MetasolveError, match=r"exit code 1: FileNotFoundError.*expected\.json"):
        _Launch(None, 1, 0, tmp_path)("batch", 1)


def test_a_folder_without_recording_is_refused_before_anything_starts(tmp_path):
    with pytest.raises(RecordingError, match="metasolve record"):
        measure(tmp_path)


def test_the_simulation_prints_where_ranks_stop_paying(capsys, tmp_path):
    out, picture = tmp_path / "simulated.json", tmp_path / "simulated.png"
    words = ["--simulate", "--evaluations", "256", "--ranks", "2,4096"]
    words += ["--json", str(out), "--plot", str(picture)]
    with pytest.raises(SystemExit) as stop:
        main(["scaling", *words])
    assert not stop.value.code
    assert "below 0.5 from 4096 ranks on" in capsys.readouterr().out
    told = json.loads(out.read_text())
    assert told["settings"]["batch_below"] == {"0.9": 4096, "0.5": 4096}


@pytest.mark.parametrize("text", ["", "two", "0,1", "1.5", "-2"])
def test_ranks_that_are_no_numbers_are_refused(capsys, text):
    with pytest.raises(SystemExit) as stop:
        main(["scaling", "--simulate", f"--ranks={text}"])
    assert stop.value.code == 2
    assert "1,2" in capsys.readouterr().err
