"""Record mode: whatever happens to program or disk, what was written can be read."""

import json
import os
import shutil
import signal
import subprocess
import time

import pytest

from metasolve.petsc import launch
from metasolve.petsc.binary import vector_norm
from metasolve.petsc.conduct import Watch
from metasolve.petsc.recording import Recording

from ..conftest import PETSc

RANKS = pytest.mark.parametrize("size", [1, 2])
STEPS = ["-constant_steps", "3", "-changing_steps", "4"]


def complete(recording):
    """Every solve names files that are there and whole."""
    for solve in recording.solves:
        assert solve.operator.file.stat().st_size == expected_bytes(solve.operator)
        assert vector_norm(solve.rhs) > 0
    return len(recording.solves)


def expected_bytes(operator):
    """PETSc's binary format: four words, then lengths, columns and values."""
    return 16 + 4 * operator.rows + (4 + PETSc.ScalarType().itemsize) * operator.nnz


@RANKS
def test_recording_again_appends(size, host, record_with):
    command = [*host("time_steps"), *STEPS]
    first, out = record_with(command, size)
    assert first.returncode == 0, first.stderr
    operators = len(list((out / "operators").iterdir()))
    record_with(command, size, out=out)
    recording = Recording(out)
    assert complete(recording) == 14
    assert len(recording.runs) == 2
    assert len({solve.id for solve in recording.solves}) == 14
    # The same matrices: not one file more.
    assert len(list((out / "operators").iterdir())) == operators == 5


def test_an_operator_is_one_file_whoever_solves_with_it_on_any_number_of_ranks(host, record_with):
    command = [*host("time_steps"), "-constant_steps", "2", "-changing_steps", "0"]
    _, out = record_with(command, 1)
    record_with(command, 2, out=out)
    assert len(Recording(out).operators()) == 1
    assert len(list((out / "operators").iterdir())) == 1


@RANKS
def test_one_solve_in_so_many(size, host, record_with):
    _, out = record_with([*host("time_steps"), *STEPS], size, every=3)
    recording = Recording(out)
    assert [solve.id.rpartition("-")[2] for solve in recording.solves] == ["1", "4", "7"]


@pytest.fixture
def recorded(plugin_library, tmp_path):
    """`recorded(command, **limits)`: recorded through launch.py, always into one directory."""

    def record(command, **limits):
        assert launch.record(command, tmp_path / "out", Watch(**limits)) == 0
        return Recording(tmp_path / "out")

    return record


def test_so_many_systems_are_kept_altogether(host, recorded, capfd):
    command = [*host("time_steps"), *STEPS]
    assert complete(recorded(command, max_systems=5)) == 5
    assert complete(recorded(command, max_systems=9)) == 9
    capfd.readouterr()
    recording = recorded(command, max_systems=9)
    assert complete(recording) == 9
    assert recording.skipped[-1].why == "max_systems reached"
    assert "max_systems reached) after 0 systems" in capfd.readouterr().err


def test_so_many_bytes_are_kept_altogether(host, recorded, tmp_path):
    command = [*host("time_steps"), *STEPS]
    limit = 200_000
    first = len(recorded(command, max_bytes=limit).solves)
    assert 0 < first < 7
    recording = recorded(command, max_bytes=limit)
    assert complete(recording) == first
    held = sum(path.stat().st_size for path in (tmp_path / "out").rglob("*") if path.is_file())
    # One system may cross the limit: its size is known when it is written.
    assert limit <= held <= limit + 100_000
    assert recording.skipped[-1].why == "max_bytes reached"


@RANKS
def test_a_killed_program_leaves_a_readable_recording(size, host, ranks, plugin_library, tmp_path):
    for folder in ("operators", "vectors"):
        (tmp_path / folder).mkdir()
    command = [*host("time_steps"), "-constant_steps", "0", "-changing_steps", "100000"]
    env = {
        **os.environ,
        "METASOLVE_MODE": "record",
        "METASOLVE_DIR": str(tmp_path),
        "PETSC_OPTIONS": f"-dll_append {plugin_library}",
    }
    process = subprocess.Popen(
        ranks(command, size), env=env, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        manifest, deadline = tmp_path / "manifest.jsonl", time.monotonic() + 60
        while not (manifest.exists() and manifest.read_bytes().count(b"\n") > 8):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.005)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert complete(Recording(tmp_path)) >= 8


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 100 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a file system that is soon full")
    mount = ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not permitted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@RANKS
def test_a_full_disk_stops_the_recording_and_not_the_program(
    size, host, record_with, run_program, tiny_disk
):
    command = [*host("time_steps"), *STEPS]
    own = run_program(command, ranks=size)
    done, out = record_with(command, size, out=tiny_disk)
    assert done.returncode == 0, done.stderr
    assert done.stdout == own.stdout
    assert "No space left on device" in done.stderr
    assert "recording stopped" in done.stderr
    assert 1 <= complete(Recording(out)) < 7
    assert not [path for path in out.rglob("*.petsc.*") if path.is_file()]


def test_a_file_too_large_stops_the_recording_and_not_the_program(
    host, record_with, run_program, monkeypatch
):
    """The same for everybody who may not mount: a limit of file sizes, which ends programs."""
    command = [*host("time_steps"), *STEPS]
    monkeypatch.setenv("PMIX_MCA_gds", "hash")  # else Open MPI wants a large file of its own
    limited = ["bash", "-c", 'ulimit -f 16; exec "$@"', "bash", *command]
    done, out = record_with(limited)
    assert done.returncode == 0, done.stderr
    assert done.stdout == run_program(command).stdout
    assert "File too large" in done.stderr
    assert complete(Recording(out)) == 0


def test_a_folder_that_cannot_be_written_changes_nothing(host, record_with, run_program, tmp_path):
    out = tmp_path / "out"
    (out / "manifest.jsonl").mkdir(parents=True)
    done, _ = record_with(host("hard_coded"), out=out)
    assert done.stdout == run_program(host("hard_coded")).stdout
    assert "cannot write" in done.stderr


@RANKS
@pytest.mark.parametrize(
    ("name", "options", "kind", "constant", "vectors"),
    [
        ("neumann", [], "null", True, 0),
        ("neumann", ["-vector_nullspace"], "null", False, 1),
        ("elasticity", [], "near", False, 3),
    ],
)
def test_null_spaces_are_recorded(size, name, options, kind, constant, vectors, host, record_with):
    done, out = record_with([*host(name), *options], size)
    assert done.returncode == 0, done.stderr
    for solve in Recording(out).solves:
        space = getattr(solve.operator, kind)
        assert (space.constant, space.vectors) == (constant, vectors)
    entry = json.loads((out / "manifest.jsonl").read_text().splitlines()[1])
    file = out / "operators" / f"{entry['operator']['hash']}.{kind}.petsc"
    rows = entry["operator"]["rows"]
    assert (file.stat().st_size if file.exists() else 0) == vectors * (
        8 + PETSc.ScalarType().itemsize * rows
    )


def test_what_watching_costs_is_told(host, record_with):
    _, out = record_with(host("hard_coded"))
    assert all(0 < solve.overhead_seconds < 5 for solve in Recording(out).solves)
