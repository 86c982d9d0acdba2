"""The few calls of PETSc that petsc4py does not wrap, made on the PETSc that petsc4py runs on."""

from __future__ import annotations

import ctypes
from functools import lru_cache

from petsc4py import PETSc

_Handle = ctypes.c_void_p


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL:
    """Return PETSc itself."""
    # Looking a symbol up in petsc4py's extension also searches the libraries it was linked to.
    petsc = ctypes.CDLL(PETSc.__file__)
    petsc.PetscOptionsUsed.argtypes = [_Handle, ctypes.c_char_p, ctypes.POINTER(ctypes.c_int)]
    petsc.PetscViewerBinarySkipInfo.argtypes = [_Handle]
    return petsc


def version_of(petsc: ctypes.CDLL) -> str:
    """Return the version that a loaded PETSc reports, such as ``3.18.5``."""
    numbers = [ctypes.c_int() for _ in range(4)]
    petsc.PetscGetVersionNumber(*map(ctypes.byref, numbers))
    return ".".join(str(number.value) for number in numbers[:3])


def option_used(name: str) -> bool:
    """Whether PETSc asked for the option `name`, given with prefix and without dash."""
    used = ctypes.c_int()
    library().PetscOptionsUsed(None, name.encode(), ctypes.byref(used))
    return bool(used.value)


def skip_info(viewer: PETSc.Viewer) -> None:
    """Let a binary viewer ignore .info files, whose options would lack a prefix."""
    library().PetscViewerBinarySkipInfo(viewer.handle)
