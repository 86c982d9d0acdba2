"""The few calls of PETSc that petsc4py does not wrap, made on the PETSc that petsc4py runs on."""

from __future__ import annotations

import ctypes
from functools import lru_cache

from petsc4py import PETSc

_Int = ctypes.c_int64 if PETSc.IntType().itemsize == 8 else ctypes.c_int32
_Real = ctypes.c_double
_Handle = ctypes.c_void_p


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL:
    """Return PETSc itself."""
    # Looking a symbol up in petsc4py's extension also searches the libraries it was linked to.
    petsc = ctypes.CDLL(PETSc.__file__)
    integer = ctypes.POINTER(ctypes.c_int)
    petsc.PetscOptionsUsed.argtypes = [_Handle, ctypes.c_char_p, integer]
    petsc.PetscViewerBinarySkipInfo.argtypes = [_Handle]
    petsc.KSPConvergedDefaultCreate.argtypes = [ctypes.POINTER(_Handle)]
    petsc.KSPConvergedDefault.argtypes = [_Handle, _Int, _Real, integer, _Handle]
    petsc.KSPConvergedDefaultDestroy.argtypes = [_Handle]
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


class DefaultTest:
    """KSPConvergedDefault with a context of its own."""

    def __init__(self) -> None:
        self._petsc, self._context, self._reason = library(), _Handle(), ctypes.c_int()
        self._petsc.KSPConvergedDefaultCreate(ctypes.byref(self._context))

    def __call__(self, ksp: PETSc.KSP, iteration: int, norm: float) -> int:
        """Return PETSc's reason, 0 to go on. Collective: yes, on the communicator of ``ksp``."""
        self._petsc.KSPConvergedDefault(
            ksp.handle, iteration, norm, ctypes.byref(self._reason), self._context
        )
        return self._reason.value

    def destroy(self) -> None:
        """Free the context."""
        if self._context:
            # Since PETSc 3.23 destructors of contexts take the address of the pointer.
            indirect = PETSc.Sys.getVersion() >= (3, 23, 0)
            self._petsc.KSPConvergedDefaultDestroy(
                ctypes.addressof(self._context) if indirect else self._context
            )
            self._context = _Handle()
