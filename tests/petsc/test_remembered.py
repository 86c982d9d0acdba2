"""The plug-in of a command is found once, and again when anything that decides it has changed."""

import os
import shutil

import pytest

from metasolve.petsc import linked, remembered


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A cache with one plug-in, and the program that it was found for."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    place = tmp_path / "cache" / "metasolve" / "3.18.5-abc"
    place.mkdir(parents=True)
    files = [place / name for name in ("libmetasolve.so", "core.so", "core.txt")]
    for file in files:
        file.write_text("as compiled")
    program = tmp_path / "app"
    shutil.copy(shutil.which("true"), program)
    remembered.note(place.parent, [str(program), "-its", "flags"], place, files)
    return place, program


def recalled(place, program, *words):
    return remembered.recall(place.parent, [str(program), *words])


def test_a_command_is_known_by_its_programs(kept):
    place, program = kept
    assert recalled(place, program) == place
    assert recalled(place, program, "-other", "data.txt") == place
    assert recalled(place, program, shutil.which("false")) is None


@pytest.mark.parametrize("name", ["libmetasolve.so", "core.so", "core.txt"])
@pytest.mark.parametrize("gone", [False, True], ids=["changed", "gone"])
def test_what_was_damaged_is_found_anew(kept, name, gone):
    place, program = kept
    (place / name).unlink() if gone else (place / name).write_text("damaged")
    assert recalled(place, program) is None


def test_so_is_what_a_program_that_was_rebuilt_needs(kept):
    place, program = kept
    os.utime(program, ns=(1, 1))
    assert recalled(place, program) is None


@pytest.mark.parametrize("name", ["PETSC_DIR", "METASOLVE_CC", "LD_LIBRARY_PATH", "PATH"])
def test_so_is_what_another_environment_needs(kept, monkeypatch, name):
    place, program = kept
    monkeypatch.setenv(name, "/elsewhere")
    assert recalled(place, program) is None


def test_and_where_another_petsc_is_described(kept, monkeypatch, tmp_path):
    place, program = kept
    monkeypatch.setenv("PKG_CONFIG_PATH", str(tmp_path))
    remembered.note(place.parent, [str(program)], place, [])
    assert recalled(place, program) == place
    (tmp_path / "PETSc.pc").write_text("Version: 3.99")
    assert recalled(place, program) is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}', "\udcff"])
def test_a_damaged_memory_is_none(kept, text):
    place, program = kept
    (place.parent / remembered.FILE).write_bytes(text.encode(errors="surrogateescape"))
    assert recalled(place, program) is None
    remembered.note(place.parent, [str(program)], place, [place / "core.so"])
    assert recalled(place, program) == place


def test_it_is_bounded(kept):
    place, program = kept
    for number in range(2 * remembered.MOST):
        other = program.with_name(f"app{number}")
        shutil.copy(program, other)
        remembered.note(place.parent, [str(other)], place, [])
    assert recalled(place, program) is None
    assert recalled(place, other) == place


def test_nobody_is_asked_twice(tmp_path, monkeypatch):
    first = remembered.build(["true"])
    monkeypatch.setattr(linked, "folder", lambda *_: pytest.fail("asked again"))
    assert remembered.build(["true"]) == first
