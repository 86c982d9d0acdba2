"""A prior chooses from the first solve, and what is seen of its candidates changes its mind."""

import math
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from metasolve.production import journal
from metasolve.production.state import digest, parse

from ..prior_writer import write_prior

SAME_SIZE = ["-smallest", "40", "-largest", "40"]
FAST, SLOW = 5.0, 9.0
ALL = ["gmres+ilu0", "cg+icc0", "gmres+jacobi", "missing", "stuck"]
UNHURRIED = dict.fromkeys(ALL, 12.0) | {"gmres+jacobi": 8.0}  #: even on a busy machine


@pytest.fixture
def prior(tmp_path, feature_names):
    """`prior(candidate=ln seconds, ...)`: all others are slow."""

    def make(*trees, **fast):
        leaf = {name: fast.get(name.replace("+", "_"), SLOW) for name in ALL}
        folder = tmp_path / "prior"
        return write_prior(folder, ALL, trees or [leaf], list(feature_names))

    return make


def leaf(**fast):
    return {name: fast.get(name.replace("+", "_"), max(SLOW, *fast.values())) for name in ALL}


def answers(done):
    """What the program prints but for times."""
    return done.stdout.partition("seconds")[0]


def sequence(host, solves=6, *more):
    return [*host("sequence"), "-solves", str(solves), *SAME_SIZE, *more]


def test_the_first_solve_has_the_candidate_that_is_foreseen_best(host, prior, run_with):
    done, lines = run_with(prior(gmres_jacobi=FAST), sequence(host))
    assert done.returncode == 0, done.stderr
    assert lines[0]["source"] == "model", lines[0]["why"]
    assert lines[0]["candidate"] == "gmres+jacobi"
    assert lines[0]["settings"] == {"ksp_type": "gmres", "pc_type": "jacobi"}
    assert lines[0]["foreseen"] < lines[0]["own_expected"]


@pytest.mark.parametrize("best", ["missing", "cg_icc0"])
def test_what_is_not_possible_here_is_passed_over(host, prior, run_with, best):
    """A package that this PETSc has not; a method for symmetric operators on others."""
    _, lines = run_with(prior(**{best: FAST - 1, "gmres_jacobi": FAST}), sequence(host, 2))
    assert lines[0]["candidate"] == "gmres+jacobi"


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_symmetric_operator_stays_one(ranks, host, prior, run_with):
    """A look leaves nothing behind that the next one would be misled by."""
    folder = prior(("log_asymmetry", -8.0, leaf(cg_icc0=FAST), leaf(gmres_jacobi=FAST)))
    _, lines = run_with(folder, host("time_steps"), ranks, env={"METASOLVE_REUSE": "off"})
    assert {line["candidate"] for line in lines} == {"cg+icc0"}


def test_features_decide(host, prior, run_with):
    """Smaller and larger systems have candidates of their own."""
    folder = prior(("log_rows", 3.0, leaf(gmres_jacobi=FAST), leaf(cg_icc0=FAST)))
    for size, expected in ((28, "gmres+jacobi"), (40, "cg+icc0")):
        command = [*host("time_steps"), "-n", str(size), "-constant_steps", "1"]
        _, lines = run_with(folder, [*command, "-changing_steps", "0"])
        assert lines[0]["candidate"] == expected, lines[0]


def test_what_grows_faster_is_left_to_smaller_systems(host, tmp_path, feature_names, run_with):
    """Beyond 1e4 rows: here 14,400, of which the forest says the same as of 1,600."""
    leaf = {"cg+icc0": 7.0, "gmres+jacobi": 8.0, "gmres+ilu0": 12.0}
    grows = {"cg+icc0": 20.0}
    folder = write_prior(tmp_path / "prior", list(leaf), [leaf], list(feature_names), grows)
    for size, expected in ((40, "cg+icc0"), (120, "gmres+jacobi")):
        command = [*host("time_steps"), "-n", str(size), "-constant_steps", "1"]
        _, lines = run_with(folder, [*command, "-changing_steps", "0"])
        assert lines[0]["candidate"] == expected, lines[0]


@pytest.mark.timed
@pytest.mark.parametrize("ranks", [1, 2])
def test_a_slow_machine_is_known_before_anything_is_tried(host, prior, run_with, ranks):
    """Products say so: else a first attempt would be held to what it takes elsewhere."""
    expected = []
    for times in (1, 64):
        command = [*host("slow_products"), "-times", str(times)]
        _, [line] = run_with(prior(gmres_jacobi=FAST), command, ranks, clock=True)
        expected.append(line["own_expected"])
    assert expected[1] > 4 * expected[0]
    _, [line] = run_with(prior(gmres_jacobi=FAST), command, ranks)
    work = line["rows"] * 5 * 1e-9
    assert line["own_expected"] == pytest.approx(math.exp(SLOW) * work, rel=0.05)


def test_several_ranks_have_settings_of_their_own(host, prior, run_with):
    folder = prior(cg_icc0=FAST)
    _, lines = run_with(folder, [*host("time_steps"), "-n", "40", "-ksp_type", "gmres"], 2)
    assert lines[0]["settings"] == {"ksp_type": "cg", "pc_type": "bjacobi"}


def test_a_candidate_that_fails_becomes_rare(host, prior, run_with):
    done, lines = run_with(prior(stuck=FAST), sequence(host, 60))
    assert done.returncode == 0
    tried = sum(line["source"] == "fallback" for line in lines)
    assert 0 < tried <= 8


def test_what_was_seen_outlives_the_run(host, prior, run_with, tmp_path):
    """The second run starts with what the first has learned; frozen, it adds nothing."""
    state = tmp_path / "program.state"
    env = {"METASOLVE_STATE": str(state)}
    _, first = run_with(prior(stuck=FAST), sequence(host, 30), env=env)
    assert first[0]["source"] == "fallback"
    kept = state.read_text()
    assert "stuck" in kept
    _, second = run_with(prior(stuck=FAST), sequence(host, 5), env={**env, "METASOLVE_FREEZE": "1"})
    assert second[0]["source"] != "fallback"
    assert state.read_text() == kept


@pytest.mark.parametrize("damage", [b"", b"metasolve-state 4\nclasses 1\n", bytes(range(256))])
def test_a_damaged_state_is_none(host, prior, run_with, tmp_path, damage):
    state = tmp_path / "program.state"
    state.write_bytes(damage)
    env = {"METASOLVE_STATE": str(state)}
    done, lines = run_with(prior(gmres_jacobi=FAST), sequence(host, 2), env=env)
    assert done.returncode == 0, done.stderr
    assert lines[0]["source"] == "model"
    assert state.read_text().startswith("metasolve-state 4\nprior ")


def test_a_program_that_ends_without_finalize_leaves_it_too(prior, run_with, tmp_path):
    (tmp_path / "program.py").write_text(ENDS)
    state = tmp_path / "program.state"
    env = {"METASOLVE_STATE": str(state)}
    run_with(prior(gmres_jacobi=FAST), [sys.executable, str(tmp_path / "program.py")], env=env)
    assert "gmres+jacobi 1 " in state.read_text()


def test_a_model_attached_in_such_a_program_leaves_the_state_alone(prior, run_with, tmp_path):
    (tmp_path / "program.py").write_text(ATTACHED)
    state, folder = tmp_path / "program.state", prior(UNHURRIED)
    command = [sys.executable, str(tmp_path / "program.py"), str(folder)]
    done, lines = run_with(folder, command, env={"METASOLVE_STATE": str(state)})
    assert done.returncode == 0, done.stderr
    assert [line["source"] for line in lines] == ["model"]
    assert "solves 1 1" in state.read_text()


def test_a_prefix_that_is_too_long_does_not_spoil_the_state(prior, run_with, tmp_path):
    """Words of the file are below 64 characters: that class is left out, the others are kept."""
    (tmp_path / "program.py").write_text(PREFIXED)
    state, folder = tmp_path / "program.state", prior(gmres_jacobi=FAST)
    command = [sys.executable, str(tmp_path / "program.py")]
    for count in (1, 2):
        done, _ = run_with(folder, command, env={"METASOLVE_STATE": str(state)})
        assert done.returncode == 0, done.stderr
        assert (
            f"classes 1\nclass - 2048 1 2 1\nsolves {count} {count}\naccount " in state.read_text()
        )


def parsed(file):
    """What is in the file of a state, which is whole."""
    data = file.read_bytes()
    parse(data)
    return data


def test_many_runs_at_once_leave_a_whole_state(host, prior, run_program, plugin_library, tmp_path):
    folder, state = prior(gmres_jacobi=FAST), tmp_path / "program.state"
    env = {
        "METASOLVE_MODE": "run",
        "METASOLVE_DIR": str(folder),
        "METASOLVE_STATE": str(state),
        "PETSC_OPTIONS": f"-dll_append {plugin_library}",
    }
    command = sequence(host, 3)

    def run(number):
        own = tmp_path / f"t{number}"  # MPI processes that start at once need one each
        own.mkdir()
        return run_program(command, env={**env, "TMPDIR": str(own)})

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(run, range(8)))
    assert [each.stderr for each in done if each.returncode] == []
    assert state.read_text().splitlines()[-1].startswith("sha256 ")
    assert sorted(path.name for path in tmp_path.glob("program.state*")) == [
        "program.state",
        "program.state.lock",
        "program.states",
    ]
    earlier = list((tmp_path / "program.states").iterdir())
    assert len(earlier) == 7  # each run but the first has found one
    assert all(digest(parsed(each)) == each.stem for each in earlier)


def test_advice_changes_nothing(host, prior, run_program, run_with):
    own = run_program(sequence(host))
    env = {"METASOLVE_ADVISE": "1"}
    done, lines = run_with(prior(gmres_jacobi=FAST), sequence(host), env=env)
    assert answers(done) == answers(own)
    assert {line["source"] for line in lines} == {"refused"}
    assert lines[0]["candidate"] == "gmres+jacobi"
    assert lines[0]["why"] == "only advice was asked for"


@pytest.mark.parametrize("at", [10, 200, -100])
def test_a_damaged_prior_is_refused(host, prior, run_program, run_with, at):
    folder = prior(gmres_jacobi=FAST)
    data = bytearray((folder / "prior.bin").read_bytes())
    data[at] ^= 1
    (folder / "prior.bin").write_bytes(data)
    own = run_program(sequence(host, 2))
    done, lines = run_with(folder, sequence(host, 2))
    assert answers(done) == answers(own)
    assert "install metasolve again" in done.stderr
    assert {line["source"] for line in lines} == {"refused"}


def test_on_and_off(prior, tmp_path, run_program):
    """Solvers held before, and made after; none of it after off."""
    (tmp_path / "program.py").write_text(ON)
    folder, log = prior(UNHURRIED), tmp_path / "log"
    done = run_program([sys.executable, str(tmp_path / "program.py"), str(folder), str(log)])
    assert done.returncode == 0, done.stderr
    lines = journal.solves(log)
    assert [line["candidate"] for line in lines if line["source"] == "model"] == [
        "gmres+jacobi"
    ] * 2


SYSTEM = """
import os, sys
from petsc4py import PETSc
n = 40
A = PETSc.Mat().createAIJ([n * n, n * n], nnz=5)
for i in range(n * n):
    A.setValue(i, i, 4.0)
    for j in (i - n, i + n, i - 1 if i % n else -1, i + 1 if (i + 1) % n else -1):
        if 0 <= j < n * n:
            A.setValue(i, j, -1.0)
A.assemble()
x, b = A.createVecs()
b.set(1.0)
def solver():
    ksp = PETSc.KSP().create()
    ksp.setOperators(A)
    ksp.setType("gmres")
    ksp.getPC().setType("sor")
    return ksp
"""
ENDS = (
    SYSTEM + "solver().solve(b, x)\nsys.stdout.flush()\nimport ctypes\nctypes.CDLL(None).exit(0)\n"
)
PREFIXED = (
    SYSTEM
    + """
for prefix in ("p" * 80 + "_", ""):
    ksp = solver()
    ksp.setOptionsPrefix(prefix)
    ksp.solve(b, x)
"""
)
ATTACHED = (
    SYSTEM
    + """
import metasolve
ksp = solver()
metasolve.accelerate(ksp, sys.argv[1])
ksp.solve(b, x)
ksp.destroy()
solver().solve(b, x)
"""
)
ON = (
    SYSTEM
    + """
import metasolve
from metasolve.production import journal
before = solver()
metasolve.on(sys.argv[1], log=sys.argv[2])
before.solve(b, x)
solver().solve(b, x)
metasolve.off()
before.solve(b, x)
solver().solve(b, x)
"""
)
