"""A learned guess in production: only for the systems it was learned from, and never believed."""

import json
import shutil
import struct

import numpy as np
import pytest

from metasolve.errors import ModelError, UsageError
from metasolve.model import load
from metasolve.model.directory import save
from metasolve.train.guess_race import WITHOUT
from metasolve.train.recorded_guess import learn_guess

from ..conftest import convection_diffusion, random_vector

SIZE = 48


def cases(path, count, seed, size=SIZE):
    """Lines for the program's -list: one grid, varying wind and diffusion."""
    rng = np.random.default_rng(seed)
    lines = [
        f"{size} {10 ** rng.uniform(0, 2):.6g} {rng.uniform(0, 360):.6g} recirculating "
        f"{10 ** rng.uniform(0, 2):.6g}"
        for _ in range(count)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def program(solver_program):
    return solver_program("convection_diffusion")


@pytest.fixture(scope="module")
def learned(program, plugin_library, tmp_path_factory):
    """A model of nothing but a guess, and what learning it said."""
    from metasolve.petsc.recording import record

    folder = tmp_path_factory.mktemp("guess")
    given = cases(folder / "train.txt", 60, 1)
    record([*program, "-list", str(given)], folder / "recording")
    options = {"modes": (4, 40), "calls": 0, "repeats": 3}
    found = learn_guess(folder / "recording", folder / "model", **options)
    return folder / "model", found, folder / "recording"


@pytest.fixture(scope="module")
def followed(learned, tmp_path_factory):
    """The same guess with settings of its own, which are much faster than ILU(0) from a guess."""
    model = tmp_path_factory.mktemp("followed") / "model"
    found = learn_guess(learned[2], model, modes=(40,), calls=150, repeats=2)
    return model, found


@pytest.fixture
def unseen(tmp_path):
    return cases(tmp_path / "unseen.txt", 8, 2)


def copied(model, tmp_path):
    return shutil.copytree(model, tmp_path / "copy")


def norms(output):
    return [float(line.rsplit("norm", 1)[1]) for line in output.splitlines() if " norm " in line]


def test_the_fastest_is_kept_and_beats_starting_from_zero(learned):
    model, found, _ = learned
    assert found.contenders[0].name == WITHOUT
    assert found.winner.time == min(each.time for each in found.contenders) < 0.98
    assert load(model).info["guess"]["modes"] == found.winner.modes


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
    path.write_bytes(held)
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
        return changed(model, 64, struct.pack("<q", 0))

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
    done, lines = run_with(chosen(pc_type="no_such_pc"), command)
    assert "fallback" in {line["source"] for line in lines}
    first = lines[0]
    assert (first["source"], first["guess"]) == ("fallback", None)
    assert done.stdout.splitlines()[0] == run_program(command).stdout.splitlines()[0]


def test_settings_found_from_the_guess_go_with_it_where_they_are_faster(followed):
    model, found = followed
    times = {each.settings: each.time for each in found.contenders}
    assert found.winner.time == min(times.values())
    held = load(model).info["guess"]
    assert held["options"] == (found.options if found.winner.settings == "guess" else {})


@pytest.fixture
def going_on(learned, tmp_path):
    """`going_on(pc_type="sor")`: the learned guess, with these settings to go on from it."""

    def make(expected=1.0, **settings):
        model = copied(learned[0], tmp_path)
        path, modes = model / "guess.bin", load(model).info["guess"]["modes"]
        held = path.read_bytes()
        text = "".join(f"{name} {value}\n" for name, value in settings.items()).encode()
        text += b"\n" * (-len(text) % 8)
        flags = struct.pack("<qqd", 0, len(text) // 8, expected)
        basis = len(held) - 8 * modes * SIZE**2
        path.write_bytes(held[:64] + flags + held[88:basis] + text + held[basis:])
        return model

    return make


@pytest.mark.parametrize("ranks", [1, 2])
def test_settings_of_its_own_solve_what_it_leaves(going_on, program, unseen, run_with, ranks):
    settings = {"ksp_type": "bcgs", "pc_type": "bjacobi", "sub_pc_type": "ilu"}
    lines = run_with(going_on(**settings), [*program, "-list", str(unseen)], ranks)[1]
    assert len(lines) == 8
    for line in lines:
        assert (line["source"], line["settings"]) == ("model", settings)
        assert line["guess"] < 0.5
        assert line["true_residual"] <= line["tolerance"]


@pytest.mark.parametrize(
    "settings", [{"pc_type": "no_such_pc"}, {"ksp_type": "richardson", "pc_type": "none"}]
)
def test_where_its_own_settings_fail_the_program_solves_from_zero(
    going_on, program, unseen, run_with, run_program, settings
):
    command = [*program, "-list", str(unseen)]
    done, lines = run_with(going_on(**settings), command)
    own = run_program(command)
    assert (lines[0]["source"], lines[0]["guess"]) == ("fallback", None)
    assert done.stdout.splitlines()[0] == own.stdout.splitlines()[0]
    np.testing.assert_allclose(norms(done.stdout), norms(own.stdout), rtol=1e-3)


def test_its_own_settings_are_for_the_systems_it_fits_alone(
    going_on, program, tmp_path, run_with, run_program
):
    command = [*program, "-list", str(cases(tmp_path / "other.txt", 3, 3, SIZE + 1))]
    done, lines = run_with(going_on(pc_type="jacobi"), command)
    assert {line["source"] for line in lines} == {"refused"}
    assert done.stdout == run_program(command).stdout


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
    from metasolve.report.evaluate import evaluate

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
