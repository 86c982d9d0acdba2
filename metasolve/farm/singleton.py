"""The environment of a process that is no rank, started by one that is.

Launchers tell ranks by variables which rank of what they are. An MPI program that inherits them
takes itself for the rank that started it, asks for a place that is taken, and aborts or hangs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

#: What launchers tell their ranks. What a user may have set for any MPI process stays: OMPI_MCA_*
#: but those below, PMIX_MCA_*, PRTE_MCA_*, MPIR_CVAR_*, OMPI_ALLOW_RUN_AS_ROOT*.
_TOLD = re.compile(
    r"SLURM|PMI_|PMI2_|PMIX_(?!MCA_)|PRTE_(?!MCA_)|HYDI_|HYDRA_|MPI_LOCAL|FLUX_|PALS_|JSM_"
    r"|MPIR_(?!CVAR_)|MPIR_CVAR_CH3_INTERFACE_HOSTNAME"
    r"|OMPI_(?!ALLOW_RUN_AS_ROOT|MCA_)"
    r"|OMPI_MCA_(orte_|ess$|ess_base_|pmix$|initial_wdir|mpi_oversubscribe|shmem_RUNTIME)"
)
#: One of them is known to every rank, and to no other process.
_RANKS = (
    "OMPI_COMM_WORLD_RANK",
    "PMIX_RANK",
    "PMI_RANK",
    "PMI_FD",
    "PALS_RANKID",
    "FLUX_TASK_RANK",
    "JSM_NAMESPACE_RANK",
)
#: From here on they stand for a job's script and for an interactive shell, which are no ranks.
_FIRST_SPECIAL_STEP = 0xFFFFFF00
#: They start ranks by asking the scheduler, so they need what it says about the job.
_SCHEDULERS = {"srun", "sbatch", "salloc", "aprun", "jsrun", "flux"}


def is_rank(environ: Mapping[str, str]) -> bool:
    """Whether a launcher started the process that has this environment as a rank."""
    step = environ.get("SLURM_STEP_ID", "")
    in_step = step.isdecimal() and int(step) < _FIRST_SPECIAL_STEP
    return in_step or any(name in environ for name in _RANKS)


def singleton_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without what makes its process a rank.

    Parameters
    ----------
    environ
        Of the process that starts another; it may, but need not, be a rank of SLURM's ``srun``
        (PMIx or PMI2), of ``mpiexec`` (Open MPI, MPICH and what derives from them), of PALS, Flux
        or ``jsrun``.

    Returns
    -------
    dict
        With everything else: ``PETSC_*``, ``OMP_*``, ``TMPDIR``, search paths, and how the user
        wants MPI to be.
    """
    return {name: value for name, value in environ.items() if not _TOLD.match(name)}


def program_environment(environ: Mapping[str, str], words: Sequence[str]) -> dict[str, str]:
    """Return the environment in which to start a program that may be parallel itself.

    Only a rank's is changed: the script of a job starts programs by the scheduler's launcher, or by
    an ``mpiexec`` that asks the scheduler where to.

    Parameters
    ----------
    environ
        Of the process that starts it.
    words
        Program and arguments.
    """
    if not is_rank(environ) or Path(words[0]).name in _SCHEDULERS:
        return dict(environ)
    return singleton_environment(environ)
