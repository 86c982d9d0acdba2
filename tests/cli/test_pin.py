"""Constant models: pinned at once, loaded as any other, obeyed by the plug-in."""

import json
import shutil
import subprocess
import sys

import pytest

import metasolve
from metasolve.errors import ModelError, UsageError
from metasolve.model.allowed import canonical
from metasolve.model.pinned import parsed, pin
from metasolve.production import journal

from ..policy_reader import read_policy

compiled = pytest.mark.skipif(not shutil.which("mpicc"), reason="needs a compiler")


def command(*words):
    return subprocess.run(
        [sys.executable, "-m", "metasolve", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_pinned_model_is_a_model(tmp_path):
    done = command("pin", "-o", tmp_path, "ksp_type=gmres", "pc_type=sor", "pc_sor_local_forward")
    assert (done.returncode, done.stderr) == (0, "")
    chosen = {"ksp_type": "gmres", "pc_type": "sor", "pc_sor_local_forward": "1"}
    model = metasolve.load(tmp_path)
    assert model.settings({"log_rows": 3.0}) == model.settings({}) == chosen
    assert model.refuses({}) == ""
    assert model.space.options(model.settings({})) == chosen
    assert read_policy(tmp_path / "policy.txt").settings({}) == chosen
    described = json.loads(command("inspect", tmp_path, "--json").stdout)
    assert (described["chosen"], described["settings"]) == ("constant", chosen)
    save_again = read_policy(tmp_path / "policy.txt")
    assert save_again.kind == "constant"


def test_pinning_imports_neither_numpy_nor_torch():
    told = "import sys, metasolve.cli.pin, metasolve.model.pinned; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert not {"numpy", "torch", "pydantic", "petsc4py"} & set(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["ksp_tpye=gmres"], "did you mean 'ksp_type'?"),
        (["mg_levels_1_pc_tipe=sor"], "did you mean 'mg_levels_1_pc_type'?"),
        (["pc_type=nosuchpc"], "known: none, jacobi"),
        (["pc_type=shell"], "known"),
        (["ksp_type=preonly"], "known"),
        (["ksp_view_solution=ascii:x"], "leave it"),
        (["pc_python_type=os.system"], "leave it"),
        (["mg_levels_ksp_monitor"], "leave it"),
        (["pc_sor_omega=2.5"], "a number from 0 to 2"),
        (["pc_sor_omega=nan"], "a number from 0 to 2"),
        (["pc_sor_its=1.5"], "a whole number"),
        (["pc_sor_its="], "a whole number"),
        (["pc_sor_local_forward=maybe"], "flag"),
        (["pc_type=sor", "pc_type=ilu"], "twice"),
        (["pc_type=" + "x" * 70], "known"),
    ],
)
def test_what_is_no_setting_of_a_solver_is_refused(tmp_path, words, remedy):
    done = command("pin", "-o", tmp_path / "model", *words)
    name, _, value = words[-1].partition("=")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert name in done.stderr
    assert repr(value) in done.stderr
    assert remedy in done.stderr
    assert not (tmp_path / "model").exists()


def test_a_trained_model_is_not_overwritten(tmp_path):
    (tmp_path / "policy.txt").write_text("metasolve-policy 6\npetsc 3.18.5\nkind policy\n")
    with pytest.raises(UsageError, match="trained"):
        pin(tmp_path, {"pc_type": "sor"})


def test_a_pin_of_a_pin_replaces_it(tmp_path):
    pin(tmp_path, {"pc_type": "sor"})
    pin(tmp_path, {"pc_type": "ilu"}, petsc="3.18.5")
    assert metasolve.load(tmp_path).settings({}) == {"pc_type": "ilu"}


def test_a_setting_written_into_the_file_is_refused(tmp_path):
    pin(tmp_path, {"pc_type": "sor"})
    document = json.loads((tmp_path / "model.json").read_text())
    document["settings"] = {"ksp_view_solution": "ascii:x"}
    (tmp_path / "model.json").write_text(json.dumps(document))
    with pytest.raises(ModelError, match="ksp_view_solution"):
        metasolve.load(tmp_path)


@pytest.mark.parametrize(
    "name", ["sub_pc_type", "mg_levels_12_pc_type", "mg_coarse_sub_pc_type", "mg_coarse_ksp_type"]
)
def test_nested_solvers_are_set_by_their_prefix(name):
    assert canonical(name, "none") == "none"


def test_words_for_nested_solvers_only():
    assert canonical("sub_ksp_type", "preonly") == "preonly"
    assert parsed(["-pc_type=SOR"]) == {"pc_type": "SOR"}


# --- run ------------------------------------------------------------------------------------------


def run(model, program, log):
    done = command("run", model, "--log", log, "--", *program)
    return done, journal.solves(log)


@compiled
def test_programs_run_with_what_was_pinned(host, tmp_path):
    model = pin(tmp_path / "model", {"ksp_type": "bcgs", "pc_type": "jacobi"})
    done, lines = run(model, host("hard_coded"), tmp_path / "log")
    assert done.returncode == 0, done.stderr
    assert len(lines) == 2
    first = lines[0]  # later ones are tried as far as trials have paid
    assert first["source"] == "model", first["why"]
    assert first["settings"] == {"ksp_type": "bcgs", "pc_type": "jacobi"}
    assert first["true_residual"] <= first["tolerance"]


@compiled
def test_a_pin_for_another_petsc_leaves_the_program_alone(host, tmp_path):
    model = pin(tmp_path / "model", {"pc_type": "jacobi"}, petsc="2.0.1")
    done, lines = run(model, host("hard_coded"), tmp_path / "log")
    assert done.returncode == 0
    assert {line["source"] for line in lines} == {"refused"}
    assert "pinned for PETSc 2.0.1" in lines[0]["why"]
