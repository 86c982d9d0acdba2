"""What commands say of files that are not what they should be: one line, never a traceback."""

import json
import os
import shutil

import pytest

from metasolve.cli.main import main
from metasolve.errors import RecordingError, SpaceError
from metasolve.model.pinned import pin
from metasolve.petsc.recording import Recording
from metasolve.space import Space

from ..petsc.conftest import RecordingWriter, convection_diffusion, random_vector

GARBAGE = {
    "empty": b"",
    "binary": bytes(range(256)) * 4,
    "a list": b"[1, 2]",
    "a word": b'"x"',
    "a number": b"1e999",
    "nested": b"[" * 100_000,
    "nested objects": b'{"kind":' * 100_000,
    "NaN": b'{"kind": NaN}',
    "many digits": b'{"kind": ' + b"9" * 10_000 + b"}",
    "null": b'{"kind": null, "format": null}',
    "wrong types": b'{"kind": "policy", "format": 5, "features": 7, "space": [], "checksums": "x"}',
    "no UTF-8": b'{"kind": "\xff\xfe"}',
}


def says(capfd, *words):
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    out, err = capfd.readouterr()
    assert stop.value.code in (1, 2), (words, out, err)
    assert err.startswith("metasolve: ")
    assert err.count("\n") == 1, err
    return err


@pytest.fixture
def recording(tmp_path):
    writer = RecordingWriter(tmp_path / "recording")
    A = convection_diffusion(6)
    writer.solve(A, random_vector(A))
    return writer.path


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("command", ["inspect", "space", "train", "guess", "evaluate"])
def test_a_manifest_of_garbage(tmp_path, capfd, garbage, command):
    (tmp_path / "manifest.jsonl").write_bytes(GARBAGE[garbage])
    words = {"train": ["-o", tmp_path / "out"], "guess": ["-o", tmp_path / "out"]}.get(command, [])
    if command == "evaluate":
        words = [pin(tmp_path / "model", {"pc_type": "sor"})]
        assert says(capfd, "evaluate", *words, tmp_path)
    elif command == "inspect" and garbage == "empty":
        return  # a recording that holds nothing
    else:
        assert says(capfd, command, tmp_path, *words)


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("command", ["inspect", "evaluate", "guess"])
def test_a_model_of_garbage(recording, tmp_path, capfd, garbage, command):
    model = pin(tmp_path / "model", {"pc_type": "sor"})
    (model / "model.json").write_bytes(GARBAGE[garbage])
    words = {"evaluate": [model, recording], "guess": [recording, "-o", model]}
    assert "model.json" in says(capfd, command, *words.get(command, [model]))


@pytest.mark.skipif(not shutil.which("mpicc"), reason="needs a compiler")
@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_run_with_a_model_of_garbage_is_a_run(tmp_path, capfd, garbage):
    model = pin(tmp_path / "model", {"pc_type": "sor"})
    (model / "model.json").write_bytes(GARBAGE[garbage])
    with pytest.raises(SystemExit) as stop:
        main(["run", str(model), "--", "true"])
    assert stop.value.code == 0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rhs", "/etc/passwd"),
        ("rhs", "../../x"),
        ("guess", "vectors/../../x"),
        ("operator.file", "/dev/zero"),
        ("operator.hash", "../../../x"),
        ("operator.rows", -1),
        ("operator.rows", 10**30),
        ("operator.layout", [1, 2]),
        ("operator.block_size", 5),
        ("operator.null", {"vectors": -3}),
        ("ranks", 0),
        ("rtol", None),
        ("features", [1]),
        ("host", None),
        ("host.options", {"pc_type": 3}),
        ("outcome.solve_seconds", -1.0),
    ],
)
def test_a_line_that_is_none_is_named(recording, capfd, key, value):
    path = recording / "manifest.jsonl"
    first, line = path.read_text().splitlines()
    entry = json.loads(line)
    *tables, last = key.split(".")
    inside = entry[tables[0]] if tables else entry
    inside[last] = value
    path.write_text(f"{first}\n{json.dumps(entry)}\n")
    said = says(capfd, "inspect", recording)
    assert "manifest.jsonl, line 2" in said
    assert key.split(".")[0] in said
    with pytest.raises(RecordingError, match="line 2"):
        Recording(recording)


@pytest.mark.parametrize(
    "options", [{"ksp_view_solution": "ascii:x"}, {"pc_type": "python", "pc_python_type": "os"}]
)
def test_a_recorded_option_that_does_more_than_configure_is_dropped(recording, options):
    path = recording / "manifest.jsonl"
    first, line = path.read_text().splitlines()
    entry = json.loads(line)
    entry["host"]["options"] = options
    path.write_text(f"{first}\n{json.dumps(entry)}\n")
    host = Recording(recording).solves[0].host
    assert (host.replayable, host.options) == (False, {})
    assert "does more than configure" in host.why


@pytest.mark.parametrize("garbage", [*GARBAGE, "a pipe"])
def test_a_space_of_garbage(recording, tmp_path, capfd, garbage):
    path = tmp_path / "space.toml"
    path.write_bytes(GARBAGE.get(garbage, b"a = " + b"[" * 50_000))
    said = says(capfd, "train", recording, "-o", tmp_path / "out", "--space", path)
    assert "space" in said


def test_a_space_of_what_no_solver_has(recording, tmp_path, capfd):
    path = tmp_path / "space.toml"
    path.write_text(
        '[[setting]]\nname = "ksp_view_solution"\ntype = "choice"\nvalues = ["ascii:x"]\n'
    )
    said = says(capfd, "train", recording, "-o", tmp_path / "out", "--space", path)
    assert "ksp_view_solution='ascii:x'" in said
    with pytest.raises(SpaceError, match="directory"):
        Space.from_toml(tmp_path)


@pytest.mark.parametrize("name", ["model.json", "policy.txt"])
def test_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path, capfd, name):
    model = pin(tmp_path / "model", {"pc_type": "sor"})
    (model / name).unlink()
    os.mkfifo(model / name)
    assert name in says(capfd, "inspect", model)
    (tmp_path / "recording").mkdir()
    os.mkfifo(tmp_path / "recording" / "manifest.jsonl")
    assert "recording" in says(capfd, "space", tmp_path / "recording")
