"""Tests and monitors written in Fortran: PETSc keeps them with the KSP that they were set on."""

import re
from dataclasses import dataclass, field

import pytest

from metasolve.model.pinned import pin

RANKS = pytest.mark.parametrize("size", [1, 2])
PATIENT = {"METASOLVE_BUDGET": "1e5"}  # what they print takes longer than the solve
BETTER = {"ksp_type": "cg", "pc_type": "bjacobi"}
SMALL = ("-n", "16", "-ksp_type", "cg", "-pc_type", "jacobi")
CALL = re.compile(
    r"^(?P<who>monitor|test) it (?P<it>\d+) norm +(?P<norm>\S+) its (?P<its>\d+) rnorm +"
    r"(?P<rnorm>\S+) calls (?P<calls>\d+)(?: true +(?P<true>\S+))?$"
)


@dataclass(frozen=True)
class Call:
    """What one call of a monitor or a test was told, and saw."""

    who: str
    it: int
    norm: float
    its: int
    rnorm: float = field(compare=False)  # PETSc's own solves set it only after the first call
    calls: int
    true: float

    @classmethod
    def of(cls, line):
        found = CALL.match(line)
        if not found:
            return None
        who, it, norm, its, rnorm, count, true = found.groups()
        return cls(who, int(it), float(norm), int(its), float(rnorm), int(count), float(true or 0))

    @property
    def agrees(self):
        """The KSP says at that time what the call is told."""
        return self.its == self.it and self.rnorm == self.norm


def calls(done, who):
    """The calls of each solve."""
    assert done.returncode == 0, done.stderr
    solves = done.stdout.split("solve ")
    each = [[Call.of(line) for line in solve.splitlines()] for solve in solves]
    return [[call for call in solve if call and call.who == who] for solve in each[:-1]]


@pytest.fixture
def fortran(host, run_program, run_with, tmp_path):
    """`fortran(*words, size=1, settings=BETTER)`: with and without us, and the journal."""

    def run(*words, size=1, settings=BETTER):
        command = [*host("fortran_host"), *SMALL, *words]
        model = pin(tmp_path / "model", settings)
        done, lines = run_with(model, command, size, env=PATIENT)
        return done, run_program(command, ranks=size), lines

    return run


@RANKS
def test_a_monitor_of_norms_is_told_the_solve_that_counts(fortran, parse_solves, size):
    """Once for each iteration and once before the first, with its own context."""
    done, _, lines = fortran("-monitor", size=size)
    assert lines[0]["source"] == "model", lines[0]["why"]
    assert not any("monitors" in line["why"] for line in lines)
    for told, solve, line in zip(
        calls(done, "monitor"), parse_solves(done.stdout), lines, strict=True
    ):
        if line["source"] != "model":  # on a busy machine
            continue
        assert [call.it for call in told] == list(range(solve.iterations + 1))
        assert [call.calls for call in told] == list(range(1, solve.iterations + 2))
        assert all(call.agrees for call in told)
        assert told[-1].norm / told[0].norm == pytest.approx(solve.residual, rel=1e-5)


@RANKS
@pytest.mark.parametrize("looks", ["built", "read"])
@pytest.mark.parametrize("inner", ["cg", "gmres"])
def test_a_monitor_that_looks_sees_each_iterate_once(fortran, size, looks, inner):
    """`KSPBuildSolution` and `VecGetArrayReadF90` are noticed; later solves are left alone."""
    words = ("-monitor", "-looks", looks)
    done, plain, lines = fortran(*words, size=size, settings={**BETTER, "ksp_type": inner})
    assert [line["source"] for line in lines] == ["model", "refused"], lines[0]["why"]
    assert "monitors" in lines[1]["why"]
    first, second = calls(done, "monitor")
    assert len(first) == lines[0]["iterations"] + 1
    for call in first:
        assert call.agrees
        assert call.true == pytest.approx(call.norm, rel=1e-4)
    assert second == calls(plain, "monitor")[1]


@RANKS
def test_a_monitor_is_never_shown_an_attempt_that_is_undone(fortran, size):
    bad = {"ksp_type": "richardson", "pc_type": "none", "ksp_richardson_scale": "9"}
    done, plain, lines = fortran("-monitor", size=size, settings=bad)
    assert lines[0]["source"] == "fallback"
    assert calls(done, "monitor") == calls(plain, "monitor")


@RANKS
def test_what_a_test_accepts_is_the_answer_with_its_reason(fortran, parse_solves, size):
    """Told in the norm of the program's Jacobi; ten times, before that has answered."""
    done, plain, lines = fortran("-test", "-looks", "built", "-solves", "3", size=size)
    assert "model" in [line["source"] for line in lines], lines[0]["why"]
    assert lines[0]["contract"] == "own test"
    answers, reason = parse_solves(done.stdout), parse_solves(plain.stdout)[0].reason
    doubt = 10.0
    for told, solve, line in zip(calls(done, "test"), answers, lines, strict=True):
        assert solve.reason == reason
        if line["source"] == "model":
            assert told[-1].it == solve.iterations == line["iterations"]
            assert all(call.agrees for call in told)
            assert told[-1].norm <= 1e-6
            assert told[-1].norm == pytest.approx(doubt * told[-1].true / 4, rel=1e-3)
        else:
            doubt = 1.0


@RANKS
def test_what_a_test_never_accepts_is_solved_as_without_us(fortran, parse_solves, size):
    words = ("-test", "-patience", "1000", "-ksp_max_it", "60")
    done, plain, lines = fortran(*words, size=size)
    assert {line["source"] for line in lines} <= {"fallback", "refused"}
    assert parse_solves(done.stdout) == parse_solves(plain.stdout)
    assert parse_solves(done.stdout)[0].reason < 0


@RANKS
def test_a_test_and_a_monitor_are_told_of_the_same_solve(fortran, size):
    right = ("-ksp_type", "gmres", "-ksp_pc_side", "right")  # its own norm is that of b - A x
    done, _, lines = fortran("-test", "-monitor", *right, size=size)
    assert lines[0]["source"] == "model", lines[0]["why"]
    told, asked = calls(done, "monitor")[0], calls(done, "test")[0]
    assert [call.it for call in told] == sorted({call.it for call in asked})
    assert told[-1].norm == asked[-1].norm
