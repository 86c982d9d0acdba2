import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasolve.errors import RecordingError
from metasolve.petsc.binary import vector_norm
from metasolve.petsc.recorded_solve import Subspace
from metasolve.petsc.recording import FEATURES_VERSION, Recording, setup_shares, usual_seconds

from .conftest import RecordingWriter, convection_diffusion, random_vector


def manifest(path):
    return path / "manifest.jsonl"


def test_every_solve_is_an_instance(nonsymmetric):
    recording = Recording(nonsymmetric)
    instances = recording.instances()
    assert [each.id for each in instances] == ["0a1b-0", "0a1b-1", "0a1b-2"]
    assert all(each.setup_share == 1.0 for each in instances)
    assert all(each.tolerance == 1e-5 for each in instances)
    assert recording.feature_names() == ["log_rows", "asymmetry", "negative_diagonal"]
    solve = instances[0].payload
    assert solve.operator.rows == 400
    assert solve.operator.file.is_file()
    assert solve.operator.null == Subspace()
    assert solve.host.ksp_type == "gmres"


def test_solves_with_one_operator_share_its_setup(symmetric):
    recording = Recording(symmetric)
    assert [each.setup_share for each in recording.instances()] == [0.5, 0.5]
    assert len(recording.operators()) == 1


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["", "a_"]))))
def test_shares_add_up_to_the_number_of_setups(sequence):
    places = [("run", prefix) for _, prefix in sequence]
    contents = [content for content, _ in sequence]
    setups, latest = 0, {}
    for place, content in zip(places, contents, strict=True):
        setups += latest.get(place) != content
        latest[place] = content
    solves = list(zip(places, contents, strict=True))
    assert math.isclose(sum(setup_shares(solves, [0.0] * len(solves))), setups)
    assert setup_shares(solves, [1.0] * len(solves)) == [1.0] * len(solves)


def test_a_program_that_makes_a_ksp_for_every_solve_pays_for_all_set_ups():
    """What it takes tells: the same matrix, but nothing kept; a first one that was cold, too."""
    solves = [("run", "A")] * 6
    assert setup_shares(solves, [3e-3, 4e-4, 5e-4, 2e-6, 0.0, 6e-4]) == [
        1,
        1,
        1 / 3,
        1 / 3,
        1 / 3,
        1,
    ]


def test_an_operator_that_changes_and_changes_back_is_set_up_again(writer):
    A, B = convection_diffusion(6, 1.0), convection_diffusion(6, 2.0)
    for state, matrix in enumerate((A, B, A)):
        writer.solve(matrix, random_vector(matrix), state=state)
    assert [each.setup_share for each in Recording(writer.path).instances()] == [1.0] * 3


@pytest.mark.parametrize("torn", ['{"kind":"solve","id":"x', "", "\x00\x00\x00", '{"kind":'])
def test_a_torn_last_line_is_ignored(nonsymmetric, torn):
    with manifest(nonsymmetric).open("a") as file:
        file.write(torn)
    assert len(Recording(nonsymmetric).solves) == 3


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_killed_run_may_be_followed_by_another(nonsymmetric, end):
    text = manifest(nonsymmetric).read_text().replace('"kind": ', '"kind":')
    manifest(nonsymmetric).write_text(text + text.splitlines()[-1][:50] + end + text)
    recording = Recording(nonsymmetric)
    assert len(recording.solves) == 6
    assert len(recording.runs) == 2


def test_a_line_of_another_format_is_refused(nonsymmetric):
    with manifest(nonsymmetric).open("a") as file:
        file.write(json.dumps({"kind": "run", "format": 2}) + "\n")
    with pytest.raises(RecordingError, match=r"line 5.*format"):
        Recording(nonsymmetric)


def test_features_of_another_version_are_refused(tmp_path):
    writer = RecordingWriter(tmp_path, features_version=FEATURES_VERSION - 1)
    A = convection_diffusion(4)
    writer.solve(A, random_vector(A))
    with pytest.raises(RecordingError, match=r"features of version .* record again"):
        Recording(tmp_path).instances()


def test_what_is_missing_is_said_with_a_remedy(tmp_path):
    with pytest.raises(RecordingError, match="metasolve record"):
        Recording(tmp_path)


def test_an_empty_recording_says_why(writer):
    writer.line(kind="skipped", run="0a1b", prefix="", why="matrix type shell is not AIJ")
    recording = Recording(writer.path)
    assert [each.why for each in recording.skipped] == ["matrix type shell is not AIJ"]
    with pytest.raises(RecordingError, match=r"shell is not AIJ.*metasolve record"):
        recording.instances()


def test_an_absolute_tolerance_counts_relative_to_the_right_hand_side(writer):
    A = convection_diffusion(6)
    b = random_vector(A)
    writer.solve(A, b, abstol=1e-2, rtol=1e-8)
    (instance,) = Recording(writer.path).instances()
    assert instance.tolerance == pytest.approx(1e-2 / b.norm())
    assert vector_norm(instance.payload.rhs) == pytest.approx(b.norm())


def test_a_zero_right_hand_side_has_a_tolerance(writer):
    A = convection_diffusion(6)
    b = A.createVecLeft()
    b.set(0.0)
    writer.solve(A, b, abstol=1e-2)
    assert Recording(writer.path).instances()[0].tolerance == 1e-5


def test_a_feature_that_is_no_number_is_nan(writer):
    A = convection_diffusion(6)
    writer.solve(A, random_vector(A), features={"rows": 36, "odd": None})
    assert np.isnan(Recording(writer.path).instances()[0].features["odd"])


@given(st.lists(st.integers(10, 10**6), min_size=1, max_size=40), st.data())
def test_one_interrupted_look_changes_none_that_is_thought_usual(sizes, data):
    """Looks take longer for larger systems, by a law; one of them was interrupted."""
    seconds = [1e-5 + 1e-9 * size for size in sizes]
    usual = usual_seconds(sizes, seconds)
    assert min(seconds) <= min(usual) <= max(usual) <= max(seconds)
    late = data.draw(st.integers(0, len(sizes) - 1))
    seen = usual_seconds(sizes, [s + (i == late) for i, s in enumerate(seconds)])
    if len(sizes) > 2:
        assert max(seen) <= max(seconds)


def test_looks_at_equal_sizes_take_the_same():
    assert usual_seconds([100] * 30, [2e-5] * 30) == [2e-5] * 30


def test_a_recording_shows_its_sizes(symmetric):
    shown = f"<Recording {symmetric}: 1 runs, 2 solves, 1 operators, 0 skipped>"
    assert repr(Recording(symmetric)) == shown
