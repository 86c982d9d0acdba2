"""A model that cannot be trusted changes nothing: the program runs as it is, and is told why."""

import pytest

from metasolve.files.shipped import shipped

SETTINGS = {"ksp_type": "gmres", "pc_type": "jacobi"}


def assert_left_alone(done, lines, why, expected):
    assert done.returncode == 0, done.stderr
    assert done.stdout == expected.stdout
    assert {line["source"] for line in lines} == {"refused"}
    assert why in lines[0]["why"]


@pytest.fixture
def command(host):
    return host("hard_coded")


@pytest.fixture
def expected(command, run_program):
    return run_program(command)


def test_trained_with_another_petsc(command, expected, constant_model, run_with):
    done, lines = run_with(constant_model(petsc="3.17.1", **SETTINGS), command)
    assert_left_alone(done, lines, "trained with PETSc 3.17.1", expected)
    assert "3.17.1" in done.stderr


def test_trained_on_other_features(command, expected, constant_model, run_with, feature_names):
    names = ["my_" + feature_names[0], *feature_names[1:]]
    done, lines = run_with(constant_model(names=names, **SETTINGS), command)
    assert_left_alone(done, lines, feature_names[0], expected)


def test_unfamiliar_instance(command, expected, constant_model, run_with):
    done, lines = run_with(constant_model(low=-99.0, high=-98.0, **SETTINGS), command)
    assert_left_alone(done, lines, "unfamiliar", expected)


@pytest.mark.parametrize("ranks", [1, 2])
def test_where_a_model_is_unfamiliar_the_prior_chooses(
    solver_program, constant_model, run_with, ranks
):
    """As it does without a model."""
    command = [*solver_program("convection_diffusion"), "-n", "60", "-peclet", "30"]
    prior = {"METASOLVE_PRIOR": str(shipped())}
    alone, expected = run_with(shipped(), command, ranks, env=prior)
    model = constant_model(low=-99.0, high=-98.0, **SETTINGS)
    done, lines = run_with(model, command, ranks, env=prior)
    assert done.stdout == alone.stdout
    told = ("source", "why", "candidate", "settings", "iterations")
    assert [[line[key] for key in told] for line in lines] == [
        [line[key] for key in told] for line in expected
    ]
    assert lines[0]["candidate"]
    assert lines[0]["unfamiliar"].startswith("unfamiliar: ")
    assert "unfamiliar" not in expected[0]
    _, familiar = run_with(constant_model(**SETTINGS), command, ranks, env=prior)
    assert familiar[0]["settings"]["pc_type"] == "jacobi"
    assert "unfamiliar" not in familiar[0]


def test_own_settings_were_best(command, expected, constant_model, run_with):
    done, lines = run_with(constant_model(kind="default", **SETTINGS), command)
    assert_left_alone(done, lines, "own settings best", expected)


def test_truncated(command, expected, constant_model, run_with):
    model = constant_model(**SETTINGS)
    text = (model / "policy.txt").read_bytes()
    for length in (0, 10, len(text) // 2, len(text) - 1):
        (model / "policy.txt").write_bytes(text[:length])
        done, lines = run_with(model, command)
        assert_left_alone(done, lines, "policy.txt", expected)


def test_tampered(command, expected, constant_model, run_with):
    model = constant_model(**SETTINGS)
    text = (model / "policy.txt").read_text()
    (model / "policy.txt").write_text(text.replace("jacobi", "sor"))
    done, lines = run_with(model, command)
    assert_left_alone(done, lines, "checksum", expected)


def test_missing(command, expected, tmp_path, run_with):
    done, lines = run_with(tmp_path / "nowhere", command)
    assert_left_alone(done, lines, "cannot read", expected)
