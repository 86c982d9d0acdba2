import subprocess
import sys

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


@pytest.mark.parametrize("name", ["accelerate", "load", "record", "train"])
def test_public_verbs_can_be_called_whatever_was_imported_before(name):
    import metasolve.train.trainer  # makes metasolve.train the package

    assert callable(getattr(metasolve, name))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="recrod"):
        _ = metasolve.recrod
