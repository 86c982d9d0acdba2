import importlib.metadata

import numpy as np
import pytest

from metasolve.errors import UsageError
from metasolve.prior import read_candidates
from metasolve.prior.corpus import read_corpus
from metasolve.prior.prior_file import LARGEST, SHIPPED, read_prior

from ..conftest import ROOT
from .prior_reader import PriorReader

pytest.importorskip("sklearn")

from metasolve.prior.build import build


@pytest.fixture(scope="module")
def prior(rows):
    return build(rows)


def test_the_plugins_reader_finds_what_was_written(prior, rows):
    reader = PriorReader(prior.to_bytes())
    assert tuple(reader.features) == prior.features
    for told, each, grows in zip(reader.candidates, prior.candidates, prior.grows, strict=True):
        own = [(mine.ksp, mine.pc, mine.package) for mine in each.own]
        assert told == (each.name, each.operators, tuple(grows), own, each.serial, each.parallel)
    for row in rows:
        x = list(row.features.values())
        assert np.array_equal(reader.trees(x), prior.forest(np.array(x)))


def test_what_is_read_is_what_was_written(prior, tmp_path):
    path = tmp_path / "prior.bin"
    prior.save(path)
    again = read_prior(path)
    assert again.to_bytes() == prior.to_bytes()
    assert again.candidates == prior.candidates


def test_the_same_corpus_makes_the_same_bytes(prior, rows):
    assert build(rows).to_bytes() == prior.to_bytes()


@pytest.mark.parametrize("place", [0, 20, 300, -3000, -70, -2])
def test_a_changed_byte_is_refused(prior, tmp_path, place):
    content = bytearray(prior.to_bytes())
    content[place] ^= 1
    path = tmp_path / "prior.bin"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="make prior"):
        read_prior(path)


@pytest.mark.parametrize("length", [0, 10, 100, 2000, -1])
def test_a_torn_file_is_refused(prior, tmp_path, length):
    path = tmp_path / "prior.bin"
    path.write_bytes(prior.to_bytes()[:length])
    with pytest.raises(UsageError, match="make prior"):
        read_prior(path)


def test_systems_with_different_features_are_refused(rows):
    from dataclasses import replace

    other = replace(rows[0], features={**rows[0].features, "another": 0.0})
    with pytest.raises(UsageError, match="different features"):
        build([*rows, other])


def as_tested(package):
    """Whether it is the version of constraints.txt: others may add numbers in another order."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return f"{package}=={importlib.metadata.version(package)}" in lines


@pytest.mark.skipif(
    not (as_tested("numpy") and as_tested("scikit-learn")),
    reason="the fit is exact for constraints.txt",
)
@pytest.mark.parametrize("bits", [0, 1])
def test_what_ships_is_the_fit_to_the_shipped_corpus(bits, monkeypatch):
    """On every processor: vector instructions give logarithms that differ in the last bit."""
    log = np.log
    monkeypatch.setattr(np, "log", lambda x: log(x) + bits * np.spacing(log(x)))
    content = SHIPPED.read_bytes()
    assert len(content) <= LARGEST
    assert build(read_corpus()).to_bytes() == content


def test_what_ships_has_the_candidates_and_the_plugins_features():
    prior = read_prior()
    assert prior.candidates == read_candidates()
    library = pytest.importorskip("metasolve.petsc.library")
    assert prior.features == library.plugin().names
