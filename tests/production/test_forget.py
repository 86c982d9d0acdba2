"""Forgetting: all or nothing where a folder is not ours; it is said what went and what stays."""

import os
import shutil
import subprocess
import sys

import pytest

from metasolve.production import past, site

from .lines import head, write
from .test_past import file, made, metasolve  # noqa: F401 (file is a fixture)

#: root can write everywhere, but for what it is not allowed any more
MERELY = ["setpriv", "--bounding-set=-all"] if os.geteuid() == 0 else []


@pytest.mark.skipif(bool(MERELY) and not shutil.which("setpriv"), reason="needs setpriv as root")
@pytest.mark.parametrize("which", ["state", "states"])
def test_what_cannot_be_removed_is_one_line_and_all_of_it_is_there(file, which):  # noqa: F811
    closed = file.parent if which == "state" else site.earlier(file)
    before = sorted(file.parent.rglob("*"))
    closed.chmod(0o555)
    try:
        command = [*MERELY, sys.executable, "-m", "metasolve", "forget", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        closed.chmod(0o755)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert f"{closed} cannot be written" in done.stderr
    assert sorted(file.parent.rglob("*")) == before


def test_what_is_no_file_is_named_and_not_a_traceback(file):  # noqa: F811
    odd = site.earlier(file) / "odd.state"
    odd.mkdir()
    done = metasolve("forget", file)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert str(odd) in done.stderr


def test_it_is_said_what_went_and_what_stays(file):  # noqa: F811
    pinned = past.pinned(file, past.versions(file)[0].id)
    log = write(file.with_suffix(".jsonl"), head())
    told = metasolve("forget", file).stdout
    went, stays = told.split("; what stays")
    assert str(file) in went
    assert "2 earlier states" in went
    assert str(pinned) in stays
    assert str(log) in stays
    assert pinned.is_file()
    assert log.is_file()
    assert not file.exists()
