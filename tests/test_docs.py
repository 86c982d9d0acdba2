"""The manual says what the sources say (reasons, fields, variables), and its examples are read."""

import json
import re
from pathlib import Path

import pytest

from metasolve import errors
from metasolve.model.allowed import canonical
from metasolve.petsc.manifest import LINES
from metasolve.space import Space

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PLUGIN = ROOT / "metasolve" / "petsc" / "plugin"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
CONVERSION = re.compile(r"%[-+.\d]*(?:ll)?[sdgfu]")
#: Files that write reasons of theirs: in tables, or where a reason is set.
TABLES = ("journal.c", "left.c")
SETTERS = (
    "journal.c",
    "manifest.c",
    "record.c",
    "describe.c",
    "decide.c",
    "attempt.c",
    "answer.c",
    "start.c",
    "policy.c",
)


def words(text):
    """Words alone: where a line of the manual or of a source is broken does not count."""
    return " ".join(text.replace("\\|", "|").split())


def page(name):
    return words((DOCS / name).read_text())


TROUBLE = page("how-to/troubleshooting.md")


def reasons():
    for name in TABLES:
        text = (PLUGIN / name).read_text()
        yield from re.findall(r'\[(?:WHY|LEFT)_\w+\] *= "([^"]+)"', text)
    for name in SETTERS:
        text = (PLUGIN / name).read_text()
        for statement in re.findall(
            r"(?:\*why = |ManifestStop\(s, |Left\([rs], |->detail, )[^;]+;", text
        ):
            yield from STRING.findall(statement)


def parts(reason):
    """What is fixed of a format, where it is long enough to be looked for."""
    fixed = (words(part).strip(":; ") for part in CONVERSION.split(reason))
    return [part for part in fixed if len(part) > 6]


REASONS = sorted({part for reason in reasons() for part in parts(reason)})


def test_reasons_are_found():
    assert len(REASONS) > 45
    assert {
        "paused after attempts that failed or took too long",
        "direct solves",
        "time budget of",
    } <= set(REASONS)


@pytest.mark.parametrize("reason", REASONS)
def test_troubleshooting_explains_every_reason(reason):
    assert reason in TROUBLE


def complaints():
    """What is wrong with a model, and what the loader says of a program."""
    for file in [*PLUGIN.glob("*.c"), *(PLUGIN / "loader").glob("*.c")]:
        text = re.sub(r"\b(?:REBUILD|THAT_ONE)\b", "", file.read_text())
        calls = re.findall(r"snprintf\((?:w->)?why, (?:w->whylen|whylen|LINE_ROOM),([^;]+);", text)
        yield from ((file.name, " ".join(STRING.findall(call))) for call in calls)


@pytest.mark.parametrize(("file", "complaint"), sorted(set(complaints())))
def test_troubleshooting_explains_every_complaint(file, complaint):
    fixed = parts(complaint.partition(";")[0])
    assert not fixed or max(fixed, key=len) in TROUBLE, file


@pytest.mark.parametrize("name", [n for n in vars(errors) if n.endswith("Error")])
def test_troubleshooting_explains_every_error(name):
    assert f"`{name}`" in TROUBLE or name == "MetasolveError"


def test_the_log_is_described():
    told = page("reference/journal.md")
    for name in ("journal.c", "journal_file.c", "newton.c"):
        fields = re.findall(r'\\"(\w+)\\":', (PLUGIN / name).read_text())
        assert fields
        missing = [field for field in fields if f"`{field}`" not in told]
        assert missing == [], name
    for source in re.search(r"sources\[\] += \{(.*?)\}", (PLUGIN / "journal.c").read_text())[
        1
    ].split(","):
        assert f"`{json.loads(source)}`" in told


def test_the_recording_format_is_described():
    told = page("reference/recording.md")
    fields = re.findall(r'\\"(\w+)\\":', (PLUGIN / "manifest.c").read_text())
    fields += [name for line in LINES.values() for name in line.model_fields]
    assert [name for name in fields if not re.search(rf'[`"]{name}[`"]', told)] == []


def test_every_variable_is_described():
    told = page("reference/environment.md")
    sources = [*PLUGIN.rglob("*.c"), *(ROOT / "metasolve").rglob("*.py")]
    quoted = re.compile(r'"(METASOLVE_[A-Z_]+)"')
    found = {name for file in sources for name in quoted.findall(file.read_text())}
    assert {"METASOLVE_MODE", "METASOLVE_CC", "METASOLVE_FOLDER"} <= found
    assert [name for name in sorted(found) if f"`{name}`" not in told] == []


def test_the_space_file_that_is_shown_is_one(tmp_path):
    shown = re.search(r"\n\n((?: {4}.*\n|\n)+)", (DOCS / "reference/space-file.md").read_text())[1]
    file = tmp_path / "space.toml"
    file.write_text(re.sub(r"^ {4}", "", shown, flags=re.MULTILINE))
    space = Space.from_toml(file)
    assert [each.name for each in space.settings] == ["ksp_type", "ksp_gmres_restart"]
    for name, value in {"ksp_type": "cg", "ksp_gmres_restart": "30", **space.fixed}.items():
        assert canonical(name, value) == value


def test_a_case_that_is_shown_is_one(tmp_path):
    from metasolve.program.case import Case
    from metasolve.space.written import read_toml

    text = (DOCS / "how-to/whole-program.md").read_text()
    shown = text[text.index('    command = "./sor') : text.index("[Keys of case.toml]")]
    file = tmp_path / "case.toml"
    file.write_text(re.sub(r"^ {4}", "", shown, flags=re.MULTILINE))
    case = Case.from_dict({"name": "sor", **read_toml(file)})
    assert case.varies.settings[0].name == "n"
    assert case.space.settings[0].default == 1.5


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_lines_are_short(path):
    lines = path.read_text().splitlines()
    assert [line for line in lines if len(line) > 120 and not line.startswith("|")] == []


@pytest.mark.parametrize(
    "path", sorted((DOCS / "results").glob("*.md")), ids=lambda path: path.name
)
def test_results_are_dated(path):
    assert re.search(r"\b20\d\d-\d\d-\d\d\b", path.read_text())


DATE = re.compile(r"20\d\d-\d\d-\d\d")
COMMAND = re.compile(r"(?:^ {4}|`)\$? ?(?:metasolve|python|make) ", re.MULTILINE)
SECTIONS = [
    pytest.param(
        text[: text.index("\n## ")], section, id=f"{path.name}: {section.split(chr(10))[0]}"
    )
    for path in sorted((DOCS / "results").glob("*.md"))
    for text in [path.read_text() + "\n## "]
    for section in text.split("\n## ")[1:]
    if "\n|---" in section
]


@pytest.mark.parametrize(("page_begins", "section"), SECTIONS)
def test_a_table_of_results_has_a_date_and_a_command(page_begins, section):
    """In its section, or where the page begins."""
    known = section if DATE.search(section) and COMMAND.search(section) else page_begins + section
    assert DATE.search(known)
    assert COMMAND.search(known)
