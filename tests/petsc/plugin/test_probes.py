"""The last mile: numbers of a favourite are looked at where they are not, a solve now and then."""

import hashlib
import re

import pytest

from metasolve.production import journal, replay, state
from metasolve.production.numbers import Number, Numbers

from ..prior_writer import write_prior

TREE = {"gmres+ilu0": 8.0, "gmres+sor": 5.5}
SOLVES = 90


@pytest.fixture
def site(tmp_path, feature_names, host, run_with):
    """A prior whose favourite has a number, a state, and a program with slow settings."""

    class Site:
        file = tmp_path / "program.state"
        prior = write_prior(tmp_path / "prior", list(TREE), [TREE], list(feature_names))

        def run(self, solves, ranks=1, **more):
            size = ["-smallest", "50", "-largest", "50", "-solves", str(solves)]
            env = {"METASOLVE_STATE": str(self.file), **more}
            command = [*host("sequence"), *size, "-pc_type", "jacobi"]
            done, lines = run_with(self.prior, command, ranks=ranks, env=env)
            assert done.returncode == 0, done.stderr
            return lines

        def classes(self):
            return state.parse(self.file.read_bytes())

        def replays(self):
            lines = journal.read(tmp_path / "run.jsonl")
            found = replay.replay(lines, *replay.candidates(self.prior))
            assert found == self.file.read_bytes()

        def put(self, classes):
            self.file.write_bytes(state.written(classes, replay.candidates(self.prior)[1]))

    return Site()


OMEGA = "pc_sor_omega"


def finding(line):
    return line["learned"].get("numbers")


def test_probes_are_told_and_the_journal_leads_to_the_numbers(site):
    """A settled favourite first; each probe differs by its numbers alone; the state follows."""
    lines = site.run(SOLVES)
    probes = [line for line in lines if line["probe"]]
    assert probes
    before = [line for line in lines if line["solve"] < probes[0]["solve"]]
    assert sum(line["candidate"] == "gmres+sor" for line in before) >= 8
    for line in probes:
        assert "gmres+sor" not in line["learned"]["seen"]
        if line["source"] == "model":
            kind, moved = line["settings"]["pc_type"], float(line["settings"].get(OMEGA, 1.0))
            assert (kind, moved) == ("sor", pytest.approx(line["probe"]["numbers"][OMEGA]))
    (told,) = site.classes()
    assert told.numbers.step == sum(finding(line) is not None for line in lines)
    assert [line["probe"]["sign"] for line in probes if finding(line)] == [
        finding(line)["found"][0] for line in probes if finding(line)
    ]
    site.replays()


@pytest.mark.parametrize("ranks", [1, 2])
def test_moved_numbers_are_used_and_frozen_ones_stay(site, ranks):
    """Nothing is probed where runs are frozen or count their work; the grid has to be the same."""
    site.run(3, ranks)
    (found,) = site.classes()
    slow = state.Offset(50, 6.0, 1e-3)  # whatever the clock says of a busy machine
    found.offsets = {"gmres+sor": state.Offset(50, 0.0, 1e-3), state.OWN: slow}
    found.own_solve = state.Mean(12, 10.0)
    found.numbers = Numbers("gmres+sor", 9, 4, 1, of={OMEGA: Number(2, 1, -4, 4, 1.0, 0.2, 0)})
    site.put([found])
    kept = site.file.read_bytes()
    for more in ({"METASOLVE_FREEZE": "1"}, {"METASOLVE_DETERMINISTIC": "1"}):
        lines = site.run(20, ranks, **more)
        answers = [line for line in lines if line["source"] == "model"]
        used = [x["settings"][OMEGA] for x in answers if x["candidate"] == "gmres+sor"]
        assert set(used) == {"1.4"}, {line["why"] for line in lines}
        assert not any(line["probe"] for line in lines)
        assert site.file.read_bytes() == kept
    found.numbers.of = {"pc_python_type": Number(2, 1, -4, 4, 1.0, 0.2, 0)}
    site.put([found])
    assert not any("1.4" in line["settings"].values() for line in site.run(5, ranks))


def test_a_state_from_before_there_were_numbers_is_read(site):
    site.run(3)
    text = re.sub(rb"numbers 0\n", b"", site.file.read_bytes()[:-72])
    text = text.replace(b"metasolve-state 4", b"metasolve-state 3")
    before = text + f"sha256 {hashlib.sha256(text).hexdigest()}\n".encode()
    site.file.write_bytes(before)
    assert [each.solves for each in site.classes()] == [3]
    site.run(3)
    assert [each.solves for each in site.classes()] == [6]


def test_of_runs_that_end_at_once_the_one_with_more_findings_has_the_numbers():
    kept = state.Operators("-", 4096, 1, 2, 1)
    kept.numbers = Numbers("gmres+sor", 9, 4, 1, of={OMEGA: Number(2, 1, -4, 4, 1.0, 0.2, 0)})
    line = {"class": kept.name, "new_operator": True}
    for step, expected in ((3, 9), (9, 10), (30, 31)):
        told = {"candidate": "gmres+sor", "found": [0, 0], "count": [step, 4, 1, 0, 0, 0, 0]}
        told["of"] = {OMEGA: [0, 0, -4, 4, 1.0, 0.2, 0]}
        replay.learn([kept], {**line, "learned": {"seen": {}, "numbers": told}}, [])
        assert kept.numbers.step == expected
