"""Law of our own Adam: the steps of torch's."""

import pytest
import torch

from metasolve.optim.adam import Adam


def parameters():
    generator = torch.Generator().manual_seed(0)
    sizes = [(3, 4), (4,), (0,), (2, 1)]
    return [torch.nn.Parameter(torch.randn(s, generator=generator).double()) for s in sizes]


def loss(values, step):
    return sum(((each - 0.1 * step) ** 4).sum() for each in values)


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("longest", [None, 0.5])
def test_it_takes_the_steps_of_torch(decay, longest):
    ours, theirs = parameters(), parameters()
    own = Adam(ours, decay)
    other = torch.optim.AdamW(theirs, weight_decay=decay)
    for step in range(30):
        rate = 0.1 / (1 + step)
        own.clear()
        loss(ours, step).backward()
        own.step(rate, longest)
        other.param_groups[0]["lr"] = rate
        other.zero_grad()
        loss(theirs, step).backward()
        if longest is not None:
            torch.nn.utils.clip_grad_norm_(theirs, longest)
        other.step()
    for one, same in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, same, rtol=1e-9, atol=1e-12)
