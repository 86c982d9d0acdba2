"""Recorded systems, small ones."""

import importlib.util
from pathlib import Path

import pytest

PETSC_TESTS = Path(__file__).parents[1] / "petsc" / "conftest.py"


@pytest.fixture
def recorded(tmp_path):
    """Instances of three convection-diffusion problems."""
    pytest.importorskip("petsc4py.PETSc")
    from metasolve.petsc.recording import Recording

    spec = importlib.util.spec_from_file_location("petsc_tests", PETSC_TESTS)
    parts = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(parts)
    writer = parts.RecordingWriter(tmp_path / "recording")
    for peclet in (0.0, 10.0, 20.0):
        A = parts.convection_diffusion(12, peclet)
        writer.solve(A, parts.random_vector(A))
    return Recording(writer.path).instances()
