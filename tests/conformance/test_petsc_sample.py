"""PETSc's own tests, a committed sample of them, under models that act on everything.

Laws: none of them is a suspect (see examining.py); and enough attempts are accepted, because a
plug-in that refuses everything harms nobody either.
"""

import pytest
from examining import examine
from reporting import forgiven
from suite import sample

SAMPLE = sample()
#: Of the solves of the sample, and of its cases with at least one: what the contract allowed when
#: the sample was chosen, less what may go either way. May grow, never shrink.
ACCEPTED, CASES_WITH_ONE = 45, 30


@pytest.fixture(scope="module")
def outcome(work, examples):
    """`outcome(name, model)`: the row of a case, which runs once."""
    known = {}

    def of(name, model):
        if name not in known:
            known[name] = examine(examples.named(name), examples, work, ("pin",), model)
        return known[name]

    return of


def ran(row):
    if "skip" in row:
        pytest.skip(row["skip"])
    return row["ways"]["pin"]


def test_the_sample_is_of_many_kinds_and_of_few_ranks(examples):
    cases = [examples.named(name) for name, _ in SAMPLE]
    assert len({case.source for case in cases}) >= 18
    assert {case.ranks for case in cases} == {1, 2, 3}
    assert len({model for _, model in SAMPLE}) >= 6
    assert len(set(SAMPLE)) == len(SAMPLE) >= 40


@pytest.mark.parametrize(("name", "model"), SAMPLE, ids=[name.split(":")[1] for name, _ in SAMPLE])
def test_a_program_of_petscs_keeps_its_meaning(outcome, name, model):
    run = ran(outcome(name, model))
    assert not run["suspect"] or forgiven(run), (run["suspect"], run["differences"][:3])


def test_enough_attempts_are_accepted(outcome):
    runs = [ran(outcome(*each)) for each in SAMPLE]
    assert sum(run["accepted"] for run in runs) >= ACCEPTED
    assert sum(run["accepted"] > 0 for run in runs) >= CASES_WITH_ONE
