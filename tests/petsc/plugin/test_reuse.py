"""Keep or build: the plug-in's rule is the one that the laboratory simulates, to the last bit."""

import ctypes
import subprocess

import numpy as np
import pytest

from metasolve.errors import PluginError
from metasolve.petsc import installation
from metasolve.petsc.compiled import CORE_FLAGS, LINK_FLAGS, SOURCES
from metasolve.solve.reuse import MEAN, VARIANCE, Reuse

FIELDS = [
    "accuracy",
    "mean",
    "variance",
    "setup",
    "solve",
    "each",
    "condition",
    "rate",
    "total",
    "solves",
    "keeps",
]


class State(ctypes.Structure):
    _fields_ = [(name, ctypes.c_double) for name in FIELDS]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """reuse.c alone: it needs neither PETSc nor MPI."""
    try:
        compiler = installation.find().compiler
    except PluginError as error:
        pytest.skip(str(error))
    target = tmp_path_factory.mktemp("reuse") / "reuse.so"
    both = (*CORE_FLAGS, *LINK_FLAGS)
    flags = [each for each in both if each != "-fvisibility=hidden"]
    words = [*compiler, *flags, str(SOURCES / "reuse.c"), "-o", str(target), "-lm"]
    subprocess.run(words, check=True, capture_output=True)
    loaded = ctypes.CDLL(str(target))
    d, state = ctypes.c_double, ctypes.POINTER(State)
    for name, result, numbers in (
        ("Begin", None, 2),
        ("Ask", None, 1),
        ("Average", d, 0),
        ("Patience", d, 2),
        ("Built", None, 3),
        ("Kept", None, 3),
        ("Renewed", None, 1),
        ("Again", None, 1),
        ("Stopped", None, 2),
    ):
        function = getattr(loaded, f"Reuse{name}")
        function.restype, function.argtypes = result, [state, *[d] * numbers]
    return loaded


def agree(state, reuse):
    return all(getattr(state, name) == getattr(reuse, name) for name in FIELDS)


@pytest.mark.parametrize("seed", range(20))
def test_both_rules_are_the_same(library, seed):
    rng = np.random.default_rng(seed)
    reuse, state = Reuse(1e-5), State()
    library.ReuseBegin(state, MEAN, VARIANCE)
    size, kept, stopped = 10.0 ** rng.uniform(-3, 0.5), 0, 0
    for _ in range(300):
        asked = 10.0 ** rng.uniform(-14, 1)
        reuse.ask(asked)
        library.ReuseAsk(state, asked)
        change = float(size * rng.random() ** 3)
        moved, seconds = float(change * rng.random()), float(rng.gamma(2.0))
        iterations = float(rng.integers(1, 10 ** int(rng.integers(1, 5))))
        patience = 0.0
        if reuse.solves:
            assert library.ReuseAverage(state) == reuse.average()
            patience = reuse.patience(change, moved)
            assert library.ReusePatience(state, change, moved) == patience
        if patience and rng.random() < 0.7:
            reuse.kept(change, seconds, iterations)
            library.ReuseKept(state, change, seconds, iterations)
            kept += 1
        else:
            if patience:
                reuse.stopped(change, iterations)
                library.ReuseStopped(state, change, iterations)
                stopped += 1
            setup = float(rng.gamma(2.0))
            if patience and rng.random() < 0.5:
                reuse.renewed(setup)
                library.ReuseRenewed(state, setup)
            else:
                reuse.built(setup, seconds, iterations)
                library.ReuseBuilt(state, setup, seconds, iterations)
        if rng.random() < 0.2:
            reuse.again(seconds)
            library.ReuseAgain(state, seconds)
        assert agree(state, reuse)
    assert kept > 0
    assert stopped > 0


def test_a_first_solve_that_was_slow_is_forgotten():
    """Memory that nobody has touched yet: the third build is kept all the same."""
    reuse = Reuse(1e-6)
    for seconds in (100.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0):
        reuse.built(setup=2.0, seconds=seconds, iterations=10)
    assert reuse.patience(change=0.01, moved=0.01) > 0.0
