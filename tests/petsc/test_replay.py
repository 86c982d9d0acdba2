import gc
import resource

import numpy as np
import pytest

from metasolve.errors import RecordingError, UsageError
from metasolve.petsc.recording import Recording
from metasolve.solve.instance import SLACK, Instance
from metasolve.solve.outcome import Reason
from metasolve.solve.solver import Budget, Solver
from metasolve.space import Space

from .conftest import PETSc, convection_diffusion, neumann, random_vector

replay_module = pytest.importorskip("metasolve.petsc.replay")
SOR = {"ksp_type": "gmres", "pc_type": "sor", "pc_sor_omega": 1.2}


@pytest.fixture
def replay():
    made = replay_module.Replay()
    yield made
    made.destroy()


def first(path):
    return Recording(path).instances()[0]


def database():
    return PETSc.Options().getAll()


def test_it_is_a_solver(replay):
    assert isinstance(replay, Solver)


def test_the_recomputed_residual_meets_the_tolerance(replay, nonsymmetric):
    for instance in Recording(nonsymmetric).instances():
        outcome = replay.solve(instance, SOR, Budget())
        assert outcome.ok, outcome
        assert outcome.true_residual <= instance.tolerance * SLACK
        assert outcome.iterations - 1 < outcome.fractional_iterations <= outcome.iterations
        assert len(outcome.history) == outcome.iterations + 1
        assert outcome.setup_seconds > 0
        assert outcome.solve_seconds > 0
        assert outcome.flops > 0


def test_what_was_solved_before_does_not_matter(replay, nonsymmetric):
    instance = first(nonsymmetric)
    omegas = (0.5, 1.0, 1.6, 0.5, 1.6, 1.0)
    seen = [replay.solve(instance, {**SOR, "pc_sor_omega": w}, Budget()) for w in omegas]
    by_omega = {}
    for omega, outcome in zip(omegas, seen, strict=True):
        assert by_omega.setdefault(omega, outcome.history) == outcome.history
    assert len(set(by_omega.values())) == 3


def test_the_options_database_is_left_as_it_was(replay, nonsymmetric):
    PETSc.Options().setValue("someone_elses_option", "7")
    before = database()
    replay.solve(first(nonsymmetric), SOR, Budget())
    replay.solve(first(nonsymmetric), {**SOR, "pc_type": "nonsense"}, Budget())
    replay.solve_host(first(nonsymmetric))
    assert database() == before
    PETSc.Options().delValue("someone_elses_option")


def test_an_option_petsc_does_not_know_is_an_error(replay, nonsymmetric):
    outcome = replay.solve(first(nonsymmetric), {**SOR, "pc_sor_omegga": 1.0}, Budget())
    assert outcome.reason is Reason.ERROR
    assert "pc_sor_omegga" in outcome.message


def test_an_unknown_preconditioner_is_an_outcome(replay, nonsymmetric, capfd):
    outcome = replay.solve(first(nonsymmetric), {"pc_type": "nonsense"}, Budget())
    assert outcome.reason is Reason.SETUP_FAILED
    assert "nonsense" in outcome.message
    assert replay.solve(first(nonsymmetric), SOR, Budget()).ok
    assert capfd.readouterr() == ("", "")


def test_a_zero_pivot_is_an_outcome(replay, writer):
    A = convection_diffusion(8, 0.0)
    A.setValue(0, 0, 0.0)
    A.assemble()
    writer.solve(A, random_vector(A), host={"ksp_type": "gmres", "pc_type": "jacobi"})
    settings = {"ksp_type": "gmres", "pc_type": "ilu", "pc_factor_shift_type": "none"}
    assert replay.solve(first(writer.path), settings, Budget()).reason is Reason.SETUP_FAILED


def test_not_a_number_is_an_outcome(replay, writer):
    A = convection_diffusion(8)
    b = random_vector(A)
    b.setValue(0, np.nan)
    b.assemble()
    writer.solve(A, b)
    assert replay.solve(first(writer.path), SOR, Budget()).reason is Reason.NOT_A_NUMBER


def test_a_wrong_claim_of_convergence_is_found(replay, writer):
    # The recursive residual of right-preconditioned bcgsl drifts from the true one.
    A = convection_diffusion(20, 300.0)
    writer.solve(A, random_vector(A), rtol=1e-12)
    settings = {"ksp_type": "bcgsl", "ksp_bcgsl_ell": 6, "pc_type": "sor", "pc_sor_omega": 1.9}
    outcome = replay.solve(first(writer.path), settings, Budget(iterations=2000))
    assert outcome.ok == (outcome.true_residual <= 1e-12 * SLACK)


@pytest.mark.parametrize("budget", [Budget(iterations=3), Budget(seconds=1e-3)])
def test_the_budget_ends_a_solve(replay, writer, budget):
    A = convection_diffusion(60, 0.0)
    writer.solve(A, random_vector(A), rtol=1e-13)
    settings = {"ksp_type": "gmres", "ksp_gmres_restart": 5, "pc_type": "none"}
    outcome = replay.solve(first(writer.path), settings, budget)
    assert outcome.reason is Reason.TIME_BUDGET
    assert outcome.setup_seconds + outcome.solve_seconds < 0.5


@pytest.mark.parametrize("limit", [6, 7, 8])
def test_going_on_when_nearly_there_takes_no_more_than_the_limit(replay, writer, limit):
    """At some of these limits the residual is within a factor of 100 of the tolerance."""
    A = convection_diffusion(20, 50.0)
    writer.solve(A, random_vector(A))
    outcome = replay.solve(first(writer.path), SOR, Budget(iterations=limit))
    assert outcome.iterations <= limit


def test_the_applications_own_limit_is_no_budget(replay, writer):
    A = convection_diffusion(30, 0.0)
    writer.solve(A, random_vector(A), max_it=3)
    assert replay.solve(first(writer.path), SOR, Budget()).reason is Reason.MAX_ITERATIONS


def test_options_cannot_loosen_the_tolerances(replay, nonsymmetric):
    loose = {**SOR, "ksp_rtol": 0.5}
    assert replay.solve(first(nonsymmetric), loose, Budget()).true_residual < 1.01e-5


def test_a_guess_is_started_from(replay, writer):
    A = convection_diffusion(20)
    b = random_vector(A)
    solution = A.createVecRight()
    ksp = PETSc.KSP().create(PETSc.COMM_SELF)
    ksp.setOperators(A)
    ksp.setTolerances(rtol=1e-12)
    ksp.solve(b, solution)
    writer.solve(A, b)
    writer.solve(A, b, guess=solution)
    cold, warm = (replay.solve(i, SOR, Budget()) for i in Recording(writer.path).instances())
    assert cold.ok
    assert warm.ok
    assert warm.iterations == 0 < cold.iterations


def test_a_null_space_is_attached(replay, writer):
    A = neumann()
    b = random_vector(A)
    A.getNullSpace().remove(b)
    writer.solve(A, b, host={"ksp_type": "cg", "pc_type": "jacobi"})
    system = replay._systems.load(first(writer.path).payload)
    assert system.A.getNullSpace().hasConstant()
    assert replay.solve(first(writer.path), {"ksp_type": "cg", "pc_type": "sor"}, Budget()).ok


def test_near_null_vectors_are_attached(replay, writer):
    A = convection_diffusion(10, 0.0)
    near = [random_vector(A, 3), random_vector(A, 4)]
    for vector in near:
        vector.normalize()
    near[1].axpy(-near[1].dot(near[0]), near[0])
    near[1].normalize()
    writer.solve(A, random_vector(A), near=near)
    attached = replay._systems.load(first(writer.path).payload).A.getNearNullSpace().getVecs()
    assert len(attached) == 2
    assert attached[1].dot(near[1]) == pytest.approx(1.0)


def test_the_hosts_solve_is_the_programs_own(replay, writer):
    A = convection_diffusion(20, 20.0)
    b = random_vector(A)
    ksp = PETSc.KSP().create(PETSc.COMM_SELF)
    ksp.setOperators(A)
    x = A.createVecRight()
    ksp.solve(b, x)
    writer.solve(A, b)
    raw = replay.solve_host(first(writer.path))
    assert raw.iterations == ksp.getIterationNumber()
    assert replay.solve(first(writer.path), {}, Budget()).history == raw.history
    equal = replay.solve_host(first(writer.path), equal_residual=True)
    assert equal.ok
    assert equal.true_residual <= 1e-5 * SLACK


def test_a_host_that_cannot_be_rebuilt_gives_what_was_recorded(replay, writer):
    A = convection_diffusion(5)
    shell = {"ksp_type": "gmres", "pc_type": "shell", "options": {}, "replayable": False}
    writer.solve(A, random_vector(A), changes={"host": {**shell, "why": "a shell"}})
    outcome = replay.solve(first(writer.path), {}, Budget())
    assert outcome.message == "recorded"
    assert outcome.iterations == 9
    assert outcome.setup_seconds == 1e-3
    assert replay.solve(first(writer.path), SOR, Budget()).ok


def test_a_space_writes_the_options(nonsymmetric):
    space = Space.from_dict(
        {
            "setting": [{"name": "pc_sor_omega", "type": "real", "low": 0.2, "high": 1.9}],
            "fixed": {"ksp_type": "bcgs", "pc_type": "sor"},
        }
    )
    outcome = replay_module.Replay(space=space).solve(
        first(nonsymmetric), {"pc_sor_omega": 7.0}, Budget()
    )
    clamped = replay_module.Replay().solve(
        first(nonsymmetric), {"ksp_type": "bcgs", "pc_type": "sor", "pc_sor_omega": 1.9}, Budget()
    )
    assert outcome.history == clamped.history


def test_only_recorded_instances_can_be_replayed(replay):
    with pytest.raises(UsageError, match="not recorded"):
        replay.solve(Instance("x", {}), SOR, Budget())


def test_a_torn_matrix_is_a_recording_error(replay, nonsymmetric):
    instance = first(nonsymmetric)
    file = instance.payload.operator.file
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(RecordingError, match="torn"):
        replay.solve(instance, SOR, Budget())


def test_memory_for_systems_is_bounded(nonsymmetric):
    replay = replay_module.Replay(bytes=1)
    for instance in Recording(nonsymmetric).instances() * 2:
        assert replay.solve(instance, SOR, Budget()).ok
        assert len(replay._systems._kept) <= 3
    replay.destroy()


def test_a_thousand_solves_do_not_grow(replay, nonsymmetric):
    instances = Recording(nonsymmetric).instances()
    menu = [SOR, {"ksp_type": "bcgs", "pc_type": "ilu"}, {"ksp_type": "gmres", "pc_type": "gamg"}]

    def work(count):
        for index in range(count):
            replay.solve(instances[index % 3], menu[index % len(menu)], Budget())
        gc.collect()
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    before = work(100)
    assert work(1000) - before < 6.0


def test_a_replay_shows_its_ranks_and_space(replay):
    assert repr(replay) == "<Replay on 1 rank: settings as they are>"
    assert repr(replay_module.Replay(space=Space(()))).startswith("<Replay on 1 rank: <Space: 0 ")
