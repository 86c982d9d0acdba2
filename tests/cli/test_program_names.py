"""A name means the program where what lies there by that name (the program itself) is no input."""

import json
import subprocess
import sys

import pytest

from metasolve.production import site
from metasolve.production.state import Operators, digest, written

from ..production.lines import head, solve, write
from ..production.test_constant import lines

MARK = "0123456789abcdef"


def metasolve(*words):
    command = [sys.executable, "-m", "metasolve", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def made(solves):
    return written([Operators("-", 8192, 1, 2, 1, solves=solves)], MARK)


@pytest.fixture(params=["dr", "bratu.py"])
def program(request, tmp_path, monkeypatch):
    """A program of which a state, an earlier one and a journal are kept; the folder is empty."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    name = request.param
    file = site.folder() / f"{name}.state"
    site.earlier(file).mkdir(parents=True)
    file.write_bytes(made(9))
    (site.earlier(file) / f"{digest(made(1))}.state").write_bytes(made(1))
    _, *rest = lines()
    write(site.folder() / f"{name}.jsonl", head(program=name), *rest)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return name


@pytest.fixture(params=["binary", "script", "folder", "device"])
def beside(request, program, tmp_path):
    """Something by the name of the program in the folder."""
    place = tmp_path / "here" / program
    if request.param == "folder":
        place.mkdir()
        (place / "source.c").touch()
    elif request.param == "device":
        place.symlink_to("/dev/null")
    else:
        place.write_bytes(
            {"binary": b"\x7fELF" + bytes(range(256)) * 9, "script": b"x = 1\n"}[request.param]
        )
    return place


def test_the_program_is_meant_by_all_commands(program, beside):
    told = json.loads(metasolve("report", program, "--json").stdout)
    assert told["programs"][0]["program"] == program
    assert json.loads(metasolve("inspect", program, "--json").stdout)["id"] == digest(made(9))
    told = json.loads(metasolve("inspect", program, digest(made(1))[:6], "--json").stdout)
    assert told["id"]["after"] == digest(made(1))
    done = metasolve("export", program, "--petsc-options", "opts")
    assert (done.returncode, done.stderr) == (0, "")
    for words in (
        ("history", program),
        ("rollback", program, digest(made(1))),
        ("forget", program),
    ):
        assert metasolve(*words).returncode == 0


def test_a_journal_by_that_name_is_meant_itself(program, tmp_path):
    write(tmp_path / "here" / program, head(program="another"), solve(expected=2.0))
    told = json.loads(metasolve("report", program, "--json").stdout)
    assert told["programs"][0]["program"] == "another"


def test_where_nothing_is_kept_the_file_is_complained_of_and_the_remedy_is_right(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app").write_bytes(bytes(range(256)))
    for command in (("report",), ("inspect",), ("export", "--petsc-options", "opts")):
        done = metasolve(*command, "app")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "metasolve run" in done.stderr


@pytest.mark.parametrize(
    "words", [("inspect", "dr"), ("rollback", "dr"), ("env", "--program", "dr", "--state-id")]
)
@pytest.mark.parametrize(
    ("id_", "said"),
    [
        ("abc", "at least its first 4"),
        ("nonsense", "no id"),
        ("ffff", "no such state"),
        ("a/bcd", "no id"),
    ],
)
def test_what_is_wrong_with_an_id_is_said(words, id_, said, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    site.folder().mkdir()
    (site.folder() / "dr.state").write_bytes(made(9))
    done = metasolve(*words, id_)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"{id_} of dr: " in done.stderr
    assert said in done.stderr


def test_the_program_of_an_id_is_asked_for_and_no_path_is_told_twice(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    done = metasolve("env", "--state-id", "abcd")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--program NAME" in done.stderr
    done = metasolve("env", "--program", "nix", "--state-id", "33")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.count(str(site.folder())) == 1
    assert "of nix:" in done.stderr
