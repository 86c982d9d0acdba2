"""Systems of complex numbers: what is seen of them, what is tried, and that answers are right."""

import json
import sys
from pathlib import Path

import pytest

from ..prior_writer import write_prior
from .conftest import BUILDS, petsc4py_of

pytestmark = pytest.mark.skipif("complex" not in BUILDS, reason="no complex PETSc is installed")
FEATURES = Path(__file__).with_name("complex_features.py")
NAMES = ["cg+icc0", "cg+jacobi", "gmres+ilu0", "gmres+jacobi", "gmres+hypre"]
SMALL = ["-n", "24", "-waves", "2"]
RANKS = pytest.mark.parametrize("ranks", [1, 2])


@pytest.fixture
def run(program, plugin_of, run_program, tmp_path, lines, parse_solves):
    """`run(model, *words, ranks=1)`: what the program printed of its solves, and their lines."""

    def start(model, *words, ranks=1):
        env = {
            "METASOLVE_MODE": "run",
            "METASOLVE_BUDGET": "1000",
            "METASOLVE_DIR": str(model),
            "METASOLVE_LOG": str(tmp_path / "log"),
            "PETSC_OPTIONS": f"-dll_append {plugin_of('complex') / 'libmetasolve.so'}",
        }
        done = run_program([*program("waves", "complex"), *words], env=env, ranks=ranks)
        assert done.returncode == 0, done.stderr
        assert "metasolve:" not in done.stderr
        return parse_solves(done.stdout), lines()

    return start


@pytest.fixture
def prior(tmp_path, feature_names):
    """`prior(fastest, ...)`: candidates in the order of the time that is foreseen."""

    def make(*order):
        rank = {name: 4.0 + 0.7 * order.index(name) if name in order else 9.0 for name in NAMES}
        return write_prior(tmp_path / "prior", NAMES, [rank], list(feature_names))

    return make


@RANKS
def test_features_are_of_moduli_and_of_the_adjoint(ranks, run_program, plugin_of):
    plugin_of("complex")
    env = {**petsc4py_of("complex"), "METASOLVE_PETSC_DIR": ""}
    done = run_program([sys.executable, FEATURES], env=env, ranks=ranks)
    assert done.returncode == 0, done.stderr
    found = {}
    for line in done.stdout.splitlines():
        kind, features, by_numpy = json.loads(line)
        assert {name: features[name] for name in by_numpy} == pytest.approx(by_numpy, rel=1e-6)
        found[kind] = features["log_asymmetry"]
    assert found["hermitian"] == -12
    assert min(found["any"], found["symmetric"]) > -1


@RANKS
@pytest.mark.parametrize("kind", ["helmholtz", "magnetic"])
def test_every_solve_meets_the_tolerance_of_the_program(kind, ranks, run, pinned):
    model = pinned(ksp_type="bcgs", pc_type="bjacobi", sub_pc_type="ilu", sub_pc_factor_levels="1")
    printed, found = run(model, "-kind", kind, *SMALL, ranks=ranks)
    assert [line["source"] for line in found] == ["model", "model"]
    for line, solve in zip(found, printed, strict=True):
        assert solve.reason > 0
        assert line["true_residual"] <= line["tolerance"]
        assert solve.residual == pytest.approx(line["true_residual"], rel=1e-3)


def test_conjugate_gradients_are_for_hermitian_operators(run, prior):
    model = prior("cg+jacobi", "gmres+jacobi")
    _, found = run(model, "-kind", "magnetic", *SMALL)
    assert found[0]["candidate"] == "cg+jacobi"
    assert found[0]["source"] == "model"
    _, found = run(model, "-kind", "helmholtz", *SMALL)
    assert "cg+jacobi" not in {line.get("candidate") for line in found}


@pytest.mark.parametrize(("kind", "source"), [("helmholtz", "refused"), ("magnetic", "model")])
def test_what_iterates_is_less_sure_for_waves(kind, source, run, tmp_path, feature_names):
    """The forest was fitted to none: what would do for another operator is not enough."""
    leaf = dict.fromkeys(NAMES, 16.0) | {"gmres+ilu0": 11.0, "gmres+jacobi": 10.63}
    model = write_prior(tmp_path / "prior", NAMES, [leaf], list(feature_names))
    own = ["-ksp_type", "gmres", "-pc_type", "ilu", "-solves", "1"]
    _, found = run(model, "-kind", kind, *SMALL, *own)
    assert (found[0]["candidate"], found[0]["source"]) == ("gmres+jacobi", source)


@pytest.mark.parametrize("missing", ["cg+icc0", "gmres+hypre"])
def test_what_this_petsc_has_not_is_passed_over(missing, run, prior):
    """No hypre; and no incomplete Cholesky, which takes an operator for its transpose."""
    _, found = run(prior(missing, "gmres+jacobi"), "-kind", "magnetic", *SMALL)
    assert found[0]["candidate"] == "gmres+jacobi"


def test_an_operator_without_imaginary_parts_is_factorised_as_a_real_one(run, prior):
    model = prior("cg+icc0", "gmres+jacobi")
    _, found = run(model, "-kind", "magnetic", "-n", "24", "-waves", "0", "-sweep", "0")
    assert [(line["candidate"], line["source"]) for line in found] == [("cg+icc0", "model")] * 2


@RANKS
def test_a_method_for_other_operators_is_found_out(ranks, run, pinned, program, run_program):
    words = ["-waves", "6", "-n", "32", "-ksp_max_it", "3000", "-ksp_gmres_restart", "100"]
    printed, found = run(pinned(ksp_type="cg", pc_type="none"), *words, ranks=ranks)
    assert {line["source"] for line in found} <= {"fallback", "refused"}
    own = run_program([*program("waves", "complex"), *words], ranks=ranks)
    assert own.returncode == 0
    assert all(solve.reason > 0 for solve in printed)


@RANKS
def test_a_direct_solve_is_as_exact(ranks, run, pinned):
    model = pinned(ksp_type="gmres", pc_type="bjacobi", sub_pc_type="lu", ksp_gmres_restart="300")
    solver = ["-ksp_type", "preonly", "-pc_type", "lu", "-pc_factor_mat_solver_type", "mumps"]
    _, found = run(model, *SMALL, "-solves", "4", *solver, ranks=ranks)
    assert {line["contract"] for line in found} == {"direct"}
    assert {line["measure"] for line in found} == {"backward"}
    assert "model" in {line["source"] for line in found}


def test_an_operator_that_turns_has_changed(run, pinned):
    """In imaginary parts alone: by a millionth of the diagonal for each solve, or by much more."""
    model = pinned(ksp_type="gmres", pc_type="ilu", pc_factor_levels="1")
    for decay, least, most in (("0", 0, 1e-15), ("1e-5", 1e-9, 1e-5), ("10", 1e-2, 3)):
        words = ["-sweep", "0", "-decay", decay, "-solves", "3"]
        _, found = run(model, *SMALL, *words)
        assert [line["source"] for line in found] == ["model"] * 3
        assert least <= found[2]["moved"] <= most if decay != "0" else found[2]["moved"] == 0
