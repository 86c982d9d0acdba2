import gzip

import pytest

from metasolve.errors import RecordingError
from metasolve.prior.corpus import Row, Taken, read_corpus, write_corpus

from .conftest import system


def rounded(row):
    return Row.of_line(row.line())


def test_a_line_says_everything(rows):
    for row in rows:
        assert rounded(row).line() == row.line()
        assert rounded(row).taken.keys() == row.taken.keys()
        for name, each in row.taken.items():
            assert rounded(row).taken[name].total == pytest.approx(each.total, rel=1e-3)


def test_the_same_rows_are_the_same_bytes_in_whatever_order(rows, tmp_path):
    one, other = tmp_path / "one.jsonl.gz", tmp_path / "other.jsonl.gz"
    write_corpus(rows, one)
    write_corpus(rows[::-1], other)
    assert one.read_bytes() == other.read_bytes()
    assert [row.line() for row in read_corpus(one)] == [row.line() for row in read_corpus(other)]


def test_a_torn_last_line_is_left_out(rows, tmp_path):
    path = tmp_path / "corpus.jsonl"
    path.write_text(f"{rows[0].line()}\n{rows[1].line()[:100]}")
    assert [row.line() for row in read_corpus(path)] == [rows[0].line()]


def test_what_is_torn_elsewhere_is_refused(rows, tmp_path):
    path = tmp_path / "corpus.jsonl"
    path.write_text(f"{rows[0].line()[:100]}\n{rows[1].line()}\n")
    with pytest.raises(RecordingError, match="torn"):
        read_corpus(path)
    packed = tmp_path / "corpus.jsonl.gz"
    packed.write_bytes(gzip.compress(rows[0].line().encode())[:50])
    with pytest.raises(RecordingError, match="cannot be read"):
        read_corpus(packed)


def test_symmetric_is_what_has_a_positive_diagonal_and_no_skew_part():
    assert system(0).symmetric
    assert not system(1).symmetric


def test_one_that_was_killed_hung():
    assert Taken(0.0, 0.0, 0, None, "TIME_BUDGET", 1.0).hung
    assert not Taken(0.1, 0.0, 0, None, "TIME_BUDGET", 1.0).hung


def test_the_shipped_corpus_is_small_and_keeps_the_exam_out():
    rows = read_corpus()
    assert len(rows) >= 250
    exam = ("dolfin", "deal", "getdp", "slepc", "sundials", "petsc", "demo", "convection_diffusion")
    assert not [row for row in rows if any(word in row.kind for word in exam)]
    assert len({(row.kind, row.number) for row in rows}) == len(rows)
