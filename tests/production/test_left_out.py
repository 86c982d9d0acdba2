"""A file among the journals that is none: the others are reported, and it is named."""

import json

import pytest

from metasolve.cli.main import main
from metasolve.production import site
from metasolve.report.screen import WIDTH

from .lines import head, solve, write
from .test_constant import lines


def called(capsys, *words):
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    captured = capsys.readouterr()
    return stop.value.code, captured.out, captured.err


@pytest.fixture(params=["bytes", "empty", "folder", "version"])
def kept(request, tmp_path, monkeypatch):
    """The site's folder, with a journal, and one that is none."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    site.folder().mkdir(parents=True)
    write(site.folder() / "app.jsonl", *lines())
    bad = site.folder() / "bad.jsonl"
    if request.param == "folder":
        bad.mkdir()
    elif request.param == "version":
        write(bad, head(), solve(expected=1.0), head(version=9))
    else:
        bad.write_bytes(bytes(range(256)) * 9 if request.param == "bytes" else b"")
    return site.folder()


def test_the_others_are_reported_and_the_file_is_named(kept, tmp_path, capsys):
    alone = json.loads(called(capsys, "report", kept / "app.jsonl", "--json")[1])
    for words in ((), (kept,)):
        code, out, err = called(capsys, "report", *words)
        assert (code, err) == (0, "")
        (line,) = [each for each in out.splitlines() if str(kept / "bad.jsonl") in each]
        assert line.endswith(("it may be removed", "read it with the metasolve that wrote it"))
        told = json.loads(called(capsys, "report", *words, "--json")[1])
        assert told.pop("left out") != alone.pop("left out", None)
        assert told == alone
    assert called(capsys, "report", "--html", tmp_path / "page.html")[0] == 0
    assert str(kept / "bad.jsonl") in (tmp_path / "page.html").read_text()
    assert called(capsys, "export", kept, "--petsc-options", tmp_path / "opts")[0] == 0


def test_alone_or_by_name_it_is_an_error(kept, capsys):
    for words in ((kept / "app.jsonl", kept / "bad.jsonl"), ("app", "bad")):
        code, _, err = called(capsys, "report", *words)
        assert (code, err.count("\n")) == (2, 1)
    (kept / "app.jsonl").unlink()
    code, _, err = called(capsys, "report")
    assert (code, err.count("\n")) == (2, 1)
    assert "bad.jsonl" in err


def test_what_is_left_out_does_not_break_the_screen(kept, capsys):
    (kept / "a\x1b[2J.jsonl").touch()
    out = called(capsys, "report")[1]
    assert all(line.isprintable() for line in out.splitlines())
    others = [line for line in out.splitlines() if not line.startswith("left out")]
    assert all(len(line) <= WIDTH for line in others)
