"""A program that is a shell script, and cases made from texts."""

import shutil
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# The best omega is 1 + n / 200; beyond 1.9 the program fails, with -sloppy it answers something
# else. For n above 80 its own omega of 1 fails, too.
SCRIPT = r"""#!/bin/sh
omega=1.0 n=10 sloppy=0
[ -f omega.txt ] && omega=$(cat omega.txt)
while [ $# -gt 0 ]; do
  case $1 in
    -omega) omega=$2; shift;;
    -n) n=$2; shift;;
    -sloppy) sloppy=$2; shift;;
    *) echo "script: unknown argument $1" >&2; exit 2;;
  esac
  shift
done
echo "trace of the run" > trace.txt
exec awk -v omega=$omega -v n=$n -v sloppy=$sloppy 'BEGIN {
  if (omega > 1.9 || (n > 80 && omega < 1.1)) { print "breakdown"; exit 3 }
  best = 1 + n / 200; cost = n * (1 + 20 * (omega - best)^2) / (1 + sloppy)
  printf "iterations: %.6f\n", cost
  printf "answer = %.6f\n", n + sloppy
  print "done" }'
"""

CASE = """
name = "script"
command = "./program.sh -n {n}"
rerunnable = true
timeout = 20

[[vary]]
name = "n"
type = "real"
low = 10.0
high = 78.0

[settings]
through = "flags"

[[space.setting]]
name = "omega"
type = "real"
low = 0.8
high = 1.95
default = 1.0

[cost]
pattern = 'iterations: (\\S+)'
unit = "count"

[success]
pattern = "^done"

[accept]
pattern = 'answer = (\\S+)'
tolerance = 1e-4
"""


@pytest.fixture
def script(tmp_path):
    """`script(case=CASE, program=SCRIPT)`: the path of a case.toml beside its program."""

    def write(case=CASE, program=SCRIPT):
        (tmp_path / "program.sh").write_text(textwrap.dedent(program))
        (tmp_path / "program.sh").chmod(0o755)
        (tmp_path / "case.toml").write_text(case)
        return tmp_path / "case.toml"

    return write


@pytest.fixture
def case_text():
    """The text of the script's case, to be changed."""
    return CASE


@pytest.fixture
def problem(solver_program, tmp_path):
    """`problem("sor")`: a case of problems/ whose program was built by its own Makefile."""

    def made(name, **replaced):
        (binary,) = solver_program(name)
        folder = tmp_path / "problems" / name
        shutil.copytree(ROOT / "problems" / name, folder)
        path = folder / "case.toml"
        text = path.read_text().replace(f"../../solvers/{name}/{name} ", f"{binary} ")
        text = text.replace("../../solvers/", f"{ROOT}/solvers/")
        for old, new in replaced.items():
            text = text.replace(old, new)
        path.write_text(text)
        return path

    return made


@pytest.fixture
def scratch_home(tmp_path, monkeypatch):
    """The only place where scratch directories can be made."""
    home = tmp_path / "scratch home"
    home.mkdir()
    monkeypatch.setenv("TMPDIR", str(home))
    monkeypatch.setattr("tempfile.tempdir", None)
    yield home
    monkeypatch.setattr("tempfile.tempdir", None)
