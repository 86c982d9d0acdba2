"""A canary's products with differences of the program's function are none that SNES counts."""

import pytest

from .test_two_matrices import FREE, GOOD, newtons

PATIENT = {"METASOLVE_BUDGET": "1e5", "METASOLVE_CANARY": "1"}


@pytest.mark.parametrize("ranks", [1, 2])
def test_snes_counts_the_products_of_what_answers(
    ranks, host, constant_model, run_with, run_program
):
    """One for each iteration, and one more where a solve goes on from where it is, twice a step."""
    command = [*host("matrix_free"), FREE, "-ksp_rtol", "1e-5", "-ksp_gmres_restart", "300"]
    command += ["-solves", "8"]
    (own, *_) = newtons(run_program(command, ranks=ranks).stdout)
    done, lines = run_with(constant_model(**GOOD, seconds=60.0), command, ranks, env=PATIENT)
    assert done.returncode == 0, done.stderr
    assert any(line["canary"] for line in lines)
    for each in newtons(done.stdout):
        again = (each["evaluations"] - each["linear"]) - (own["evaluations"] - own["linear"])
        assert 0 <= again <= 2 * each["newton"]
