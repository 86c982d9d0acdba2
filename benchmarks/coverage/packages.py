"""Packages of the system that bring the programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence


def missing(packages: Sequence[str]) -> list[str]:
    """Return those of the packages that are not installed."""
    return [name for name in packages if not _installed(name)]


def install(packages: Sequence[str]) -> str:
    """Install packages where that is allowed; return what else the user has to do.

    Packages that the system does not know are left out: their programs are skipped.
    """
    wanted = missing(packages)
    if not wanted:
        return ""
    command = ["apt-get", "install", "-y", "--no-install-recommends"]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return f"missing: sudo {' '.join([*command, *wanted])}"
    known = [name for name in wanted if _known(name)]
    sys.stderr.write(f"coverage: installing {' '.join(known)}\n")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(
        [*command, *known],
        env=environment,
        stdout=sys.stderr,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    left = missing(wanted)
    return f"not installed, so their programs are skipped: {' '.join(left)}" if left else ""


def _installed(name: str) -> bool:
    if shutil.which("dpkg-query") is None:
        return False
    command = ["dpkg-query", "-W", "-f", "${Status}", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "install ok installed" in done.stdout


def _known(name: str) -> bool:
    done = subprocess.run(["apt-cache", "show", name], capture_output=True, check=False)
    return done.returncode == 0
