"""What mkdocs calls: lines ``<!-- generated: NAME -->`` of a page become what the code says."""

from __future__ import annotations

import re
from typing import Any

from generators import commands, keys, sources

_GENERATORS = {
    "commands": commands.markdown,
    "program-keys": keys.of_program,
    "family-keys": keys.of_family,
    "training-options": keys.of_training,
    "setting-kinds": keys.of_settings,
    "features": sources.features,
    "settings": sources.settings,
}
_PLACE = re.compile(r"^<!-- generated: ([\w-]+) -->$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill in what is generated."""
    return _PLACE.sub(lambda found: _GENERATORS[found[1]](), markdown)
