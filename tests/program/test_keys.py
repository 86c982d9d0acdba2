"""Lines of key = value: what is set is read back, everything else stays as it was."""

import stat
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasolve.cli.main import main
from metasolve.errors import UsageError
from metasolve.program import keys
from metasolve.program.case_file import read_case
from metasolve.program.deck import format_of
from metasolve.program.screening import screen
from tests.program.test_namelist import NAMES

DECK = """\
# A plate, by hand
cells = 64            # along x
[solver]
Omega: 1.5
smoother = 'red black' ; of 1987
adapt = .TRUE.
levels 4 // whitespace will do
"""
PROGRAM = """\
#!{python}
import sys, time
told = dict(line.split("#")[0].split("=") for line in open(sys.argv[1]) if "=" in line)
told = {{name.strip(): value.strip() for name, value in told.items()}}
n, omega = int(told["cells"]), float(told["omega"])
work = n * n * (1 + 5 * abs(omega - 1.7))
print("iterations", int(work))
print("CONVERGED")
print("mean = 1.0")
"""


def test_every_way_of_writing_is_read():
    assert keys.variables(DECK) == {
        "cells": ("", 64),
        "omega": ("solver", 1.5),
        "smoother": ("solver", "red black"),
        "adapt": ("solver", ".TRUE."),
        "levels": ("solver", 4),
    }


def test_what_is_set_stands_where_it_stood_and_the_rest_stays():
    after = keys.changed(DECK, {"OMEGA": 1.75, "adapt": False, "smoother": "line", "levels": 6})
    expected = DECK.replace("1.5", "1.75").replace(".TRUE.", ".FALSE.")
    assert after == expected.replace("'red black'", "'line'").replace("levels 4", "levels 6")


@given(
    st.dictionaries(NAMES, st.integers() | st.floats(-1e9, 1e9), min_size=1, max_size=6),
    st.sampled_from([" = ", "=", ": ", " ", "\t"]),
    st.data(),
)
def test_what_is_set_is_read_back(before, between, data):
    text = "".join(f"{name}{between}{value}\n" for name, value in before.items())
    name = data.draw(st.sampled_from(sorted(before)))
    found = keys.variables(keys.changed(text, {name: 12.5}))
    assert found == {**keys.variables(text), name: ("", 12.5)}


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "It is a long story.\n", "1 2 3\n", "{json}\n"]
)
def test_what_is_something_else_is_no_deck(text, tmp_path):
    (tmp_path / "file").write_text(text)
    assert format_of(tmp_path / "file") is None


def test_a_name_that_stands_twice_has_no_place():
    text = "[a]\nn = 1\n[b]\nn = 2\nm = 3\n"
    assert list(keys.variables(text)) == ["m"]
    with pytest.raises(UsageError, match="'n' is not in the file, or twice"):
        keys.changed(text, {"n": 4})


@pytest.fixture
def program(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "app"
    path.write_text(PROGRAM.format(python=sys.executable))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "plate.ini").write_text(
        "cells = 16  # along x\nstiffness = 2.5\nomega = 1.2\nsweeps = 2\ntolerance = 1e-8\n"
    )
    return "./app"


def test_init_proposes_what_looks_like_a_setting_and_check_finds_its_effect(
    capsys, program, tmp_path
):
    with pytest.raises(SystemExit):
        main(["init", "--", program, "plate.ini"])
    told = capsys.readouterr().out
    assert "plate.ini is read as keys; 2 settings proposed" in told
    text = (tmp_path / "case.toml").read_text()
    assert '# [[vary]]\n# name = "cells"\n# type = "integer"\n# low = 8\n# high = 32' in text
    assert 'name = "tolerance"' not in text
    lines = text.split("# <- uncomment it if it varies:\n")
    parts = [
        lines[0],
        *(each.replace("# ", "", 6) if "cells" in each else each for each in lines[1:]),
    ]
    cost = '\n[cost]\npattern = "iterations (.*)"\nunit = "count"\n'
    (tmp_path / "case.toml").write_text("".join(parts) + cost)
    case = read_case(tmp_path / "case.toml")
    assert case.space.defaults() == {"omega": 1.2, "sweeps": 2}
    assert [each.name for each in case.varies.settings] == ["cells"]
    effects = {each.setting: each for each in screen(tmp_path / "case.toml", count=1).effects}
    assert effects["omega"].failures == 0
    assert (tmp_path / "plate.ini").read_text().startswith("cells = 16  # along x")
