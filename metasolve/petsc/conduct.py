"""What of a program is watched or accelerated, and how: what the plug-in reads of it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from metasolve.errors import UsageError

_ROOM = 512  # host.h: of the prefixes
_CLASS = re.compile(r"[^;\s]+ \d+ -?\d+ -?\d+ \d+")


class Watch:
    """Which solves are watched, and how much is kept.

    Parameters
    ----------
    prefix
        Options prefix of the KSP meant, or several with commas between them; None for every
        outermost KSP.
    every
        Record one solve out of so many.
    max_systems, max_bytes
        Stop recording there, counting what the recording directory holds already.
    direct
        Direct solves as well; otherwise they are left alone.
    """

    def __init__(
        self,
        prefix: str | None = None,
        every: int | None = None,
        max_systems: int | None = None,
        max_bytes: int | None = None,
        direct: bool = True,
    ) -> None:
        self.prefix, self.direct = prefix, direct
        self.every, self.max_systems, self.max_bytes = every, max_systems, max_bytes
        if prefix is not None and len(prefix) >= _ROOM:
            raise UsageError(
                f"prefix={prefix[:40]}... is longer than {_ROOM - 1} letters: leave some out"
            )
        for name in ("every", "max_systems", "max_bytes"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{name.replace('_', '-')}={value} is below 1: leave it out")

    def environment(self) -> dict[str, str]:
        """Return the variables the plug-in reads."""
        values = {
            "METASOLVE_PREFIX": self.prefix,
            "METASOLVE_EVERY": self.every,
            "METASOLVE_MAX_SYSTEMS": self.max_systems,
            "METASOLVE_MAX_BYTES": self.max_bytes,
            "METASOLVE_DIRECT": None if self.direct else "off",
        }
        return {key: str(value) for key, value in values.items() if value is not None}


class Conduct:
    """How a model is used in a run.

    Parameters
    ----------
    log
        File to which one JSON line per solve is appended.
    budget
        A solve is handed back to the program's own settings after so many times the seconds that
        these would need.
    advise
        Nothing is tried: what would have been is logged.
    state
        File of what earlier runs have learned, and this one adds to; None: none is kept.
    freeze
        The file is used and not changed.
    launch
        A word by which the log's lines of this run can be found again.
    reuse
        A preconditioner may be kept for another operator.
    earlier
        A solve may start from earlier solutions.
    canary
        Share of the solves with chosen settings that the program's own solve as well.
    off
        Names of classes that are left alone.
    keep_refused, keep_slow
        Recordings to which systems are added that should be learned from: those left to the
        program's own settings for a reason that a training could cure; and those that took longer
        than own settings do, or than was foreseen.
    deterministic
        Decisions and budgets are made of counted work rather than of clocks; and `freeze`.
    """

    def __init__(
        self,
        log: str | os.PathLike[str] | None = None,
        budget: float | None = None,
        advise: bool = False,
        state: Path | None = None,
        freeze: bool = False,
        launch: str = "",
        reuse: bool = True,
        earlier: bool = True,
        canary: float = 0.0,
        off: Sequence[str] = (),
        deterministic: bool = False,
        keep_refused: Path | None = None,
        keep_slow: Path | None = None,
    ) -> None:
        if budget is not None and not budget > 0:
            raise UsageError(f"budget={budget} is not positive: 2 is the default")
        if not 0 <= canary <= 1:
            raise UsageError(
                f"canary={canary} is no share: give a number from 0 to 1, such as 0.05"
            )
        for name in off:
            if not _CLASS.fullmatch(name):
                raise UsageError(
                    f"off={name!r} is no class: give one that metasolve inspect prints, such as "
                    "'- 8192 1 2 1'"
                )
        given = {"keep-refused": keep_refused, "keep-slow": keep_slow, "canary": canary}
        for name in (name for name, value in given.items() if advise and value):
            raise UsageError(f"--advise tries nothing, so that --{name} has no use: leave one out")
        if deterministic and canary:
            raise UsageError(
                "--deterministic counts work, so that --canary measures no seconds: leave one out"
            )
        self.canary, self.off = canary, off
        self.log, self.budget, self.advise, self.state = log, budget, advise, state
        self.deterministic = deterministic
        both = {"REFUSED": keep_refused, "SLOW": keep_slow}
        self.gathered = {kind: to for kind, to in both.items() if to is not None}
        self.freeze, self.launch, self.reuse, self.earlier = freeze, launch, reuse, earlier

    def environment(self) -> dict[str, str]:
        """Return the variables the plug-in reads."""
        values = {
            "METASOLVE_LOG": self.log and str(Path(self.log).absolute()),
            "METASOLVE_BUDGET": self.budget and f"{self.budget:g}",
            "METASOLVE_ADVISE": self.advise and "1",
            "METASOLVE_STATE": self.state and str(self.state.absolute()),
            "METASOLVE_FREEZE": self.freeze and "1",
            "METASOLVE_DETERMINISTIC": self.deterministic and "1",
            **{f"METASOLVE_KEEP_{kind}": str(to.absolute()) for kind, to in self.gathered.items()},
            "METASOLVE_LAUNCH": self.launch,
            "METASOLVE_REUSE": None if self.reuse else "off",
            "METASOLVE_EARLIER": None if self.earlier else "off",
            "METASOLVE_CANARY": self.canary and f"{self.canary:g}",
            "METASOLVE_OFF_CLASSES": ";".join(self.off),
        }
        return {key: str(value) for key, value in values.items() if value}
