"""The plug-in: compiled on demand against the PETSc at hand, cached, and callable from Python."""

from __future__ import annotations

import ctypes
import json
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metasolve.errors import PluginError
from metasolve.files.shipped import shipped
from metasolve.petsc import compiled, installation
from metasolve.petsc.contract import Contract, Measure
from metasolve.petsc.installation import Installation
from metasolve.petsc.judge import Judge, check
from metasolve.petsc.place import LOADER

if TYPE_CHECKING:
    from petsc4py import PETSc

NAME = LOADER
build = compiled.build


def core(found: Installation | None = None) -> Path:
    """Return the plug-in proper, as `build` does; a process loads it only next to its own PETSc."""
    return compiled.folder(found) / compiled.CORE


class Limits(ctypes.Structure):
    """When a solve stops: the plug-in's own structure, which must outlive the KSP it was set on."""

    _fields_ = (
        ("target", ctypes.c_double),
        ("divergence", ctypes.c_double),
        ("first", ctypes.c_double),
        ("deadline", ctypes.c_double),
        ("processor", ctypes.c_double),
        ("late", ctypes.c_int),
        ("course", ctypes.c_void_p),
        ("before", ctypes.c_int64),
        ("test", ctypes.c_void_p),
        ("asked", ctypes.c_void_p),
        ("look", ctypes.c_void_p),
        ("judge", ctypes.c_void_p),
        ("seen", ctypes.c_double),
        ("enough", ctypes.c_double),
        ("looked", ctypes.c_int64),
        ("due", ctypes.c_int64),
        ("fell", ctypes.c_double),
        ("norm", ctypes.c_double),
        ("prospect", ctypes.c_void_p),
    )


class Plugin:
    """The plug-in loaded into this process, which runs petsc4py.

    Raises
    ------
    PluginError
        If it cannot be built or loaded, or was built for another PETSc than petsc4py's.
    """

    def __init__(self) -> None:
        found = installation.of_petsc4py()
        path = core(found)
        try:
            self._library = ctypes.CDLL(str(path))
        except OSError as error:
            raise PluginError(f"{path} cannot be loaded: {error}") from error
        self._same_petsc(found)
        self._declare()
        count = self._library.MetasolveFeatureCount()
        #: Names of the features, in the order of the plug-in.
        self.names: tuple[str, ...] = tuple(
            self._library.MetasolveFeatureName(index).decode() for index in range(count)
        )

    def features(
        self, A: PETSc.Mat, b: PETSc.Vec, rtol: float, abstol: float, guess_nonzero: bool = False
    ) -> dict[str, float]:
        """Compute the features of the system Ax = b.

        Collective: yes, on the communicator of ``A``.

        Parameters
        ----------
        A, b
            Operator and right-hand side.
        rtol, abstol
            The application's tolerances on the 2-norm of the residual.
        guess_nonzero
            Whether the application starts from a guess of its own.

        Returns
        -------
        dict
            Value of every feature by name, the same on every rank.
        """
        values = (ctypes.c_double * len(self.names))()
        code = self._library.MetasolveFeatures(
            A.handle, b.handle, rtol, abstol, int(guess_nonzero), values
        )
        check(code, "MetasolveFeatures")
        return dict(zip(self.names, values, strict=True))

    def judge(self, A: PETSc.Mat, b: PETSc.Vec, measure: Measure) -> Judge:
        """Return what measures answers of A x = b. Collective: yes, on the communicator of A."""
        return Judge(self._library, A, b, measure)

    def limit(
        self,
        ksp: PETSc.KSP,
        target: float,
        seconds: float | None = None,
        judge: Judge | None = None,
    ) -> Limits:
        """Stop the solves of `ksp` as the plug-in stops its own.

        Parameters
        ----------
        ksp
            Its type and tolerances are set.
        target
            What the measure must come down to.
        seconds
            From now; None for no limit.
        judge
            Measures the iterates; None for the 2-norm of the residual that the KSP carries along.

        Returns
        -------
        Limits
            Keep it as long as the KSP; its ``late`` says whether the seconds ran out.
        """
        limits = Limits()
        code = self._library.MetasolveLimit(
            ksp.handle,
            ctypes.byref(limits),
            target,
            0.0 if seconds is None else seconds,
            None if judge is None else judge.handle,
        )
        check(code, "MetasolveLimit")
        return limits

    def closeness(self, ksp: PETSc.KSP, A: PETSc.Mat, b: PETSc.Vec, x: PETSc.Vec) -> float:
        """Return ‖M⁻¹(b - A x)‖₂ / ‖M⁻¹b‖₂ of an answer, M being the preconditioner of `ksp`.

        Collective: yes, on the communicator of ``ksp``.

        Returns
        -------
        float
            0 where M is nearly the inverse of A, or costs much to apply.
        """
        part = ctypes.c_double()
        code = self._library.MetasolveCloser(
            ksp.handle, A.handle, b.handle, x.handle, ctypes.byref(part)
        )
        check(code, "MetasolveCloser")
        return part.value

    def attach(
        self,
        ksp: PETSc.KSP,
        model: str | os.PathLike[str],
        log: str | None = None,
        *,
        trial: bool = False,
    ) -> None:
        """Let the model in directory `model` choose the settings of every solve of `ksp`.

        Collective: yes, on the communicator of ``ksp``.

        Parameters
        ----------
        ksp
            Its type is set.
        model
            Model directory.
        log
            File to which one JSON line per solve is appended.
        trial
            The model is on trial, outside production: neither paused nor held to account.
        """
        directory = os.fsencode(Path(model).absolute())
        line_file = None if log is None else os.fsencode(Path(log).absolute())
        prior = os.fsencode(shipped())
        code = self._library.MetasolveAttach(ksp.handle, directory, prior, line_file, int(trial))
        check(code, "MetasolveAttach")

    def tell(self, ksp: PETSc.KSP, contract: Contract) -> None:
        """Tell how the answers of an attached `ksp` are judged, in place of what its own ones say.

        Parameters
        ----------
        ksp
            A model is attached to it.
        contract
            As recorded.
        """
        place = list(Measure).index(contract.measure)
        check(self._library.MetasolveTell(ksp.handle, place, contract.tolerance), "MetasolveTell")

    def share(self, ksp: PETSc.KSP, other: PETSc.KSP) -> None:
        """Attach the model of `other` to `ksp`, too; it is not read again.

        Collective: yes, on the communicator of both.
        """
        check(self._library.MetasolveShare(ksp.handle, other.handle), "MetasolveShare")

    def begin(self, model: str | os.PathLike[str], log: str | None = None) -> None:
        """Accelerate every outermost KSP whose type is set from now on.

        Collective: yes, on COMM_WORLD.
        """
        directory = os.fsencode(Path(model).absolute())
        line_file = None if log is None else os.fsencode(Path(log).absolute())
        prior = os.fsencode(shipped())
        check(self._library.MetasolveBegin(directory, prior, line_file), "MetasolveBegin")

    def begin_recording(self, directory: str | os.PathLike[str]) -> None:
        """Record the systems of every outermost KSP whose type is set from now on.

        Collective: yes, on COMM_WORLD.
        """
        given = os.fsencode(Path(directory).absolute())
        check(self._library.MetasolveBeginRecording(given), "MetasolveBeginRecording")

    def adopt(self, ksp: PETSc.KSP) -> None:
        """Do so with `ksp`, which was there before. Collective: yes, on its communicator."""
        check(self._library.MetasolveAdopt(ksp.handle), "MetasolveAdopt")

    def end(self) -> None:
        """Undo `begin`. Collective: yes, on COMM_WORLD."""
        check(self._library.MetasolveEnd(), "MetasolveEnd")

    def detach(self, ksp: PETSc.KSP) -> None:
        """Give `ksp` back to its own settings. Collective: yes, on its communicator."""
        check(self._library.MetasolveDetach(ksp.handle), "MetasolveDetach")

    def last_record(self, ksp: PETSc.KSP) -> dict[str, Any]:
        """Return what happened in the last solve of an attached `ksp`, as in the run log."""
        text = self._library.MetasolveLastRecord(ksp.handle)
        record: dict[str, Any] = json.loads(text) if text else {}
        return record

    def _same_petsc(self, found: Installation) -> None:
        from metasolve.petsc import native

        loaded = (self._library, native.library())
        places = {ctypes.cast(petsc.PetscInitialize, ctypes.c_void_p).value for petsc in loaded}
        if len(places) > 1:
            raise PluginError(
                f"the plug-in was linked to PETSc {native.version_of(loaded[0])} "
                f"({found.found_by}), petsc4py runs {native.version_of(loaded[1])}: "
                "unset LD_LIBRARY_PATH, or rebuild petsc4py for that PETSc"
            )

    def _declare(self) -> None:
        library, handle, real = self._library, ctypes.c_size_t, ctypes.c_double
        pointer = ctypes.POINTER(ctypes.c_double)
        library.MetasolveFeatureName.restype = ctypes.c_char_p
        library.MetasolveFeatures.argtypes = [handle, handle, real, real, ctypes.c_int, pointer]
        text = ctypes.c_char_p
        library.MetasolveAttach.argtypes = [handle, text, text, text, ctypes.c_int]
        library.MetasolveShare.argtypes = [handle, handle]
        library.MetasolveTell.argtypes = [handle, ctypes.c_int, real]
        place = ctypes.POINTER(ctypes.c_void_p)
        library.MetasolveLimit.argtypes = [
            *(handle, ctypes.POINTER(Limits), real, real, ctypes.c_void_p)
        ]
        library.MetasolveJudge.argtypes = [handle, handle, ctypes.c_int, place]
        library.MetasolveCloser.argtypes = [*[handle] * 4, pointer]
        library.MetasolveJudgement.argtypes = [ctypes.c_void_p, handle, pointer]
        library.MetasolveJudgeDestroy.argtypes = [place]
        library.MetasolveDetach.argtypes = [handle]
        library.MetasolveBegin.argtypes = [text, text, text]
        library.MetasolveBeginRecording.argtypes = [text]
        library.MetasolveAdopt.argtypes = [handle]
        library.MetasolveLastRecord.argtypes = [handle]
        library.MetasolveLastRecord.restype = ctypes.c_char_p


@lru_cache(maxsize=1)
def plugin() -> Plugin:
    """Return the plug-in of this process, loaded once."""
    return Plugin()
