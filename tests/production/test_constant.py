"""The best constant settings: found where they are, never for direct solves, read by PETSc."""

import subprocess
import sys

import pytest

from metasolve.errors import UsageError
from metasolve.production.constant import options, solvers

from .lines import head, solve, write

FAST = {"ksp_type": "gmres", "pc_type": "hypre"}


def line(candidate, times, number, settings, **more):
    told = {"contract": "preconditioned", "measure": "norm", "unused": "", "ksp_view": None, **more}
    return solve(times, None, 1.0, number, candidate=candidate, settings=settings, **told)


def lines(**more):
    fast = [line("fast", 0.3 + 0.001 * i, i, FAST, **more) for i in range(12)]
    slow = [line("slow", 0.8, i, {"ksp_type": "cg"}, **more) for i in range(30)]
    return [head(), *fast, *slow]


def text(found, factor=1.0):
    return options("app", solvers(found, factor))


def test_the_fastest_are_told_under_their_prefix():
    told = text(lines(prefix="a_")).splitlines()
    assert "-a_ksp_type gmres" in told
    assert "-a_pc_type hypre" in told
    assert "-a_ksp_norm_type unpreconditioned" in told
    assert not any("cg" in each for each in told if each.startswith("-"))


@pytest.mark.parametrize("contract", ["direct", "own test"])
def test_what_would_be_less_exact_is_not_told(contract):
    with pytest.raises(UsageError, match="nothing to export"):
        text(lines(contract=contract))


def test_own_settings_stay_where_nothing_is_a_tenth_faster():
    with pytest.raises(UsageError, match="nothing to export"):
        text(lines(), factor=0.3)


def test_few_solves_say_nothing_and_failures_count():
    few = [head(), *[line("fast", 0.1, i, FAST) for i in range(7)]]
    with pytest.raises(UsageError, match="nothing to export"):
        text(few)
    failed = [line("fast", 9.0, i, {}, source="fallback", own_taken=1.0) for i in range(12)]
    assert "-ksp_type cg" in text([*lines(), *failed])


def test_numbers_that_have_moved_are_told_by_what_they_take_themselves():
    moved = {**FAST, "pc_hypre_boomeramg_strong_threshold": "0.15"}
    more = [line("fast", 0.1, 12 + i, moved) for i in range(12)]
    assert "-pc_hypre_boomeramg_strong_threshold 0.15" in text([*lines(), *more])
    failed = [line("fast", 9.0, 30 + i, {}, source="fallback", own_taken=1.0) for i in range(12)]
    assert "strong_threshold" not in text([*lines(), *more, *failed])


@pytest.mark.parametrize(
    "kept",
    [
        *({"preconditioner": "kept"}, {"candidate": "own-kept"}),
        *({"start": "earlier"}, {"start": "learned"}, {"probe": {"step": 0}}),
    ],
)
def test_what_no_option_does_is_not_promised(kept):
    """Options build a preconditioner for each operator, and start where the program does."""
    fast = [line("fast", 0.3, i, FAST) | kept for i in range(12)]
    with pytest.raises(UsageError, match="nothing to export"):
        text([head(), *fast])


def test_nothing_is_said_of_settings_whose_solves_no_option_repeats():
    """They may be faster: what is told is that nothing can be."""
    direct = [line("fast", 0.3, i, FAST) | {"prefix": "d_", "contract": "direct"} for i in range(9)]
    told = " ".join(text([*lines(), *direct]).replace("# ", "").split())
    assert "KSP d_: 9 solves are direct, or have a test of the program's own." in told
    assert "KSP d_: no settings were a tenth faster than its own in 8 solves that constant" in told


def test_classes_that_it_was_not_tried_on_are_named():
    other = line("slow", 0.8, 99, {"ksp_type": "cg"}, **{"class": "- 64 1 2 1"})
    assert "# Not tried on the class '- 64 1 2 1'." in text([*lines(), other])


def test_nothing_is_told_that_is_no_setting_of_a_solver():
    bad = {**FAST, "ksp_view_solution": "ascii:x", "ksp_rtol": "1"}
    told = text([head(), *[line("fast", 0.3, i, bad) for i in range(12)]])
    assert "view" not in told
    assert "ksp_rtol" not in told


def test_petsc_reads_it_and_uses_all_of_it(tmp_path, host, run_program):
    pytest.importorskip("petsc4py")
    settings = {"ksp_type": "gmres", "pc_type": "bjacobi", "sub_pc_type": "ilu"}
    told = [line("x", 0.3, i, settings, prefix=p) for p in ("a_", "b_") for i in range(12)]
    write(tmp_path / "two_ksps.jsonl", head(), *told)
    file = tmp_path / "options"
    words = ["export", tmp_path / "two_ksps.jsonl", "--petsc-options", file]
    command = [sys.executable, "-m", "metasolve", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    program = [*host("two_ksps"), "-options_file", str(file), "-options_left"]
    ran = run_program(program, env={})
    assert ran.returncode == 0, ran.stderr
    assert "no unused options" in ran.stdout
