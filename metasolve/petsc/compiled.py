"""The plug-in's files: compiled, kept in a cache, known to be whole.

A folder of the cache holds one plug-in for one PETSc:

- ``libmetasolve.so``, the loader: what PETSc is told to load. It needs neither PETSc nor MPI;
- ``core.so``, the plug-in proper, which needs both: the loader opens it where they fit;
- ``core.txt``, what the core was built for, and checksums: lines of a key and a value.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from metasolve.errors import PluginError
from metasolve.files.atomic import write_atomically
from metasolve.petsc import elf, installation
from metasolve.petsc.installation import Installation
from metasolve.petsc.place import LOADER, REMEDY, cache, loader

SOURCES = Path(__file__).parent / "plugin"
CORE, MANIFEST = "core.so", "core.txt"
_COMMON = ("-fPIC", "-std=gnu11", "-fvisibility=hidden", "-Wall")
# The core stays loaded: PETSc keeps pointers to its functions until the very end.
# No fused operations: Python makes a state again from a journal, to the last bit.
CORE_FLAGS = (*_COMMON, "-O3", "-ffp-contract=off")
LINK_FLAGS = ("-shared", "-Wl,-z,nodelete")
LOADER_FLAGS = (*_COMMON, "-shared", "-O2", "-Wl,--as-needed")
# Not `cc` first: on some machines it is MPI's compiler, and adds MPI to whatever it links.
_PLAIN_COMPILERS = ("gcc", "clang", "cc")
_NO_ROOM = os.strerror(errno.ENOSPC)  # as a compiler says it, too, in English
_OF_PETSC_OR_MPI = re.compile(r"petsc|mpi(?!ler)", re.IGNORECASE)


def build(found: Installation | None = None, tell: Callable[[str], None] | None = None) -> Path:
    """Return the library that PETSc is told to load; it is compiled unless the cache has it.

    The cache is ``$XDG_CACHE_HOME/metasolve`` (default ``~/.cache/metasolve``); its key is the
    PETSc version and a hash of the sources, the compiler and its flags. Any number of processes
    may call this at once. What is damaged is compiled again.

    Parameters
    ----------
    found
        The PETSc to compile against; by default the one `installation.find` finds.
    tell
        Called with one line before anything is compiled, which takes long.

    Returns
    -------
    Path
        The loader, which opens the plug-in proper beside it where the program's PETSc is the one
        it was built for, and does nothing elsewhere.

    Raises
    ------
    PluginError
        If PETSc, its private headers or a compiler is missing, or the compiler fails.
    """
    return loader(folder(found, tell))


def folder(found: Installation | None = None, tell: Callable[[str], None] | None = None) -> Path:
    """Return the folder of the plug-in for a PETSc, compiled where the cache has no whole one.

    What was compiled before is used without the headers and the compiler it was made with.

    Raises
    ------
    PluginError
        If it cannot be made, with the reason and a remedy.
    """
    try:
        found = found or installation.find()
        target = folder_of(found)
        if is_whole(target):
            return target
        found.check()
    except PluginError as error:
        return _kept(found, error)
    with _locked(target):
        if not is_whole(target):
            if tell is not None:
                tell(f"compiling the plug-in for PETSc {found.version}, once; up to a minute")
            _compile(found, target)
    return target


def folder_of(found: Installation) -> Path:
    """Return where the plug-in for a PETSc is kept, made or not."""
    return cache() / f"{found.version}-{key(found)}"


def is_whole(place: Path) -> bool:
    """Whether the three files are there and none is damaged."""
    try:
        facts = manifest(place)
        return facts.get("sha256") == _sha256(place / CORE) and facts.get("loader") == _sha256(
            place / LOADER
        )
    except OSError:
        return False


def manifest(place: Path) -> dict[str, str]:
    """Return what ``core.txt`` says, key to value (of ``needs``, the last)."""
    text = (place / MANIFEST).read_text(encoding="utf-8", errors="replace")
    return {key: value for key, _, value in (line.partition(" ") for line in text.splitlines())}


def needs(place: Path) -> list[str]:
    """Return the libraries of PETSc and MPI that a core is linked to."""
    text = (place / MANIFEST).read_text(encoding="utf-8", errors="replace")
    return re.findall(r"^needs (.+)$", text, re.MULTILINE)


def key(found: Installation) -> str:
    """Return what tells this plug-in from those of other compilers, flags and sources."""
    recipe = (found.compiler, CORE_FLAGS, LINK_FLAGS, LOADER_FLAGS, found.cflags, found.libs)
    return _hashed(f"{recipe!r} {_digest_of_sources()}".encode())[:16]


def kept(library: str, version: str | None = None) -> Path | None:
    """Return the folder of a plug-in that was made of these sources when there still were headers.

    Parameters
    ----------
    library
        File name of the PETSc that it is linked to, or how that begins.
    version
        Of PETSc; None for any.
    """
    files = sorted(cache().glob(f"{version or '[0-9]*'}-*/{MANIFEST}"), key=_age)
    sources = _digest_of_sources()
    places = (file.parent for file in files if is_whole(file.parent))
    ours = (place for place in places if manifest(place).get("sources") == sources)
    fits = (place for place in ours if any(name.startswith(library) for name in needs(place)))
    return next(fits, None)


def _kept(found: Installation | None, error: PluginError) -> Path:
    """Return what was kept for a PETSc, or for any where none was found; else raise `error`."""
    if os.environ.get("METASOLVE_PETSC_DIR"):  # somebody named one, and means no other
        raise error
    place = kept("") if found is None else kept(found.library, found.version)
    if place is None:
        raise error
    return place


def _age(file: Path) -> float:
    return -file.stat().st_mtime


def _digest_of_sources() -> str:
    found = sorted(file for end in ("c", "h", "def") for file in SOURCES.rglob(f"*.{end}"))
    named = (file.relative_to(SOURCES).as_posix().encode() for file in found)
    return _hashed(
        b"".join(name + b"\0" + file.read_bytes() for name, file in zip(named, found, strict=True))
    )[:16]


def _sha256(file: Path) -> str:
    return _hashed(file.read_bytes())


def _hashed(data: bytes) -> str:
    from hashlib import sha256  # takes milliseconds to import, and is seldom needed

    return sha256(data).hexdigest()


@contextlib.contextmanager
def _locked(place: Path) -> Iterator[None]:
    """One compiler at a time; where the file system has no locks, only time is lost."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        with (place / ".lock").open("w") as file:
            with contextlib.suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise PluginError(f"cannot write {place} ({error.strerror}): {REMEDY}") from error


def _compile(found: Installation, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target) as made:
        core, loader, facts = (Path(made) / name for name in (CORE, LOADER, MANIFEST))
        _compile_core(core, found)
        _compile_loader(loader, found)
        lines = [
            *_built_for(found, core.parent),
            *_linked_to(core, found),
            f"bytes {core.stat().st_size}",
        ]
        lines += [f"sha256 {_sha256(core)}"]
        lines += [f"loader {_sha256(loader)}", f"sources {_digest_of_sources()}"]
        facts.write_text("\n".join(lines) + "\n", encoding="utf-8")
        for file in (core, facts, loader):  # the loader last: it speaks for the other two
            file.replace(target / file.name)


def _compile_core(core: Path, found: Installation) -> None:
    """Compile its sources, on all processors at once, and link them."""
    from concurrent.futures import ThreadPoolExecutor

    sources = sorted(SOURCES.glob("*.c"))
    objects = [core.with_name(f"{source.stem}.o") for source in sources]

    def compile_one(source: Path, made: Path) -> None:
        words = [*CORE_FLAGS, *found.cflags, "-c", str(source), "-o", str(made)]
        _call([*found.compiler, *words], found, core.parent)

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(compile_one, sources, objects))
    words = [*LINK_FLAGS, *map(str, objects), "-o", str(core), *found.libs, "-lm"]
    _call([*found.compiler, *words], found, core.parent)


def _compile_loader(loader: Path, found: Installation) -> None:
    plain = next(filter(shutil.which, _PLAIN_COMPILERS), None)
    compiler = found.compiler if plain is None else (plain,)
    sources = sorted(map(str, (*(SOURCES / "loader").glob("*.c"), SOURCES / "sha256.c")))
    _call([*compiler, *LOADER_FLAGS, *sources, "-o", str(loader), "-ldl"], found, loader.parent)
    foreign = _foreign(elf.needed(loader))
    if foreign:
        raise PluginError(
            f"{' '.join(compiler)} links {' '.join(foreign)} to whatever it makes: "
            "put gcc or clang in PATH"
        )


def _built_for(found: Installation, made: Path) -> Iterator[str]:
    """What the headers of this PETSc say of it: nothing is run, only preprocessed."""
    header = SOURCES / "loader" / "built_for.h"
    text = _call([*found.compiler, "-E", "-P", *found.cflags, "-x", "c", str(header)], found, made)
    said = dict(re.findall(r"^metasolve_line (\w+) (.+)$", text, re.MULTILINE))
    yield f"petsc {said.pop('petsc_major')}.{said.pop('petsc_minor')}"
    yield f"scalar {int(said['real']) * int(said.pop('parts'))}"
    yield from (f"{name} {value.strip()}" for name, value in said.items())


def _linked_to(core: Path, found: Installation) -> list[str]:
    names = _foreign(elf.needed(core))
    if not any("petsc" in name.lower() for name in names):
        raise PluginError(
            f"PETSc {found.version} ({found.found_by}) is a static library, in which no plug-in "
            "can be loaded: configure it with --with-shared-libraries"
        )
    return [f"needs {name}" for name in names]


def _foreign(names: Iterable[str]) -> list[str]:
    return [name for name in names if _OF_PETSC_OR_MPI.search(name)]


def _call(command: list[str], found: Installation, made: Path) -> str:
    """Run a compiler, whose temporary files are in the folder `made`; return what it prints."""
    environment = {**os.environ, "TMPDIR": str(made), "LC_ALL": "C"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, errors="replace", env=environment
    )
    if done.returncode != 0:
        if _NO_ROOM in done.stderr:
            raise OSError(errno.ENOSPC, _NO_ROOM)
        lines = done.stderr.splitlines() or ["no message"]
        first = next((line for line in lines if "error" in line), lines[-1])
        raise PluginError(
            f"the plug-in does not compile against PETSc {found.version} "
            f"({found.found_by}) with {command[0]}: "
            f"{first.strip()}{_kept_log(command, done.stderr)}"
        )
    return done.stdout


def _kept_log(command: list[str], messages: str) -> str:
    """Keep what a compiler was asked and said; return where, for a message."""
    log = cache() / "compiler.log"
    try:
        write_atomically(log, f"{shlex.join(command)}\n{messages}".encode())
    except OSError:
        return ""
    return f"; all of it: {log}"
