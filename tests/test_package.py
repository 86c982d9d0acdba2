import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import metasolve


def test_importing_initialises_nothing():
    code = (
        "import sys, metasolve\n"
        "heavy = ('petsc4py', 'mpi4py', 'torch', 'numpy')\n"
        "print(*(name for name in heavy if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("name", metasolve.__all__)
def test_every_public_name_is_there(name):
    assert getattr(metasolve, name)
    assert name in dir(metasolve)


@pytest.mark.parametrize(
    "name", ["accelerate", "evaluate", "load", "record", "recording", "report", "train"]
)
def test_public_verbs_can_be_called_whatever_was_imported_before(name):
    import metasolve.report.screen  # makes metasolve.report the package
    import metasolve.train.trainer  # likewise

    assert callable(getattr(metasolve, name))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="recrod"):
        _ = metasolve.recrod


@pytest.mark.parametrize(
    ("verb", "some"),
    [
        ("accelerate", ["ksp", "model", "log"]),
        ("evaluate", ["model", "recording", "repeats", "limit", "global_baseline"]),
        ("load", ["directory"]),
        ("record", ["command", "out", "prefix", "every", "max_systems", "max_bytes"]),
        ("recording", ["out", "every", "max_systems", "max_bytes"]),
        ("train", ["recording", "out", "space", "fresh", "calls", "seed", "measure", "risk"]),
    ],
)
def test_public_verbs_say_what_they_take(verb, some):
    parameters = inspect.signature(getattr(metasolve, verb)).parameters
    assert set(some) <= set(parameters)
    assert all(each.annotation is not each.empty for each in parameters.values())
    kinds = {each.kind for each in parameters.values()}
    assert not kinds & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}


def test_options_of_training_are_shown_with_their_defaults():
    from metasolve.train.config import TrainConfig

    parameters = inspect.signature(metasolve.train).parameters
    told = {name: parameters[name].default for name in TrainConfig.model_fields}
    assert told == TrainConfig().model_dump()


def test_the_types_are_for_others_too():
    assert (Path(metasolve.__file__).parent / "py.typed").is_file()
