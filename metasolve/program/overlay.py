"""`Overlay`: changed input files where they seem to lie beside the user's other files."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from types import TracebackType

from metasolve.errors import UsageError


class Overlay:
    """Folders that look like the user's own, but for the input files that were changed.

    A program often reads and writes beside its input file. So a changed copy lies in a folder of
    links to everything that lies beside the original; what the program writes there is brought to
    the user's folder when it has ended. A context manager; the folders are gone afterwards.
    """

    def __init__(self) -> None:
        self._folders: dict[Path, Path] = {}
        self._changed: set[Path] = set()

    def __enter__(self) -> Overlay:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.bring_home()
        for folder in self._folders.values():
            if not list(filter(self._is_new, folder.iterdir())):
                shutil.rmtree(folder, ignore_errors=True)

    def place(self, file: Path, text: str) -> Path:
        """Return a file with this content, to be read in place of the user's.

        Parameters
        ----------
        file
            The user's file, which stays as it is.
        text
            What the program is to read.

        Raises
        ------
        UsageError
            If the user's folder cannot be looked at, or no folder can be made.
        """
        home = file.absolute().parent
        try:
            folder = self._folders.get(home) or self._like(home)
        except OSError as error:
            raise UsageError(
                f"no changed copy of {file} can be made ({error}): let its folder be read, "
                "or set TMPDIR"
            ) from error
        self._folders[home] = folder
        copy = folder / file.name
        copy.unlink(missing_ok=True)
        copy.write_text(text)
        shutil.copymode(file, copy)
        self._changed.add(copy)
        return copy

    def bring_home(self) -> None:
        """Move what the program wrote to the folder it would have been written to."""
        for home, folder in self._folders.items():
            for entry in filter(self._is_new, folder.iterdir()):
                _bring(entry, home / entry.name)

    def _is_new(self, entry: Path) -> bool:
        return not entry.is_symlink() and entry not in self._changed

    @staticmethod
    def _like(home: Path) -> Path:
        entries = list(home.iterdir())
        folder = Path(tempfile.mkdtemp(prefix="metasolve-"))
        for entry in entries:
            (folder / entry.name).symlink_to(entry)
        return folder


def _bring(source: Path, target: Path) -> None:
    """Put a file or a folder in place of what is there, as writing it there would have."""
    try:
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(source)
        else:
            shutil.copy2(source, target)
            source.unlink()
    except OSError as error:  # a full disk, or a folder that may not be written
        sys.stderr.write(f"metasolve: what the program wrote stays in {source}: {error}\n")
