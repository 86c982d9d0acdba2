"""A program that calls PCSetUp() itself, before there is a KSP, gets what it would have got."""

import pytest

from ..conftest import needs_hypre

MODES = (
    "",
    "before",
    "after",
    "again",
    "change",
    "alone",
    "reset",
    "before transpose",
    "change after",
)
ONE_WAY = ("sor", "hypre")  #: without a transpose
KINDS = ("gamg", "ilu", "sor", "bjacobi", "asm", "hypre", "jacobi")


@pytest.fixture
def model(constant_model):
    """Own settings are expected to take so long that a busy machine does not use up the budget."""
    return constant_model(seconds=10.0, ksp_type="cg", pc_type="jacobi")


def asked(done, what=("applied", "transposed")):
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if line.startswith(what)]


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize(
    "kind", [pytest.param(x, marks=needs_hypre) if x == "hypre" else x for x in KINDS]
)
def test_what_is_applied_is_its_own(kind, ranks, host, model, run_with, run_program):
    if kind == "ilu" and ranks == 2:
        pytest.skip("PETSc's ILU is serial")
    for mode in MODES:
        words = [*host("bare"), "-pc_type", kind, "-pc_gamg_reuse_interpolation", "0"]
        words += [f"-{word}" for word in mode.split()]
        if kind in ONE_WAY and "transpose" in mode:
            continue
        own = run_program(words, ranks=ranks)
        done, lines = run_with(model, words, ranks)
        assert asked(done) == asked(own), mode
        assert [line["source"] for line in lines] == ["model"] * (0 if "alone" in mode else 3), mode


def set_ups(done):
    assert done.returncode == 0, done.stderr
    return done.stdout.count("PCSetUp_GAMG+")


@pytest.mark.parametrize("ranks", [1, 2])
def test_it_is_not_set_up_where_nobody_needs_it(ranks, host, model, run_with):
    """-log_view has the levels' events only where a hierarchy was built."""
    words = [*host("bare"), "-pc_type", "gamg", "-log_view"]
    assert set_ups(run_with(model, words, ranks)[0]) == 0
    assert set_ups(run_with(model, [*words, "-before"], ranks)[0]) > 0
    assert set_ups(run_with(model, [*words, "-after"], ranks)[0]) > 0


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_solve_of_its_own_is_its_own(ranks, host, constant_model, run_with, run_program):
    """Here the model's settings fail."""
    model = constant_model(seconds=10.0, ksp_type="richardson", pc_type="none")
    words = [*host("bare"), "-pc_type", "gamg"]
    own = asked(run_program(words, ranks=ranks), "solve ")
    done, lines = run_with(model, words, ranks)
    assert asked(done, "solve ") == own
    assert {line["source"] for line in lines} == {"fallback"}
