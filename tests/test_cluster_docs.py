"""The SLURM template of the manual: what can be seen without SLURM. tests/slurm runs it."""

import re
import signal
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "how-to"
TEMPLATE = FOLDER / "train.sbatch"
MANUAL = (FOLDER / "cluster.md").read_text()
BATCH = re.compile(r"^#SBATCH --(?P<name>[a-z-]+)=(?P<value>\S+)$")
#: What sbatch(1) calls its options; those of ours must be among them.
KNOWN = {
    "job-name", "nodes", "ntasks-per-node", "cpus-per-task", "threads-per-core", "time", "signal",
    "open-mode", "output",
}  # fmt: skip


def directives():
    lines = TEMPLATE.read_text().splitlines()
    return [line for line in lines if line.startswith("#SBATCH")]


def options():
    return {found["name"]: found["value"] for found in map(BATCH.match, directives())}


def test_every_directive_is_one_option_that_sbatch_knows():
    assert all(BATCH.match(line) for line in directives())
    assert set(options()) == KNOWN


def test_directives_come_before_the_first_command():
    """SLURM stops reading them there."""
    lines = TEMPLATE.read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if line and not line.startswith("#"))
    assert not [line for line in lines[first:] if line.startswith("#SBATCH")]
    assert lines[0] == "#!/bin/bash"


def test_slurm_warns_the_ranks_in_time_and_not_the_script():
    """Without B: the signal goes to the job's steps; the margin covers the longest call."""
    number, seconds = options()["signal"].split("@")
    assert hasattr(signal, f"SIG{number}")
    assert int(seconds) >= 60


def test_it_is_bash_and_says_how_it_is_used():
    subprocess.run(["bash", "-n", str(TEMPLATE)], check=True)
    done = subprocess.run(["bash", str(TEMPLATE)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "usage: sbatch" in done.stderr


def test_the_manual_shows_the_template_and_its_links_lead_somewhere():
    assert "](train.sbatch)" in MANUAL
    for link in re.findall(r"\]\(([^)#]+)", MANUAL):
        assert "://" in link or (FOLDER / link).exists(), link
