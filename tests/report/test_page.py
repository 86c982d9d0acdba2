"""The page of a report: well-formed, needs nothing else, and fits a laptop and a phone."""

import html
import json
import random
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from benchmarks.week import BAD_HOST, DRIFTING, Week
from metasolve.cli.main import main
from metasolve.production.reading import journals
from metasolve.production.report import Report
from metasolve.report.page import page
from metasolve.report.parts import span
from metasolve.report.pictures import own_against_taken
from metasolve.report.svg import MINUS, across, number, upward

VOID = ("meta", "br", "img", "link", "input", "hr")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
#: Names what is wider than its place, of the page and of a picture, and words upon words.
LOOK = """<script>
const wide = document.documentElement.scrollWidth > innerWidth ? ['page'] : [];
for (const card of document.querySelectorAll('.card'))
  if (card.scrollWidth > card.clientWidth + 1) wide.push('card ' + card.textContent.slice(0, 40));
for (const text of document.querySelectorAll('svg text')) {
  const inner = text.getBoundingClientRect(), outer = text.ownerSVGElement.getBoundingClientRect();
  if (inner.left < outer.left - 1 || inner.right > outer.right + 1)
    wide.push('text ' + text.textContent);
  if (inner.height < 7) wide.push('small ' + text.textContent);
}
for (const picture of document.querySelectorAll('svg')) {
  const words = [...picture.querySelectorAll('text:not(.inside)')];
  words.forEach((a, i) => words.slice(i + 1).forEach(b => {
    const p = a.getBoundingClientRect(), q = b.getBoundingClientRect();
    const high = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
    if (Math.min(p.right, q.right) - Math.max(p.left, q.left) > 0 && high > p.height / 4)
      wide.push('text ' + a.textContent + ' on ' + b.textContent);
  }));
}
parent.document.title = JSON.stringify({width: innerWidth, wide: wide,
  pictures: document.querySelectorAll('svg').length,
  paper: getComputedStyle(document.body).backgroundColor});
</script>"""


def document(folder):
    report = Report()
    report.read(journals([str(folder)]))
    return report.document()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("week")
    Week(random.Random(1), 440).write(folder)
    return document(folder)


@pytest.fixture(scope="module")
def shown(made):
    return page(made)


class Tags(HTMLParser):
    """Every tag that is opened is closed, in order."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.attributes = [], [], []

    def handle_starttag(self, tag, attributes):
        self.seen.append(tag)
        self.attributes += attributes
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_it_is_well_formed_and_needs_nothing_else(shown):
    tags = Tags()
    tags.feed(shown)
    assert tags.open == []
    assert tags.seen.count("svg") >= 5
    assert not {"script", "link", "img", "iframe", "object"} & set(tags.seen)
    names = {name for name, _ in tags.attributes}
    assert not {"src", "href", "onclick", "onload"} & names
    assert "url(" not in shown
    assert "://" not in shown


def test_it_tells_what_the_screen_tells(shown):
    words = html.unescape(re.sub(r"<[^>]*>", " ", shown))
    for told in ("What did it save?", "On which solves?", "Has it drifted?", "Can I go back?"):
        assert told in words
    assert f"Host {BAD_HOST}: solves take" in words
    assert f"{DRIFTING}: 2." in words
    assert "Read the why of the fallback lines before." in words


def test_what_a_journal_says_cannot_become_part_of_the_page(made):
    bad = '<script>alert(1)</script>"&'
    poisoned = json.loads(json.dumps(made).replace("turbine", bad.replace('"', '\\"')))
    tags = Tags()
    tags.feed(page(poisoned))
    assert "script" not in tags.seen
    assert tags.open == []


@pytest.mark.parametrize("lines", [0, 1, 3])
def test_little_makes_a_page_too(tmp_path, lines):
    from tests.production.lines import head, solve, write

    told = [head(), *(solve(0.0 if lines == 1 else 1.0, None, None, i) for i in range(lines))]
    tags = Tags()
    tags.feed(page(document(write(tmp_path / "a.jsonl", *told))))
    assert tags.open == []


def test_the_command_writes_it_and_names_a_folder_that_is_not_there(tmp_path, capsys):
    Week(random.Random(1), 100).write(tmp_path / "week")
    for file, code in ((tmp_path / "r.html", 0), (tmp_path / "no" / "r.html", 2)):
        with pytest.raises(SystemExit) as stop:
            main(["report", str(tmp_path / "week"), "--html", str(file)])
        assert (stop.value.code or 0) == code
        assert str(file) in "".join(capsys.readouterr())
    assert (tmp_path / "r.html").read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("saved", "least", "most", "kind"),
    [
        (9.0, 2.0, 20.0, "gain"),
        (9.0, -2.0, 20.0, ""),
        (-9.0, -20.0, 2.0, ""),
        (-9, -20, -2, "loss"),
        (-0.1, -0.2, -0.05, ""),  # of 30 seconds: clocks differ by as much
    ],
)
def test_what_may_be_none_has_no_colour(made, saved, least, most, kind):
    numbers = {"own seconds": 30.0, "saved seconds": saved, "least": least, "most": most}
    figure = page({**made, "saved": {**made["saved"], **numbers}}).split('<div class="card ')[1]
    assert figure.startswith(f'{kind}">')
    assert ("not certain yet" in figure) == (least < 0 < most)


def test_where_little_is_known_nothing_is_said_of_changes(made):
    for enough in (True, False):
        drift = {"hosts": [], "classes": [], "enough": enough}
        shown = page({**made, "drift": drift})
        assert ("hosts or classes whose cost has changed" in shown) == enough
        assert ("No class and no host has changed" in shown) == enough
        assert ("oo little is known" in shown) != enough


def test_words_at_a_line_are_at_its_end(made):
    """And upon no other one: lines end where their words begin."""
    drawn = own_against_taken(made["classes"], [each["name"] for each in made["classes"]])
    ends = re.findall(r'class="(?:equal|faster)" points="\S+ ([\d.]+),([\d.]+)"', drawn)
    words = re.findall(
        r'class="name" x="([\d.]+)" y="([\d.]+)" text-anchor="start">(?!taken)', drawn
    )
    assert len(ends) == len(words) >= 2
    for (x, y), (left, foot) in zip(ends, words, strict=True):
        assert float(x) < float(left)
        assert 0 < float(foot) - float(y) < 6


@pytest.mark.parametrize(("low", "high"), [(0.01, 3e4), (0.9, 1.4), (2e-6, 5e-5), (1.0, 1.001)])
def test_ticks_are_few_and_between_the_ends(low, high):
    for axis in (across(low, high), upward(low, high)):
        assert 1 <= len(axis.ticks()) <= 9
        assert all(low * 0.99 <= each <= high * 1.01 for each in axis.ticks())
    assert len(across(low, high, logarithmic=True).ticks()) <= 6


def test_spans_and_numbers_are_short():
    assert [span(x) for x in (0.0, 2e-6, -0.25, 90.0, 7380.0)] == [
        "0 s", "2 µs", MINUS + "250 ms", "1.5 min", "2.05 h",
    ]  # fmt: skip
    assert [number(x) for x in (0.0, 2e-6, 0.25, 1234.0)] == ["0", "2e-6", "0.25", "1,234"]


@pytest.mark.skipif(BROWSER is None, reason="no chromium: make browser installs it")
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_it_in_its_width(shown, tmp_path, width):
    """In a frame, for a window cannot be as narrow as a phone."""
    page_ = re.sub(r"<meta http-equiv[^>]*>", "", shown).replace("</body>", LOOK + "</body>")
    frame = f'<iframe style="border:0" width="{width}" height="900" srcdoc="{html.escape(page_)}">'
    file = tmp_path / "frame.html"
    file.write_text(f"<!DOCTYPE html><title></title>{frame}</iframe>")
    words = [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1400,1000"]
    words += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=5000", "--dump-dom"]
    done = subprocess.run(
        [*words, file.as_uri()], capture_output=True, text=True, timeout=120, check=False
    )
    told = re.search(r"<title>(\{.*?\})</title>", done.stdout)
    assert told, done.stderr[-2000:]
    found = json.loads(html.unescape(told[1]))
    assert found["width"] == width
    assert found["pictures"] >= 5
    assert found["wide"] == []
