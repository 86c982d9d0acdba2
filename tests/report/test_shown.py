"""A report from Python: what the command says, short tables, and the page."""

import random

import pytest

import metasolve
from benchmarks.week import BAD_HOST, DRIFTING, Week
from metasolve.errors import UsageError
from metasolve.report.screen import screen


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("week")
    Week(random.Random(1), 440).write(folder)
    return metasolve.report(folder)


def test_printed_it_is_the_screen(told):
    assert str(told) == screen(told.document)


def test_in_a_notebook_it_is_short_and_tells_what_has_changed(told):
    shown = told._repr_html_()
    assert f"host {BAD_HOST}" in shown
    assert DRIFTING in shown
    assert shown.count("<tr>") <= 10
    assert len(shown) < 8000


def test_it_writes_the_page(told, tmp_path):
    assert told.page(tmp_path / "r.html").read_text().startswith("<!DOCTYPE html>")


def test_a_journal_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="no journal"):
        metasolve.report(tmp_path / "nowhere")
