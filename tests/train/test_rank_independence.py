"""Law: the seed decides. The number of ranks does not, nor a kill, where the cost is no time."""

import pytest

pytest.importorskip("petsc4py")
pytest.importorskip("mpi4py")

OPTIONS = ("--calls", 70, "--seed", 3, "--batch", 2)


@pytest.fixture(scope="module", params=["iterations", "flops"])
def alone(request, recording, training, run_program, tmp_path_factory):
    """A training on one rank: its options and its directory."""
    out = tmp_path_factory.mktemp("alone") / "model"
    options = (*OPTIONS, "--measure", request.param)
    done = run_program(training(recording, out, *options), timeout=900)
    assert done.returncode == 0, done.stderr
    return options, out


@pytest.mark.slow
@pytest.mark.parametrize("on", [2, 4])
def test_more_ranks_learn_the_same(alone, recording, training, run_program, lasting, tmp_path, on):
    options, out = alone
    done = run_program(training(recording, tmp_path / "model", *options, on=on), timeout=900)
    assert done.returncode == 0, done.stderr
    assert lasting(tmp_path / "model") == lasting(out)
    assert f"ranks: {on} in {on} groups" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1)])
def test_a_kill_and_other_ranks_change_nothing(
    alone, recording, training, run_program, killed, lasting, tmp_path, before, after
):
    options, straight = alone
    out = tmp_path / "model"
    killed(training(recording, out, *options, on=before), out, after=30)
    done = run_program(training(recording, out, *options, on=after), timeout=900)
    assert done.returncode == 0, done.stderr
    assert lasting(out) == lasting(straight)
