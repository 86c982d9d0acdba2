"""Coverage: how programs are read, what is kept of cases, and the table of them."""

import sys

import pytest

from benchmarks.__main__ import main
from benchmarks.coverage import reach, table
from benchmarks.coverage.catalogue import ENTRIES
from benchmarks.coverage.command import run, verdict
from benchmarks.coverage.entry import Entry, Reading, chosen
from benchmarks.coverage.examine import Bench, examine, whys
from benchmarks.coverage.finished import Finished
from benchmarks.coverage.nested_log import solver_seconds
from benchmarks.coverage.observed import main as observe
from benchmarks.coverage.observed import norms
from benchmarks.coverage.running import Ran, words_of
from benchmarks.coverage.sources import changed, make, ran
from metasolve.errors import UsageError

LOG = """<root><petscroot><timertree><totaltime>2.0</totaltime>
<event><name>PCSetUp</name><time><value>10</value></time><events>
 <event><name>KSPSolve</name><time><value>4</value></time></event></events></event>
<event><name>SNESSolve</name><time><value>60</value></time><events>
 <event><name>KSPSolve</name><time><avgvalue>18</avgvalue><maxvalue>20</maxvalue></time></event>
 <event><name>MatMult</name><time><value>5</value></time></event></events></event>
</timertree></petscroot></root>"""


def entry(command="print('answer 1.5')", **more):
    given = {"name": "small", "program": "a program", "configuration": "its own", "packages": ()}
    given |= {"steps": (), "command": (sys.executable, "-c", command)}
    given |= {"answer": (Reading(r"answer (\S+)", 1e-6),)}
    return Entry(**given | more)


def told(**more):
    way = {"solves": 4, "acted on": 3, "why": {"refused: tiny": 1}, "settings": "pc_type=icc"}
    way |= {"answer kept": True, "counts kept": None, "in solves": [2.0, 1.0, 4.0]}
    way |= {"solver seconds": 0.5, "whole": [1.5], "whole seconds": 3.0}
    row = {"name": "small", "program": "a program", "configuration": "its own", "ranks": 2}
    return {**row, "ways": {"prior": way}, **more}


def test_numbers_may_differ_within_the_tolerance_and_counts_may_not():
    reading = Reading(r"x = (\S+) (\S+)", 1e-3)
    assert reading.of("x = 1 200\nx = 3 nan?") == pytest.approx(
        [1, 200, 3, float("nan")], nan_ok=True
    )
    assert reading.kept("x = 1 200", "x = 1.1 200.1")
    assert not reading.kept("x = 1 200", "x = 1.3 200")
    assert not reading.kept("x = 1 200", "x = 1 200\nx = 1 200")
    assert not reading.kept("nothing", "nothing")
    assert not Reading(r"steps (\d+)").kept("steps 3", "steps 4")


def test_an_error_may_become_smaller_but_not_larger():
    reading = Reading(r"error (\S+)", 1e-3, error=True)
    assert reading.kept("error 1e-3", "error 1e-5")
    assert not reading.kept("error 1e-3", "error 2e-3")


def test_an_answer_that_is_not_a_number_is_not_kept():
    assert not Reading(r"x = (\S+)", 1e-3).kept("x = 1", "x = nan")


def test_only_the_outermost_solvers_count(tmp_path):
    (tmp_path / "log.xml").write_text(LOG)
    assert solver_seconds(tmp_path / "log.xml") == pytest.approx(2.0 * 0.30)


@pytest.mark.parametrize("text", ["", "<root>", "<root></root>"])
def test_a_torn_log_tells_nothing(tmp_path, text):
    (tmp_path / "log.xml").write_text(text)
    assert solver_seconds(tmp_path / "log.xml") is None
    assert solver_seconds(tmp_path / "none.xml") is None


def test_a_copy_differs_only_where_it_may():
    assert changed("n = 3; m = 4", {"n = 3": "n = 30"}, "x.py") == "n = 30; m = 4"
    with pytest.raises(UsageError, match="2 times"):
        changed("n = 3; n = 3", {"n = 3": "n = 30"}, "x.py")


def test_steps_are_taken_once(tmp_path):
    taken = []
    for _ in range(2):
        make([taken.append], tmp_path / "made")
    assert taken == [tmp_path / "made"]


def test_a_step_that_fails_says_why(tmp_path):
    with pytest.raises(UsageError, match="exit code 3: no luck"):
        ran(sys.executable, "-c", "print('no luck'); raise SystemExit(3)")(tmp_path)


def test_finished_cases_survive_a_kill(tmp_path):
    file = tmp_path / "cases.jsonl"
    Finished(file).add({"name": "a", "ranks": 1})
    with file.open("a") as out:
        out.write('{"name": "b", "ra')
    again = Finished(file)
    assert again.has("a", 1)
    assert not again.has("a", 2)
    again.add({"name": "b", "ranks": 1})
    again.forget("a", 1)
    assert [row["name"] for row in Finished(file).rows] == ["b"]


def test_what_has_ended_is_not_run_again(tmp_path):
    bench = Bench(tmp_path, (), 0, lambda _: None)
    file = Finished(tmp_path / "cases.jsonl")
    file.add({"name": "small", "ranks": 1, "skip": "earlier"})
    assert [x["skip"] for x in run([entry()], [1], bench, again=False)] == ["earlier"]
    assert "skip" not in run([entry()], [1], bench, again=True)[0]


def test_a_program_that_fails_plainly_or_is_not_there_is_skipped(tmp_path):
    bench = Bench(tmp_path, (), 0, lambda _: None)
    assert "exit code 7" in examine(entry("raise SystemExit(7)"), 1, bench)["skip"]
    assert "no answer" in examine(entry("print(1)", name="mute"), 1, bench)["skip"]
    assert "no-such-command" in examine(entry(needs=("no-such-command",)), 1, bench)["skip"]


def test_a_changed_answer_is_a_problem(tmp_path, monkeypatch):
    other = Ran(0, 1.0, "answer 1.6")
    monkeypatch.setattr("benchmarks.coverage.examine.run_under", lambda *_, **__: other)
    row = examine(entry(), 1, Bench(tmp_path, ("prior",), 1, lambda _: None))
    assert row["problem"].startswith("run, prior: the answer is another: 1.5; then 1.6")
    assert row["ways"]["prior"]["answer kept"] is False
    assert "PROBLEM" in verdict(row)


def test_no_run_waits_for_the_plug_in_of_its_petsc(tmp_path, monkeypatch):
    """It is compiled before the first run under metasolve begins, whose seconds are limited."""
    steps = []
    under = Ran(0, 1.0, "answer 1.5")
    monkeypatch.setattr("benchmarks.coverage.examine.build", lambda *_: steps.append("build") or "")
    monkeypatch.setattr(
        "benchmarks.coverage.examine.run_under", lambda *_, **__: steps.append("run") or under
    )
    examine(entry(), 1, Bench(tmp_path, ("prior",), 1, lambda _: None))
    assert steps == ["build", "run", "run"]


def test_a_plug_in_that_cannot_be_compiled_is_a_problem(tmp_path):
    nowhere = (("METASOLVE_PETSC_DIR", str(tmp_path)),)
    bench = Bench(tmp_path, ("prior",), 0, lambda _: None)
    row = examine(entry(environment=nowhere), 1, bench)
    assert row["problem"].startswith("the plug-in: ")


@pytest.mark.parametrize(
    ("code", "said"), [(139, "ended with exit code 139"), (None, "did not end in time")]
)
def test_a_crash_and_a_hang_are_problems(tmp_path, monkeypatch, code, said):
    other = Ran(code, 1.0, "answer 1.5")
    monkeypatch.setattr("benchmarks.coverage.examine.run_under", lambda *_, **__: other)
    row = examine(entry(), 1, Bench(tmp_path, ("prior",), 1, lambda _: None))
    assert said in row["problem"]


def test_reasons_are_counted_without_their_numbers():
    log = [{"source": "refused", "why": f"set-up takes {x} s, too long"} for x in (1.5, 2e-3)]
    log += [{"source": "model", "why": ""}]
    assert whys(log) == {"refused: set-up takes # s": 2}


def test_the_table_has_a_line_for_each_way_and_names_problems():
    page = table.as_markdown([told(), told(name="bad", problem="exit code 139")], "made so")
    assert "| a program | its own | 2 | prior | 4 | 3 | 1 x refused: tiny | yes | none |" in page
    assert "| 2.00 (1.00-4.00) of 0.5 s | 1.50 (1.50-1.50) of 3 s |" in page
    assert "| bad | 2 | exit code 139 |" in page
    assert "PROBLEM: exit code 139" in table.as_text([told(problem="exit code 139")])
    assert table.problems([told()]) == []


def test_ranks_and_places_are_filled_in(tmp_path):
    each = entry(command="x")
    words = words_of(Entry(**{**vars(each), "command": ("{here}/a", "b")}), tmp_path, 2)
    assert words == ["mpiexec", "-n", "2", f"{tmp_path}/a", "b"]


def test_variables_are_told_by_their_norms():
    assert norms(-3) == (3.0, 3.0)


@pytest.mark.parametrize(("rank", "said"), [("0", "observed x: 2"), ("1", "")])
def test_of_several_ranks_the_first_one_tells(tmp_path, monkeypatch, capsys, rank, said):
    """Lines of several might be lost in one another."""
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", rank)
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "script.py").write_text("x = 2.0")
    observe([str(tmp_path / "script.py"), "x"])
    assert capsys.readouterr().out[: len("observed x: 2")] == said


def test_entries_have_names_of_their_own_and_are_found_by_parts_of_them():
    names = [each.name for each in ENTRIES]
    assert len(set(names)) == len(names)
    assert all(each.answer and each.packages for each in ENTRIES)
    assert {each.name for each in chosen(ENTRIES, ["step-40"])} == {"dealii-step-40"}


def test_an_unknown_name_is_wrong_usage():
    with pytest.raises(SystemExit) as ended:
        main(["coverage", "--only", "no-such-entry"])
    assert ended.value.code == 2


@pytest.mark.slow
def test_the_cheapest_real_program(tmp_path, capsys):
    name = "slepc-ex13-small"
    arguments = ["--only", name, "--ranks", "1", "--repeats", "1", "--ways", "prior,learned"]
    with pytest.raises(SystemExit) as ended:
        main(["coverage", *arguments, "--work", str(tmp_path), "--no-install"])
    output = capsys.readouterr().out
    if "SKIP" in output:
        pytest.skip(output.strip())
    assert ended.value.code == 0
    assert "answer kept yes" in output


# --- what is reached ---------------------------------------------------------------------------


def case(acted, ratios, why="refused: own", way="prior"):
    done = {"solves": 10, "acted on": acted, "why": {why: 10 - acted}, "in solves": ratios}
    return {way: done}


@pytest.mark.parametrize(
    ("ways", "expected"),
    [
        (case(10, [2.0]), reach.Reach(acted=10)),
        (case(4, [1.0, 1.2, 1.0]), reach.Reach(acted=4, spared=6)),
        (case(4, [1.2]), reach.Reach(acted=4, missed=6)),
        (case(0, [1.0]), reach.Reach(unknown=10)),
        (case(0, [1.0]) | case(0, [1.0], way="learned"), reach.Reach(spared=10)),
        (case(0, [1.0]) | case(9, [1.5], way="learned"), reach.Reach(missed=10)),
        (case(0, [], why="refused: the preconditioning matrix is no assembled"), reach.Reach()),
    ],
)
def test_a_solve_is_reached_if_it_is_acted_on_or_nothing_gains(ways, expected):
    assert reach.of_case({"ways": ways}, "prior") == expected


def test_the_share_is_of_solves_and_of_cases():
    rows = [{"ways": case(10, [2.0])}, {"ways": case(0, [1.0])}, {"name": "x", "skip": "why"}]
    (sentence,) = reach.lines_of(rows)
    assert sentence.endswith("50% are reached, in a case 50% on average.")
    assert sentence.startswith("prior: of 20 solves with an assembled matrix 10 were acted on")
