"""Laws of the model directory and of policy.txt."""

import json
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from metasolve.errors import ModelError
from metasolve.model.directory import load, save
from metasolve.model.gate import Bells, Gate
from metasolve.model.layer import ACTIVATIONS, Activation, constant_layers
from metasolve.model.meta_model import MetaModel
from metasolve.model.model import Model, Standardisation
from metasolve.model.policy_file import policy_text
from metasolve.model.surrogate import Surrogate
from metasolve.space import Choice, Flag, Integer, Real, Space

from ..policy_reader import read_policy

SPACE = Space(
    (
        Choice("pc_type", ("ilu", "sor", "gamg")),
        Integer("pc_factor_levels", 0, 5, default=0, when={"pc_type": ("ilu",)}),
        Real("pc_sor_omega", 0.1, 1.9, default=1.0, when={"pc_type": ("sor",)}),
        Flag("pc_gamg_square", when={"pc_type": ("gamg",)}),
        Real("threshold", 1e-3, 0.3, "log", when={"pc_gamg_square": (True,)}),
    ),
    fixed={"ksp_norm_type": "unpreconditioned"},
)
NAMES = ("log_rows", "asymmetry", "ranks")
TABLE = np.column_stack([np.linspace(5, 9, 12), np.linspace(0, 1, 12) ** 2, np.ones(12)])


def gate(seed):
    rng = np.random.default_rng(seed)
    host = Bells(
        np.array([0, 2]), rng.uniform(0.5, 2, 2), rng.normal(size=(5, 2)), rng.normal(size=5), 0.3
    )
    layers = MetaModel(3, 2, np.zeros(2), seed=seed).layers()
    return Gate(layers, host, rng.uniform(1, 4))


def made(seed=0, kind="policy", gated=False):
    standardisation = Standardisation.fit(NAMES, TABLE)
    network = MetaModel(3, SPACE.dim, SPACE.to_vector({}), np.array([True, True, False]), seed=seed)
    with torch.no_grad():
        network.weights[-1].mul_(20.0)
    info = {
        "petsc": "3.18.5",
        "features_version": 3,
        "expected": [-3.0, 1.5, 0.0, 0.25],
        "seed": seed,
    }
    second = SPACE.to_vector(SPACE.defaults()) if gated else None
    known = gate(seed) if gated else None, 7, 2e-5, second
    return Model(kind, SPACE, standardisation, network.layers(), info, *known)


def named(row):
    return dict(zip(NAMES, row, strict=True))


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 1000), share=st.floats(0, 1))
def test_policy_file_says_what_the_model_says(seed, share, tmp_path_factory):
    model, path = made(seed, gated=True), tmp_path_factory.mktemp("policy") / "policy.txt"
    path.write_text(policy_text(model))
    copy = read_policy(path)
    features = named(TABLE[0] + share * (TABLE[-1] - TABLE[0]))
    np.testing.assert_allclose(
        copy.coordinates(features), model.coordinates(features), rtol=1e-6, atol=1e-6
    )
    x = model.inputs(features)
    assert copy.gate.expected(x) == pytest.approx(model.gate.expected(x), rel=1e-6, abs=1e-6)
    seconds = model.gate.patience_seconds(x)
    assert copy.gate.patience_seconds(x) == pytest.approx(seconds, rel=1e-6)
    assert (copy.least_rows, copy.look) == (model.least_rows, model.look) == (7, 2e-5)
    np.testing.assert_allclose(copy.second, model.second)
    assert copy.kind == "policy"
    assert copy.info["petsc"] == "3.18.5"
    assert copy.info["expected"] == [-3.0, 1.5, 0.0, 0.25]
    assert copy.space.fixed == SPACE.fixed
    # The file has no defaults; all else of the space is there.
    assert [(s.kind, s.name, s.when) for s in copy.space.settings] == [
        (s.kind, s.name, s.when) for s in SPACE.settings
    ]


def test_numpy_layers_agree_with_torch():
    model = made()
    network = MetaModel(3, SPACE.dim, SPACE.to_vector({}), np.array([True, True, False]))
    with torch.no_grad():
        network.weights[-1].mul_(20.0)
        x = model.standardisation(TABLE)
        expected = network(torch.as_tensor(x, dtype=torch.float32)).numpy()
    found = [model.coordinates(named(row)) for row in TABLE]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_model_comes_back_as_it_was_saved(tmp_path):
    model = made(gated=True)
    save(model, tmp_path, {"lengths": np.arange(3.0)})
    copy = load(tmp_path)
    assert copy.kind == model.kind
    assert copy.space == model.space
    assert copy.info == model.info
    for row in TABLE:
        np.testing.assert_array_equal(copy.coordinates(named(row)), model.coordinates(named(row)))
        assert copy.gate.expected(row) == model.gate.expected(row)
        assert copy.gate.patience_seconds(row) == model.gate.patience_seconds(row)
    assert (copy.least_rows, copy.look) == (model.least_rows, model.look)
    np.testing.assert_array_equal(copy.second, model.second)


def test_a_second_choice_is_another_one():
    model = made(gated=True)
    for row in TABLE:
        second = model.second_choice(named(row))
        assert second != model.choice(named(row))
        assert second in ({}, SPACE.to_settings(model.second))
    alone = made()
    assert alone.second is None
    assert alone.second_choice(named(TABLE[0])) == {}


@pytest.mark.parametrize("name", ["weights.safetensors", "policy.txt", "model.json"])
@pytest.mark.parametrize("harm", ["truncate", "change", "remove"])
def test_a_damaged_directory_is_an_error_with_a_remedy(tmp_path, name, harm):
    save(made(), tmp_path)
    path = tmp_path / name
    data = path.read_bytes()
    if harm == "truncate":
        path.write_bytes(data[: len(data) // 2])
    elif harm == "change" and name == "model.json":
        path.write_text(data.decode().replace("sha", "sah").replace('"policy.txt": "', '"x": "'))
    elif harm == "change":
        path.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
    else:
        path.unlink()
    with pytest.raises(ModelError, match="train"):
        load(tmp_path)


def test_a_damaged_policy_file_is_an_error(tmp_path):
    path = tmp_path / "policy.txt"
    path.write_text(policy_text(made()))
    text = path.read_text()
    for bad in (text[: len(text) // 2], text.replace("sor", "sox", 1), ""):
        path.write_text(bad)
        with pytest.raises(ModelError, match="truncated or changed"):
            read_policy(path)


def test_another_format_is_refused(tmp_path):
    save(made(), tmp_path)
    document = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps({**document, "format": 99}))
    with pytest.raises(ModelError, match="format 99"):
        load(tmp_path)


def test_training_instances_are_familiar_and_distant_ones_are_not():
    model = made()
    assert all(model.refuses(named(row)) == "" for row in TABLE)
    assert "log_rows" in model.refuses(named([20.0, 0.5, 1.0]))
    assert "ranks" in model.refuses(named([7.0, 0.5, 2.0]))
    assert "asymmetry" in model.refuses(named([7.0, np.nan, 1.0]))
    with pytest.raises(ModelError, match="ranks"):
        model.refuses({"log_rows": 7.0, "asymmetry": 0.5})


def test_a_feature_that_never_varied_moves_nothing():
    model = made()
    np.testing.assert_array_equal(
        model.coordinates(named([7.0, 0.5, 1.0])), model.coordinates(named([7.0, 0.5, 1.02]))
    )


def test_a_constant_is_a_model_with_a_network_that_ignores_its_input(tmp_path):
    setting = {"pc_type": "sor", "pc_sor_omega": 1.3}
    layers = constant_layers(3, SPACE.to_vector(setting))
    model = Model("global", SPACE, Standardisation.fit(NAMES, TABLE), layers)
    (tmp_path / "policy.txt").write_text(policy_text(model))
    for row in TABLE:
        assert model.settings(named(row)) == setting
        assert read_policy(tmp_path / "policy.txt").settings(named(row)) == setting


def test_the_default_leaves_every_solve_to_the_host():
    model = made(kind="default")
    assert model.settings(named(TABLE[0])) == {}
    assert model.refuses(named(TABLE[0]))


def test_a_model_shows_its_sizes_and_where_it_is_from(tmp_path):
    assert repr(made()) == "<Model policy: 3 features to 5 settings, in memory>"
    save(made(gated=True), tmp_path / "model")
    shown = repr(load(tmp_path / "model"))
    assert shown == f"<Model policy: 3 features to 5 settings, gate, from {tmp_path / 'model'}>"


def test_the_activations_that_a_file_may_name_are_those_there_are():
    assert get_args(Activation) == tuple(ACTIVATIONS)


def test_a_surrogate_that_has_seen_nothing_says_so():
    with pytest.raises(ValueError, match="fit it first"):
        Surrogate(2, 3).mean(torch.zeros(1, 2), torch.zeros(1, 3))
