"""What `metasolve init` can tell about a program: its arguments, its files, its PETSc options."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from metasolve.errors import SpaceError, UsageError
from metasolve.program.deck import format_of
from metasolve.program.process import run, scratch
from metasolve.program.start import Start
from metasolve.space import Choice, Flag, Integer, Real, Setting, Space
from metasolve.space.setting import with_default

_LAUNCHERS = {"mpiexec", "mpirun", "srun", "orterun"}
_HELP_SECONDS = 60.0
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?")
_OPTION = re.compile(r"^\s*-(\w+?):? <(?:now )?(\S*) : [^>]*>:? ?(.*)$", re.MULTILINE)
_UNSAID = "(null)"  # by PETSc 3.26, where the operator decides


@dataclass(frozen=True)
class Argument:
    """A number on the command line that may vary."""

    word: int
    name: str
    text: str


@dataclass(frozen=True)
class Option:
    """An option that a PETSc program knows: the value it has, the words it may be."""

    now: str
    words: tuple[str, ...]


def program_place(command: Sequence[str]) -> int:
    """Number of the word that is the program: after an mpiexec and its own flags."""
    if not command:
        raise UsageError("no command given: put it after --, as in: -- ./app -flags")
    if Path(command[0]).name not in _LAUNCHERS:
        return 0
    for number, word in enumerate(command[1:], start=1):
        if not word.startswith("-") and not _NUMBER.fullmatch(word) and shutil.which(word):
            return number
    raise UsageError(f"no program after {command[0]}: put its path there, as in mpiexec -n 2 ./app")


def arguments(command: Sequence[str]) -> list[Argument]:
    """Numbers after the program, named after the flag before them."""
    found: list[Argument] = []
    for number in range(program_place(command) + 1, len(command)):
        if not _NUMBER.fullmatch(command[number]):
            continue
        before = command[number - 1]
        flag = before.startswith("-") and not _NUMBER.fullmatch(before)
        name = re.sub(r"\W+", "_", before.lstrip("-")) if flag else f"argument_{number}"
        if name not in {each.name for each in found}:
            found.append(Argument(number, name, command[number]))
    return found


def files(command: Sequence[str]) -> list[tuple[Path, str | None]]:
    """Existing files that the command names, and the format of their variables, see `deck`."""
    after = command[program_place(command) + 1 :]
    named = [Path(word) for word in after if Path(word).is_file()]
    return [(path, format_of(path)) for path in named]


def petsc_options(command: Sequence[str]) -> dict[str, Option]:
    """Options that the program lists under -help; none if it is no PETSc program.

    Raises
    ------
    UsageError
        If the program cannot be started.
    """
    words = [str(Path(word).absolute()) if "/" in word and Path(word).exists() else word
             for word in command]  # fmt: skip
    copies = tuple(path.absolute() for path, _ in files(command))
    with scratch() as folder:
        text = run(Start([*words, "-help"], copies=copies), folder, _HELP_SECONDS).stdout
    if "PETSc" not in text and "(KSPSetType)" not in text:
        return {}
    return {name: Option(now, _words(rest)) for name, now, rest in _OPTION.findall(text)}


def _words(text: str) -> tuple[str, ...]:
    listed = re.search(r"one of\) (.*?)(?: \(\w+\))?$", text)
    return tuple(listed[1].split()) if listed else ()


def petsc_space(options: Mapping[str, Option], *, launched: bool = False) -> Space:
    """Settings worth trying over a whole run of a program with these options.

    Parameters
    ----------
    launched : whether an mpiexec starts it: a newer PETSc says no preconditioner under -help.
    """
    kept: list[Setting] = []
    preconditioner = options.get("pc_type", Option("", ())).now
    parallel = preconditioner in ("bjacobi", "asm") or (preconditioner == _UNSAID and launched)
    for each in _catalogue(nonlinear="snes_type" in options, parallel=parallel):
        parent = next(iter(each.when), None)
        if parent is None and each.name in options:
            kept += _available(each, options[each.name])
        elif parent is not None:
            above = next((one for one in kept if one.name == parent), None)
            offered = above.values if isinstance(above, (Choice, Flag)) else ()
            words = tuple(word for word in each.when[parent] if word in offered)
            kept += [replace(each, when={parent: words})] if words else []
    return Space(tuple(kept))


def _available(setting: Setting, option: Option) -> list[Setting]:
    """A setting among the words this program knows, with the value it has as the default."""
    if isinstance(setting, Choice):
        now = setting.values[0] if option.now == _UNSAID else option.now
        wanted = dict.fromkeys([*setting.values, now]) if now else setting.values
        words = tuple(word for word in wanted if word in option.words)
        return [replace(setting, values=words, default=now)] if now in words else []
    try:
        if isinstance(setting, Flag):
            return [replace(setting, default=option.now == "TRUE")]
        return [with_default(setting, float(option.now))]
    except (ValueError, SpaceError):
        return [setting]


def _catalogue(*, nonlinear: bool, parallel: bool) -> list[Setting]:
    """PETSc settings that often matter, parents first.

    The linear tolerance is one only below a Newton iteration, which has its own.
    """
    newton: list[Setting] = [
        Choice("snes_linesearch_type", ("bt", "l2", "cp", "basic")),
        Integer("snes_lag_preconditioner", 1, 8, "log", default=1),
        Flag("snes_ksp_ew"),
        Real("ksp_rtol", 1e-6, 1e-1, "log", default=1e-5),
    ]
    ilu = {"pc_type": ("ilu",)}
    local = ("bjacobi", "asm") if parallel else ("ilu", "lu")
    linear: list[Setting] = [
        Choice("ksp_type", ("gmres", "bcgs")),
        Integer("ksp_gmres_restart", 10, 200, "log", default=30, when={"ksp_type": ("gmres",)}),
        Choice("pc_type", (*local, "sor", "jacobi", "gamg")),
        Integer("pc_factor_levels", 0, 4, default=0, when={"pc_type": ("ilu", "icc")}),
        Choice("pc_factor_mat_ordering_type", ("natural", "rcm"), when=ilu),
        Real("pc_sor_omega", 0.5, 1.8, default=1.0, when={"pc_type": ("sor",)}),
        Integer("sub_pc_factor_levels", 0, 4, default=0, when={"pc_type": ("bjacobi", "asm")}),
        Integer("pc_asm_overlap", 0, 3, default=1, when={"pc_type": ("asm",)}),
    ]
    return [*newton, *linear] if nonlinear else linear
