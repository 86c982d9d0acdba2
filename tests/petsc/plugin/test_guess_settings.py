"""A learned guess that comes with settings of its own, or is of one operator."""

import struct

import numpy as np
import pytest

from metasolve.guess.checksum import sealed
from metasolve.model.directory import load
from metasolve.recorded.guess import learn_guess

from .conftest import SIZE, cases, copied, norms


@pytest.fixture(scope="module")
def followed(learned, tmp_path_factory):
    """The same guess with settings of its own, which are much faster than ILU(0) from a guess."""
    model = tmp_path_factory.mktemp("followed") / "model"
    found = learn_guess(learned[2], model, modes=(40,), calls=150, repeats=2)
    return model, found


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
        path.write_bytes(
            sealed(held[:16], held[24:72] + flags + held[96:basis] + text + held[basis:])
        )
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
    "settings", [{"pc_type": "spai"}, {"ksp_type": "richardson", "pc_type": "none"}]
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


@pytest.mark.parametrize("ranks", [1, 2])
def test_steps_with_one_operator_start_near_their_solution(
    solver_program, plugin_library, run_with, run_program, tmp_path, ranks
):
    """The right-hand sides of later steps are projected on those of the first forty."""
    from metasolve.petsc.recording import record

    command = [*solver_program("heat"), "-n", "24", "-constant_coefficients", "-steps", "40"]
    record(command, tmp_path / "recording")
    options = {"modes": (8, 16), "calls": 0, "repeats": 1}
    learn_guess(tmp_path / "recording", tmp_path / "model", **options)
    size, entries = np.frombuffer((tmp_path / "model" / "guess.bin").read_bytes(), "<i8", 4, 24)[
        ::3
    ]
    assert (size, entries) == (24**2, 0)
    later = [*command, "-steps", "60"]
    done, lines = run_with(tmp_path / "model", later, ranks)
    own = run_program(later, ranks=ranks)
    assert len(lines) == 60
    for line in lines:
        assert line["guess"] < 1e-2
        assert line["true_residual"] <= line["tolerance"]
    last = [float(each.split()[-1]) for each in (done.stdout, own.stdout)]
    assert last[0] == pytest.approx(last[1], rel=1e-4)
