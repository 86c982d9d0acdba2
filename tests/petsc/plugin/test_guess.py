"""A learned guess in production: only for the systems it was learned from, and never believed."""

import json
import shutil
import struct

import numpy as np
import pytest

from metasolve.errors import ModelError, UsageError
from metasolve.guess.checksum import sealed
from metasolve.model.directory import load, save
from metasolve.recorded.guess import learn_guess
from metasolve.recorded.guess_race import WITHOUT

from ..conftest import convection_diffusion, random_vector
from .conftest import SIZE, cases, copied, norms


def test_the_fastest_is_kept_and_beats_starting_from_zero(learned):
    model, found, _ = learned
    assert found.contenders[0].name == WITHOUT
    assert found.winner.time == min(each.time for each in found.contenders) < 0.98
    assert load(model).info["guess"]["modes"] == found.modes >= found.winner.modes


@pytest.mark.parametrize("ranks", [1, 2])
def test_unseen_systems_start_near_their_solution(
    learned, program, unseen, run_with, run_program, ranks
):
    """On 2 ranks the grid is cut in strips: the ordering is the same."""
    command = [*program, "-list", str(unseen)]
    done, lines = run_with(learned[0], command, ranks)
    assert done.returncode == 0, done.stderr
    own = run_program(command, ranks=ranks)
    assert len(lines) == 8
    for line in lines:
        assert (line["source"], line["settings"]) == ("model", {})
        assert 0 < line["guess"] < 0.5
        assert line["true_residual"] <= line["tolerance"]
        assert line["seconds"]["guess"] > 0
    np.testing.assert_allclose(norms(done.stdout), norms(own.stdout), rtol=1e-3)


def test_the_guess_is_the_same_on_any_number_of_ranks(learned, program, unseen, run_with):
    one, two = (run_with(learned[0], [*program, "-list", str(unseen)], n)[1] for n in (1, 2))
    np.testing.assert_allclose(
        [line["guess"] for line in one], [line["guess"] for line in two], rtol=1e-4
    )


@pytest.mark.parametrize(
    ("size", "ranks", "options"),
    [(SIZE + 1, 1, ""), (SIZE, 4, ""), (SIZE, 1, "-da_grid_x 96 -da_grid_y 24")],
    ids=["another grid", "another ordering", "another shape"],
)
def test_other_systems_are_left_alone(
    learned, program, tmp_path, run_with, run_program, size, ranks, options
):
    command = [*program, "-list", str(cases(tmp_path / "other.txt", 3, 3, size))]
    done, lines = run_with(learned[0], command, ranks, options)
    assert done.returncode == 0, done.stderr
    assert [(line["source"], line["guess"]) for line in lines] == [("refused", None)] * 3
    own = run_program(command, ranks=ranks, env={"PETSC_OPTIONS": options})
    assert done.stdout == own.stdout


def test_advice_starts_nowhere_else(learned, program, unseen, run_with, run_program):
    command = [*program, "-list", str(unseen)]
    done, lines = run_with(learned[0], command, env={"METASOLVE_ADVISE": "1"})
    assert [(line["source"], line["guess"]) for line in lines] == [("refused", None)] * 8
    assert done.stdout == run_program(command).stdout


def test_a_guess_that_meets_the_tolerance_is_the_answer(learned, program, unseen, run_with):
    options = "-ksp_rtol 0.5"
    lines = run_with(learned[0], [*program, "-list", str(unseen)], options=options)[1]
    for line in lines:
        assert (line["source"], line["iterations"]) == ("model", 0)
        assert line["true_residual"] == pytest.approx(line["guess"])
        assert line["guess"] <= line["tolerance"] == 0.5


def changed(model, place, data):
    """The model with bytes of its guess overwritten, `place` counted from the end if negative."""
    path = model / "guess.bin"
    held = bytearray(path.read_bytes())
    place %= len(held)
    held[place : place + len(data)] = data
    path.write_bytes(sealed(bytes(held[:16]), bytes(held[24:])))
    return model


@pytest.mark.parametrize(
    ("value", "why"), [(float("nan"), "no residual"), (1e300, "a huge one")], ids=["NaN", "huge"]
)
def test_a_guess_that_makes_it_worse_is_not_used(
    learned, program, unseen, tmp_path, run_with, run_program, value, why
):
    model = copied(learned[0], tmp_path)
    modes = load(model).info["guess"]["modes"]
    damaged = changed(model, -8 * modes * SIZE**2, struct.pack("<d", value) * (modes * SIZE**2))
    command = [*program, "-list", str(unseen)]
    done, lines = run_with(damaged, command)
    assert {(line["source"], line["guess"]) for line in lines} == {("refused", None)}, why
    assert done.stdout == run_program(command).stdout


@pytest.mark.parametrize("keep", [0, 10, 95, 500, -8])
def test_a_truncated_guess_is_refused_in_one_line(
    learned, program, unseen, tmp_path, run_with, run_program, keep
):
    model = copied(learned[0], tmp_path)
    path = model / "guess.bin"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelError, match="truncated or changed"):
        load(model)
    command = [*program, "-list", str(unseen)]
    done, lines = run_with(model, command)
    assert done.stderr.count("guess.bin is truncated") == 1
    assert {line["source"] for line in lines} == {"refused"}
    assert done.stdout == run_program(command).stdout


def test_the_programs_own_failure_from_a_guess_is_its_failure_from_zero(
    learned, program, unseen, run_with, run_program
):
    """With one iteration allowed neither start converges: what the program reports is its own."""
    command, options = [*program, "-list", str(unseen)], "-ksp_max_it 1"
    done, lines = run_with(learned[0], command, options=options)
    own = run_program(command, env={"PETSC_OPTIONS": options})
    assert (done.returncode, done.stdout) == (own.returncode, own.stdout)
    assert "fallback" in {line["source"] for line in lines}


@pytest.fixture
def chosen(learned, constant_model):
    """`chosen(pc_type="jacobi")`: a model that chooses these settings, to go with the guess."""

    def make(**settings):
        model = constant_model(ksp_type="gmres", **settings)
        shutil.copy(learned[0] / "guess.bin", model)
        return changed(model, 72, struct.pack("<q", 0))

    return make


def test_it_goes_with_the_models_settings_where_these_were_faster(
    chosen, program, unseen, run_with
):
    lines = run_with(chosen(pc_type="jacobi"), [*program, "-list", str(unseen)])[1]
    for line in lines:
        assert (line["source"], line["settings"]["pc_type"]) == ("model", "jacobi")
        assert line["guess"] < 0.5
        assert line["true_residual"] <= line["tolerance"]


def test_where_these_fail_the_program_solves_from_zero(
    chosen, program, unseen, run_with, run_program
):
    command = [*program, "-list", str(unseen)]
    done, lines = run_with(chosen(pc_type="spai"), command)
    assert "fallback" in {line["source"] for line in lines}
    first = lines[0]
    assert (first["source"], first["guess"]) == ("fallback", None)
    assert done.stdout.splitlines()[0] == run_program(command).stdout.splitlines()[0]


def test_a_guess_of_the_programs_own_is_left_alone(learned, program, unseen, run_with):
    options = "-ksp_initial_guess_nonzero"
    lines = run_with(learned[0], [*program, "-list", str(unseen)], options=options)[1]
    assert {(line["source"], line["guess"]) for line in lines} == {("refused", None)}


def test_a_new_training_forgets_the_guess(learned, tmp_path):
    model = copied(learned[0], tmp_path)
    save(load(model), model)
    assert not (model / "guess.bin").exists()


def test_it_is_evaluated_like_any_model(learned, program, tmp_path):
    """Against one setting for all, too, found with the calls that learning took."""
    from metasolve.petsc.recording import record
    from metasolve.recorded.evaluation import evaluate

    given = cases(tmp_path / "unseen.txt", 3, 4)
    record([*program, "-list", str(given)], tmp_path / "unseen")
    model = copied(learned[0], tmp_path)
    told = evaluate(model, tmp_path / "unseen", repeats=1).to_dict()
    assert len(told["instances"]) == 3
    assert (told["failures"], told["wrong_results"]) == (0, 0)
    assert told["calls"]["train"] == load(model).info["calls"]["train"]
    assert told["speedup"]["global"]["geomean"] > 0


def test_too_few_systems_of_one_grid_is_one_line(writer, tmp_path):
    for peclet in (1.0, 2.0, 3.0):
        A = convection_diffusion(8, peclet)
        writer.solve(A, random_vector(A))
    with pytest.raises(UsageError, match="record 12 or more"):
        learn_guess(writer.path, tmp_path / "model")


def test_a_model_of_a_program_has_no_systems_to_guess_for(learned, tmp_path):
    model = copied(learned[0], tmp_path)
    told = json.loads((model / "model.json").read_text())
    (model / "model.json").write_text(json.dumps(told | {"case": {}}))
    with pytest.raises(UsageError, match="trained on a program"):
        learn_guess(learned[2], model)


def test_the_command_says_what_was_raced_and_where_it_is(learned, tmp_path, capsys):
    from metasolve.cli.main import main

    words = ["guess", str(learned[2]), "-o", str(tmp_path / "m"), "--modes", "40", "--repeats", "1"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0
    assert told["rows"] == SIZE**2
    raced = [(each["modes"], each["settings"]) for each in told["contenders"]]
    assert raced == [(0, "model"), (40, "own"), (40, "guess")]
    assert told["options"]["pc_type"]
    seen = load(tmp_path / "m").info
    assert seen["calls"]["guess"] == seen["calls"]["train"]
    assert len(seen["trained_on"]) == 60
