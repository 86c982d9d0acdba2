"""Tables of the plug-in, as its C sources know them."""

from __future__ import annotations

import re
from pathlib import Path

from generators.table import code, table
from metasolve.model.allowed import TABLE

_PLUGIN = TABLE.parent
_FEATURE = re.compile(r'^  "(\w+)",? +/\* (.*?) \*/$', re.MULTILINE)
_LINE = re.compile(r'^(CHOICE|INTEGER|REALS|REAL|FLAG)\("(\w+)"(.*?)\)$', re.MULTILINE | re.DOTALL)
_SECTION = re.compile(r"^/\* ---- (.*) ---- \*/$", re.MULTILINE)
_NESTED = re.compile(r'^NESTED\("(\w+)"\)', re.MULTILINE)


def features() -> str:
    """What the model sees of a system: names and comments of features.c."""
    found = _FEATURE.findall((_PLUGIN / "features.c").read_text(encoding="utf-8"))
    return table(("feature", "meaning"), ((code(name), _plain(told)) for name, told in found))


def _plain(text: str) -> str:
    """Text in which markdown finds nothing to emphasise."""
    return re.sub(r"([_*])", r"\\\1", text).replace("<", "&lt;")


def settings() -> str:
    """What a model may set: the lines of settings.def, by section."""
    text = Path(TABLE).read_text(encoding="utf-8")
    nested = ", ".join(map(code, _NESTED.findall(text)))
    _, *parts = _SECTION.split(text)
    shown = [f"Prefixes of nested solvers: {nested}.\n"]
    for title, body in zip(parts[::2], parts[1::2], strict=True):
        rows = [(code(name), _values(kind, rest)) for kind, name, rest in _LINE.findall(body)]
        shown.append(f"## {title[0].upper()}{title[1:]}\n\n{table(('option', 'values'), rows)}")
    return "\n".join(shown)


def _values(kind: str, rest: str) -> str:
    if kind == "FLAG":
        return "on or off"
    if kind == "CHOICE":
        words = "".join(re.findall(r'"([^"]*)"', rest))
        outer, _, inner = words.partition("|")
        told = ", ".join(map(code, outer.split()))
        more = ", ".join(map(code, inner.split()))
        return f"{told}; nested only: {more}" if more else told
    low, high, *most = [each.strip() for each in rest.strip(", ").split(",")]
    what = {"INTEGER": "whole number", "REAL": "number", "REALS": "numbers"}[kind]
    many = f"up to {most[0]} " if most else ""
    return f"{many}{what} from {low} to {high}"
