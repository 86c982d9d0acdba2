"""What a report says is true: sums, what is expected made right by what was measured, damage."""

import json
import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasolve.cli.main import main
from metasolve.errors import UsageError
from metasolve.production.reading import journals, parsed
from metasolve.production.report import Report
from metasolve.production.totals import LEAST_PAIRS
from metasolve.report.screen import WIDTH, screen

from .lines import CLASS, head, solve, write


def told(*paths):
    report = Report()
    report.read(journals([str(path) for path in paths]))
    return report.document()


def says(capsys, *words):
    with pytest.raises(SystemExit) as stop:
        main(["report", *map(str, words)])
    captured = capsys.readouterr()
    return stop.value.code, captured.out, captured.err


def pairs(factor, many=LEAST_PAIRS, first=50):
    """Solves by own settings, of which it was known before what they would take."""
    return [
        solve(
            taken=factor * i, own=factor * i, expected=float(i), number=first + i, source="refused"
        )
        for i in range(1, many + 1)
    ]


def test_saved_is_own_less_taken(tmp_path):
    """Measured where own settings have solved, expected elsewhere; else it is in no sum."""
    lines = [
        head(),
        solve(taken=1.0, expected=3.0),
        solve(taken=1.5, own=1.0, expected=9.0, source="fallback", why="diverged"),
        solve(taken=4.0),
    ]
    saved = told(write(tmp_path / "a.jsonl", *lines))["saved"]
    assert (saved["solves"], saved["own seconds"], saved["taken seconds"]) == (3, 4.0, 2.5)
    assert saved["saved seconds"] == 1.5
    assert (saved["measured solves"], saved["expected solves"]) == (1, 1)
    assert (saved["unknown solves"], saved["unknown seconds"]) == (1, 4.0)


def test_seconds_of_counted_work_are_in_no_sum(tmp_path):
    """Of a deterministic run it is known how long it took, and not what was saved."""
    lines = [
        head(),
        solve(taken=1.0, own=3.0),
        solve(taken=1.0, expected=9.0, wall=4.0, canary=9.0),
        solve(taken=5.0, own=5.0, expected=1.0, wall=2.0, source="refused"),
    ]
    document = told(write(tmp_path / "a.jsonl", *lines))
    saved = document["saved"]
    assert (saved["saved seconds"], saved["taken seconds"], saved["compared solves"]) == (2, 1, 0)
    assert (saved["unknown solves"], saved["unknown seconds"]) == (2, 6.0)
    assert [entry["lost seconds"] for entry in document["worst"]] == []
    unknown = told(write(tmp_path / "b.jsonl", head(), *lines[2:]))
    assert "instead" not in screen(unknown)
    assert "nothing is known" in screen(unknown)


@pytest.mark.parametrize("factor", [0.25, 1.0, 3.0])
def test_a_common_error_of_what_is_expected_is_taken_out(tmp_path, factor):
    lines = [head(), *pairs(factor), solve(taken=1.0, expected=8.0), solve(taken=2.0, expected=2.0)]
    saved = told(write(tmp_path / "a.jsonl", *lines))["saved"]
    truth = factor * 10.0 - 3.0
    assert saved["took of expected"] == pytest.approx(factor)
    for key in ("saved seconds", "least", "most"):
        assert saved[key] == pytest.approx(truth, abs=1e-6), key


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("fallback", "time budget of 0.02 s used up"),
        ("refused", "another attempt might cost more than was gained so far"),
        ("refused", "the set-up is expected to take longer than a solve may, as it did before"),
    ],
)
def test_solves_that_are_measured_because_of_what_was_expected_are_no_sample(tmp_path, source, why):
    chosen = [{**line, "source": source, "why": why} for line in pairs(9.0)]
    lines = [head(), *pairs(0.5, first=200), *chosen]
    saved = told(write(tmp_path / "a.jsonl", *lines))["saved"]
    assert saved["took of expected"] == pytest.approx(0.5)
    assert saved["compared solves"] == LEAST_PAIRS
    assert saved["measured solves"] == 2 * LEAST_PAIRS


def test_nothing_is_made_right_by_too_few(tmp_path):
    lines = [head(), *pairs(0.5, LEAST_PAIRS - 1), solve(taken=1.0, expected=8.0)]
    saved = told(write(tmp_path / "a.jsonl", *lines))["saved"]
    assert saved["saved seconds"] == 7.0
    assert saved["took of expected"] is saved["least"] is saved["most"] is None


@pytest.mark.parametrize("spread", [0.1, 0.7])
def test_the_interval_holds_what_was_saved(tmp_path, spread):
    """Most times, of expectations that are wrong at random: every tenth solve is measured."""
    held, rounds = 0, 200
    for seed in range(rounds):
        chance, lines, truth = random.Random(seed), [head()], 0.0
        for i in range(150):
            expected = chance.lognormvariate(0, 0.5)
            own = expected * chance.lognormvariate(-0.5, spread)
            truth += own - 0.1 - (own - 0.1) * (i % 10 == 0)
            if i % 10 == 0:
                lines.append(solve(own, own, expected, i, source="refused"))
            else:
                lines.append(solve(0.1, None, expected, i))
        saved = told(write(tmp_path / "a.jsonl", *lines))["saved"]
        held += saved["least"] <= truth <= saved["most"]
    assert held >= 0.85 * rounds


def test_every_table_adds_up_to_all(tmp_path):
    lines = [head("r"), head("s", time=10.0, state="0123")]
    chance = random.Random(1)
    for i in range(60):
        source = chance.choice(["model", "second", "switched", "fallback", "refused"])
        own = chance.random() if source in ("fallback", "refused") else None
        name = chance.choice([CLASS, "a_ 64 2 3 2"])
        run, candidate = chance.choice("rs"), chance.choice(["", "cg"])
        lines.append(
            solve(
                chance.random(), own, chance.random(), i,
                source=source, run=run, candidate=candidate, **{"class": name},
            )
        )  # fmt: skip
    document = told(write(tmp_path / "a.jsonl", *lines))
    for table in ("runs", "classes", "sources"):
        for key in ("solves", "own seconds", "taken seconds", "saved seconds"):
            total = sum(each[key] for each in document[table])
            assert total == pytest.approx(document["saved"][key]), (table, key)


def test_what_the_prior_says_alone_is_told_from_what_was_learned(tmp_path):
    lines = [
        head("first"), solve(run="first", expected=1.0), solve(run="first", expected=1.0, number=2),
        head("later", state="0123"), solve(run="later", expected=1.0, **{"class": "b_ 8 1 2 1"}),
        solve(run="later", expected=1.0, candidate=""),
        solve(run="later", expected=1.0, candidate="", settings={}),
    ]  # fmt: skip
    document = told(write(tmp_path / "a.jsonl", *lines))
    found = {each["name"]: each["solves"] for each in document["sources"]}
    assert found == {"prior": 1, "learned": 2, "model": 1, "guess": 1}


def test_a_run_is_from_its_head_to_its_last_line(tmp_path):
    lines = [
        head(time=100.0),
        solve(taken=2.0, own=2.0, number=5),
        {"run": "r", "time": 130.0, "source": "state", "before": "", "state": "abcd"},
    ]
    document = told(write(tmp_path / "app.jsonl", *lines))
    assert document["runs"][0]["seconds"] == 30.0
    assert document["programs"][0]["seconds"] == 30.0
    assert document["states"][0]["id"] == "abcd"


def test_the_worst_come_first_and_reasons_by_their_number(tmp_path):
    small, test = "so small that a look at it would cost too much", "transposed solves"
    lines = [
        head(),
        *(solve(taken=float(i), expected=1.0, number=i, why="") for i in range(2, 12)),
        *(solve(own=1.0, source="refused", why=small) for _ in range(3)),
        solve(own=1.0, source="refused", why="unfamiliar: log_rows is 5.2, trained on 3 to 4.5"),
        solve(own=1.0, source="refused", why="unfamiliar: log_rows is 6, trained on 3 to 4.5"),
        {"run": "r", "time": 200.0, "source": "left", "why": test, "solves": 40},
    ]
    document = told(write(tmp_path / "a.jsonl", *lines))
    assert [each["solve"] for each in document["worst"]] == [11, 10, 9, 8, 7]
    ranked = [(each["solves"], each["why"].split(":")[0]) for each in document["left alone"]]
    assert ranked == [(40, test), (3, small), (2, "unfamiliar")]
    assert all(each["what to do"] for each in document["left alone"])


def test_kept_preconditioners_are_counted_and_shown(tmp_path):
    words = ["built", "kept", "kept", "updated", "", "kept"]
    lines = [head(), *(solve(expected=2.0, preconditioner=word) for word in words), solve()]
    document = told(write(tmp_path / "a.jsonl", *lines))
    assert document["preconditioners"] == {"kept": 3, "built": 1, "updated": 1}
    assert "preconditioners of 5 operators: 3 kept, 1 built, 1 updated" in screen(document)


def test_damaged_lines_are_counted_and_the_others_are_read(tmp_path):
    path = write(tmp_path / "a.jsonl", head(), solve(expected=2.0), solve(expected=2.0))
    whole = path.read_bytes()
    cases = [
        b"\x00\xff\n", b"[1, 2]\n", b'{"source":7}\n', b"[" * 10_000 + b"\n", b"\n",
        json.dumps(solve(taken="1")).encode() + b"\n",
        json.dumps(solve(taken=-1.0)).encode() + b"\n",
        json.dumps(solve(taken=float("nan"))).encode() + b"\n",
        json.dumps(solve(taken=1.0)).replace("1.0", "1e999").encode() + b"\n",
        json.dumps(solve(run=[1])).encode() + b"\n",
        json.dumps(solve(candidate={"a": 1})).encode() + b"\n",
        whole.splitlines()[1][:80],
    ]  # fmt: skip
    path.write_bytes(whole + b"".join(cases))
    document = told(path)
    assert document["damaged lines"] == len(cases)
    assert document["saved"]["solves"] == 2
    assert f"{len(cases)} damaged lines left out" in " ".join(screen(document).split())


WORDS = st.sampled_from(["run", "source", "time", "seconds", "solve", "why", "class", "total"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(WORDS, inside, max_size=3),
    max_leaves=6,
)


@given(st.lists(st.dictionaries(st.sampled_from([*solve(), *head()]), VALUES), max_size=6))
def test_no_line_that_json_can_write_is_an_error(tmp_path_factory, changes):
    lines = [{**(solve() if i % 2 else head()), **change} for i, change in enumerate(changes)]
    path = write(tmp_path_factory.mktemp("j") / "a.jsonl", head(), solve(expected=1.0), *lines)
    try:
        text = screen(told(path))
    except UsageError as error:
        if "version" not in str(error):
            raise
        return
    assert all(len(line) <= WIDTH and line.isprintable() for line in text.splitlines())


def test_what_was_learned_is_not_needed_and_the_rest_is_whole():
    line = solve(expected=1.0)
    found = parsed((json.dumps(line, separators=(",", ":")) + "\n").encode())
    assert found == {key: value for key, value in line.items() if key != "learned"}


def test_the_file_before_belongs_to_a_journal_and_none_is_read_twice(tmp_path):
    write(tmp_path / "a.jsonl.1", head(), solve(expected=2.0))
    path = write(tmp_path / "a.jsonl", head(), solve(expected=2.0))
    for names in ((path,), (path, path), (tmp_path, path)):
        document = told(*names)
        assert document["saved"]["solves"] == 2
        assert len(document["journals"]) == 2
        assert len(document["runs"]) == 1


def test_a_file_that_is_no_journal_is_one_line_and_code_2(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "text.txt").write_text("hello\n" * 3)
    (tmp_path / "folder").mkdir()
    write(tmp_path / "new.jsonl", head(version=2))
    for name in ("empty.jsonl", "text.txt", "folder", "new.jsonl", "nowhere"):
        code, out, err = says(capsys, tmp_path / name)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert name in err
        assert ":" in err.partition(name)[2]
    code, _, err = says(capsys)
    assert (code, err.count("\n")) == (2, 1)
    assert str(tmp_path / "state" / "metasolve") in err


def test_a_screen_fits_and_says_how_sure_it_is(tmp_path, capsys):
    lines = [head(), *pairs(0.5), *(solve(0.1, None, 1.0, i) for i in range(40))]
    lines += [solve(9.0, None, 1.0, 99, why="\x1b[2J" + "x" * 500, source="fallback")]
    code, out, _ = says(capsys, write(tmp_path / "a.jsonl", *lines))
    assert not code
    assert len(out.splitlines()) <= 50
    assert all(len(line) <= WIDTH and line.isprintable() for line in out.splitlines())
    assert "9 times of 10" in out
    assert "0.50 times that" in out
    code, out, _ = says(capsys, tmp_path / "a.jsonl", "--json")
    assert json.loads(out) == told(tmp_path / "a.jsonl")


def test_a_report_needs_no_library_of_numbers(tmp_path):
    path = write(tmp_path / "a.jsonl", head(), solve(expected=1.0))
    code = (
        "import sys\nfrom metasolve.cli.main import main\n"
        f"try: main(['report', {str(path)!r}])\nexcept SystemExit: pass\n"
        "heavy = ('torch', 'petsc4py', 'mpi4py', 'numpy', 'optuna', 'scipy')\n"
        "sys.stderr.write(' '.join(name for name in heavy if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "1 run, 1 solve" in " ".join(done.stdout.split())
