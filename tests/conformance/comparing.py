"""What two runs of one program differ in, and what of it is to be suspected."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

NUMBER = re.compile(
    r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|nan|inf)(?!\w)", re.IGNORECASE
)
#: Differs between any two runs: frames, addresses, dates, times, process numbers, rates.
NOISE = [
    (re.compile(pattern), word)
    for pattern, word in [
        (r"(?m)^\[[\w.-]+:\d+\] \[ ?\d+\] .*\n", ""),  # where a program crashed: depths vary
        (r"0x[0-9a-fA-F]+", "ADDRESS"),
        (r"\b\w{3} \w{3} +\d+ \d\d:\d\d:\d\d \d{4}", "DATE"),
        (
            r"(?i)(time|seconds|flops/sec|elapsed|wall\w*|mflops|rate)[^0-9\n]{0,30}"
            r"[-+0-9.e]+( ?s(ec)?\b)?",
            r"\1 T",
        ),
        (r"[\d.e+-]+ (sec|seconds|s)\b", "T"),
        (r"\[[\w.-]+:\d+\]", "[HOST]"),
        (r"(?i)pid \d+", "PID"),
        (r"/\S*/(run|record|plain|again)/", "FOLDER/"),
    ]
]
#: How a solve went, which is what a model changes.
MONITORED = re.compile(
    r"^\s*(\d+ KSP( |$)|Residual norms for|Linear \S* ?solve (converged|did not)|Linear solve |"
    r"KSP final norm)|KSP Residual norm|KSP (un)?preconditioned|KSP none resid"
)
#: Newton's method takes other steps where its linear solves are more, or less, exact.
NONLINEAR = re.compile(r"\s*\d+ SNES \S*\s?Function norm")
VIEW = re.compile(r"\s*(KSP|PC) Object")
INSIDE_VIEW = re.compile(r"\s*(linear system matrix|PC Object|Mat Object|  )")
OPTIONS = re.compile(
    r"^(There (are|is) .* unused database option|Option left: name|WARNING! There are options|"
    r"WARNING! could be|There are no unused)"
)
LEAK = re.compile(r"\[ *\d+\] ?(\d+ bytes|Total space allocated)")
#: More of these than without metasolve is a fault.
BAD = {
    "PETSC ERROR": re.compile(r"PETSC ERROR"),
    "signal": re.compile(
        r"Caught signal|Segmentation|signal \d+|SIGSEGV|double free|corrupted|stack smashing"
    ),
    "leak": LEAK,
    # Who monitors all KSPs (-all_ksp_monitor) sees ours among them.
    "option leaked": re.compile(
        r"^(?!\s*Residual norms for).*metasolve\d+_|Option left:.*metasolve"
    ),
    "did not converge": re.compile(r"DIVERGED|did not converge|Diverged"),
    "not a number": re.compile(r"\b[-+]?nan\b", re.IGNORECASE),
}
#: What ranks without a display say, several of them in one line.
DISPLAY = re.compile(
    r"Unable to open display|unable to use X windows|proceeding without graphics|-display name|"
    r"COMPUTE NODES are authorized|X server and either your DISPLAY"
)
_TABLE = re.compile(r"(?ms)^#PETSc Option Table entries:.*?^#End of PETSc Option Table entries\n")
_MOST_LINES = 3000


class Kind(str, Enum):
    """What two outputs differ in, from nothing to everything."""

    SAME = "same"
    VIEW = "how it was solved"
    NUMBERS = "numbers"
    TEXT = "text"


@dataclass(frozen=True)
class Difference:
    """Lines that differ; one of each where only numbers do."""

    before: Sequence[str]
    after: Sequence[str]

    @property
    def numbers(self) -> bool:
        """Whether the words are the same."""
        words = [[NUMBER.sub("#", line) for line in side] for side in (self.before, self.after)]
        return words[0] == words[1]


def told(output: str) -> list[str]:
    """Lines of an output without what differs between any two runs."""
    for pattern, word in NOISE:
        output = pattern.sub(word, output)
    lines = (line.rstrip() for line in output.splitlines())
    return [line for line in lines if "dll_append" not in line and not DISPLAY.search(line)]


def without_leaks(output: str) -> str:
    """An output without what PETSc tells of memory that was not freed."""
    return "".join(line for line in output.splitlines(keepends=True) if not LEAK.match(line))


def without_options(output: str) -> str:
    """An output without the table of options that PETSc was given."""
    return _TABLE.sub("", output)


def without_views(lines: Sequence[str]) -> list[str]:
    """Lines without views of KSP and PC, and without what monitors of KSP write."""
    kept, inside = [], None
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if inside is not None and (line.strip() and indent > inside):
            continue
        if inside is not None and INSIDE_VIEW.match(line) and indent >= inside:
            continue
        inside = indent if VIEW.match(line) else None
        if inside is None and not MONITORED.search(line):
            kept.append(line)
    return kept


def compare(plain: str, other: str) -> tuple[Kind, list[Difference]]:
    """What two outputs of a program differ in; the order of lines, as ranks write, counts not."""
    a, b = told(plain), told(other)
    if sorted(a) == sorted(b):
        return Kind.SAME, []
    a, b = without_views(a), without_views(b)
    if sorted(a) == sorted(b):
        return Kind.VIEW, []
    found = list(_differences(*([x for x in lines if not NONLINEAR.match(x)] for lines in (a, b))))
    return Kind.NUMBERS if all(each.numbers for each in found) else Kind.TEXT, found


def _differences(a: list[str], b: list[str]):
    if max(len(a), len(b)) > _MOST_LINES:
        yield Difference(a, b)
        return
    words = [[NUMBER.sub("#", line) for line in side] for side in (a, b)]
    matcher = difflib.SequenceMatcher(None, *words, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            pairs = zip(a[i1:i2], b[j1:j2], strict=True)
            yield from (Difference([x], [y]) for x, y in pairs if x != y)
        else:
            yield Difference(a[i1:i2], b[j1:j2])


def bad(output: str) -> dict[str, int]:
    """How often each sign of a fault is in an output."""
    lines = told(output)
    counts = {name: sum(bool(p.search(x)) for x in lines) for name, p in BAD.items()}
    return {name: count for name, count in counts.items() if count}


def grew(difference: Difference) -> bool:
    """Whether a printed error or norm became ten times as large, and is no rounding error."""
    if not difference.numbers:
        return False
    for before, after in zip(difference.before, difference.after, strict=True):
        if not re.search(r"(?i)error|norm|resid|diff", before):
            continue
        pairs = zip(_numbers(before), _numbers(after), strict=True)
        if any(abs(y) > 10 * abs(x) and abs(y) > 1e-5 and not _counts(x, y) for x, y in pairs):
            return True
    return False


def _numbers(line: str) -> list[float]:
    return [float(found) for found in NUMBER.findall(line)]


def _counts(x: float, y: float) -> bool:
    return x == x // 1 and y == y // 1
