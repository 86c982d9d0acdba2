"""Whatever a file holds, a reader in Python reads it or says what is wrong with it in one line."""

import hashlib
import json
import shutil

import numpy as np
import pytest

from metasolve.errors import MetasolveError
from metasolve.model.directory import load, save
from metasolve.model.pinned import pin
from metasolve.production import journal
from metasolve.program.case_file import case_of, read_case
from metasolve.space import Space
from metasolve.train.events import read_events

from ..petsc.conftest import (
    PETSc,
    RecordingWriter,
    convection_diffusion,
    random_vector,
)
from .conftest import SPACE, learned_model
from .mutations import COUNT, generator, mutated_bytes, mutated_json, mutated_text

NAMES = ("log_rows", "asymmetry", "ranks")
FEW = 300


def fuzz(name, mutate, write, read, count=0):
    """Mutate, write and read so often; only the project's own errors may come out, in one line."""
    rng, refused = generator(name), 0
    for number in range(COUNT or count or FEW):
        data = mutate(rng)
        write(data)
        try:
            read()
        except MetasolveError as error:
            refused += 1
            if "\n" in str(error) or not str(error):
                pytest.fail(f"not one line: {error}")
        except Exception as error:  # noqa: BLE001 (none may come out)
            pytest.fail(
                f"{name}, mutation {number}: {type(error).__name__}: {error}; {data!s:.3000}"
            )
    assert refused, "mutations do no harm at all"


def use(model):
    """What is done with a model that was read."""
    for value in (0.0, -3.0, float("nan")):
        features = dict.fromkeys(model.standardisation.names, value)
        if not model.refuses(features):
            model.space.options(model.settings(features))
            model.second_choice(features)
            model.expected_seconds(features)
    if "case" in model.info:
        case_of(model)


@pytest.fixture
def directory(tmp_path):
    return save(learned_model(NAMES), tmp_path / "model")


@pytest.mark.parametrize("how", ["as bytes", "as JSON"])
def test_model_json(directory, how):
    path = directory / "model.json"
    text = path.read_text()

    def mutate(rng):
        if how == "as bytes":
            return mutated_bytes(text.encode(), rng)
        return json.dumps(mutated_json(json.loads(text), rng)).encode(errors="surrogatepass")

    fuzz(f"model.json {how}", mutate, path.write_bytes, lambda: use(load(directory)))


def test_constants(tmp_path):
    path = pin(tmp_path / "model", {"pc_type": "sor", "pc_sor_omega": "1.5"}) / "model.json"
    told = json.loads(path.read_text())

    def mutate(rng):
        return json.dumps(mutated_json(told, rng)).encode(errors="surrogatepass")

    fuzz("constant", mutate, path.write_bytes, lambda: use(load(path.parent)))


def test_weights_with_the_right_checksum(directory):
    path, document = directory / "weights.safetensors", directory / "model.json"
    data, told = path.read_bytes(), json.loads(document.read_text())
    size = int.from_bytes(data[:8], "little")

    def mutate(rng):
        if rng.random() < 0.5:
            return mutated_bytes(data, rng)
        head = json.dumps(mutated_json(json.loads(data[8 : 8 + size]), rng)).encode()
        return len(head).to_bytes(8, "little") + head + data[8 + size :]

    def write(mutated):
        path.write_bytes(mutated)
        told["checksums"][path.name] = hashlib.sha256(mutated).hexdigest()
        document.write_text(json.dumps(told))

    fuzz("weights", mutate, write, lambda: use(load(directory)))


# --- recordings -----------------------------------------------------------------------------------


@pytest.fixture
def recording(tmp_path):
    writer = RecordingWriter(tmp_path / "recording")
    A = convection_diffusion(6)
    near = [random_vector(A, 7)]
    writer.solve(A, random_vector(A), guess=random_vector(A, 3), near=near)
    writer.solve(convection_diffusion(6, 3.0), random_vector(A, 1), state=1, abstol=1e-3)
    return writer.path


def read_recording(path):
    from metasolve.petsc.description import of_recording
    from metasolve.petsc.recording import Recording
    from metasolve.petsc.spaces import default_space

    recording = Recording(path)
    json.dumps(of_recording(recording))
    recording.instances()
    default_space(recording)
    return recording


@pytest.mark.parametrize("how", ["as bytes", "as JSON"])
def test_manifests(recording, how):
    path = recording / "manifest.jsonl"
    text = path.read_text()

    def mutate(rng):
        if how == "as bytes":
            return mutated_bytes(text.encode(), rng)
        lines = text.splitlines()
        number = rng.integers(0, len(lines))
        lines[number] = json.dumps(mutated_json(json.loads(lines[number]), rng))
        return "\n".join(lines).encode(errors="surrogatepass")

    fuzz(f"manifest {how}", mutate, path.write_bytes, lambda: read_recording(recording))


@pytest.mark.parametrize("what", ["operators", "vectors"])
def test_matrices_and_vectors(recording, what):
    from metasolve.petsc.systems import Systems

    files = {path: path.read_bytes() for path in sorted((recording / what).iterdir())}
    solves = read_recording(recording).solves
    latest = []

    def mutate(rng):
        path = list(files)[rng.integers(0, len(files))]
        latest[:] = [path]
        return mutated_bytes(files[path], rng)

    def write(data):
        for path, good in files.items():
            path.write_bytes(data if path in latest else good)

    def read():
        systems = Systems(PETSc.COMM_SELF)
        try:
            for solve in solves:
                systems.load(solve)
        finally:
            systems.destroy()

    fuzz(what, mutate, write, read)


def test_logs_of_runs(tmp_path):
    path = tmp_path / "run.jsonl"
    line = {
        "source": "model",
        "why": "",
        "settings": {"pc_type": "sor"},
        "guess": None,
        "seconds": {},
    }
    rng = generator("run log")
    for _ in range(COUNT or FEW):
        lines = [json.dumps(mutated_json(line, rng)) for _ in range(3)]
        path.write_bytes(mutated_bytes("\n".join(lines).encode(errors="surrogatepass"), rng))
        str(journal.Summary.of(journal.read(path)))


def test_events_of_a_training(tmp_path):
    path = tmp_path / "events.jsonl"
    text = '{"event": "solve", "x": 1}\n{"event": "finished"}\n{"event": "solve", "x": [1]}\n'
    fuzz(
        "events",
        lambda rng: mutated_bytes(text.encode(), rng),
        path.write_bytes,
        lambda: read_events(path),
    )


# --- what users write -----------------------------------------------------------------------------

CASE = """name = "script"
command = "./program.sh -n {n}"
rerunnable = true
timeout = 20
[[vary]]
name = "n"
type = "real"
low = 10.0
high = 78.0
[settings]
through = "flags"
[[space.setting]]
name = "omega"
type = "real"
low = 0.8
high = 1.95
default = 1.0
[cost]
pattern = "iterations: (.*)"
unit = "count"
[accept]
pattern = "answer = (.*)"
tolerance = 0.001
"""


def test_cases(tmp_path):
    path = tmp_path / "case.toml"
    (tmp_path / "program.sh").write_text("#!/bin/sh\n")

    def read():
        case = read_case(path)
        _ = case.space, case.varies

    fuzz("case", lambda rng: mutated_text(CASE, rng), path.write_bytes, read)


def test_spaces(tmp_path):
    from metasolve.cli.space import to_toml
    from metasolve.petsc.spaces import check_space

    path, text = tmp_path / "space.toml", to_toml(SPACE)

    def read():
        space = Space.from_toml(path)
        space.options(space.to_settings(np.full(space.dim, np.nan)))
        check_space(space)

    fuzz("space", lambda rng: mutated_text(text, rng), path.write_bytes, read)
    told = SPACE.to_dict()
    fuzz(
        "space as JSON",
        lambda rng: mutated_json(told, rng),
        lambda data: setattr(fuzz, "data", data),
        lambda: Space.from_dict(fuzz.data),
    )


def test_directories_in_place_of_files(directory, recording):
    for name in ("model.json", "policy.txt", "weights.safetensors"):
        shutil.copytree(directory, directory / "copy")
        (directory / "copy" / name).unlink()
        (directory / "copy" / name).mkdir()
        with pytest.raises(MetasolveError):
            load(directory / "copy")
        shutil.rmtree(directory / "copy")
    (recording / "manifest.jsonl").unlink()
    (recording / "manifest.jsonl").mkdir()
    with pytest.raises(MetasolveError):
        read_recording(recording)
