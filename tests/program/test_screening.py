"""`metasolve init` and `metasolve check`: a first case, and what a few runs say about one."""

import json
import math
import shutil
from pathlib import Path

import pytest
import typer.main

from metasolve.cli.application import Commands
from metasolve.errors import UsageError
from metasolve.program import namelist
from metasolve.program.case_file import read_case
from metasolve.program.proposal import Option, petsc_space
from metasolve.program.screening import one_at_a_time, screen
from metasolve.space import Choice, Flag, Integer, Real, Space

COMMANDS = Commands("metasolve", "", ("init", "check"), "metasolve.cli")


@pytest.fixture
def metasolve(capsys):
    """`metasolve(*words)`: what the command prints."""

    def run(*words):
        command = typer.main.get_command(
            Commands("metasolve", "", ("init", "check"), "metasolve.cli").application()
        )
        command.main([str(word) for word in words], prog_name="metasolve", standalone_mode=False)
        return capsys.readouterr().out

    return run


def test_check_ranks_what_matters_and_finds_the_noise(script, case_text, metasolve, tmp_path):
    idle = (
        '[[space.setting]]\nname = "sloppy"\ntype = "real"\nlow = 0.0\nhigh = 1e-9\ndefault = 0.0\n'
    )
    path = script(case_text.replace("[cost]", idle + "[cost]"))
    found = json.loads(metasolve("check", path, "--json", "--plot", tmp_path / "screen.png"))
    assert [each["setting"] for each in found["effects"]] == ["omega", "sloppy"]
    omega, sloppy = found["effects"]
    assert omega["matters"]
    assert not sloppy["matters"]
    assert omega["failures"] == 2, "the upper bound fails on both instances"
    assert omega["gain"] > 1
    assert found["noise"] == 0.0
    assert found["answer_noise"] == 0.0
    assert found["defaults"] == 0.0
    assert (tmp_path / "screen.png").stat().st_size > 1000
    text = metasolve("check", path)
    assert "two equal runs differ by 0.0 %" in text
    assert "omega" in text


def test_screening_leaves_nothing(script, scratch_home):
    screen(script(), count=1)
    assert not list(scratch_home.iterdir())


def test_one_at_a_time_moves_one_setting_under_an_admitting_parent():
    space = Space(
        (
            Choice("pc", ("ilu", "sor", "lu")),
            Real("omega", 0.5, 1.5, default=1.0, when={"pc": ("sor",)}),
            Integer("levels", 0, 3, default=0, when={"pc": ("ilu",)}),
            Flag("fast"),
        )
    )
    for name, settings in one_at_a_time(space):
        assert space.complete(settings) == settings
        own = space.complete({"pc": "sor"} if name == "omega" else {})
        changed = {key for key in settings if settings[key] != own.get(key)}
        assert name in changed
        assert changed == {name} or name == "pc"


def test_init_writes_a_case_that_check_accepts(metasolve, solver_program, tmp_path, monkeypatch):
    (program,) = solver_program("sor")
    monkeypatch.chdir(tmp_path)
    source = Path(program).parent / "sor.nml"
    shutil.copy(source, "plate.nml")
    told = metasolve("init", "--", program, "plate.nml")
    assert "no PETSc options found" in told
    text = (tmp_path / "case.toml").read_text()
    assert "#   omega = 1.5 (&solver)" in text
    with pytest.raises(UsageError, match="nothing varies"):
        read_case(tmp_path / "case.toml")
    assert '\nname = "omega"\n' in text
    vary = '[[vary]]\nname = "n"\ntype = "integer"\nlow = 12\nhigh = 24\n'
    (tmp_path / "case.toml").write_text(text + vary)
    assert screen(tmp_path / "case.toml", count=1).effects[0].setting == "omega"
    assert namelist.variables((tmp_path / "plate.nml").read_text())["n"][1] == 64
    with pytest.raises(UsageError, match=r"case.toml exists; give another with -o, or --force"):
        metasolve("init", "--", program, "plate.nml")


def test_init_names_files_from_where_it_writes(metasolve, solver_program, tmp_path, monkeypatch):
    (program,) = solver_program("sor")
    for name in ("bin", "decks", "cases"):
        (tmp_path / name).mkdir()
    shutil.copy(program, tmp_path / "bin" / "sor")
    shutil.copy(Path(program).parent / "sor.nml", tmp_path / "decks" / "plate.nml")
    monkeypatch.chdir(tmp_path / "bin")
    metasolve("init", "-o", "../cases/case.toml", "--", "./sor", "../decks/plate.nml")
    path = tmp_path / "cases" / "case.toml"
    vary = '[[vary]]\nname = "n"\ntype = "integer"\nlow = 12\nhigh = 24\n'
    path.write_text(path.read_text() + vary)
    assert screen(path, count=1).effects[0].failures == 0


def test_init_asks_a_petsc_program_for_its_options(metasolve, tutorial, tmp_path, monkeypatch):
    (program,) = tutorial("snes/ex19")
    monkeypatch.chdir(tmp_path)
    words = [program, "-da_grid_x", "9", "-grashof", "10.5", "-lidvelocity", "3"]
    assert "settings proposed" in metasolve("init", "--", *words)
    case = read_case(tmp_path / "case.toml")
    assert [each.name for each in case.varies.settings] == ["da_grid_x", "grashof", "lidvelocity"]
    defaults = case.space.defaults()
    assert defaults["pc_type"] == "ilu"
    assert defaults["ksp_type"] == "gmres"
    assert defaults["ksp_rtol"] == 1e-5
    assert {"snes_linesearch_type", "snes_ksp_ew"} <= set(defaults)
    assert "metasolve guess" in (tmp_path / "case.toml").read_text()


@pytest.mark.parametrize(("launched", "usual"), [(False, "ilu"), (True, "bjacobi")])
def test_where_petsc_says_no_preconditioner_it_is_the_usual_one(launched, usual):
    """PETSc 3.26 says (null) under -help; 3.18 says which."""
    words = ("ilu", "lu", "bjacobi", "asm", "sor", "jacobi", "gamg")
    space = petsc_space({"pc_type": Option("(null)", words)}, launched=launched)
    assert space.defaults()["pc_type"] == usual


def test_settings_petsc_does_not_consume_are_told(metasolve, tutorial, tmp_path):
    (program,) = tutorial("snes/ex5")
    kind = 'type = "real"\nlow = 1e-6\nhigh = 1e-3\nscale = "log"\ndefault = 1e-5\n'
    path = tmp_path / "case.toml"
    path.write_text(
        f'command = "{program} -par {{lambda}}"\n'
        '[[vary]]\nname = "lambda"\ntype = "real"\nlow = 1.0\nhigh = 6.0\n'
        '[environment]\nOMPI_MCA_ess_singleton_isolated = "1"\n'
        'OMPI_MCA_pml = "ob1"\nOMPI_MCA_btl = "self,vader"\n'
        '[settings]\nthrough = "petsc"\n'
        f'[[space.setting]]\nname = "ksp_rtol"\n{kind}[[space.setting]]\nname = "kps_rtol"\n{kind}'
    )
    assert "not consumed by PETSc: kps_rtol; correct" in metasolve("check", path, "--instances", 1)


PROBLEMS = [
    ("bratu", "snes/ex5"),
    ("cavity", "snes/ex19"),
    ("p_bratu", "snes/ex15"),
    ("variable_density", "ksp/ex29"),
    ("variable_density/mg.toml", "ksp/ex29"),
    ("diffusion_in_time", "ts/ex13"),
]


@pytest.mark.parametrize(("name", "source"), PROBLEMS)
def test_the_cases_of_petsc_tutorials_run(name, source, tutorial, tmp_path):
    (program,) = tutorial(source)
    runs(name, f"../../solvers/tutorials/{source.split('/')[1]}", program, tmp_path)


def test_the_case_of_time_steps_runs(solver_program, tmp_path):
    runs("heat_steps", "../../solvers/heat/heat", *solver_program("heat"), tmp_path)


def runs(name, written, program, folder):
    """Screen a case of problems/, its program built elsewhere, on small grids."""
    from .conftest import ROOT

    path = ROOT / "problems" / name
    text = (path if path.suffix else path / "case.toml").read_text()
    (folder / "case.toml").write_text(text.replace(written, program))
    found = screen(coarse(read_case(folder)), count=1)
    assert found.unused == []
    assert math.exp(abs(found.defaults)) < 10
    assert found.answer_noise == 0.0


def coarse(case):
    """The case on grids of 12 to 17 points a side."""
    sizes = {"n": (12, 16), "levels": (1, 2)}
    grids = {
        name: {"name": name, "type": "integer", "low": low, "high": high}
        for name, (low, high) in sizes.items()
    }
    varies = [grids.get(each["name"], each) for each in case.vary]
    return case.model_copy(update={"vary": varies})
