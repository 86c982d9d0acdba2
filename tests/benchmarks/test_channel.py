"""The channel: its program keeps its laws, and training through it beats the law it starts from."""

import numpy as np
import pytest

from benchmarks import channel, wall_model
from benchmarks.channel_program import draw, height_plus, numbers, solve
from metasolve.errors import UsageError
from metasolve.program.case_file import read_case
from metasolve.program.instances import instances

from ..conftest import ROOT

LAWS = ["log", "spalding", "reichardt"]


@pytest.fixture
def case(solver_program, tmp_path):
    """The case of problems/channel with a program built by its own Makefile."""
    (binary,) = solver_program("channel")
    for name in ("case.toml", "flow.deck"):
        text = (ROOT / "problems" / "channel" / name).read_text()
        (tmp_path / name).write_text(text.replace("../../solvers/channel/channel", binary))
    return tmp_path / "case.toml"


def spalding(yplus, uplus):
    k = 0.41 * uplus
    return uplus + np.exp(-0.41 * 5.2) * (np.exp(k) - 1 - k - k**2 / 2 - k**3 / 6) - yplus


def reichardt(yplus, uplus):
    wake = 1 - np.exp(-yplus / 11) - yplus / 11 * np.exp(-yplus / 3)
    return np.log(1 + 0.41 * yplus) / 0.41 + 7.8 * wake - uplus


def test_the_wall_stress_obeys_the_law_at_the_first_point(case):
    flows = instances(read_case(case), 24, 1)
    found = solve(read_case(case), [*LAWS, "resolved"], flows)
    assert found.converged.all()
    yplus = [height_plus(flows, stress) for stress in found.wall_stress]
    uplus = found.velocity / np.sqrt(found.wall_stress)
    np.testing.assert_allclose(uplus[0], np.log(yplus[0]) / 0.41 + 5.2, rtol=1e-6)
    np.testing.assert_allclose(spalding(yplus[1], uplus[1]) / yplus[1], 0.0, atol=1e-6)
    np.testing.assert_allclose(reichardt(yplus[2], uplus[2]) / uplus[2], 0.0, atol=1e-6)
    # Resolved without a pressure gradient the profile is the law of the wall, near the wall.
    text = {"reynolds": "1e5", "gradient": "0", "points": "60"}
    flow = [type(flows[0])("flow", {}, payload=text)]
    found = solve(read_case(case), ["resolved"], flow)
    (yplus,) = height_plus(flow, found.wall_stress[0])
    uplus = found.velocity[0, 0] / np.sqrt(found.wall_stress[0, 0])
    assert uplus == pytest.approx(np.log(yplus) / 0.41 + 5.2, rel=0.05)


def test_the_network_of_the_program_is_ours_and_starts_as_the_log_law(case):
    described = read_case(case)
    flows = instances(described, 12, 2)
    weights = wall_model.start_weights(3)
    found = solve(described, ["log", wall_model.network_law(weights)], flows)
    np.testing.assert_array_equal(found.wall_stress[0], found.wall_stress[1])
    weights = weights + 0.1 * np.random.default_rng(4).standard_normal(wall_model.SIZE)
    found = solve(described, [wall_model.network_law(weights)], flows)
    u, slope, wall = found.velocity[0], found.slope[0], found.wall_stress[0]
    height, viscosity = 1 / numbers(flows, "points"), 1 / numbers(flows, "reynolds")
    x = wall_model.inputs(u, slope, height, viscosity, numbers(flows, "gradient"))
    law = wall_model.log_stress(u, height, viscosity) * np.exp(wall_model.output(weights, x))
    np.testing.assert_allclose(wall, law, rtol=1e-6)


def test_flows_have_their_first_point_in_the_band_and_lie_beyond_when_asked(case):
    described = read_case(case)
    for each in (described, channel.beyond(described)):
        flows = draw(each, 8, (1, 2), channel.BAND)
        resolved = solve(each, ["resolved"], flows)
        plus = height_plus(flows, resolved.wall_stress[0])
        assert ((plus >= channel.BAND[0]) & (plus <= channel.BAND[1])).all()
        assert (numbers(flows, "reynolds") >= each.varies["reynolds"].low).all()
    with pytest.raises(UsageError, match=r"0 of 128 flows .* change the ranges"):
        draw(described, 8, (1, 2), (1e6, 1e7))


def test_training_through_the_program_beats_the_law_it_starts_from(case, tmp_path):
    found = channel.run(case, [0], steps=20, flows=10, unseen=10)
    rows = {row["closure"]: row for row in found.result.sections[0].rows}
    assert rows[channel.TRAINED]["mean"] < 0.8 * rows[channel.LOG]["mean"]
    assert all(row["diverged"] == 0 for row in rows.values())
    found.plot(tmp_path / "channel.png")
    assert (tmp_path / "channel.png").stat().st_size > 10_000


def test_a_case_of_another_program_and_a_broken_deck_are_named(case):
    other = case.with_name("other.toml")
    other.write_text(case.read_text().replace('name = "reynolds"', 'name = "speed"'))
    deck = case.with_name("flow.deck")
    deck.write_text(deck.read_text().replace("{reynolds}", "{speed}"))
    with pytest.raises(UsageError, match="vary 'reynolds' is missing"):
        channel.run(other, [0])
    deck.write_text(deck.read_text().replace("{speed}", "{reynolds}"))
    described = read_case(case)
    with pytest.raises(UsageError, match=r"0 of 2 flows .* law is none of"):
        solve(described, ["logg"], instances(described, 2, 1))
