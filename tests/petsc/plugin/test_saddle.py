"""Operators with zeros on the diagonal have candidates of their own, which split them by these."""

import re

import pytest

from metasolve.prior import read_candidates

from ..conftest import needs_hypre
from ..prior_writer import CANDIDATES, write_prior

FAST, BARELY, SLOW = 2.0, 8.0, 12.0  #: barely: own settings are not given up for it
EXACT = 1e-15
SPLITS = {each.name: each for each in read_candidates() if each.operators == "saddle"}
LU = ["-ksp_type", "preonly", "-pc_type", "lu", "-pc_factor_mat_solver_type", "mumps"]
GIVEN = ["-given"]
STABLE = ["-stable", "1e-2"]
OWN = "-ksp_type fgmres -ksp_rtol 1e-8 -pc_type fieldsplit -pc_fieldsplit_type schur"
OWN += " -pc_fieldsplit_schur_precondition selfp -fieldsplit_0_pc_type bjacobi"
OWN += " -fieldsplit_1_pc_type jacobi"
MINRES = ["-ksp_type", "minres", "-ksp_rtol", "1e-6", "-pc_type", "none"]
MEASURED = "the program's own settings are measured now and then"
COUNTED = {"METASOLVE_DETERMINISTIC": "1"}  # a busy machine gives up what takes long on it
PLAIN = SPLITS["split-ilu0"].parallel  #: on any number of ranks


@pytest.fixture
def prior(tmp_path, feature_names, monkeypatch):
    """`prior(name, ranks=1)`: one split is foreseen to be much faster than all that is not one."""

    def make(name, ranks=1, fast=FAST):
        settings = SPLITS[name].serial if ranks == 1 else SPLITS[name].parallel
        monkeypatch.setitem(CANDIDATES, name, ("saddle", [], settings))
        leaf = dict.fromkeys(["gmres+ilu0", "lu+mumps"], SLOW) | {name: fast}
        return write_prior(tmp_path / "prior", list(leaf), [leaf], list(feature_names))

    return make


def error(done):
    assert done.returncode == 0, done.stderr
    reason, found = re.search(r"reason (\S+) error (\S+)", done.stdout).groups()
    assert int(reason) > 0
    return float(found)


@needs_hypre
@pytest.mark.parametrize(
    "pressure",
    [[], GIVEN, STABLE, [*GIVEN, *STABLE]],
    ids=["constants", "given", "stabilised", "stabilised and given"],
)
@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("name", SPLITS)
def test_a_split_answers_as_exactly_as_a_factorisation(
    name, ranks, pressure, host, prior, run_with
):
    if ranks > 1 and not SPLITS[name].parallel:
        pytest.skip("for one rank only")
    done, lines = run_with(prior(name, ranks), [*host("saddle"), *LU, *pressure], ranks)
    assert error(done) <= EXACT
    assert lines[0]["candidate"] == name, lines[0]
    assert lines[0]["source"] == "model", lines[0]["why"]
    assert lines[0]["unused"] == ""
    assert lines[0]["seconds"]["setup"] > 0


@needs_hypre
@pytest.mark.parametrize("ranks", [1, 2])
def test_it_is_for_operators_with_zeros_on_the_diagonal_only(ranks, host, prior, run_with):
    """Foreseen as fast, everywhere."""
    own = ["-ksp_type", "gmres", "-pc_type", "bjacobi"]
    done, lines = run_with(prior("split-hypre", ranks), [*host("time_steps"), *own], ranks)
    assert done.returncode == 0, done.stderr
    assert lines
    assert all(line["candidate"] != "split-hypre" for line in lines)


@needs_hypre
@pytest.mark.parametrize("where", ["slab", "blocks", "points", "alone", "flipped", "apart"])
@pytest.mark.parametrize("ranks", [1, 2])
def test_both_signs_on_a_diagonal_are_no_saddle_point_yet(ranks, where, host, prior, run_with):
    """Its negative rows are a tenth at least, coupled to others, and not dominated by their entry.

    Waves that are too short for the mesh have some beside each other, or a few.
    """
    own = ["-ksp_type", "gmres", "-pc_type", "bjacobi", "-where", where]
    done, lines = run_with(prior("split-hypre", ranks), [*host("mixed_signs"), *own], ranks)
    assert done.returncode == 0, done.stderr
    assert lines
    assert all(line["candidate"] != "split-hypre" for line in lines)


@pytest.mark.parametrize(
    "more", [[], STABLE, ["-format", "nest"]], ids=["zeros", "stabilised", "nested"]
)
@pytest.mark.parametrize("ranks", [1, 2])
def test_settings_that_were_made_for_it_are_measured_first(
    ranks, more, host, prior, run_with, run_program
):
    """No candidate stands for them, and PETSc's usual ones, which fail, say nothing of them."""
    command = [*host("saddle"), *MINRES, *more]
    done, lines = run_with(prior("split-ilu0", ranks, BARELY), command, ranks, env=COUNTED)
    assert done.stdout == run_program(command, ranks=ranks).stdout
    assert [line["why"] for line in lines] == [MEASURED]


@pytest.mark.parametrize("form", ["aij", "nest"])
@pytest.mark.parametrize("ranks", [1, 2])
def test_what_only_the_operator_shows_is_not_foreseen(
    ranks, form, host, tmp_path, feature_names, run_with, run_program
):
    """It has zeros on its diagonal, and what is preconditioned is definite."""
    leaf = {"gmres+ilu0": SLOW, "gmres+jacobi": FAST}
    folder = write_prior(tmp_path / "prior", list(leaf), [leaf], list(feature_names))
    command = [*host("saddle"), *MINRES, "-operator", "blocks", "-format", form]
    done, lines = run_with(folder, command, ranks, env=COUNTED)
    assert done.stdout == run_program(command, ranks=ranks).stdout
    assert [line["why"] for line in lines] == [MEASURED]


def test_the_operator_has_to_be_the_matrix_that_is_split(host, prior, run_with):
    """PETSc looks for zeros in the operator, of which nothing but products is known here."""
    own = ["-operator", "shell", "-ksp_type", "gmres", "-pc_type", "jacobi", "-given"]
    done, lines = run_with(prior("split-hypre"), [*host("saddle"), *own])
    assert done.returncode == 0, done.stderr
    assert lines[0]["candidate"] != "split-hypre"


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_model_that_splits_what_has_no_zeros_is_undone(ranks, host, constant_model, run_with):
    split = {
        name: text for name, text in SPLITS["split-hypre"].serial.items() if "hypre" not in name
    }
    split |= {"fieldsplit_0_pc_type": "jacobi"}
    done, lines = run_with(constant_model(**split), host("time_steps"), ranks)
    assert done.returncode == 0, done.stderr
    assert lines[0]["source"] == "fallback"


# --- a matrix of matrices -------------------------------------------------------------------------


def relative(done):
    assert done.returncode == 0, done.stderr
    return [float(each) for each in re.findall(r"relative (\S+)", done.stdout)]


@pytest.mark.parametrize("pressure", [[], GIVEN], ids=["constants", "given"])
@pytest.mark.parametrize("ranks", [1, 2])
def test_a_nested_matrix_is_solved_by_its_twin(ranks, pressure, host, constant_model, run_with):
    """Its blocks change without a word to it: the copy follows."""
    command = [*host("saddle"), *OWN.split(), *pressure, "-format", "nest", "-solves", "3"]
    done, lines = run_with(constant_model(**PLAIN), command, ranks)
    assert max(relative(done)) <= 1e-8
    assert [line["source"] for line in lines] == ["model"] * 3, lines[0]["why"]
    assert all(line["new_operator"] for line in lines)


@pytest.mark.parametrize("ranks", [1, 2])
def test_its_own_solve_is_as_without_us(ranks, host, constant_model, run_with, run_program):
    stuck = constant_model(ksp_type="richardson", pc_type="none", ksp_richardson_scale="1e-6")
    command = [*host("saddle"), *OWN.split(), "-format", "nest", "-solves", "2"]
    done, lines = run_with(stuck, command, ranks)
    assert done.stdout == run_program(command, ranks=ranks).stdout
    assert lines[0]["source"] == "fallback"


@pytest.mark.parametrize("ranks", [1, 2])
def test_nested_vectors_are_left_alone(ranks, host, constant_model, run_with, run_program):
    command = [*host("saddle"), *OWN.split(), "-format", "vectors"]
    done, lines = run_with(constant_model(**PLAIN), command, ranks)
    assert done.stdout == run_program(command, ranks=ranks).stdout
    assert {line["why"] for line in lines} == {"the vectors are nested ones"}
