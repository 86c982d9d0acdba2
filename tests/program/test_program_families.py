"""Benchmark ``families`` on a program: the same table as for systems."""

from benchmarks.families import members, rows, summary
from benchmarks.family_score import Amounts


def test_a_program_is_a_family_too(script, hasty):
    (member,) = members([script()])
    assert member.rtol is None
    few = Amounts(train=24, test=3, calls=60, repeats=1)
    scores = member.scores(1, few, False, lambda *_: None)
    assert [each.contender for each in scores] == ["default", "best global", "ours"]
    assert all(len(each.seconds) == 3 for each in scores)
    assert scores[2].calls > 0
    told = summary(rows([scores]))
    assert told["strongest classical"] is None
    assert told["x default"] > 0
