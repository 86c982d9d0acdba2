import json
import subprocess
import sys
from pathlib import Path

import pytest

from metasolve.errors import PluginError, UsageError
from metasolve.petsc import petsc_options
from metasolve.petsc.petsc_options import check_not_hidden, with_plugin

pytest.importorskip("petsc4py")
OURS = Path("/x/libmetasolve.so")


@pytest.fixture(autouse=True)
def no_files(tmp_path, monkeypatch):
    """PETSc reads files in the home and in the current folder: these are empty."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("before", "added"),
    [
        ("", "-dll_append /x/libmetasolve.so"),
        ("-log_view", " -dll_append /x/libmetasolve.so"),
        ("-dll_append /a.so -b", " -dll_append /a.so,/x/libmetasolve.so"),
        ("-DLL_append /a.so", " -dll_append /a.so,/x/libmetasolve.so"),
        ('-dll_append "/a b.so"', ' -dll_append "/a b.so,/x/libmetasolve.so"'),
        ("-dll_append /a.so -dll_append /b.so", " -dll_append /b.so,/x/libmetasolve.so"),
        ("-prefix_push a_ -b -prefix_pop", " -dll_append /x/libmetasolve.so"),
        ("-prefix_push a_ -dll_append /a.so -prefix_pop", " -dll_append /x/libmetasolve.so"),
    ],
)
def test_libraries_already_loaded_stay(before, added):
    assert with_plugin(before, OURS) == {"PETSC_OPTIONS": before + added}


@pytest.mark.parametrize("name", ["two words", "a,b", "it's", 'say "x"', "a\nb"])
def test_a_folder_of_an_awkward_name_goes_into_a_variable(name):
    assert with_plugin("-dll_append /a.so", Path("/", name, "x.so")) == {
        "METASOLVE_FOLDER": f"/{name}",
        "PETSC_OPTIONS": "-dll_append /a.so -dll_append /a.so,${METASOLVE_FOLDER}/x.so",
    }


@pytest.mark.parametrize("name", ["${HOME}", "a " * 600])
def test_a_folder_that_petsc_cannot_be_told_is_refused(name):
    with pytest.raises(PluginError, match=r"cannot be told.*XDG_CACHE_HOME") as caught:
        with_plugin("", Path("/", name, "x.so"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("before", ["-prefix_push a_", '-a "unclosed', "-dll_append '/a b'"])
def test_options_that_would_swallow_ours_are_refused(before):
    with pytest.raises(PluginError, match="close its quotes"):
        with_plugin(before, OURS)


def text(options, command=()):
    (value,) = with_plugin(options, OURS, command).values()
    return value


@pytest.mark.parametrize("name", [".petscrc", "petscrc"])
def test_a_library_of_an_options_file_stays(tmp_path, name):
    (tmp_path / name).write_text("# -dll_append /no.so\n-log_view\n-dll_append /a.so # why\n")
    assert text("") == f"-dll_append /a.so,{OURS}"
    assert text("", ["app", "-skip_petscrc"]) == f"-dll_append {OURS}"
    assert text("-dll_append /b.so").endswith(f" /b.so,{OURS}")


def test_options_files_named_in_the_options_are_read(tmp_path):
    (tmp_path / "more").write_text("-dll_append /a.so\n")
    assert text("-options_file more").endswith(f" /a.so,{OURS}")


@pytest.mark.parametrize(
    ("command", "environment", "what"),
    [
        (["app", "-dll_append", "x"], {}, "the command"),
        (["app", "--DLL_APPEND", "x"], {}, "the command"),
        (["app", "-options_file", "more"], {}, "'more'"),
        (["app"], {"PETSC_OPTIONS_YAML": "{dll_append: /a.so}"}, "PETSC_OPTIONS_YAML"),
    ],
)
def test_what_petsc_reads_after_us_must_not_hide_us(tmp_path, command, environment, what):
    (tmp_path / "more").write_text("-dll_append /a.so\n")
    with pytest.raises(UsageError, match=f"{what}.*give it in PETSC_OPTIONS instead"):
        check_not_hidden(command, environment)
    check_not_hidden(["app", "-options_file", "missing", "dll_append"], {})


SPLIT = """
import ctypes, json, sys
from petsc4py import PETSc
petsc = ctypes.CDLL(PETSc.__file__)
token, found = ctypes.c_void_p(), ctypes.c_char_p()
petsc.PetscTokenCreate(sys.argv[1].encode(), ctypes.c_char(b" "), ctypes.byref(token))
words = []
while not petsc.PetscTokenFind(token, ctypes.byref(found)) and found.value is not None:
    words.append(found.value.decode())
print(json.dumps(words))
"""


@pytest.mark.parametrize(
    "text",
    [
        "-a 1 -b -c 2",
        ' -a  "x y"   -b "\'c,d\' e"-f -1.5 ',
        '-a it\'s -b say"x y"',
        "word -a 'two words' -b\t1",
    ],
)
def test_petsc_splits_options_in_one_of_the_ways(text):
    done = subprocess.run([sys.executable, "-c", SPLIT, text], capture_output=True, check=True)
    read = json.loads(done.stdout)
    assert read in [list(petsc_options._tokens(text, each)) for each in petsc_options._DIALECTS]
