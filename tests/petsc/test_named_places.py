"""A model or log that cannot be used: what is wrong with the place is said, and the remedy fits."""

import os
import shutil
import subprocess
import sys

import pytest

from metasolve.errors import ModelError, UsageError
from metasolve.petsc.launch import check_model
from metasolve.petsc.writable import check_log

MERELY = ["setpriv", "--bounding-set=-all"] if os.geteuid() == 0 else []


def test_a_model_that_is_not_there_is_told_from_one_that_is_none(tmp_path):
    (tmp_path / "file").touch()
    for name, said in (("none", "is not there"), ("file", "is not a directory")):
        with pytest.raises(ModelError, match=f"{name} {said}: give a directory") as told:
            check_model(tmp_path / name)
        assert "policy.txt" not in str(told.value)
    with pytest.raises(ModelError, match=r"holds no policy\.txt: give a directory"):
        check_model(tmp_path)


def test_the_remedy_for_a_log_is_of_what_is_wrong(tmp_path):
    with pytest.raises(UsageError, match=r"it is a folder\): name a file in it"):
        check_log(tmp_path)
    with pytest.raises(UsageError, match=r"No such file .*: make its folder, or name"):
        check_log(tmp_path / "none" / "log")
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"Not a directory\): a part of the name is no"):
        check_log(tmp_path / "file" / "log")


@pytest.mark.skipif(bool(MERELY) and not shutil.which("setpriv"), reason="needs setpriv as root")
@pytest.mark.parametrize("what", ["folder", "file"])
def test_where_writing_is_not_allowed_no_folder_is_to_be_made(tmp_path, what):
    log = tmp_path / "log"
    if what == "file":
        log.touch(mode=0o444)
    else:
        tmp_path.chmod(0o555)
    command = [*MERELY, sys.executable, "-m", "metasolve", "run", "--log", str(log), "--", "true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    tmp_path.chmod(0o755)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "Permission denied): name a place that you can write" in done.stderr


@pytest.mark.skipif(bool(MERELY) and not shutil.which("setpriv"), reason="needs setpriv as root")
def test_a_folder_of_states_that_is_only_read_need_not_be_writable(tmp_path):
    place = tmp_path / "states"
    place.mkdir(mode=0o555)
    words = ["--state", str(place), "--log", str(tmp_path / "log")]
    run = [*MERELY, sys.executable, "-m", "metasolve", "run", *words]
    codes = [subprocess.run([*run, *more, "--", "true"], check=False).returncode
             for more in ([], ["--freeze"])]  # fmt: skip
    assert codes == [2, 0]
