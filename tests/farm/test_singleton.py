"""The environment of what a rank starts: nothing of any launcher, everything of the user."""

import os
import re
import shutil

import pytest

from metasolve.farm.singleton import is_rank, program_environment, singleton_environment

USERS = {
    "PATH": "/bin",
    "TMPDIR": "/scratch",
    "LD_LIBRARY_PATH": "/lib",
    "PETSC_OPTIONS": "-log_view",
    "PETSC_DIR": "/petsc",
    "OMP_NUM_THREADS": "1",
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_MCA_btl": "self",
    "OMPI_MCA_ess_singleton_isolated": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "PMIX_MCA_gds": "hash",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "MPIR_CVAR_CH4_NETMOD": "ofi",
    "MPI_HOME": "/mpi",
}
#: What each launcher was seen to set, or says that it sets.
LAUNCHERS = {
    "srun, PMIx": {
        "SLURM_JOB_ID": "1",
        "SLURM_PROCID": "0",
        "SLURM_STEP_ID": "0",
        "SLURM_STEPID": "0",
        "SLURMD_NODENAME": "n1",
        "PMIX_RANK": "0",
        "PMIX_NAMESPACE": "slurm.pmix.1.0",
        "PMIX_SERVER_URI41": "pmix-server.7;tcp4://127.0.0.1:4",
    },
    "srun, PMI2": {"SLURM_STEP_ID": "0", "PMI_FD": "11", "PMI_RANK": "0", "PMI_SIZE": "1"},
    "srun, none": {"SLURM_JOB_ID": "1", "SLURM_STEP_ID": "3"},
    "mpiexec, Open MPI": {
        "OMPI_COMM_WORLD_RANK": "0",
        "OMPI_UNIVERSE_SIZE": "2",
        "OMPI_FILE_LOCATION": "/run/ompi",
        "OMPI_MCA_ess": "^singleton",
        "OMPI_MCA_ess_base_jobid": "5",
        "OMPI_MCA_orte_hnp_uri": "5.0;tcp://127.0.0.1:6",
        "OMPI_MCA_pmix": "^s1,s2",
        "OMPI_MCA_initial_wdir": "/",
        "PMIX_RANK": "0",
    },
    "mpiexec, Hydra": {
        "HYDI_CONTROL_FD": "7",
        "MPI_LOCALNRANKS": "1",
        "MPI_LOCALRANKID": "0",
        "MPIR_CVAR_CH3_INTERFACE_HOSTNAME": "n1",
        "PMI_FD": "6",
        "PMI_RANK": "0",
        "PMI_SIZE": "1",
    },
    "PALS": {"PALS_RANKID": "0", "PALS_APID": "x", "PMI_RANK": "0"},
}


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_nothing_of_a_launcher_stays_and_all_that_the_user_set(launcher):
    inherited = USERS | LAUNCHERS[launcher]
    before = dict(inherited)
    assert singleton_environment(inherited) == USERS
    assert inherited == before
    assert is_rank(inherited)
    assert program_environment(inherited, ["./app", "-n", "3"]) == USERS
    assert program_environment(inherited, ["mpiexec", "-n", "3", "./app"]) == USERS


def test_who_is_no_rank_passes_on_what_the_scheduler_said():
    """An mpiexec in a job's script learns from it where to start ranks."""
    for step in ({}, {"SLURM_STEP_ID": "4294967291"}):
        script = USERS | {"SLURM_JOB_ID": "1", "SLURM_PROCID": "0", "SLURM_NTASKS": "2"} | step
        assert not is_rank(script)
        assert program_environment(script, ["mpiexec", "./app"]) == script


def test_a_scheduler_is_asked_with_what_it_said():
    inherited = USERS | LAUNCHERS["srun, PMIx"]
    assert program_environment(inherited, ["/usr/bin/srun", "-n", "3", "./app"]) == inherited


@pytest.mark.parametrize("launcher", ["mpiexec", "mpiexec.hydra", "mpiexec.mpich"])
def test_what_installed_launchers_tell_is_forgotten(launcher, run_program):
    path = shutil.which(launcher)
    if path is None:
        pytest.skip(f"{launcher} is not installed")
    said = run_program([path, "-n", "1", "env", "-0"]).stdout
    told = dict(each.partition("=")[::2] for each in said.split("\0") if each)
    assert is_rank(told)
    left = set(singleton_environment(told)) - set(os.environ)
    assert not [name for name in left if re.search(r"RANK|SIZE|^PMIX?_(?!MCA)|ess|orte|FD$", name)]
