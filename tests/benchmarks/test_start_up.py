"""The benchmark of the start says what each way to start took."""

import json

from benchmarks.start_up import main


def test_ways_to_start_are_measured(tmp_path, capsys):
    assert main(["--repeats", "1", "--json", str(tmp_path / "found.json")]) == 0
    found = json.loads((tmp_path / "found.json").read_text())
    assert set(found) == {"the program alone", "Python alone", "metasolve run"}
    assert all(seconds > 0 for seconds in found.values())
    assert all(f"{name:<20}" in capsys.readouterr().out for name in list(found)[:1])


def test_the_python_that_is_timed_is_the_one_that_the_command_is_installed_in(tmp_path):
    for name in ("metasolve", "python"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho "$0" >> {tmp_path}/started\n')
        (tmp_path / name).chmod(0o755)
    assert main(["--metasolve", str(tmp_path / "metasolve"), "--repeats", "1"]) == 0
    started = (tmp_path / "started").read_text().split()
    assert {*started} == {str(tmp_path / "metasolve"), str(tmp_path / "python")}
