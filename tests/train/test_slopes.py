"""Laws of the look along each setting: the verdict is what the cost is."""

import json

import numpy as np
import pytest

from metasolve.cli.main import main
from metasolve.farm import SerialFarm
from metasolve.solve.cost import Cost
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason
from metasolve.space import Choice, Integer, Real, Space
from metasolve.train.evaluator import Evaluator
from metasolve.train.events import Events
from metasolve.train.slopes import WHOLE, slopes_of

SPACE = Space(
    (
        Choice("kind", ("a", "b")),
        Real("smooth", -1.0, 1.0, default=0.2),
        Real("tread", -1.0, 1.0, default=0.05),
        Real("idle", -1.0, 1.0, default=0.0),
        Integer("count", 0, 10, default=4, when={"kind": ("b",)}),
    )
)
SLOPE = 0.7


class Formula:
    """A solver whose iterations are exp of a formula, with a relative noise of each value."""

    def __init__(self, noise=0.0, fails=False):
        self.noise, self.fails = noise, fails
        self.rng = np.random.default_rng(3)

    def solve(self, instance, settings, budget):
        if self.fails and settings.get("smooth", 0.2) != 0.2:
            return Outcome.failure(Reason.DIVERGED, "broke down")
        z = {"smooth": 0.2, "tread": 0.05, "count": 4, **settings}
        exponent = SLOPE * z["smooth"] + 0.5 * np.floor(z["tread"] * 10) - 0.1 * z["count"]
        taken = 100.0 * np.exp(exponent) * (1.0 + self.noise * self.rng.standard_normal())
        return Outcome(Reason.CONVERGED, int(np.ceil(taken)), float(taken), 1e-8, 0.0, 1.0)


def look(solver):
    instances = [Instance("one", {"size": 1.0})]
    evaluator = Evaluator(
        SerialFarm(solver), instances, Cost("iterations", cap=100.0), 10**6, Events(None)
    )
    found = slopes_of(evaluator, SPACE, lambda *_: None)
    return {each.setting: each for each in found}


def test_each_setting_gets_the_verdict_it_deserves():
    found = look(Formula())
    assert {name: each.verdict.partition(":")[0] for name, each in found.items()} == {
        "smooth": "smooth",
        "tread": "staircase",
        "idle": "insensitive",
        "count": WHOLE.partition(":")[0],
    }
    sign = -1.0  # a default above the middle is moved down, where there is more room
    np.testing.assert_allclose(found["smooth"].differences, sign * SLOPE, rtol=1e-6)
    np.testing.assert_allclose(found["count"].differences, -0.1 * 10 / 2, rtol=1e-6)
    assert found["count"].at == {"kind": "b"}


@pytest.mark.parametrize("noise", [1e-4, 1e-2])
def test_noise_is_found(noise):
    found = look(Formula(noise))["idle"]
    assert noise / 3 < found.noise < 3 * noise


def test_it_says_when_it_cannot_know():
    found = look(Formula())["idle"]
    assert found.noise is None
    assert "half the values are equal" in found.known
    failed = look(Formula(fails=True))["smooth"]
    assert failed.differences == (None, None, None)
    assert failed.verdict.startswith("unknown")


def test_the_command_tells_and_draws(tmp_path, capsys):
    from ..program.conftest import CASE, SCRIPT

    (tmp_path / "program.sh").write_text(SCRIPT)
    (tmp_path / "program.sh").chmod(0o755)
    (tmp_path / "case.toml").write_text(CASE)
    picture = tmp_path / "slopes.png"
    words = ["check-gradient", str(tmp_path / "case.toml"), "--instances", "2", "--json"]
    with pytest.raises(SystemExit) as stop:
        main([*words, "--plot", str(picture)])
    assert not stop.value.code
    told = json.loads(capsys.readouterr().out)
    omegas = [each for each in told["slopes"] if each["setting"] == "omega"]
    assert len(omegas) == 2
    assert all(each["verdict"].startswith("smooth") for each in omegas)
    assert picture.stat().st_size > 5_000
