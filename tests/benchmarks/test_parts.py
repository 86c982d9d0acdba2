"""What is finished is measured once, whoever measures it, and nothing outlives the benchmark."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from benchmarks.parts import Parts
from metasolve.errors import UsageError
from metasolve.report.result import silent

IN_A_CLONE = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
_MEASURES = {f"part-{n}": partial(dict, value=n) for n in range(5)}
_LONG = """
import time
from functools import partial
from pathlib import Path
from benchmarks.parts import Parts
from metasolve.report.result import silent

if __name__ == "__main__":
    measures = {"short": partial(dict, value=1)} | {n: partial(time.sleep, 600) for n in "ab"}
    Parts(Path("parts"), {}).side_by_side("parts", measures, silent)
"""


def _fails():
    raise AssertionError("measured again")


def test_a_finished_part_is_not_measured_again(tmp_path):
    parts = Parts(tmp_path / "parts", {"steps": 3})
    assert parts.of("a", partial(dict, value=1)) == {"value": 1}
    assert parts.of("a", _fails) == {"value": 1}


def test_parts_of_other_options_are_refused_in_a_line(tmp_path):
    Parts(tmp_path, {"steps": 3}).of("a", dict)
    with pytest.raises(UsageError, match="--out"):
        Parts(tmp_path, {"steps": 4}).of("a", dict)


@pytest.mark.parametrize("kept", [True, False])
def test_side_by_side_finds_what_one_after_the_other_finds_in_the_same_order(tmp_path, kept):
    parts = Parts(tmp_path / "parts" if kept else None, {})
    found = parts.side_by_side("parts", _MEASURES, silent)
    assert list(found.items()) == [(name, each()) for name, each in _MEASURES.items()]


def test_a_killed_benchmark_keeps_what_is_finished_and_leaves_no_process(tmp_path):
    (tmp_path / "long.py").write_text(_LONG)
    process = subprocess.Popen([sys.executable, "long.py"], cwd=tmp_path, env=IN_A_CLONE)
    finished = tmp_path / "parts" / "short.json"
    _wait(finished.exists)
    children = _children(process.pid)
    assert children
    process.send_signal(signal.SIGKILL)
    process.wait()
    _wait(lambda: not any(_runs(child) for child in children))
    assert Parts(tmp_path / "parts", {}).of("short", _fails) == {"value": 1}


def _wait(happened, seconds=60.0):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


def _children(parent):
    named = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(each) for each in named.split()]


def _runs(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] != "Z"
