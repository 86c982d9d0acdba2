"""What is learned and recorded with indices of 32 and 64 bits is one; of complex numbers, apart."""

import filecmp
import json
import os
import subprocess
import sys

import pytest

from metasolve.errors import RecordingError
from metasolve.petsc.recording import Recording
from metasolve.petsc.systems import PETSc, Systems
from metasolve.production import journal, replay, state

from ..prior_writer import write_prior
from .conftest import BUILDS, petsc4py_of

pytestmark = pytest.mark.skipif(len(BUILDS) < 2, reason="one PETSc is installed: make test-builds")
NAMES = ["gmres+ilu0", "cg+icc0", "gmres+jacobi"]
SEQUENCE = ["-solves", "6", "-smallest", "40", "-largest", "40"]
REPLAY = """
import json, sys
from metasolve.petsc.recording import Recording
from metasolve.petsc.replay import Replay
recording = Recording(sys.argv[1])
with_settings = {"ksp_type": "gmres", "pc_type": "jacobi"}
replay = Replay()
for instance in recording.instances():
    for settings in ({}, with_settings):
        outcome = replay.solve(instance, settings)
        print(json.dumps([str(outcome.reason), outcome.iterations, outcome.true_residual]))
"""


@pytest.fixture
def learn(tmp_path, feature_names, program, plugin_of, run_program):
    """`learn(build)`: a run with the prior, whose state and journal are those of the last one."""
    leaf = {"gmres+ilu0": 9.0, "cg+icc0": 9.0, "gmres+jacobi": 5.0}
    prior = write_prior(tmp_path / "prior", NAMES, [leaf], list(feature_names))

    def run(name, host="sequence", *words):
        env = {
            "METASOLVE_MODE": "run",
            "METASOLVE_BUDGET": "1000",
            "METASOLVE_DIR": str(prior),
            "METASOLVE_STATE": str(tmp_path / "state"),
            "METASOLVE_LOG": str(tmp_path / "log"),
            "PETSC_OPTIONS": f"-dll_append {plugin_of(name) / 'libmetasolve.so'}",
        }
        done = run_program([*program(host, name), *(words or SEQUENCE)], env=env)
        assert done.returncode == 0, done.stderr
        return prior, state.parse((tmp_path / "state").read_bytes())

    return run


def replayed(tmp_path, prior):
    return replay.replay(journal.read(tmp_path / "log"), *replay.candidates(prior))


def test_runs_of_both_sizes_of_indices_add_up(learn, tmp_path):
    for count, name in enumerate(("real", "real64", "real"), 1):
        prior, (found,) = learn(name)
        assert found.solves == 6 * count
    assert replayed(tmp_path, prior) == (tmp_path / "state").read_bytes()


def test_classes_of_complex_numbers_are_their_own(learn, tmp_path):
    learn("real")
    prior, (real, of_complex) = learn("complex")
    assert (real.prefix, of_complex.prefix) == ("-", "complex:")
    assert real.name.split()[1:] == of_complex.name.split()[1:]
    assert (real.solves, of_complex.solves) == (6, 6)
    assert replayed(tmp_path, prior) == (tmp_path / "state").read_bytes()


@pytest.fixture
def recorded(tmp_path, program, plugin_of, run_program):
    """`recorded(build, host="neumann", ranks=1)`: a recording."""

    def record(name, host="neumann", ranks=1, words=()):
        out = tmp_path / f"{name}-{host}-{ranks}"
        for folder in ("operators", "vectors"):
            (out / folder).mkdir(parents=True)
        env = {
            "METASOLVE_MODE": "record",
            "METASOLVE_DIR": str(out),
            "PETSC_OPTIONS": f"-dll_append {plugin_of(name) / 'libmetasolve.so'}",
        }
        done = run_program([*program(host, name), *words], env=env, ranks=ranks)
        assert done.returncode == 0, done.stderr
        return Recording(out)

    return record


@pytest.mark.parametrize("ranks", [1, 2])
def test_recordings_are_the_same_to_the_byte(ranks, recorded):
    narrow, wide = recorded("real", ranks=ranks), recorded("real64", ranks=ranks)
    assert len(narrow.solves) == len(wide.solves) > 0
    for a, b in zip(narrow.solves, wide.solves, strict=True):
        assert filecmp.cmp(a.rhs, b.rhs, shallow=False)
        assert filecmp.cmp(a.operator.file, b.operator.file, shallow=False)
        assert (a.operator.hash, a.outcome.iterations) == (b.operator.hash, b.outcome.iterations)
        assert a.features == pytest.approx(b.features, rel=1e-12, abs=1e-12)
        assert a.host == b.host


def replay_with(name, recording):
    words = [sys.executable, "-c", REPLAY, str(recording.path)]
    done = subprocess.run(
        words, env={**os.environ, **petsc4py_of(name)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("by", ["real", "real64"])
def test_either_petsc4py_replays_them(by, recorded):
    recording = recorded("real64")
    told = replay_with(by, recording)
    assert [its for _, its, _ in told[::2]] == [s.outcome.iterations for s in recording.solves]


@pytest.mark.parametrize("ranks", [1, 2])
def test_complex_systems_are_replayed_by_their_petsc4py(ranks, recorded):
    recording = recorded("complex", "waves", ranks, ["-n", "24", "-ksp_gmres_restart", "200"])
    assert {run.petsc.partition("-")[2] for run in recording.runs} == {"complex"}
    if ranks == 1:
        told = replay_with("complex", recording)
        assert [its for _, its, _ in told[::2]] == [s.outcome.iterations for s in recording.solves]
        tolerance = recording.solves[0].rtol
        assert all(residual <= tolerance for _, _, residual in told[1::2])
    with pytest.raises(RecordingError, match=r"complex numbers, .*set PETSC_DIR"):
        Systems(PETSc.COMM_SELF).load(recording.solves[0])


def test_complex_operators_are_told_apart_by_either_part(recorded):
    one = recorded("complex", "waves", 1, ["-n", "8", "-solves", "1", "-damping", "0.1"])
    (one.path).rename(one.path.with_name("first"))
    two = recorded("complex", "waves", 1, ["-n", "8", "-solves", "1", "-damping", "0.2"])
    assert one.solves[0].operator.hash != two.solves[0].operator.hash
