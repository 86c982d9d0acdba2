"""Laws of the suite itself: what it finds, what it forgives, and that it goes on where it was."""

import pytest
import reporting
from comparing import Kind, bad, compare, grew
from examining import judged, suspicions
from petsc_cases import Case
from reporting import forgiven
from running import Ran
from suite import Results, sample

GOOD = "Norm of error 1.e-06 iterations 12\n"
LINE = {"source": "model", "true_residual": 1e-7, "tolerance": 1e-6, "why": ""}


def ran(output=GOOD, code=0, log=(LINE,)):
    return Ran(code, 0.1, output, list(log))


def found(plain, other, recorded=False):
    return suspicions(plain, other, *compare(plain.output, other.output), recorded)


def test_what_a_better_answer_changes_is_no_suspicion():
    assert found(ran(), ran("Norm of error 3.e-08 iterations 2\n")) == []
    view = "KSP Object: 1 MPI process\n  type: gmres\nPC Object: 1 MPI process\n  type: ilu\n"
    assert compare(view + GOOD, view.replace("ilu", "hypre") + GOOD)[0] is Kind.VIEW
    monitor = "  0 KSP Residual norm 1.0\n  1 KSP Residual norm 1.e-9\n"
    assert compare(GOOD + monitor, GOOD)[0] is Kind.VIEW
    assert compare("a\nb\n", "b\na\n")[0] is Kind.SAME  # ranks write in any order


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (ran(code=59), "exit code 0, then 59"),
        (ran(code=None), "did not end"),
        (ran(GOOD + "[0]PETSC ERROR: oh\n"), "PETSC ERROR"),
        (ran(GOOD + "[0]Total space allocated 64 bytes\n"), "leak"),
        (ran(GOOD + "Option left: name:-metasolve3_pc_type value: lu\n"), "option leaked"),
        (ran("Norm of error 1.e-03 iterations 12\n"), "an error norm grew"),
        (ran("Norm of error nan iterations 12\n"), "not a number"),
        (ran("The answer is wrong\n"), "text"),
        (ran(log=[{**LINE, "true_residual": 1e-5}]), "residual above tolerance"),
        (ran(log=[{**LINE, "true_residual": None}]), "residual above tolerance"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_fault_is_a_suspicion(other, what):
    assert what in found(ran(), other)


def test_own_solves_may_miss_the_tolerance_and_a_recorded_program_may_change_in_nothing():
    own = {**LINE, "source": "refused", "true_residual": 1.0}
    assert found(ran(), ran(log=[own])) == []
    changed = ran("Norm of error 3.e-08 iterations 2\n")
    assert found(ran(), changed, recorded=True) == ["differs in numbers"]


def test_iterations_are_no_norms():
    _, (difference,) = compare("norm 1. after 2\n", "norm 1. after 90\n")
    assert not grew(difference)
    assert bad(GOOD) == {}


def test_what_differs_between_plain_runs_is_not_held_against_us():
    def row(again):
        return {"case": "c", "model": "m", "ways": {"pin": judged(ran(), other, False, again)}}

    other = ran(code=1)
    assert reporting.suspects([row(lambda: ran(code=1))], "pin") == []
    assert reporting.suspects([row(ran)], "pin") != []


def test_what_the_settings_change_as_options_is_not_held_against_us():
    worse = ran("Norm of error 1.e-03 iterations 2\n")
    table = "#PETSc Option Table entries:\n-pc_type lu\n#End of PETSc Option Table entries\n"
    by_options = ran(f"Norm of error 2.e-03 iterations 3\n{table}")
    assert not forgiven(judged(ran(), worse, False, ran, ran))
    assert forgiven(judged(ran(), worse, False, ran, lambda: by_options)) == "as options do"
    wrong = ran(worse.output, log=[{**LINE, "true_residual": 1.0}])
    assert not forgiven(judged(ran(), wrong, False, ran, lambda: by_options))


@pytest.mark.parametrize(
    "line", ["[0]Total space allocated 64 bytes\n", "[ 0] 64 bytes F() at f\n"]
)
def test_only_what_failed_in_mid_solve_may_be_abandoned(line):
    failed = {**LINE, "source": "fallback", "why": "PETSc reported an error in the solve"}
    assert judged(ran(), ran(GOOD + line, log=[failed]), False, ran)["suspect"] == []
    assert "leak" in judged(ran(), ran(GOOD + line), False, ran)["suspect"]


def test_a_norm_on_newtons_way_is_no_error():
    steps = "  1 SNES Function norm 1.e-9\n", "  1 SNES Function norm 1.e-4\n"
    assert found(*(ran(GOOD + step) for step in steps)) == []


def test_who_monitors_all_solvers_sees_ours():
    monitored = "    Residual norms for metasolve0_sub_ solve.\n"
    assert found(ran(), ran(GOOD + monitored)) == []


def test_a_zero_is_a_number_and_a_missing_display_no_error():
    assert compare("x=0., y=2.\n", "x=2.e-15, y=3.4\n")[0] is Kind.NUMBERS
    said = "[1]PETSC ERROR: [2]PETSC ERROR: Unable to open display on :0.0\n"
    assert found(ran(GOOD + said), ran(GOOD + 2 * said)) == []


def test_the_depth_of_a_crash_is_noise():
    frame = "[here:123] [ 7] /lib/libpetsc.so(KSPSolve+0x12)[0x7f0012]\n"
    assert compare(GOOD + frame, GOOD + 2 * frame)[0] is Kind.SAME


def test_the_report_counts_what_was_accepted_and_names_suspects():
    rows = [
        {"case": name, "model": "m", "ways": {"pin": judged(ran(), other, False, ran)}}
        for name, other in [("good", ran(log=[LINE, LINE])), ("bad", ran(code=1, log=[]))]
    ]
    rows.append({"case": "skipped", "model": "m", "skip": "requires cuda"})
    told = reporting.summary(rows)
    assert told["skipped"] == {"requires cuda": 1}
    (way,) = told["ways"]
    assert (way["run"], way["suspect"], way["accepted"], way["same"]) == (2, 1, 2, 1)
    assert told["suspects"][0]["case"] == "bad"
    assert "bad (pin, m)" in reporting.as_text(rows)
    assert "| requires cuda |" in reporting.as_markdown(rows, "by hand")


def test_results_survive_a_kill(tmp_path):
    file = tmp_path / "results.jsonl"
    Results(file).add({"case": "one"})
    with file.open("a") as out:
        out.write('{"case": "tw')
    again = Results(file)
    assert not again.lacks(Case("one", tmp_path))
    assert again.lacks(Case("two", tmp_path))
    again.add({"case": "two"})
    assert [row["case"] for row in Results(file).rows] == ["one", "two"]


def test_every_case_of_the_sample_exists(examples):
    for name, _ in sample():
        assert not examples.named(name).skip
