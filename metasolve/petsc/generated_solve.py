"""`GeneratedSolve`: one solve of a system that is made, not read; `Replay` takes it as recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from metasolve.petsc.contract import Measure
from metasolve.petsc.recorded_solve import Host


@dataclass(frozen=True)
class GeneratedSolve:
    """A system by its arguments, the tolerances asked for, and how the application solves it.

    Parameters
    ----------
    id
        Unique among the solves of a family and size.
    system
        Makes A and b from the arguments; the same ones for the same arguments.
    arguments
        Of `system`.
    host
        The application's own configuration.
    rtol, max_it, abstol, divtol
        Asked for, on the unpreconditioned norm.
    guess
        Where to start from; None for zero.
    measure
        In which answers are judged, against `rtol`; BACKWARD where the application factorises.
    block_size
        Of the matrix, as the application declares it.
    constant_null
        Whether the application says that constants are the operator's null space.
    """

    id: str
    system: Callable[..., tuple[sp.csr_matrix, NDArray[np.float64]]]
    arguments: Mapping[str, Any]
    host: Host
    rtol: float
    max_it: int = 10_000
    abstol: float = 0.0
    divtol: float = 1e4
    guess: NDArray[np.float64] | None = None
    measure: Measure = Measure.NORM
    block_size: int = 1
    constant_null: bool = False

    @property
    def direct(self) -> bool:
        """Whether the application solves with a factorisation."""
        return self.measure is Measure.BACKWARD

    def assemble(self) -> tuple[sp.csr_matrix, NDArray[np.float64]]:
        """A and b, made anew unless they were among the last few."""
        return _assembled(self.system, tuple(self.arguments.items()))


@lru_cache(maxsize=2)
def _assembled(
    system: Callable[..., Any], arguments: tuple[tuple[str, Any], ...]
) -> tuple[sp.csr_matrix, NDArray[np.float64]]:
    A, b = system(**dict(arguments))
    return sp.csr_matrix(A), np.asarray(b, dtype=np.float64)
