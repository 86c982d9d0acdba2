"""`python -m metasolve.family` is an application like any other, of the family's systems."""

import re
import sys
from pathlib import Path

import pytest

from metasolve.family import Family

PROBLEMS = Path(__file__).resolve().parents[2] / "problems"
PROGRAM = [sys.executable, "-m", "metasolve.family"]
CASE = str(PROBLEMS / "lognormal_diffusion" / "case.toml")
SOLVE = re.compile(
    r"^(\d+) n 32 y1 (\S+) .* reason (\d+) iterations (\d+) residual (\S+)$", re.MULTILINE
)


def _solved(run_program, *options, ranks=1):
    words = [*PROGRAM, CASE, "--count", "3", "--seed", "5", "--size", "small", *options]
    done = run_program(words, ranks=ranks)
    assert done.returncode == 0, done.stderr
    solved = SOLVE.findall(done.stdout)
    assert len(solved) == 3
    return solved


@pytest.mark.parametrize("ranks", [1, 2])
def test_it_solves_the_instances_of_the_family(run_program, ranks):
    options = ("--rtol", "1e-8", "-pc_type", "jacobi", "-ksp_norm_type", "unpreconditioned")
    solved = _solved(run_program, *options, ranks=ranks)
    instances = Family.from_toml(CASE).instances(3, 5, size="small")
    assert [number for number, *_ in solved] == ["0", "1", "2"]
    for (_, y1, reason, _, residual), instance in zip(solved, instances, strict=True):
        assert float(y1) == pytest.approx(instance.features["y1"], rel=1e-3)
        assert int(reason) > 0
        assert float(residual) <= 1.1e-8


def test_the_number_of_ranks_does_not_matter(run_program):
    one, two = (_solved(run_program, "-pc_type", "jacobi", ranks=ranks) for ranks in (1, 2))
    for each, other in zip(one, two, strict=True):
        assert abs(int(each[3]) - int(other[3])) <= 1


def test_an_option_given_wins_over_the_case(run_program):
    own, tighter = (_solved(run_program, "-ksp_rtol", rtol) for rtol in ("1e-2", "1e-9"))
    assert all(int(a[3]) < int(b[3]) for a, b in zip(own, tighter, strict=True))
