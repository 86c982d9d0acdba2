"""What a run says: costs and answers from wherever programs leave them."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from metasolve.program import reading
from metasolve.program.case import Accept, CostReading
from metasolve.program.process import Finished


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    def made(stdout="", **files):
        top = tmp_path_factory.mktemp("run")
        (top / "run").mkdir()
        (top / "stdout").write_text(stdout)
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            (top / "run" / name.replace("_", ".")).write_bytes(data)
        return Finished(top / "run", 0, 3.0, 2.0)

    return made


LOG = """\
Stage Name,Event Name,Rank,Count,Time,Num Messages
Main Stage,KSPSolve,0,1,1.5,0
Main Stage,KSPSolve,1,1,1.75,0
second,KSPSolve,0,1,0.25,0
Main Stage,MatMult,0,9,0.5,0
"""
COSTS = [
    ({}, 3.0),
    ({"time": "wall"}, 3.0),
    ({"time": "cpu"}, 2.0),
    ({"pattern": r"took (\S+)"}, 4.0),
    ({"pattern": r"took (\S+)", "take": "sum"}, 1506.0),
    ({"pattern": r"took (\S+)", "take": "max"}, 1500.0),
    ({"csv": "t.csv", "key": "seconds"}, 0.5),
    ({"csv": "t.csv", "key": "seconds", "take": "sum"}, 0.75),
    ({"json": "t.json", "key": "solve.seconds"}, 0.125),
    ({"json": "t.json", "key": "steps", "take": "sum"}, 6.0),
    ({"petsc_log": "KSPSolve"}, 2.0),
]


@pytest.mark.parametrize(("keys", "cost"), COSTS, ids=[str(keys) for keys, _ in COSTS])
def test_costs(finished, keys, cost):
    run = finished(
        "took 2\ntook 1.5D+3\ntook 4\n",
        t_csv="step, seconds\n1, 0.25\n2, 0.5\n",
        t_json='{"solve": {"seconds": 0.125}, "steps": [1, 2, 3]}',
    )
    (run.folder / reading.PETSC_LOG).write_text(LOG)
    assert reading.cost(CostReading.model_validate(keys), run) == cost


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"csv": "u.csv", "key": "seconds"}, "cost.csv='u.csv': No such file"),
        ({"csv": "t.csv", "key": "second"}, "'second' is no column of t.csv; it has: seconds"),
        ({"json": "t.json", "key": "a.c"}, "'a.c' is not in t.json; there is: b"),
        ({"pattern": r"took (\S+)"}, "matches nothing on stdout \\(no output\\)"),
        ({"petsc_log": "KSPSolve"}, "petsc_log"),
    ],
)
def test_what_is_not_there_is_one_line_with_a_remedy(finished, keys, told):
    run = finished(t_csv="seconds\n1\n", t_json='{"a": {"b": 1}}')
    with pytest.raises(reading.ReadingError, match=told) as caught:
        reading.cost(CostReading.model_validate(keys), run)
    assert "\n" not in str(caught.value)


FINITE = st.floats(-1e100, 1e100)


@given(st.lists(FINITE, min_size=1, max_size=9))
def test_a_file_of_numbers_is_read_whatever_stands_between(finished, values):
    text = "x = [" + "; ".join(map(repr, values)) + "]\n"
    found = reading.answer(Accept(file="a.txt", tolerance=1), finished(a_txt=text))
    assert found.tolist() == values


@given(hnp.arrays(float, st.integers(1, 9), elements=FINITE))
def test_a_petsc_vector_is_read(finished, values):
    data = struct.pack(">ii", 1211214, len(values)) + values.astype(">f8").tobytes()
    found = reading.answer(Accept(file="a.bin", tolerance=1), finished(a_bin=data))
    assert np.array_equal(found, values)


def test_distance_is_relative_and_infinite_for_answers_of_another_shape():
    own = np.array([3.0, 4.0])
    assert reading.distance(np.array([3.0, 4.5]), own) == pytest.approx(0.1)
    assert reading.distance(own, own) == 0.0
    assert reading.distance(np.array([3.0]), own) == np.inf
    assert reading.distance(np.array([3.0, np.nan]), own) == np.inf
    assert reading.distance(np.zeros(2), np.zeros(2)) == 0.0
