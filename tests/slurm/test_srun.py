"""What a rank of srun starts is no rank: workers and programs run as everywhere else."""

import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "rank_program.py"
STARTED = ["alone ['1']", "parallel ['2', '2']", "worker CONVERGED"]


@pytest.mark.parametrize(
    ("how", "words"), [("pmix", ["mpi"]), ("pmix", []), ("pmi2", []), ("none", [])]
)
def test_ranks_start_workers_and_programs(slurm, how, words):
    pytest.importorskip("mpi4py")
    if how not in slurm.run(["srun", "--mpi=list"]).stdout.split() and how != "none":
        pytest.skip(f"this SLURM has no {how}")
    ranks = 2 if words else 1
    command = ["srun", f"--mpi={how}", "-n", str(ranks), sys.executable, str(PROGRAM), *words]
    done = slurm.run(command, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = sorted(line.strip() for line in done.stdout.splitlines())
    assert lines == sorted([*STARTED, *[f"ranks {ranks}"] * bool(words)] * ranks)
