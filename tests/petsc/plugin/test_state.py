"""What runs leave for later ones: it adds up, survives kills, and follows from the journal."""

import hashlib
import json
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from metasolve.production import journal, replay, state

from ..prior_writer import write_prior
from .test_prior import ALL, FAST, SAME_SIZE, SLOW, SYSTEM


def metasolve(*words):
    command = [sys.executable, "-m", "metasolve", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


KILLS = """
#include <signal.h>
#include <string.h>
#include <stdio.h>
int rename(const char *from, const char *to)
{
  (void)from;
  return strstr(to, ".state") ? raise(SIGKILL) : -1;
}
"""
FORGETS = (
    SYSTEM
    + """
ksp = solver()
for _ in range(3):
    A.shift(1e-3)
    ksp.solve(b, x)
import pathlib
pathlib.Path(os.environ["METASOLVE_STATE"]).unlink(missing_ok=True)
"""
)


@pytest.fixture
def place(tmp_path, plugin_library, feature_names, run_program):
    """A prior, a state and a journal, and programs that are run with them."""

    class Place:
        state, log = tmp_path / "program.state", tmp_path / "log.jsonl"
        prior = write_prior(
            tmp_path / "prior",
            ALL,
            [{**dict.fromkeys(ALL, SLOW), "stuck": FAST, "gmres+jacobi": FAST + 1}],
            list(feature_names),
        )

        def run(self, command, **more):
            more = {name: str(value) for name, value in more.items()}
            return run_program(
                command,
                env={
                    "METASOLVE_MODE": "run",
                    "METASOLVE_DIR": str(self.prior),
                    "METASOLVE_STATE": str(self.state),
                    "METASOLVE_LOG": str(self.log),
                    "PETSC_OPTIONS": f"-dll_append {plugin_library}",
                    **more,
                },
            )

        def at_once(self, command, runs, **more):
            def run(number):
                own = tmp_path / f"t{number}"  # MPI processes that start at once need one each
                own.mkdir()
                return self.run(command, TMPDIR=own, **more)

            with ThreadPoolExecutor(4) as pool:
                done = list(pool.map(run, range(runs)))
            assert [each.stderr for each in done if each.returncode] == []

        def classes(self):
            return state.parse(self.state.read_bytes())

        def replayed(self):
            return replay.replay(journal.read(self.log), *replay.candidates(self.prior))

    return Place()


@pytest.fixture
def sequence(host):
    def command(solves, size=40):
        sizes = ["-smallest", str(size), "-largest", str(size)]
        return [*host("sequence"), "-solves", str(solves), *(sizes if size else SAME_SIZE)]

    return command


def test_the_journal_leads_to_the_state_bit_for_bit(place, sequence):
    """Of several runs and classes; a class that is new begins with what is known of the nearest."""
    for solves, size in ((20, 40), (5, 60), (5, 30), (20, 40)):
        assert place.run(sequence(solves, size)).returncode == 0
        assert place.replayed() == place.state.read_bytes()
    learned = [line["class"] for line in journal.read(place.log) if "learned" in line]
    assert {c.name: c.solves for c in place.classes()} == Counter(learned)
    assert len(set(learned)) == 3


def test_in_runs_with_a_model_the_prior_learns_where_it_chooses(place, sequence, constant_model):
    """Of solves that a model chooses for nothing is added."""
    settings = {"ksp_type": "gmres", "pc_type": "jacobi"}
    known = constant_model(**settings)
    place.run(sequence(3), METASOLVE_DIR=known, METASOLVE_PRIOR=place.prior)
    assert not place.state.exists()
    unlike = constant_model(low=-99.0, high=-98.0, **settings)
    place.run(sequence(3), METASOLVE_DIR=unlike, METASOLVE_PRIOR=place.prior)
    assert sum(each.solves for each in place.classes()) > 1
    assert place.replayed() == place.state.read_bytes()


def test_runs_that_end_at_once_add_up(place, sequence):
    place.at_once(sequence(10), 6)
    (found,) = place.classes()
    lines = [line for line in journal.read(place.log) if "learned" in line]
    assert found.solves == found.operators == len(lines) >= 6 * 2
    seen = sum(len(line["learned"]["seen"]) for line in lines)
    assert sum(offset.seen for offset in found.offsets.values()) == seen
    assert found.taken == pytest.approx(sum(line["learned"]["account"][1] for line in lines))
    assert place.replayed() == place.state.read_bytes()


def test_a_run_that_is_killed_while_it_writes_leaves_what_was_there(place, sequence, tmp_path):
    if shutil.which("cc") is None:
        pytest.skip("no compiler")
    place.run(sequence(5))
    before = place.state.read_bytes()
    (tmp_path / "kills.c").write_text(KILLS)
    library = tmp_path / "kills.so"
    words = ["cc", "-shared", "-fPIC", "-o", str(library), str(tmp_path / "kills.c")]
    subprocess.run(words, check=True)
    assert place.run(sequence(5), LD_PRELOAD=library).returncode == -signal.SIGKILL
    assert place.state.read_bytes() == before
    assert place.replayed() == (tmp_path / "program.state.new").read_bytes()  # what the line tells
    place.run(sequence(5))
    assert [c.solves for c in place.classes()] == [10]
    assert not (tmp_path / "program.state.new").exists()
    assert place.replayed() == place.state.read_bytes()


@pytest.mark.parametrize("how", [[], ["-leave"]], ids=["finalised", "left"])
def test_solves_without_a_line_are_counted_however_a_program_ends(place, host, how):
    done = place.run([*host("many_ksps"), "-n", "10", "-steps", "6", *how])
    assert done.returncode == 0, done.stderr
    lines = [line for line in journal.read(place.log) if line["source"] == "left"]
    assert sum(line["solves"] for line in lines) + len(journal.solves(place.log)) == 6
    assert lines


def test_a_frozen_state_is_used_and_stays(place, sequence):
    place.run(sequence(20))
    before = place.state.read_bytes()
    place.run(sequence(20), METASOLVE_FREEZE=1)
    assert place.state.read_bytes() == before
    heads = [line for line in journal.read(place.log) if line["source"] == "run"]
    assert [head["state"] for head in heads] == ["", state.digest(before)]


def test_what_is_forgotten_while_a_program_runs_does_not_come_back(place, sequence, tmp_path):
    """It adds what it has learned itself since it wrote last."""
    (tmp_path / "program.py").write_text(FORGETS)
    for _ in range(2):
        done = place.run([sys.executable, str(tmp_path / "program.py")])
        assert done.returncode == 0, done.stderr
        assert [c.solves for c in place.classes()] == [3]
        assert place.replayed() == place.state.read_bytes()


def test_python_and_c_write_the_same(place, sequence):
    """What Python writes the plug-in reads: an offset that it is given decides."""
    place.run(sequence(3))
    classes, (names, mark) = place.classes(), replay.candidates(place.prior)
    assert state.written(classes, mark) == place.state.read_bytes()
    for name in ("stuck", state.KEPT):
        classes[0].offsets[name] = state.Offset(50, 20.0, 1e-3)
    order = [*names, state.OWN, state.KEPT]
    classes[0].offsets = dict(sorted(classes[0].offsets.items(), key=lambda e: order.index(e[0])))
    place.state.write_bytes(state.written(classes, mark))
    place.log.unlink()
    place.run(sequence(3))
    head, *lines = journal.read(place.log)
    assert head["state"] == state.digest(state.written(classes, mark))
    assert {line["candidate"] for line in lines if "candidate" in line} == {"gmres+jacobi"}
    assert place.classes()[0].offsets["stuck"].seen == 50


def test_a_state_that_was_changed_otherwise_is_told(place, sequence):
    place.run(sequence(3))
    classes = place.classes()
    classes[0].solves += 1
    place.state.write_bytes(state.written(classes, replay.candidates(place.prior)[1]))
    place.run(sequence(3))
    with pytest.raises(state.StateError, match=r"was not left by what is before"):
        place.replayed()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (rb"metasolve-state 4", b"metasolve-state 2"),
        (rb"classes 1", b"classes 2"),
        (rb"classes 1", b"classes 0"),
        (rb"\naccount \S+", b"\naccount nan"),
        (rb"\nsolves 3", b"\nsolves -3"),
        (rb"\noffsets \d+", b"\noffsets 99"),
        (rb"\nnumbers 0", b"\nnumbers 9"),
        (rb"\nclass -", b"\nclass " + 70 * b"p"),
        (rb"(\n\S+ \d+ \S+) (\S+\nnumbers 0\n)$", rb"\1 -\2"),
    ],
)
def test_what_python_refuses_the_plug_in_refuses_too(place, sequence, old, new):
    place.run(sequence(3))
    text, count = re.subn(old, new, place.state.read_bytes()[:-72])
    assert count == 1
    place.state.write_bytes(text + f"sha256 {hashlib.sha256(text).hexdigest()}\n".encode())
    with pytest.raises(state.StateError):
        place.classes()
    place.log.unlink()
    done = place.run(sequence(3))
    assert done.returncode == 0
    (told,) = [line for line in done.stderr.splitlines() if line.startswith("metasolve:")]
    assert f"{place.state} is damaged" in told
    assert "metasolve rollback" in told
    assert next(iter(journal.read(place.log)))["state"] == ""
    assert [c.solves for c in place.classes()] == [3]


def test_what_is_known_is_shown_and_forgotten(place, sequence, tmp_path, monkeypatch):
    """By the program's name; the next run begins with the prior alone."""
    folder = tmp_path / "home" / "metasolve"
    folder.mkdir(parents=True)
    monkeypatch.setenv("XDG_STATE_HOME", str(folder.parent))
    place.run(sequence(8))
    place.state.rename(folder / "beam.state")
    told = json.loads(metasolve("inspect", "beam", "--json").stdout)
    assert (told["state of"], told["solves"]) == ("beam", 8)
    assert sum(each["solves"] for each in told["classes"][0]["tried"].values()) >= 1
    assert metasolve("forget", "beam").returncode == 0
    assert list(folder.iterdir()) == []
    assert metasolve("inspect", "beam").returncode == 2
