"""Each run is left out in turn: what that says of runs that will come."""

import numpy as np

from metasolve.model.model import Standardisation
from metasolve.solve.instance import Instance
from metasolve.train.coverage import Coverage, coverage, sentence


def runs(values, of_each=3):
    """A run for each value of its feature, with some systems."""
    instances, groups = [], {}
    for run, value in enumerate(values):
        for number in range(of_each):
            each = Instance(f"{run}-{number}", {"size": float(value), "kind": 1.0 * (number == 0)})
            instances.append(each)
            groups[each.id] = str(run)
    return instances, groups


def test_runs_that_are_alike_cover_each_other():
    found = coverage(*runs([5.0, 5.0, 5.0, 5.0]))
    assert found == Coverage(4, 1.0)
    assert found.more == 0
    assert sentence(found, "runs") == "of 4 runs, 100 % of each lie in the range of the others"


def test_runs_that_are_each_something_new_need_ten_times_as_many():
    found = coverage(*runs([1.0, 10.0, 100.0, 1000.0, 1e4]))
    assert 0.0 < found.familiar <= 0.8  # those in the middle are in the range of the others
    strange = Coverage(5, 0.0)
    assert strange.more == 45
    assert "record some 45 more runs" in sentence(strange, "runs")


def test_of_one_size_nothing_is_said_of_others():
    instances, groups = runs([5.0, 5.0, 5.0])
    sized = [Instance(each.id, {**each.features, "log_rows": 4.0}) for each in instances]
    found = coverage(sized, groups)
    assert found.rows == 10**4
    assert "all have 10000 unknowns, so other sizes do not" in sentence(found, "runs")
    other = Instance("other", {**sized[0].features, "log_rows": 5.0})
    assert coverage([*sized, other], {**groups, "other": "0"}).rows is None


def test_of_too_few_nothing_is_said():
    assert coverage(*runs([1.0, 2.0])) is None
    assert sentence(None, "runs").startswith("fewer than 3 runs")


def test_so_many_more_are_enough():
    """Of as many runs as it asks for, one in ten that follow is outside, or fewer."""
    rng = np.random.default_rng(3)
    outside = []
    for _ in range(60):
        drawn = rng.standard_cauchy(6)
        found = coverage(*runs(drawn, 1))
        known = np.append(drawn, rng.standard_cauchy(found.more))[:, None]
        box = Standardisation.fit(["size"], known)
        outside += [bool(box.unfamiliar(np.array([x]))) for x in rng.standard_cauchy(50)]
    assert np.mean(outside) < 0.15
