import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from metasolve.cli.inspect import describe
from metasolve.cli.main import FRONT, NAMES, main
from metasolve.cli.record import parse_bytes
from metasolve.cli.space import to_toml
from metasolve.errors import UsageError
from metasolve.model.pinned import pin
from metasolve.production import journal
from metasolve.space import Choice, Flag, Integer, Real, Space

from ..production.lines import head, solve, write

METASOLVE = [sys.executable, "-c", "from metasolve.cli.main import main; main()"]
compiled = pytest.mark.skipif(shutil.which("mpicc") is None, reason="the plug-in is compiled")


def metasolve(*words, **options):
    """Run the command line in a process of its own."""
    return subprocess.run(
        [*METASOLVE, *map(str, words)], capture_output=True, text=True, check=False, **options
    )


def called(capsys, *words):
    """Run the command line here: exit code, stdout, stderr."""
    with pytest.raises(SystemExit) as stop:
        main(list(map(str, words)))
    captured = capsys.readouterr()
    return stop.value.code or 0, captured.out, captured.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["recrod"], "did you mean 'record'"),
        (["record"], "--out"),
        (["record", "-o", "x"], "COMMAND"),
        (["record", "-o", "x", "--evry", "2", "--", "app"], "--evry"),
        (["record", "-o", "x", "--max-bytes", "many", "--", "app"], "500M or 2G"),
        (["run", "nowhere", "--budget", "0", "--", "app"], "budget"),
        (["run", "model", "./app"], "put the command after --"),
        (["env", "model", "./app"], "one word too many; see metasolve env --help"),
        (["env", "--jsno"], "see metasolve env --help"),
        (["inspect", "/nowhere"], "metasolve record"),
        (["inspect", "nowhere"], "nothing is known of"),
        (["forget", "nowhere"], "nothing is known of"),
        (["space"], "RECORDING"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(capsys, words, said):
    code, out, err = called(capsys, *words)
    assert code == 2
    assert said in err
    assert out == ""
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "/nowhere", "--", "app"], "metasolve train"),
        (["space", "/nowhere"], "metasolve record"),
    ],
)
def test_other_errors_are_one_line_and_code_1(capsys, words, said):
    code, _, err = called(capsys, *words)
    assert code == 1
    assert said in err
    assert len(err.splitlines()) == 1


def test_help_names_every_command(capsys):
    code, out, _ = called(capsys, "--help")
    assert code == 0
    assert all(f"\n  {command} " in out for command in NAMES)


def test_version(capsys):
    import metasolve as package

    assert called(capsys, "version")[1] == f"metasolve {package.__version__}\n"
    assert called(capsys, "--version")[1] == called(capsys, "version")[1]


@pytest.mark.parametrize("command", FRONT)
def test_what_stands_in_front_of_a_program_imports_nothing_heavy(command):
    code = (
        f"import sys\nfrom metasolve.cli.main import main\n"
        f"try: main([{command!r}, '--help'])\n"
        "except SystemExit: pass\n"
        "import metasolve.production.journal, metasolve.petsc.launch, metasolve.model.pinned\n"
        "heavy = ('torch', 'petsc4py', 'mpi4py', 'numpy', 'pydantic', 'rich', 'optuna', 'typer')\n"
        "sys.stderr.write(' '.join(name for name in heavy if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert f"metasolve {command}" in done.stdout


def test_run_starts_without_what_takes_long_to_import():
    """Dataclasses bring inspect, ast and tokenize: a tenth of what a start takes."""
    code = (
        "import sys\nbefore = set(sys.modules)\n"
        "import metasolve.cli.run, metasolve.petsc.launch, metasolve.production.journal\n"
        "slow = {'dataclasses', 'inspect', 'difflib'} & (sys.modules.keys() - before)\n"
        "sys.exit(' '.join(slow) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("text", "size"), [("100", 100), ("2G", 2 * 10**9), ("1.5M", 1500000), ("3 kb", 3000)]
)
def test_sizes(text, size):
    assert parse_bytes(text) == size


def test_a_size_without_sense_is_refused():
    with pytest.raises(UsageError, match="2G"):
        parse_bytes("-3")


def test_a_printed_space_is_a_space_file(tmp_path):
    space = Space(
        (
            Choice("pc_type", ("sor", "none")),
            Real("pc_sor_omega", 0.1, 1.9, default=1.0, when={"pc_type": ("sor",)}),
            Integer("ksp_gmres_restart", 5, 200, "log"),
            Flag("pc_sor_local_forward", True, {"pc_type": ("sor",)}),
            Real("x", 1.0, 2.0, when={"pc_sor_local_forward": (False,)}),
        ),
        {"ksp_type": "gmres"},
    )
    (tmp_path / "space.toml").write_text(to_toml(space))
    assert Space.from_toml(tmp_path / "space.toml") == space
    assert "{}" not in to_toml(space), "what has no condition says none"
    assert to_toml(Space([Real("x", 0.0, 1.0)])).startswith("# 1 setting\n")


@compiled
def test_doctor_finds_what_the_tests_use(capsys):
    code, out, _ = called(capsys, "doctor", "--json")
    findings = {each["name"]: each for each in json.loads(out)["findings"]}
    assert code == 0, findings
    assert findings["PETSc"]["state"] == "ok"
    assert findings["plug-in"]["found"].endswith("libmetasolve.so")


def test_doctor_says_how_to_get_what_is_missing(tmp_path):
    done = metasolve("doctor", env={**os.environ, "PATH": str(tmp_path), "PETSC_DIR": "/nowhere"})
    assert done.returncode == 1
    assert "missing  mpicc" in done.stdout
    assert "-> apt-get install" in done.stdout
    assert "/nowhere" in done.stdout


@compiled
def test_record_inspect_space_and_run(host, tmp_path, capfd):
    recording, program = tmp_path / "recording", host("two_ksps")
    done = metasolve("record", "-o", recording, "--prefix", "a_", "--", *program)
    assert done.returncode == 0, done.stderr
    assert done.stdout == subprocess.check_output(program, text=True)
    assert "2 systems recorded" in done.stderr
    assert str(recording) in done.stderr

    text, data = metasolve("inspect", recording), metasolve("inspect", recording, "--json")
    description = json.loads(data.stdout)
    assert description["solves"] == 2
    assert description["prefixes"] == ["a_"]
    assert description["hosts"][0]["ksp_type"] == "gmres"
    assert "log_rows" in text.stdout

    printed = metasolve("space", recording)
    (tmp_path / "space.toml").write_text(printed.stdout)
    assert Space.from_toml(tmp_path / "space.toml").names[0] == "ksp_type"
    assert json.loads(metasolve("space", recording, "--json").stdout)["setting"]


@compiled
def test_a_program_without_petsc_is_recorded_as_nothing(tmp_path):
    done = metasolve("record", "-o", tmp_path / "recording", "--", "true")
    assert done.returncode == 0
    assert "nothing recorded" in done.stderr
    assert "doctor" in done.stderr


@compiled
def test_exit_codes_are_the_programs(tmp_path):
    assert metasolve("record", "-o", tmp_path, "--", "false").returncode == 1
    assert metasolve("record", "-o", tmp_path, "--", "/no/such/program").returncode == 127


@compiled
@pytest.mark.parametrize(
    ("program", "begin", "guesses"),
    [
        ("exit 0", "no solve reached the plug-in; perhaps the command has no PETSc", True),
        ("exit 3", "the command ended with exit code 3; ", False),
        ("exit 200", "the command ended with exit code 200; ", False),
        ("kill -9 $$", "the command ended with exit code 137, which stands for SIGKILL; ", False),
    ],
)
def test_a_command_that_failed_is_said_to_have_failed(tmp_path, program, begin, guesses):
    """Nothing is guessed of its PETSc then: that was not what was wrong."""
    pin(tmp_path / "model", {"pc_type": "sor"}, petsc="3.18.5")
    recording = ("record", "-o", tmp_path / "recording")
    for words in (("run", tmp_path / "model"), recording):
        done = metasolve(*words, "--", "sh", "-c", program)
        line = done.stderr.splitlines()[-1]  # the first one may be of the compiler
        assert ("doctor" in line) == guesses, line
        if words != recording or not guesses:
            assert line.startswith(f"metasolve: {begin}"), line


@compiled
def test_a_damaged_model_leaves_the_program_to_itself(host, tmp_path):
    model, log = tmp_path / "model", tmp_path / "log"
    model.mkdir()
    (model / "policy.txt").write_text("metasolve-policy 6\n")
    program = host("hard_coded")
    done = metasolve("run", model, "--log", log, "--", *program)
    assert done.returncode == 0
    assert done.stdout == subprocess.check_output(program, text=True)
    assert "2 refused" in done.stderr
    assert str(log) in done.stderr
    lines = journal.solves(log)
    assert {line["source"] for line in lines} == {"refused"}
    assert all("truncated" in line["why"] for line in lines)


def test_nothing_is_written_but_where_asked(tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    (model / "policy.txt").write_text("x\n")
    (tmp_path / "empty").mkdir()
    if shutil.which("mpicc"):
        metasolve("run", model, "--", "true", cwd=tmp_path / "empty")
    assert list((tmp_path / "empty").iterdir()) == []
    assert [path.name for path in model.iterdir()] == ["policy.txt"]


def test_a_model_is_described(tmp_path):
    pin(tmp_path, {"pc_type": "sor"}, petsc="3.18.5")
    data = json.loads(metasolve("inspect", tmp_path, "--json").stdout)
    assert data["kind"] == "model"
    assert data["chosen"] == "constant"
    assert data["policy"]["kind"] == "constant"
    (tmp_path / "model.json").write_text("{")
    done = metasolve("inspect", tmp_path)
    assert done.returncode == 1
    assert "train again" in done.stderr


def test_what_is_no_directory_of_ours_is_said(tmp_path):
    with pytest.raises(UsageError, match="neither a recording"):
        describe(Path(tmp_path))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("record -o /dev/null/x -- true", r"/dev/null/x cannot be written \(Not a directory\): a"),
        ("run --keep-slow /dev/null/x -- true", "cannot be written"),
        ("run --state /dev/null/x -- true", "--state none"),
        ("run --log /dev/null/x -- true", "--log /dev/null/x cannot be written"),
        ("init true -o /dev/null/x", "/dev/null/x: Not a directory; a part of the name is no fold"),
        ("report {journal} --html /dev/full", r"cannot be written \(No space left.*: make room"),
        ("report {journal} --html /dev/null/x", "cannot be written"),
        ("check nope.toml", "nope.toml: No such file or directory; give"),
        ("check", "Missing argument 'CASE'; see metasolve check --help"),
        ("history --stat", "No such option.*; see metasolve history --help"),
        ("pin -o x foo=1", "the page Settings of the manual"),
    ],
)
def test_wrong_use_is_one_line_with_the_remedy_and_code_2(words, told, tmp_path, capsys):
    """A place that cannot be written is wrong use, whoever finds it."""
    write(tmp_path / "journal", head(), solve())
    with pytest.raises(SystemExit) as ended:
        main(words.format(journal=tmp_path / "journal").split())
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(told, line), line
    assert ended.value.code == 2
