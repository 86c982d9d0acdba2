"""Trainings whose networks are fitted in few steps, for laws that hold however these fit."""

import contextlib

import pytest


@contextlib.contextmanager
def few_steps():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("metasolve.train.gate._STEPS", 100)
        patch.setattr("metasolve.train.teacher._STEPS", 60)
        patch.setattr("metasolve.train.policy._LAST_STEPS", 30)
        patch.setattr("metasolve.train.mixture._LAST_STEPS", 30)
        yield


@pytest.fixture(scope="session")
def hastily():
    """`with hastily():` networks are fitted in few steps, for laws that hold however they fit."""
    return few_steps


@pytest.fixture
def hasty(hastily):
    """The same for a whole test."""
    with hastily():
        yield
