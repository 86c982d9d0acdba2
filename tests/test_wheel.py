"""The wheel, away from the clone: what it holds, and that a user without torch can run programs."""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
#: Interpreters to install into: METASOLVE_PYTHONS, or the one that runs the tests.
PYTHONS = os.environ.get("METASOLVE_PYTHONS", sys.executable).split(os.pathsep)


def done(*words, **options):
    """Run a command that must succeed."""
    found = subprocess.run(
        list(map(str, words)), capture_output=True, text=True, check=False, **options
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built as pip builds it, of the files that git knows."""
    folder = tmp_path_factory.mktemp("wheel")
    listed = done("git", "ls-files", "-z", "metasolve", "pyproject.toml", "README.md", "LICENSE",
                  cwd=ROOT).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / "source" / name)
    build = ("wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder)
    done(sys.executable, "-m", "pip", *build, folder / "source")
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_the_product_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {each for each in tops if not each.endswith(".dist-info")} == {"metasolve"}
    tracked = done("git", "ls-files", "metasolve", cwd=ROOT).stdout.split()
    assert {name for name in tracked if (ROOT / name).exists()} == {
        name for name in names if name.startswith("metasolve/")
    }


@pytest.mark.slow
@pytest.mark.parametrize("python", PYTHONS)
def test_a_user_who_is_not_root_runs_programs_without_torch(wheel, python, tmp_path):
    """Installed from the package registry, with nothing but what every user needs."""
    done(python, "-m", "venv", tmp_path / "venv")
    inside = tmp_path / "venv" / "bin"
    metasolve, home = inside / "metasolve", tmp_path / "home"
    home.mkdir()
    clean = {"PATH": os.environ["PATH"], "HOME": str(home)}
    done(inside / "python", "-m", "pip", "install", "-q", wheel, cwd=tmp_path, env=clean)
    as_user = {"cwd": home, "env": clean, **_somebody_else(inside / "python", home)}
    done(metasolve, "pin", "-o", "models/x", "ksp_type=cg", "pc_type=jacobi", **as_user)
    ran = done(metasolve, "run", "models/x", "--", "true", **as_user)
    assert "no solve reached the plug-in" in ran.stderr
    assert "export METASOLVE_DIR=" in done(metasolve, "env", "models/x", **as_user).stdout
    recorded = done(metasolve, "record", "-o", "runs/x", "--", "true", **as_user)
    assert "nothing recorded" in recorded.stderr
    trained = subprocess.run(
        [metasolve, "train", "runs/x", "-o", "models/y"],
        capture_output=True, text=True, check=False, **as_user,
    )  # fmt: skip
    assert trained.returncode == 1
    assert len(trained.stderr.splitlines()) == 1, trained.stderr


def _somebody_else(python, home):
    """Root runs it as nobody, where nobody may use that interpreter."""
    if os.geteuid() != 0:
        return {}
    for place in home.parents:
        if place.is_relative_to(Path(tempfile.gettempdir())) and place.stat().st_uid == 0:
            place.chmod(place.stat().st_mode | 0o055)
    nobody = {"user": "nobody", "extra_groups": []}
    try:
        done(python, "-c", "", **nobody)
    except PermissionError:
        return {}
    shutil.chown(home, "nobody")
    return nobody
