"""What trying may cost under a prior: little where it is wrong, and where systems grow."""

import statistics
import subprocess
import sys

import pytest

from metasolve.model.pinned import pin
from metasolve.petsc.compiled import SOURCES

from ..prior_writer import write_prior

ALL = ["cg+icc0", "gmres+ilu0", "gmres+jacobi", "stuck"]
GROWING = """
import sys, petsc4py
petsc4py.init(sys.argv)
from petsc4py import PETSc
for n in map(int, sys.argv[1].split(",")):
    A = PETSc.Mat().createAIJ((n * n, n * n), nnz=5, comm=PETSC_COMM)
    for i in range(*A.getOwnershipRange()):
        A[i, i] = 4.0 - PETSc.Options().getReal("shift", 0.0)
        for j in (i - n, i + n, i - (i % n > 0), i + (i % n < n - 1)):
            if 0 <= j < n * n and j != i:
                A[i, j] = -1.0
    if A.getOwnershipRange()[0] == 0:
        A[0, 1] = -1.0 + PETSc.Options().getReal("skew", 0.0)
    A.assemble()
    x, b = A.createVecs()
    b.set(1.0)
    ksp = PETSc.KSP().create(A.comm)
    ksp.setOperators(A)
    ksp.setFromOptions()
    ksp.solve(b, x)
    ksp.destroy()
""".replace("PETSC_COMM", "PETSc.COMM_WORLD")
CREDIT = """
#include <stdio.h>
#include "account.h"
int main(void)
{
  Account a = {0, 0, 0};
  double  own, taken;
  while (scanf("%lf %lf", &own, &taken) == 2) {
    printf("%.17g\\n", AccountCredit(&a, ACCOUNT_LEAST, ACCOUNT_PRIOR, own));
    AccountAdd(&a, own, taken);
  }
  return 0;
}
"""


@pytest.fixture
def prior(tmp_path, feature_names):
    """`prior(candidate=ln seconds, ...)`, per unit of work: 9 is 0.4 s for 10,000 rows."""

    def make(**named):
        leaf = {name: named.get(name.replace("+", "_"), 16.0) for name in ALL}
        return write_prior(tmp_path / "prior", ALL, [leaf], list(feature_names))

    return make


@pytest.fixture
def solved_on(tmp_path, run_with):
    """`solved_on(prior, [n, ...])`: log lines of solves on grids of n x n."""
    program = tmp_path / "growing.py"
    program.write_text(GROWING)

    def solved(folder, sizes, ranks=1, options=(), **env):
        command = [sys.executable, str(program), ",".join(map(str, sizes)), *options]
        done, lines = run_with(folder, command, ranks=ranks, env=env)
        assert done.returncode == 0, done.stderr
        return lines

    return solved


@pytest.mark.parametrize("ranks", [1, 2])
def test_an_attempt_is_given_up_where_own_settings_would_be_faster(prior, solved_on, ranks):
    """It may take half a second by its budget, and hardly moves: some milliseconds tell."""
    [line] = solved_on(prior(stuck=5.0, gmres_ilu0=10.0), [100], ranks)
    assert line["source"] == "fallback"
    assert line["why"].startswith("attempt given up: some"), line["why"]
    spent = line["seconds"]["setup"] + line["seconds"]["solve"]
    assert spent < line["own_expected"] / 2


@pytest.mark.parametrize("ranks", [1, 2])
def test_what_is_as_fast_as_foreseen_is_not_given_up(prior, solved_on, ranks):
    """However slowly its residual falls."""
    [line] = solved_on(prior(gmres_jacobi=13.0, gmres_ilu0=15.0), [60], ranks)
    assert line["source"] == "model", line["why"]


@pytest.mark.parametrize(
    ("ksp", "seconds", "source"), [("cg", 5.0, "refused"), ("richardson", 6.5, "switched")]
)
def test_own_settings_are_not_given_up_for_their_first_iterations(
    ksp, seconds, source, prior, solved_on
):
    """Conjugate gradients fall slowly at first; what never falls is given up later, and twice."""
    options = ["-ksp_type", ksp, "-pc_type", "icc", "-ksp_richardson_scale", "1e-6"]
    model = prior(cg_icc0=seconds, gmres_ilu0=seconds + 0.1)
    lines = solved_on(model, [100] * 3, options=options)
    assert lines[0]["source"] == source, lines[0]["why"]
    assert lines[1]["source"] == source, lines[1]["why"]
    assert lines[2]["source"] == {"switched": "model"}.get(source, source), lines[2]["why"]
    own = lines[0]["seconds"]["own"]
    assert own == 0 or own > lines[0]["own_expected"] / 2


def test_own_settings_are_measured_on_a_coarse_mesh(prior, solved_on):
    """Before a mesh on which an attempt that fails would cost as much as all solves before it."""
    lines = solved_on(prior(gmres_jacobi=9.0, gmres_ilu0=12.0), [30, 60, 120, 240])
    assert lines[0]["source"] == "model"
    assert [i for i, line in enumerate(lines) if "measured" in line["why"]] == [1]


def test_they_are_not_where_the_next_mesh_is_far_larger(prior, solved_on):
    """Two meshes of which one is a sketch: the other may be all that counts."""
    lines = solved_on(prior(gmres_jacobi=9.0, gmres_ilu0=12.0), [30, 240])
    assert lines[0]["source"] == "model"
    assert lines[1]["source"] != "refused", lines[1]["why"]


def test_own_settings_are_expected_to_take_what_they_took_on_a_coarse_mesh(prior, solved_on):
    """The prior takes them for a thousand times slower than they are; four times the rows come."""
    lines = solved_on(prior(gmres_jacobi=9.0, gmres_ilu0=16.0), [30, 60, 120])
    assert "measured" in lines[1]["why"]
    assert lines[2]["own_expected"] < 5 * lines[1]["own_taken"]


@pytest.mark.parametrize(("skew", "source"), [(0.0, "model"), (1e-3, "refused")])
def test_own_settings_that_the_prior_has_only_seen_fail_are_measured_first(
    skew, source, prior, solved_on
):
    """Conjugate gradients for an operator that is not quite symmetric."""
    options = ["-ksp_type", "cg", "-pc_type", "icc", "-skew", str(skew)]
    [line] = solved_on(prior(gmres_ilu0=9.0, cg_icc0=10.5), [60], options=options)
    assert line["source"] == source, line["why"]


@pytest.mark.parametrize(("shift", "source"), [(0.0, "model"), (0.5, "refused")])
def test_who_factorises_an_indefinite_operator_is_left_alone(shift, source, prior, solved_on):
    """A wave's, which is symmetric with a positive diagonal, as one of diffusion is."""
    options = ["-ksp_type", "preonly", "-pc_type", "lu", "-shift", str(shift)]
    [line] = solved_on(prior(cg_icc0=12.0, gmres_ilu0=9.0), [30], options=options)
    assert line["source"] == source, line["why"]


def test_the_longer_own_settings_seem_to_take_the_later_they_are_measured(prior, solved_on):
    """Their time is expected to be that of a thousand answers, so four answers are too early."""
    lines = solved_on(prior(gmres_jacobi=9.0, gmres_ilu0=16.0), [30] * 12)
    assert [line["source"] for line in lines] == ["model"] * 12


def test_pinned_settings_are_not_held_to_what_was_guessed_of_own_ones(tmp_path, solved_on):
    """Own settings take ten times as long as that, and pinned ones five times."""
    model = pin(tmp_path / "pinned", {"ksp_type": "cg", "pc_type": "icc"})
    slow = ["-ksp_type", "cg", "-pc_type", "jacobi", "-ksp_rtol", "1e-10"]
    lines = solved_on(model, [120] * 7, options=slow)
    why = [line["why"] for line in lines if line["source"] != "model"]
    assert why == ["the program's own settings are measured now and then"]


# ---- the account ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def credit(tmp_path_factory):
    """`credit([(own, taken), ...])`: seconds that could be lost before each solve."""
    folder = tmp_path_factory.mktemp("credit")
    (folder / "credit.c").write_text(CREDIT)
    words = ["cc", "-I", str(SOURCES), str(folder / "credit.c"), "-o", str(folder / "credit")]
    subprocess.run(words, check=True)

    def credits_of(solves):
        text = "".join(f"{own} {taken}\n" for own, taken in solves)
        done = subprocess.run(
            [folder / "credit"], input=text, capture_output=True, text=True, check=True
        )
        return [float(word) for word in done.stdout.split()]

    return credits_of


def test_one_solve_may_be_lost_however_systems_grow(credit):
    """The second attempt has nothing but a hundredth of a second and 2 % of the time so far."""
    sizes = [1.0, 4.0, 16.0, 64.0]
    growing = credit([(own, 2 * own) for own in sizes])
    for own, so_far, allowed in zip(sizes, [0.0, 1.0, 5.0, 21.0], growing, strict=True):
        lost = sizes.index(own)
        assert allowed <= 0.01 + 0.02 * so_far + max(1 - lost, 0) * own + 1e-12


def test_solves_of_one_size_have_the_credit_of_their_seconds(credit):
    taken = [1.5, 0.5, 3.0, 1.0, 0.25]
    allowed = credit([(1.0, each) for each in taken])
    so_far, gains = 0.0, 0.0
    for own_time, each in zip(allowed, taken, strict=True):
        gain = so_far - gains
        assert own_time <= 0.01 + 1 + 0.02 * so_far + (gain / 4 if gain > 0 else gain) + 1e-12
        so_far, gains = so_far + 1.0, gains + each


def test_what_was_gained_makes_up_for_what_was_lost(credit):
    lost = [(1.0, 2.0)]
    before = credit([*lost, (1.0, 1.0)])[-1]
    after = credit([*lost, *[(1.0, 0.0)] * 8, (1.0, 1.0)])[-1]
    assert after > before + 1


def test_looks_of_which_nothing_comes_cost_little(prior, host, run_with):
    """3 ms, and 0.5 % of what own settings take: most are not looked at."""
    model = prior(gmres_ilu0=4.0, gmres_jacobi=9.0)
    small = ["-smallest", "40", "-largest", "40", "-ksp_rtol", "1e-1"]
    done, lines = run_with(model, [*host("sequence"), "-solves", "600", *small])
    assert done.returncode == 0, done.stderr
    assert {line["source"] for line in lines} == {"refused"}
    assert len(lines) < 600  # the others have none
    looks = [x["seconds"]["decision"] for x in lines]
    allowed = 0.003 + 0.005 * lines[-1]["account"]["own"]
    assert len(looks) * statistics.median(looks) <= 1.5 * allowed


def test_looks_of_which_something_comes_are_not_those_that_cost_too_much(prior, host, run_with):
    model = prior(gmres_ilu0=4.0, gmres_jacobi=9.0)
    off = {"METASOLVE_REUSE": "off"}  # or many would need no look
    done, lines = run_with(model, host("two_classes"), env=off)
    assert done.returncode == 0, done.stderr
    small, large = ([x for x in lines if x["prefix"] == name] for name in ("small_", "large_"))
    assert {line["source"] for line in small} == {"refused"}
    assert len(small) < 4000  # those that are not looked at any more have no line
    measured = [line for line in large[1:] if line["source"] == "refused"]
    assert len(measured) < len(large) / 4, [(x["source"], x["why"]) for x in large]


@pytest.mark.timed
def test_what_a_solve_waits_for_is_of_its_time(prior, host, run_with):
    """Where others have the processor meanwhile, too."""
    done, lines = run_with(prior(), host("interrupted"), clock=True)
    assert done.returncode == 0, done.stderr
    slept = float(done.stdout.split("slept")[1].split()[0])
    assert lines[-1]["own_taken"] > slept
    assert lines[-1]["account"]["own"] > slept
