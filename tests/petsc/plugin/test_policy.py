"""The forward pass in C chooses what the model in Python chooses."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from metasolve.model.directory import save
from metasolve.model.gate import Bells, Gate
from metasolve.model.meta_model import MetaModel
from metasolve.model.model import Model, Standardisation, symmetric
from metasolve.space import Choice, Flag, Integer, Real, Space

from ..conftest import PETSC, PETSc, convection_diffusion, random_vector

SPACE = Space(
    (
        Choice("ksp_type", ("gmres", "cg", "bcgs"), symmetric=("cg",)),
        Integer("ksp_gmres_restart", 5, 200, "log", when={"ksp_type": ("gmres",)}),
        Choice("pc_type", ("jacobi", "sor", "ilu")),
        Real("pc_sor_omega", 0.2, 1.9, default=1.0, when={"pc_type": ("sor",)}),
        Flag("pc_sor_local_forward", when={"pc_type": ("sor",)}),
        Integer("pc_factor_levels", 0, 4, default=0, when={"pc_type": ("ilu",)}),
        Real("pc_factor_fill", 1.0, 5.0, "log", default=1.0, when={"pc_type": ("ilu",)}),
    )
)
INFO = {"petsc": PETSC, "features_version": 3}


@pytest.fixture(scope="module", params=[5.0, 0.0], ids=["nonsymmetric", "symmetric"])
def system(request):
    from metasolve.petsc.library import plugin

    A = convection_diffusion(12, request.param)
    b = random_vector(A)
    return A, b, plugin().features(A, b, 1e-5, 1e-50)


def random_gate(features, seed):
    rng = np.random.default_rng(seed)
    n, some = len(features), np.sort(rng.permutation(len(features))[:7])
    centres, weights = rng.normal(size=(30, 7)), rng.normal(size=30)
    host = Bells(some, rng.uniform(0.5, 3, 7), centres, weights, rng.normal())
    return Gate(MetaModel(n, 2, np.zeros(2), seed=seed).layers(), host)


def random_model(features, seed, gate=None):
    rng = np.random.default_rng(seed)
    n, x = len(features), np.array(list(features.values()))
    box = Standardisation(
        tuple(features), x + rng.normal(size=n), rng.uniform(0.5, 2, n), x - 1, x + 1
    )
    network = MetaModel(n, SPACE.dim, np.zeros(SPACE.dim), seed=seed)
    with torch.no_grad():
        network.weights[-1].mul_(20.0)
    info = {**INFO, "expected": [2.0, *[0.0] * n]}
    return Model("policy", SPACE, box, network.layers(), info, gate=gate)


def decided(system, model, folder):
    from metasolve.petsc.library import plugin

    A, b, _ = system
    ksp = PETSc.KSP().create(PETSc.COMM_SELF)
    ksp.setOperators(A)
    ksp.setType("gmres")
    ksp.setTolerances(rtol=1e-5)
    plugin().attach(ksp, save(model, folder))
    x = b.duplicate()
    ksp.solve(b, x)
    record = plugin().last_record(ksp)
    ksp.destroy()
    return record


@pytest.mark.parametrize("seed", range(12))
def test_the_same_settings_to_the_last_digit_printed(system, tmp_path, seed):
    model = random_model(system[2], seed)
    record = decided(system, model, tmp_path)
    assert record["source"] in {"model", "fallback"}
    expected = SPACE.options(model.settings(system[2]))
    assert record["settings"].keys() == expected.keys()
    if symmetric(system[2]):
        assert model.choice(system[2]) == SPACE.to_settings(model.coordinates(system[2]))
    else:
        assert record["settings"]["ksp_type"] != "cg"
    for name, text in record["settings"].items():
        # policy.txt holds nine digits, so the sixth that is printed may differ by one.
        if name in ("pc_sor_omega", "pc_factor_fill"):
            assert float(text) == pytest.approx(float(expected[name]), rel=1e-5)
        else:
            assert text == expected[name]


@pytest.mark.parametrize("seed", range(4))
def test_a_policy_that_expects_a_loss_leaves_the_program_alone(system, tmp_path, seed):
    gate = random_gate(system[2], seed)
    host, expected = gate.host, gate.expected(random_model(system[2], seed).inputs(system[2]))
    hopeful, gloomy = (
        random_model(
            system[2], seed, replace(gate, host=replace(host, level=host.level + expected + margin))
        )
        for margin in (1e-6, -1e-6)
    )
    assert decided(system, hopeful, tmp_path)["source"] in {"model", "fallback"}
    record = decided(system, gloomy, tmp_path)
    assert record["source"] == "refused"
    assert "expected to gain enough" in record["why"]
    assert gloomy.settings(system[2]) == {}
    assert "expected to be faster" in gloomy.refuses(system[2])
