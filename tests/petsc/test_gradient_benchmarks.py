"""The benchmarks of gradients and training on recorded PETSc systems, as commands."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import training
from benchmarks.__main__ import main

from .conftest import RecordingWriter, convection_diffusion, random_vector

SPACE = """
[fixed]
ksp_type = "gmres"
pc_type = "sor"

[[setting]]
type = "real"
name = "pc_sor_omega"
low = 0.4
high = 1.4
default = 1.0

[[setting]]
type = "integer"
name = "ksp_gmres_restart"
low = 4
high = 8
default = 6
"""


def recorded(path: Path, seed: int, count: int) -> None:
    writer = RecordingWriter(path, run=f"{seed:04x}")
    for number, peclet in enumerate(np.random.default_rng(seed).uniform(1.0, 80.0, count)):
        A = convection_diffusion(12, peclet)
        b = random_vector(A, number)
        writer.solve(A, b, features={"peclet": float(peclet)})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("gradients")
    recorded(path / "train", 1, 16)
    recorded(path / "unseen", 2, 4)
    (path / "space.toml").write_text(SPACE)
    return path


def ends_well(*words: str) -> None:
    with pytest.raises(SystemExit) as stop:
        main([*words])
    assert not stop.value.code


def test_estimators_of_a_recording(folder, capsys):
    files = ["--json", str(folder / "e.json"), "--plot", str(folder / "e.png")]
    size = ["--seeds", "1", "--points", "4", "--calls", "80", "--space", str(folder / "space.toml")]
    ends_well("estimators", str(folder / "train"), *size, *files)
    assert "projected" in capsys.readouterr().out
    document = json.loads((folder / "e.json").read_text())
    assert document["settings"]["settings"] == ["pc_sor_omega", "ksp_gmres_restart"]
    for rows in document["tables"].values():
        assert all(-1 <= row["cosine"] <= 1 for row in rows)
    assert (folder / "e.png").is_file()


@pytest.mark.slow
def test_training_of_a_recording(folder, capsys, monkeypatch):
    monkeypatch.setattr(training, "FIXED", {"sign": ("sign", "none")})
    files = ["--json", str(folder / "t.json"), "--plot", str(folder / "t.png")]
    size = ["--seeds", "1", "--calls", "100", "--space", str(folder / "space.toml")]
    words = ["training", str(folder / "train"), str(folder / "unseen"), *size, *files]
    ends_well(*words, "--out", str(folder / "kept"))
    assert "amortised" in capsys.readouterr().out
    [rows, claims] = json.loads((folder / "t.json").read_text())["tables"].values()
    # A model is never knowingly worse than the program's own.
    assert all(row["mean"] > 0.9 for row in rows if row["policy"] != "search")
    assert {"found", "at least", "holds"} < set(claims[0])
    assert (folder / "t.png").is_file()
