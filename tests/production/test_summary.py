import pytest

from metasolve.production.journal import Summary, told

SLOW = "time budget of {} s used up"


def said(*whys):
    return str(Summary.of({"source": "fallback", "why": why} for why in whys))


def test_reasons_that_differ_in_numbers_alone_are_one():
    assert said(*(SLOW.format(0.1 * i) for i in (1, 2, 3)), "DIVERGED_DTOL") == (
        "4 solves: 4 fallback [time budget of ... s used up (3); DIVERGED_DTOL (1)]"
    )


def test_a_reason_that_is_the_same_each_time_keeps_its_numbers():
    assert said(SLOW.format(0.2), SLOW.format(0.2)).endswith("[time budget of 0.2 s used up (2)]")


@pytest.mark.parametrize("sources", [[], ["model"]])
def test_of_a_log_that_cannot_be_written_nobody_says_what_reached_the_plug_in(sources):
    """Solves that have no line were perhaps accelerated: it is no matter of how PETSc is linked."""
    said = told(Summary.of({"source": each} for each in sources), unwritten="a full disk")
    assert "PETSc" not in said
    assert said.endswith("the log cannot be written (a full disk)")
    assert ("1 solve: 1 model, and perhaps more" in said) == bool(sources)
