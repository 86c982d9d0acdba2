"""Every reason has its remedy, and the manual says the same."""

import re
from pathlib import Path

import pytest

from metasolve.production.remedies import OTHER, REMEDIES, remedy, without_numbers

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "troubleshooting.md").read_text()
SECTIONS = ("Your KSP", "The model does not", "What happened")


def plain(text):
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text).replace("`", "")


def rows():
    for section in PAGE.split("\n## "):
        if section.startswith(SECTIONS):
            cells = [line.split("|") for line in section.splitlines() if line.startswith("| `")]
            yield from (
                (plain(c[1]).strip(), plain(c[-2]).strip()) for c in cells if c[1] != " `why` "
            )


@pytest.mark.parametrize(("reason", "what"), list(rows()))
def test_the_manual_and_the_report_say_the_same(reason, what):
    assert REMEDIES[reason] == what


def test_kinds_of_solves_without_a_line_have_one():
    kinds = re.findall(
        r'\[LEFT_\w+\] *= "([^"]+)"', (ROOT / "metasolve/petsc/plugin/left.c").read_text()
    )
    assert kinds
    assert [kind for kind in kinds if remedy(kind) == OTHER and "recorded" not in kind] == []


def test_what_an_option_asked_for_needs_no_remedy():
    """Names of the options that a kind tells of are those of the command line."""
    told = {"direct solves, under --direct off": "--direct off"}
    told["solves with another options prefix"] = "--only"
    for kind, option in told.items():
        assert remedy(kind) == f"Nothing: that was asked for ({option})."
    assert "whole program" in remedy("direct solves")


@pytest.mark.parametrize(
    ("why", "reason"),
    [
        ("unfamiliar: log_rows is 5.2, trained on 3 to 4.5", "unfamiliar"),
        ("time budget of 2e-05 s used up", "the time budget was used up"),
        (
            "time budget of 0.02 s used up; second choice: DIVERGED_ITS",
            "the time budget was used up",
        ),
        (
            "the program's own settings: given up at iteration 4, some 73 more seemed to be needed",
            "the program's own settings were given up",
        ),
        (
            "attempt given up: some 2.3 s more seemed to be needed",
            "the attempt was given up",
        ),
        ("DIVERGED_DTOL", "diverged"),
        (
            "reported CONVERGED_RTOL, but the true residual is 3 times the tolerance",
            "the true residual is above the tolerance",
        ),
        (
            "the norm of the right-hand side is -nan",
            "the norm of the right-hand side is not finite",
        ),
    ],
)
def test_a_line_that_tells_more_has_the_remedy_of_its_kind(why, reason):
    assert remedy(without_numbers(why)) == REMEDIES[reason]


def test_lines_that_differ_in_numbers_are_of_one_kind():
    assert without_numbers("some -1.5e-07 of 3.2") == without_numbers("some 2 of 7e10")
