"""`Parts`: a long benchmark in pieces, each kept as soon as it is finished."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metasolve.errors import UsageError
from metasolve.farm.worker import die_with
from metasolve.files.atomic import write_atomically
from metasolve.report.result import Report

Part = dict[str, Any]


@dataclass(frozen=True)
class Parts:
    """Finished parts, by name; the same benchmark takes them up again.

    Attributes
    ----------
    out : directory of the parts; None keeps nothing.
    options : what else the parts depend on, as JSON values.
    """

    out: Path | None
    options: Mapping[str, Any]

    def of(self, name: str, measure: Callable[[], Part]) -> Part:
        """What was measured under this name, now or by an earlier run.

        Raises
        ------
        UsageError
            When the directory holds a part measured with other options.
        """
        if self.out is None:
            return measure()
        path = self.out / f"{name}.json"
        if path.exists():
            kept = json.loads(path.read_text())
            if kept["options"] != self.options:
                raise UsageError(f"{self.out}: holds other options; give --out another directory")
            part: Part = kept["found"]
            return part
        found = measure()
        self.out.mkdir(parents=True, exist_ok=True)
        written = json.dumps({"options": dict(self.options), "found": found}) + "\n"
        write_atomically(path, written.encode())
        return found

    def side_by_side(
        self, what: str, measures: Mapping[str, Callable[[], Part]], report: Report
    ) -> dict[str, Part]:
        """The same for many parts, one process per core; the measures can be pickled.

        They start in order, so the longest should come first.
        """
        cores = len(os.sched_getaffinity(0))
        spawn = multiprocessing.get_context("spawn")
        found: dict[str, Part] = {}
        with ProcessPoolExecutor(
            min(cores, len(measures)), spawn, initializer=die_with, initargs=(os.getpid(),)
        ) as pool:
            asked = {pool.submit(self.of, name, each): name for name, each in measures.items()}
            try:
                for done, each in enumerate(as_completed(asked)):
                    report(what, done, len(asked))
                    found[asked[each]] = each.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return {name: found[name] for name in measures}
