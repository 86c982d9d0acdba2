"""Of the candidates of a prior those come first that gain surely."""

import pytest

from ..prior_writer import write_prior

#: ln seconds per unit of work. Trees differ by far on what may be much faster than own settings.
SAME = {"gmres+ilu0": 12.0, "cg+icc0": 11.4, "stuck": 16.0}
TREES = [{**SAME, "gmres+jacobi": 7.6}, {**SAME, "gmres+jacobi": 12.4}]


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("sure", [True, False])
def test_what_may_be_much_faster_does_not_hide_what_surely_is(
    sure, ranks, host, tmp_path, feature_names, run_with
):
    """Own settings solve only where no candidate is sure to gain."""
    trees = TREES if sure else [{**tree, "cg+icc0": 12.0} for tree in TREES]
    folder = write_prior(tmp_path / "prior", list(TREES[0]), trees, list(feature_names))
    command = [*host("time_steps"), "-n", "40", "-ksp_type", "gmres"]
    _, lines = run_with(folder, command, ranks)
    assert lines[0]["candidate"] == ("cg+icc0" if sure else "gmres+jacobi"), lines[0]
    assert (lines[0]["source"] == "refused") is not sure
