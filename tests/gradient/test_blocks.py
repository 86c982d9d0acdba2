"""Laws of blocks: their variance, their turns, gradients rebuilt from scalars."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasolve.errors import UsageError
from metasolve.gradient import Report, assemble, block_of, consecutive_blocks, mean, tangents

EVERYWHERE = np.ones(12, dtype=bool)
G = np.geomspace(3.0, 0.1, 12) * np.where(np.arange(12) % 2, -1.0, 1.0)


def reports(step, blocks, clients=None, k=1):
    clients = range(len(blocks)) if clients is None else clients
    for client in clients:
        block = block_of(client, step, len(blocks))
        key = (5, step, client)
        V = tangents("rademacher", key, k, blocks[block])
        yield Report(key, block, tuple(V.T @ G))


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(1, 30))
def test_blocks_part_the_active_settings_evenly(active, count):
    active = np.array(active)
    if count > active.sum():
        with pytest.raises(UsageError, match="blocks"):
            consecutive_blocks(active, count)
        return
    blocks = consecutive_blocks(active, count)
    assert np.array_equal(blocks.sum(axis=0), active.astype(int))
    assert np.ptp(blocks.sum(axis=1)) <= 1


@given(st.integers(1, 9), st.integers(0, 100))
def test_every_block_is_measured_each_step_and_every_client_takes_each_in_turn(count, step):
    assert {block_of(client, step, count) for client in range(count)} == set(range(count))
    assert {block_of(3, step + later, count) for later in range(count)} == set(range(count))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 12])
def test_unbiased_with_the_variance_of_each_block_alone(count, mean_is):
    """E‖g - ∇f‖² = Σ_B (|B| - 1)‖∇_B f‖², zero for blocks of one."""
    blocks = consecutive_blocks(EVERYWHERE, count)
    found = np.array([assemble(list(reports(s, blocks)), blocks, mean) for s in range(1500)])
    mean_is(found, G)
    law = sum((block.sum() - 1) * np.sum(G[block] ** 2) for block in blocks)
    mean_is(np.sum((found - G) ** 2, axis=1), law)
    assert law <= 11 * np.sum(G**2)


def test_the_order_of_arrival_changes_no_bit():
    blocks = consecutive_blocks(EVERYWHERE, 3)
    arrived = list(reports(0, blocks, clients=range(9), k=2))
    first = assemble(arrived, blocks, mean)
    assert np.array_equal(assemble(arrived[::-1], blocks, mean), first)


def test_clients_of_one_block_are_averaged_and_blocks_nobody_reported_are_zero():
    blocks = consecutive_blocks(EVERYWHERE, 3)
    one, two = (Report((0, 0, client), 1, (float(client + 1),)) for client in range(2))
    both = assemble([one, two], blocks, mean)
    alone = [assemble([each], blocks, mean) for each in (one, two)]
    np.testing.assert_allclose(both, np.mean(alone, axis=0))
    assert not both[~blocks[1]].any()


def test_a_report_holds_scalars_whatever_the_number_of_settings():
    report = next(reports(0, consecutive_blocks(EVERYWHERE, 2), k=3))
    assert len(report.differences) == 3
