"""What outlives a KSP: pauses, the account of time, what the program's own settings take."""

import json
import sys

import pytest

from metasolve.model.pinned import pin

RICHARDSON = {"ksp_type": "richardson", "pc_type": "none"}
GOOD = {"ksp_type": "gmres", "pc_type": "bjacobi"}
SAME_SIZE = ["-smallest", "40", "-largest", "40"]


@pytest.fixture
def pinned(tmp_path, plugin_library):
    return lambda settings: pin(tmp_path / "pinned", settings)


@pytest.mark.parametrize("option", [[], ["-one_ksp"]], ids=["a KSP each", "one KSP"])
def test_pauses_belong_to_the_class_and_not_to_the_ksp(option, host, constant_model, run_with):
    model = constant_model(**RICHARDSON, ksp_richardson_scale="9")
    command = [*host("sequence"), "-solves", "14", *SAME_SIZE, *option]
    _, lines = run_with(model, command)
    assert [line["source"] for line in lines] == ["fallback"] * 3 + ["refused"] * 8 + [
        "fallback",
        "refused",
        "refused",
    ]


def test_settings_that_always_fail_become_rare(host, pinned, run_with):
    done, lines = run_with(pinned(RICHARDSON), [*host("sequence"), "-solves", "200", *SAME_SIZE])
    assert done.returncode == 0, done.stderr
    tried = sum(line["source"] != "refused" for line in lines)
    assert 0 < tried <= 10


def test_own_settings_are_measured_now_and_then(host, pinned, run_with):
    """Nothing predicts them under constant settings: after four answers they are looked at."""
    _, lines = run_with(pinned(GOOD), [*host("sequence"), "-solves", "30", *SAME_SIZE])
    measured = [i for i, line in enumerate(lines) if "measured" in line["why"]]
    assert measured
    assert lines[0]["source"] == "model"
    assert all(line["source"] != "model" for i, line in enumerate(lines) if i in measured)
    answers = [line["source"] == "model" for line in lines]
    assert sum(answers[: measured[0]]) == 4
    if len(measured) > 1:
        assert sum(answers[measured[0] : measured[1]]) == 16


@pytest.mark.timed
def test_one_hard_solve_does_not_block_easier_ones(held_on_one_operator):
    """The same operator again, after settings could not meet a tolerance on it."""
    sources = held_on_one_operator([1e-300, 1e-3, 1e-3])
    assert sources == ["fallback", "model", "model"]


@pytest.fixture
def held_on_one_operator(plugin_library, constant_model):
    from petsc4py import PETSc

    from metasolve import accelerate

    from ..conftest import convection_diffusion, random_vector

    def solve(tolerances):
        A = convection_diffusion(12, 20.0)
        b, x = random_vector(A), A.createVecRight()
        ksp = PETSc.KSP().create(PETSc.COMM_SELF)
        ksp.setOperators(A)
        ksp.setType("gmres")
        handle = accelerate(ksp, constant_model(ksp_type="gmres", pc_type="jacobi"))
        sources = []
        for rtol in tolerances:
            ksp.setTolerances(rtol=rtol, max_it=60 if rtol < 1e-200 else 1000)
            ksp.solve(b, x)
            sources.append(handle.last["source"])
        return sources

    return solve


def test_a_pinned_model_answers_from_the_first_solve(host, pinned, run_with):
    _, lines = run_with(pinned(GOOD), host("hard_coded"))
    assert lines[0]["source"] == "model"
    assert json.dumps(lines[0]["settings"]) == json.dumps(GOOD)


NUMBERED = """
import sys
from petsc4py import PETSc
A = PETSc.Mat().createAIJ([64, 64], nnz=1)
for i in range(*A.getOwnershipRange()):
    A.setValue(i, i, 2.0 + i)
A.assemble()
x, b = A.createVecs()
b.set(1.0)
for k in range(6):
    ksp = PETSc.KSP().create()
    ksp.setOptionsPrefix(f"{sys.argv[1]}_{k * 7919}_" if k < 4 else f"other_{k}_")
    ksp.setOperators(A)
    ksp.setType("gmres")
    ksp.getPC().setType("none")
    ksp.solve(b, x)
"""


def test_prefixes_that_are_numbered_are_of_one_class(constant_model, run_with, tmp_path):
    """FEniCS puts an address into the prefix of each of its solvers, Firedrake a count."""
    (tmp_path / "program.py").write_text(NUMBERED)
    model = constant_model(**RICHARDSON, ksp_richardson_scale="9")
    _, lines = run_with(model, [sys.executable, str(tmp_path / "program.py"), "solver"])
    assert [line["source"] for line in lines] == ["fallback"] * 3 + ["refused"] + ["fallback"] * 2
    assert len({line["prefix"] for line in lines}) == 6
