import numpy as np
import pytest

from metasolve.errors import RecordingError
from metasolve.petsc.capabilities import Capabilities, of_petsc4py
from metasolve.petsc.recording import Recording
from metasolve.petsc.spaces import default_space
from metasolve.solve.solver import Budget
from metasolve.space import Space

from .conftest import convection_diffusion, neumann, random_vector

replay_module = pytest.importorskip("metasolve.petsc.replay")


def singular(writer):
    A = neumann(20)
    b = random_vector(A)
    A.getNullSpace().remove(b)
    writer.solve(A, b, host={"ksp_type": "gmres", "pc_type": "sor"})
    return writer.path


def indefinite(writer):
    A = convection_diffusion(12, 0.0)
    A.shift(-4.1)
    writer.solve(A, random_vector(A), host={"ksp_type": "gmres", "pc_type": "jacobi"})
    return writer.path


def parallel(writer, peclet):
    """On one rank, but with the settings chosen for several."""
    A = convection_diffusion(20, peclet)
    writer.solve(A, random_vector(A), ranks=2)
    return writer.path


@pytest.fixture(params=["nonsymmetric", "symmetric", "singular", "parallel", "parallel symmetric"])
def recording(request, writer):
    make = {
        "singular": lambda: singular(writer),
        "parallel": lambda: parallel(writer, 20.0),
        "parallel symmetric": lambda: parallel(writer, 0.0),
    }
    name = request.param
    return Recording(make[name]() if name in make else request.getfixturevalue(name))


def test_every_arm_runs_with_every_option_used(recording):
    space, replay = default_space(recording), replay_module.Replay()
    rng = np.random.default_rng(0)
    instance = recording.instances()[-1]
    tried = [space.defaults()]
    for index, arm in enumerate(space.arms()):
        tried += [space.complete(arm), space.sample(rng, index)]
    for settings in tried:
        outcome = replay_module.Replay(space=space).solve(
            instance, settings, Budget(seconds=5.0, iterations=500)
        )
        assert outcome.message == "" or outcome.message.startswith("KSP reason"), settings
    replay.destroy()


def test_defaults_of_every_arm_solve_what_they_are_meant_for(recording):
    space = default_space(recording)
    replay = replay_module.Replay(space=space)
    instance = recording.instances()[0]
    solved = [
        replay.solve(instance, space.complete(arm), Budget(None, 2000)).ok for arm in space.arms()
    ]
    assert np.mean(solved) > 0.8
    assert replay.solve(instance, space.defaults(), Budget()).ok


def test_it_is_modest(recording):
    space = default_space(recording)
    assert len(space.settings) <= 18
    assert len(space.arms()) <= 40


def test_it_starts_where_the_program_is(nonsymmetric):
    assert default_space(Recording(nonsymmetric)).defaults()["pc_type"] == "ilu"


def test_the_programs_own_numbers_are_defaults(writer):
    A = convection_diffusion(10)
    host = {"ksp_type": "bcgs", "pc_type": "sor", "pc_sor_omega": "1.3", "pc_sor_its": "9"}
    writer.solve(A, random_vector(A), host=host)
    defaults = default_space(Recording(writer.path)).defaults()
    assert defaults["ksp_type"] == "bcgs"
    assert defaults["pc_sor_omega"] == 1.3
    assert defaults["pc_sor_its"] == 4


def test_cg_only_where_it_may_be_used(writer, tmp_path):
    space = default_space(Recording(indefinite(writer)))
    assert "cg" not in space["ksp_type"].values


def test_cg_is_tried_where_some_systems_are_symmetric(writer):
    for peclet in (0.0, 20.0):
        A = convection_diffusion(10, peclet)
        writer.solve(A, random_vector(A))
    space = default_space(Recording(writer.path))
    assert {"cg", "gmres", "bcgs"} == set(space["ksp_type"].values)
    assert "ilu" in space["pc_type"].values


def test_no_plain_factorisation_of_a_singular_matrix(writer):
    space = default_space(Recording(singular(writer)))
    assert "lu" not in space["pc_type"].values


def test_only_what_petsc_was_built_with(nonsymmetric):
    bare = Capabilities((3, 17, 0), frozenset({"ilu", "sor", "gamg"}))
    space = default_space(Recording(nonsymmetric), bare)
    assert space["pc_type"].values == ("ilu", "sor", "gamg")
    assert "pc_gamg_square_graph" in space.names


def test_this_petsc_has_the_usual(nonsymmetric):
    assert {"ilu", "sor", "gamg", "lu"} <= of_petsc4py().preconditioners


def test_it_survives_a_file(recording):
    space = default_space(recording)
    assert Space.from_dict(space.to_dict()) == space


def test_nothing_recorded_is_an_error(writer):
    with pytest.raises(RecordingError, match="metasolve record"):
        default_space(Recording(writer.path))
