"""Steps that make a program out of what packages have installed; programs are not edited.

A copy may differ in the numbers that say how fine its mesh is, where the program has no argument
for them.
"""

from __future__ import annotations

import gzip
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.coverage.entry import Step
from metasolve.errors import UsageError


def packaged(package: str, ending: str) -> Path:
    """Return the file of an installed package whose path has this ending.

    Raises
    ------
    UsageError
        If there is none.
    """
    done = subprocess.run(["dpkg", "-L", package], capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        if line.endswith(ending):
            return Path(line)
    raise UsageError(f"package {package} has no {ending}: is it installed?")


def copied(package: str, ending: str, finer: Mapping[str, str] | None = None) -> Step:
    """Copy a file, ungzipped where it is, with a finer mesh: old and new text, each found once.

    The step raises `UsageError` where a text is not found once.
    """

    def step(folder: Path) -> None:
        source = packaged(package, ending)
        name = source.name.removesuffix(".gz")
        if not finer and source.suffix != ".gz":
            shutil.copy(source, folder / name)
            return
        raw = source.read_bytes()
        content = gzip.decompress(raw) if source.suffix == ".gz" else raw
        if finer:
            content = changed(content.decode(), finer, name).encode()
        (folder / name).write_bytes(content)

    return step


def changed(text: str, finer: Mapping[str, str], name: str) -> str:
    """Return a text with replacements.

    Raises
    ------
    UsageError
        If one of the texts is not there exactly once.
    """
    for old, new in finer.items():
        if text.count(old) != 1:
            raise UsageError(f"{name}: {old!r} is there {text.count(old)} times, not once")
        text = text.replace(old, new)
    return text


def folder_of(package: str, ending: str, name: str) -> Step:
    """Copy a whole folder of a package under a name."""

    def step(folder: Path) -> None:
        shutil.copytree(packaged(package, ending), folder / name, dirs_exist_ok=True)

    return step


def compiled(
    source: str,
    target: str,
    libraries: Sequence[str],
    compiler: str = "mpicc",
    more: Sequence[str] = (),
) -> Step:
    """Compile a source in the folder against libraries that pkg-config knows, and more words."""

    def step(folder: Path) -> None:
        flags = [shlex.split(_output(["pkg-config", f"--{kind}", *libraries], folder))
                 for kind in ("cflags", "libs")]  # fmt: skip
        words = [compiler, "-O2", *flags[0], source, *more, *flags[1], "-lm", "-o", target]
        _output(words, folder)

    return step


def ran(*words: str) -> Step:
    """Run a command in the folder."""

    def step(folder: Path) -> None:
        _output(list(words), folder)

    return step


def nothing(folder: Path) -> None:
    """Make nothing: the package brings the program as it runs."""


def make(steps: Sequence[Step], folder: Path) -> None:
    """Take the steps, once: a folder that was made is left as it is."""
    done = folder / ".made"
    if done.exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for step in steps:
        step(folder)
    done.touch()


def _output(words: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise UsageError(f"{words[0]} is not installed") from error
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise UsageError(f"{' '.join(words)[:200]}: exit code {done.returncode}: {''.join(last)}")
    return done.stdout
