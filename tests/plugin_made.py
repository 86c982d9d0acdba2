"""The plug-in, compiled before a test that counts what a command says."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def plugin_library() -> Path:
    """The plug-in. Skip where nothing can be compiled; one that does not compile is an error."""
    from metasolve.errors import PluginError
    from metasolve.petsc import installation, library

    try:
        installation.find().check()
    except PluginError as error:
        pytest.skip(f"the plug-in cannot be built here: {error}")
    return library.build()
