"""A changed input file seems to lie where the user's lies; nothing that is written is lost."""

import pytest

from metasolve.errors import UsageError
from metasolve.program.overlay import Overlay


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "case"
    (folder / "meshes").mkdir(parents=True)
    (folder / "a.deck").write_text("old")
    (folder / "mesh.dat").write_text("mesh")
    (folder / "result").write_text("of yesterday")
    return folder


def test_what_lies_beside_the_file_is_seen(home):
    with Overlay() as overlay:
        copy = overlay.place(home / "a.deck", "new")
        assert (copy.name, copy.read_text()) == ("a.deck", "new")
        assert (copy.parent / "mesh.dat").read_text() == "mesh"
        assert overlay.place(home / "a.deck", "newer").read_text() == "newer"
    assert (home / "a.deck").read_text() == "old"
    assert not copy.parent.exists()


def test_what_is_written_beside_it_is_kept(home):
    with Overlay() as overlay:
        beside = overlay.place(home / "a.deck", "new").parent
        (beside / "a.out").write_text("answer")
        (beside / "result").write_text("of today")
        (beside / "steps").mkdir()
        (beside / "steps" / "1").write_text("1")
        (beside / "meshes" / "fine").write_text("fine")
        (beside / "mesh.new").write_text("refined")
        (beside / "mesh.new").replace(beside / "mesh.dat")
        overlay.bring_home()
        assert (home / "a.out").read_text() == "answer"
        (beside / "late").write_text("late")
    found = {p.relative_to(home).as_posix(): p.read_text() for p in home.rglob("*") if p.is_file()}
    assert found == {
        "a.deck": "old",
        "a.out": "answer",
        "late": "late",
        "mesh.dat": "refined",
        "meshes/fine": "fine",
        "result": "of today",
        "steps/1": "1",
    }


def test_what_cannot_be_brought_home_stays_and_is_named(home, capsys):
    with Overlay() as overlay:
        written = overlay.place(home / "a.deck", "new").parent / "b"
        written.write_text("answer")
        (home / "b").mkdir()
        (home / "b" / "b").mkdir()
    assert f"stays in {written}" in capsys.readouterr().err
    assert written.read_text() == "answer"


def test_where_no_copy_can_be_made_it_is_said(tmp_path):
    with Overlay() as overlay, pytest.raises(UsageError, match="TMPDIR"):
        overlay.place(tmp_path / "gone" / "a.deck", "new")
