import pytest

from metasolve.errors import UsageError
from metasolve.model.allowed import MOST, allowed
from metasolve.prior import read_candidates
from metasolve.prior.candidates import DEFAULT, Candidate

CANDIDATES = read_candidates()


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda each: each.name)
def test_a_model_may_choose_every_option(candidate):
    for options in (candidate.serial, candidate.parallel):
        assert len(options) <= MOST
        for name, text in options.items():
            assert allowed(name, text) == text
            assert not set(text) & set(" \n\t")


def test_names_differ_and_the_default_is_there():
    names = [each.name for each in CANDIDATES]
    assert len(set(names)) == len(names)
    assert DEFAULT in names
    assert 28 <= len(names) <= 40


def test_settings_of_a_program_stand_for_one_candidate():
    owns = [own for each in CANDIDATES for own in each.own]
    assert len(set(owns)) == len(owns)


def test_conjugate_gradients_and_cholesky_are_for_symmetric_operators():
    for each in CANDIDATES:
        needy = each.serial["ksp_type"] == "cg" or each.serial["pc_type"] == "cholesky"
        assert each.symmetric == needy


def test_what_works_on_one_rank_only_is_replaced_on_several():
    for each in CANDIDATES:
        assert each.parallel.get("pc_type") not in ("ilu", "icc")
        package = each.parallel.get("pc_factor_mat_solver_type")
        if each.parallel.get("pc_type") in ("lu", "cholesky"):
            assert package == "mumps"


@pytest.mark.parametrize(
    ("range_", "below", "saddle"), [(16.0, 0.1, True), (16.0, 0.0, False), (3.0, 0.1, False)]
)
def test_splits_are_for_operators_with_zeros_on_the_diagonal(range_, below, saddle):
    features = {"log_asymmetry": -12.0, "negative_diagonal": below, "diagonal_range": range_}
    found = {each.name for each in CANDIDATES if each.suits(features)}
    splits = {each.name for each in CANDIDATES if each.serial["pc_type"] == "fieldsplit"}
    assert splits & found == (splits if saddle else set())
    assert ("cg+icc0" in found) == (below == 0.0)


def test_a_split_names_the_solvers_of_both_its_parts():
    """What PETSc takes where nothing is said may raise an error on one rank, or iterate."""
    for each in CANDIDATES:
        for options in (each.serial, each.parallel):
            if options.get("pc_type") == "fieldsplit":
                assert options["pc_fieldsplit_detect_saddle_point"] == "1"
                for part in ("fieldsplit_0_", "fieldsplit_1_"):
                    assert options[f"{part}ksp_type"] == "preonly"
                    assert options[f"{part}pc_type"]
    robust = {
        each.parallel["fieldsplit_1_pc_type"]
        for each in CANDIDATES
        if "fieldsplit_1_pc_type" in each.parallel
    }
    assert robust == {"jacobi", "hypre"}


def test_operators_are_of_a_kind_that_is_known(tmp_path):
    table = 'name = "a"\noperators = "round"\nown = []\nserial = { ksp_type = "cg" }'
    with pytest.raises(UsageError, match="round"):
        read_candidates(written(tmp_path, table))


def written(tmp_path, *tables):
    path = tmp_path / "candidates.toml"
    path.write_text("".join(f"[[candidate]]\n{table}\n" for table in tables))
    return path


def test_an_option_that_no_model_may_choose_is_refused(tmp_path):
    table = 'name = "a"\noperators = "any"\nown = []\nserial = { ksp_view = "1" }'
    with pytest.raises(UsageError, match="ksp_view"):
        read_candidates(written(tmp_path, table))


def test_a_name_is_given_once(tmp_path):
    table = 'name = "a"\noperators = "any"\nown = []\nserial = { ksp_type = "cg" }'
    with pytest.raises(UsageError, match="twice"):
        read_candidates(written(tmp_path, table, table))


def test_on_several_ranks_it_is_the_same_unless_said_otherwise(tmp_path):
    table = 'name = "a"\noperators = "any"\nown = []\nserial = { ksp_type = "cg" }'
    options = {"ksp_type": "cg"}
    assert read_candidates(written(tmp_path, table)) == (
        Candidate("a", "any", (), options, options),
    )
