"""What a page is made of: cards, tables, legends, and times for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from metasolve.report.svg import MINUS

_NOISE = 0.02  # of the seconds of the same work, from run to run


def card(title: str, *parts: str) -> str:
    """Return a frame with a title."""
    inner = "\n".join(part for part in parts if part)
    return f'<section class="card"><h3>{escape(title)}</h3>\n{inner}\n</section>'


def legend(entries: Iterable[tuple[str, str]]) -> str:
    """Return what colours mean: (class of the style, words) of each."""
    items = "".join(f'<li><i class="{kind}"></i>{escape(told)}</li>' for kind, told in entries)
    return f'<ul class="legend">{items}</ul>'


def table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], less: Sequence[int] = (), words: int = 1
) -> str:
    """Return a table; cells are HTML, those from `words` on are numbers, `less` go on a phone."""

    def cells(tag: str, row: Sequence[str]) -> str:
        kinds = ["n" * (i >= words) + " less" * (i in less) for i in range(len(row))]
        return "".join(
            f'<{tag} class="{k.strip()}">{c}</{tag}>' for k, c in zip(kinds, row, strict=True)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    head = cells("th", [escape(each) for each in heads])
    inner = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="wide"><table>{inner}</table></div>'


def span(seconds: float) -> str:
    """Tell a time for people.

    >>> span(7380.0), span(150.0)
    ('2.05 h', '2.5 min')
    """
    size, sign = abs(seconds), MINUS if seconds < 0 else ""
    for least, per, unit in ((3600, 3600, "h"), (60, 60, "min"), (1, 1, "s"), (1e-3, 1e-3, "ms")):
        if size >= least:
            told = f"{size / per:,.0f}" if size / per >= 100 else f"{size / per:.3g}"
            return f"{sign}{told} {unit}"
    return f"{sign}{size * 1e6:.0f} µs" if size >= 1e-6 else "0 s"


def kind_of(own: float, saved: float) -> str:
    """Whether what was saved is a ``gain`` or a ``loss``; empty where clocks may say either."""
    return "" if abs(saved) <= _NOISE * own else "gain" if saved > 0 else "loss"
