"""The benchmark of the start says what each way to start took."""

import json

from benchmarks.start_up import main


def test_ways_to_start_are_measured(tmp_path, capsys):
    assert main(["--repeats", "1", "--json", str(tmp_path / "found.json")]) == 0
    found = json.loads((tmp_path / "found.json").read_text())
    assert set(found) == {"the program alone", "Python alone", "metasolve run"}
    assert all(seconds > 0 for seconds in found.values())
    assert all(f"{name:<20}" in capsys.readouterr().out for name in list(found)[:1])
