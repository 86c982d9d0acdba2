"""One semantics: a system solved by the plug-in in an unmodified program, and replayed."""

import shutil
from dataclasses import replace

import pytest

import metasolve
from metasolve.errors import ModelError, PluginError, UsageError
from metasolve.petsc import launch
from metasolve.petsc.conduct import Conduct
from metasolve.petsc.library import plugin
from metasolve.petsc.recording import Recording
from metasolve.production import journal
from metasolve.report.evaluation import ACCEPTED
from metasolve.solve.solver import Budget

from .conftest import PETSc, convection_diffusion, needs_hypre, random_vector, write_policy

replay_module = pytest.importorskip("metasolve.petsc.replay")
pytestmark = pytest.mark.skipif(shutil.which("mpicc") is None, reason="the plug-in is compiled")

MENU = [
    {"ksp_type": "gmres", "pc_type": "sor", "pc_sor_omega": "1.3"},
    {"ksp_type": "bcgs", "pc_type": "ilu", "pc_factor_levels": "1"},
    {"ksp_type": "gmres", "ksp_gmres_restart": "7", "pc_type": "jacobi"},
    {"ksp_type": "gmres", "pc_type": "gamg", "pc_gamg_threshold": "0.05"},
    pytest.param({"ksp_type": "bcgs", "pc_type": "hypre"}, marks=needs_hypre),
]
HOSTS = ["hard_coded", "neumann", "time_steps", "two_ksps", "fortran_host", "petsc4py_host"]


@pytest.fixture
def replay():
    made = replay_module.Replay()
    yield made
    made.destroy()


@pytest.mark.parametrize("name", HOSTS)
def test_the_programs_own_solves_are_rebuilt(host, replay, tmp_path, name):
    assert launch.record(host(name), tmp_path) == 0
    instances = Recording(tmp_path).instances()
    assert instances
    for instance in instances:
        seen, again = instance.payload.outcome, replay.solve_host(instance)
        assert again.iterations == seen.iterations
        assert again.true_residual == pytest.approx(seen.true_residual, rel=1e-6)


@pytest.mark.parametrize("options", MENU, ids=lambda options: options["pc_type"])
@pytest.mark.parametrize("name", ["time_steps", "two_ksps"])
def test_an_unmodified_program_under_a_model_solves_as_replayed(
    host, replay, tmp_path, name, options
):
    model, log = write_policy(tmp_path / "model", options), tmp_path / "log"
    assert launch.record(host(name), tmp_path / "recording") == 0
    assert launch.run(host(name), model, conduct=Conduct(log, reuse=False, earlier=False)) == 0
    lines = journal.solves(log)
    instances = Recording(tmp_path / "recording").instances()
    assert len(lines) == len(instances)
    assert {line["source"] for line in lines} == {"model"}
    # Later systems depend on earlier solutions, which differ within the tolerance.
    first = replay.solve(instances[0], options, Budget())
    assert first.ok
    assert lines[0]["iterations"] == first.iterations
    assert lines[0]["true_residual"] == pytest.approx(first.true_residual, rel=1e-5)
    for line, instance in zip(lines, instances, strict=True):
        alone = replay.solve(instance, options, Budget())
        assert line["iterations"] == pytest.approx(alone.iterations, rel=0.2, abs=2)
        assert line["true_residual"] <= line["tolerance"]


@pytest.mark.parametrize("options", MENU, ids=lambda options: options["pc_type"])
def test_in_process_too(nonsymmetric, replay, tmp_path, options):
    model = write_policy(tmp_path / "model", options)
    for instance in Recording(nonsymmetric).instances():
        outcome, record = replay.solve_with_plugin(instance, model)
        alone = replay.solve(instance, options, Budget())
        assert record["source"] == "model"
        assert record["settings"] == options
        assert (outcome.iterations, outcome.ok) == (alone.iterations, True)
        assert outcome.true_residual == pytest.approx(alone.true_residual, rel=1e-9)
        assert outcome.setup_seconds + outcome.solve_seconds >= record["seconds"]["total"] * 0.9


def test_a_fallback_is_the_programs_own_solve(nonsymmetric, replay, tmp_path):
    model = write_policy(tmp_path / "model", {"ksp_type": "gmres", "pc_type": "spai"})
    for instance in Recording(nonsymmetric).instances():
        outcome, record = replay.solve_with_plugin(instance, model)
        own = replay.solve_host(instance)
        assert record["source"] == "fallback"
        assert outcome.iterations == own.iterations
        assert outcome.true_residual == pytest.approx(own.true_residual, rel=1e-9)


def test_features_recorded_are_features_computed(host, replay, tmp_path):
    assert launch.record(host("hard_coded"), tmp_path) == 0
    instance = Recording(tmp_path).instances()[0]
    solve = instance.payload
    system = replay._systems.load(solve)
    again = plugin().features(system.A, system.b, solve.rtol, solve.abstol)
    assert again == pytest.approx(dict(solve.features), rel=1e-12, abs=1e-12)


def test_accelerate_leaves_the_ksp_what_it_is(tmp_path):
    import metasolve

    model = write_policy(tmp_path / "model", {"ksp_type": "bcgs", "pc_type": "sor"})
    A = convection_diffusion(20)
    b, x = random_vector(A), A.createVecRight()
    ksp = PETSc.KSP().create(PETSc.COMM_SELF)
    ksp.setOperators(A)
    ksp.setFromOptions()
    ksp.solve(b, x)
    own = ksp.getIterationNumber()
    with metasolve.accelerate(ksp, model, tmp_path / "log") as accelerated:
        ksp.solve(b, x)
        assert accelerated.last["source"] == "model"
        assert (b - A * x).norm() <= 1e-5 * b.norm()
        assert ksp.getType() == "gmres"
    ksp.solve(b, x)
    assert ksp.getIterationNumber() == own
    assert len(journal.solves(tmp_path / "log")) == 1


def test_accelerate_takes_a_loaded_model_too(nonsymmetric, hasty, tmp_path):
    import metasolve

    model = metasolve.train(nonsymmetric, out=tmp_path / "model", calls=16, seed=1)
    loaded = metasolve.load(tmp_path / "model")
    assert loaded.directory == tmp_path / "model"
    A = convection_diffusion(20, 5.0)
    b, x = random_vector(A, 0), A.createVecRight()
    ksp = PETSc.KSP().create(PETSc.COMM_SELF)
    ksp.setOperators(A)
    ksp.setFromOptions()
    for given in (loaded, tmp_path / "model", str(tmp_path / "model")):
        with metasolve.accelerate(ksp, given) as accelerated:
            ksp.solve(b, x)
            assert accelerated.last["source"] in (*ACCEPTED, "fallback", "refused")
            assert (b - A * x).norm() <= 1.1e-5 * b.norm()
    with pytest.raises(ModelError, match="in no directory"):
        metasolve.accelerate(ksp, replace(model, directory=None))


def test_accelerate_says_what_is_wrong_with_what_it_was_given(monkeypatch):
    ksp = PETSc.KSP().create(PETSc.COMM_SELF)
    for given in (ksp, PETSc.KSP()):
        with pytest.raises(UsageError, match=r"ksp\.setFromOptions\(\) or ksp\.setType\(\)"):
            metasolve.accelerate(given)
    for given in (PETSc.SNES().create(PETSc.COMM_SELF), None, "ksp"):
        with pytest.raises(UsageError, match=f"{type(given).__name__}.*give it what solves"):
            metasolve.accelerate(given)
    ksp.setType("lsqr")
    with pytest.raises(PluginError, match="56: a KSP of type lsqr is not accelerated"):
        metasolve.accelerate(ksp)
    monkeypatch.setenv("METASOLVE_OFF", "1")
    metasolve.accelerate(PETSc.KSP().create(PETSc.COMM_SELF))


REUSED = [  # but GAMG, which keeps its aggregates, as it does in a program's own solver
    *(options for options in MENU if "gamg" not in str(options)),
    {"ksp_type": "gmres", "pc_type": "none"},
    {"ksp_type": "bcgs", "pc_type": "bjacobi", "sub_pc_type": "lu"},
    {"ksp_type": "gmres", "pc_type": "asm", "sub_pc_type": "ilu"},
    {"ksp_type": "chebyshev", "pc_type": "jacobi"},
]


def test_bicgstab_forgets_a_guess(tmp_path):
    """PETSc's adds the last one it had to every later solution."""
    A = convection_diffusion(20, 5.0)
    b, x = random_vector(A), A.createVecRight()
    ksp = PETSc.KSP().create(PETSc.COMM_SELF)
    ksp.setOperators(A)
    ksp.setType("gmres")
    ksp.setNormType(PETSc.KSP.NormType.UNPRECONDITIONED)
    model = write_policy(tmp_path / "model", {"ksp_type": "bcgs", "pc_type": "ilu"})
    metasolve.accelerate(ksp, model)
    for guess, rtol in ((False, 1e-3), (True, 1e-8), (False, 1e-3)):
        ksp.setInitialGuessNonzero(guess)
        ksp.setTolerances(rtol=rtol)
        ksp.solve(b, x)
        record = plugin().last_record(ksp)
        assert record["source"] == "model", record["why"]
        assert (b - A * x).norm() <= rtol * b.norm()


@pytest.mark.parametrize("rtol", [1e-3, 1e-5, 1e-8])
def test_answers_are_as_close_as_the_programs_norm_asks_for(tmp_path, rtol):
    """A small residual may hide a smooth error: own settings stop on the preconditioned norm."""
    A = convection_diffusion(60, 2.0)
    b, x = A.createVecs()
    b.set(1.0)
    ksp = PETSc.KSP().create(PETSc.COMM_SELF)
    ksp.setOperators(A)
    ksp.setType("gmres")
    ksp.setTolerances(rtol=rtol)
    model = write_policy(tmp_path / "model", {"ksp_type": "bcgs", "pc_type": "ilu"})
    metasolve.accelerate(ksp, model)
    ksp.solve(b, x)
    assert plugin().last_record(ksp)["source"] == "model"
    exact = A.createVecRight()
    direct = PETSc.KSP().create(PETSc.COMM_SELF)
    direct.setOperators(A)
    direct.setType("preonly")
    direct.getPC().setType("ilu")
    direct.setUp()
    assert plugin().closeness(direct, A, b, x) <= 2 * rtol
    direct.getPC().setType("lu")
    direct.solve(b, exact)
    assert (x - exact).norm() <= 50 * rtol * exact.norm()


@pytest.mark.parametrize("options", REUSED, ids=lambda options: options["pc_type"])
def test_new_values_in_a_matrix_are_solved_as_if_it_were_the_first(tmp_path, monkeypatch, options):
    """An inner KSP may be set up again for the next operator: nothing of the old one is left."""
    monkeypatch.setenv("METASOLVE_REUSE", "off")
    monkeypatch.setenv("METASOLVE_EARLIER", "off")
    model = write_policy(tmp_path / "model", options)

    def accelerated():
        ksp = PETSc.KSP().create(PETSc.COMM_SELF)
        ksp.setOperators(A)
        ksp.setFromOptions()
        metasolve.accelerate(ksp, model)
        return ksp

    def solved(values, ksp=None):
        for peclet in values:
            convection_diffusion(20, peclet).copy(A, PETSc.Mat.Structure.SAME_NONZERO_PATTERN)
            A.assemble()
            solver = ksp or accelerated()
            x = A.createVecRight()
            solver.solve(b, x)
            yield plugin().last_record(solver), x

    A = convection_diffusion(20, 1.0)
    b = random_vector(A)
    values = (1.0, 30.0, 2.0, 2.0)
    for (one, x), (other, y) in zip(solved(values, accelerated()), solved(values), strict=True):
        assert one["source"] == other["source"], one["why"]
        assert one["unused"] == other["unused"] == ""
        assert one["new_operator"]
        assert one["iterations"] == other["iterations"]
        assert (x - y).norm() <= 1e-12 * y.norm()
