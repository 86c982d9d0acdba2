from metasolve.production.journal import Summary

SLOW = "time budget of {} s used up"


def said(*whys):
    return str(Summary.of({"source": "fallback", "why": why} for why in whys))


def test_reasons_that_differ_in_numbers_alone_are_one():
    assert said(*(SLOW.format(0.1 * i) for i in (1, 2, 3)), "DIVERGED_DTOL") == (
        "4 solves: 4 fallback [time budget of ... s used up (3); DIVERGED_DTOL (1)]"
    )


def test_a_reason_that_is_the_same_each_time_keeps_its_numbers():
    assert said(SLOW.format(0.2), SLOW.format(0.2)).endswith("[time budget of 0.2 s used up (2)]")
