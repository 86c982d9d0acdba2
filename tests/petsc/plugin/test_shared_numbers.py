"""Numbers and names that C and Python both have are the same."""

import re

import pytest

from benchmarks import prior_choice, prior_posterior, prior_streams
from metasolve.model import allowed, pinned
from metasolve.petsc import drift, recording
from metasolve.petsc.compiled import SOURCES
from metasolve.petsc.library import Limits
from metasolve.prior import growth
from metasolve.production import reading, replay, site
from metasolve.solve import cost, reuse
from metasolve.train import trainer

CHOICE = ("CAUTION", "SURE", "SURE_SQUARE")
RULE = ("SHARE", "NOISE", "SURPRISE", "LASTS", "FORGET", "DRIFT", "LEAST")

REUSE = ("NOISE", "DRIFT", "CAUTION", "SURPRISE", "COUNTED", "LEAST", "OVERRUN")
REUSE += ("PATIENCE", "RECENT", "HALF", "LONGEST", "FURTHEST")


def defined(file, name):
    """Value of a #define."""
    text = (SOURCES / file).read_text()
    return float(re.search(rf"^#define {name} +([\d.e+-]+)", text, re.MULTILINE)[1])


@pytest.mark.parametrize(
    ("file", "name", "value"),
    [
        ("metasolve.h", "METASOLVE_FEATURES_VERSION", recording.FEATURES_VERSION),
        ("metasolve.h", "METASOLVE_MAX_SETTINGS", allowed.MOST),
        ("policy_file.c", "POLICY_VERSION", pinned.POLICY_VERSION),
        *(("posterior.c", name, getattr(prior_posterior, name)) for name in RULE),
        *(("posterior.c", name, getattr(replay, f"_{name}")) for name in (*RULE[:-1], "DOUBT")),
        *(("reuse.c", name, getattr(reuse, name)) for name in REUSE),
        *(("reuse.h", f"REUSE_{n}", getattr(reuse, n)) for n in ("MEAN", "VARIANCE")),
        *(("keep.c", name, getattr(cost, f"_{name}")) for name in ("LITTLE", "LEAST", "MOST")),
        ("keep.c", "SERVES", trainer._SERVES),
        *(("change.h", f"CHANGE_{name}", getattr(drift, name)) for name in ("ROWS", "ENTRIES")),
        ("change.c", "FURTHEST", drift.FURTHEST),
        ("change.c", "GOLDEN", drift._GOLDEN),
        ("class.c", "MEMORY", replay._MEMORY),
        ("class.c", "PRIOR", replay._PRIOR),
        ("journal.h", "JOURNAL_VERSION", reading.VERSION),
        ("prior.c", "BEGINS", growth.BEGINS),
        *(("choose.c", name, getattr(prior_choice, name)) for name in CHOICE),
        *(
            (file, n, pytest.approx(prior_streams.FAILURE, abs=5e-3))
            for file, n in (("chosen.c", "FAILURE"), ("choose.c", "WORST"))
        ),
        ("choose.c", "VENTURED", prior_streams.SHARE),
        ("choose.c", "OFTEN", prior_streams.OFTEN),
        ("account.h", "ACCOUNT_PRIOR", prior_streams.OVERRUN),
        ("account.h", "ACCOUNT_PROVEN", prior_streams.PROVEN),
        ("choose.c", "CURIOUS", prior_streams.BOLD),
        ("decide.c", "SURPRISE", prior_streams.PATIENT),
        ("choose.c", "WORTH", pytest.approx(prior_choice.MARGIN, abs=5e-4)),
    ],
)
def test_numbers(file, name, value):
    assert defined(file, name) == value


def test_a_journal_is_as_long_whoever_writes_it():
    text = (SOURCES / "journal_file.c").read_text()
    megabytes = re.search(r"^#define MOST \(\(off_t\)(\d+) << 20\)", text, re.MULTILINE)[1]
    assert int(megabytes) << 20 == site.MOST


def test_a_name_and_a_value_have_their_place():
    text = (SOURCES / "metasolve.h").read_text()
    assert f"[METASOLVE_MAX_SETTINGS][{allowed.LONGEST + 1}]" in text


def test_python_allocates_limits_as_the_plugin_fills_them():
    """A field that Python does not know would be written behind the end of what it allocated."""
    text = re.sub(r"/\*.*?\*/", "", (SOURCES / "limit.h").read_text(), flags=re.DOTALL)
    body = text[
        text.rindex("typedef struct {") + len("typedef struct {") : text.rindex("} Limits;")
    ]
    plain = re.sub(r"\(\*(\w+)\)\([^)]*\)", r"\1", body)  # pointers to functions
    names = [
        re.search(r"\w+$", each.strip())[0] for each in re.split("[;,]", plain) if each.strip()
    ]
    assert names == [name for name, _ in Limits._fields_]


def test_numbers_stay_where_settings_may_be():
    """The last mile moves them; what it may come to, a model may choose as well."""
    text = (SOURCES / "numbers.c").read_text()
    rows = re.findall(r'"(\w+)", +\d, \d, +(\S+), +(\S+), +(\S+), +(\S+?) *\}', text)
    assert len(rows) > 10
    for name, *values in rows:
        usual, _, low, high = values
        for value in (usual, low, high):
            assert allowed.allowed(name, value) is not None, (name, value)
