"""`Evaluation`: what the measurements of an evaluation say, and nothing that they do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metasolve.baselines.contenders import Measurements
from metasolve.report.in_order import InOrder
from metasolve.report.parts import span, table
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason

MODEL, DEFAULT, EQUAL, GLOBAL = "model", "default", "default_equal_residual", "global"
HAND, NEAREST, ORACLE = "hand_rule", "nearest", "oracle"
ACCEPTED = ("model", "second", "switched")  # sources of answers under settings of the model's
ANSWERED = (Reason.CONVERGED, Reason.WRONG_RESIDUAL)


@dataclass(frozen=True)
class Evaluation:
    """A model against its baselines on instances it was not trained on.

    Attributes
    ----------
    instances : what was solved.
    measured : measurements by contender and instance id.
    global_setting : the global baseline as JSON, None if it was left out.
    calls : solver calls by phase of training, and of the global search.
    training_seconds : wall time of the training, not of its solves alone; None if unknown.
    in_order : what sequences took that were solved in order; None if that was not asked for.
    """

    instances: Sequence[Instance]
    measured: Mapping[str, Mapping[str, Measurements]]
    global_setting: Mapping[str, Any] | None
    calls: Mapping[str, int]
    training_seconds: float | None
    in_order: InOrder | None = None

    def __repr__(self) -> str:
        return f"<Evaluation: {len(self.instances)} instances, {len(self.measured)} contenders>"

    def headline(self) -> str:
        """What an evaluation says in one sentence."""
        both = self.ok(DEFAULT) & self.ok(MODEL)
        count, failed = len(self.instances), int((~self.ok(MODEL)).sum())
        missing = f"; {failed} without an answer" if failed else ""
        if not both.any():
            return f"{count} unseen systems{missing}: nothing to compare"
        own = float(self.seconds(DEFAULT)[both].sum())
        taken = float(self.seconds(MODEL)[both].sum())
        word = "saved" if taken <= own else "lost"
        times = own / taken if taken <= own else taken / own
        pace = "faster" if taken <= own else "slower"
        told = f"{span(abs(own - taken))} of {span(own)} {word} on {int(both.sum())} unseen systems"
        return f"{told}: {times:.2f} times {pace} in all{missing}"

    def _repr_html_(self) -> str:
        """What a notebook shows: the headline, and each contender's total beside the model's."""
        rows = []
        for name in self.baselines():
            found = self.speedup(name)
            both = self.ok(name) & self.ok(MODEL)
            total = span(float(self.seconds(name)[both].sum()))
            times = "-" if found["geomean"] is None else f"{found['geomean']:.2f}"
            rows.append((name.replace("_", " "), str(found["compared"]), total, times))
        heads = ("compared with", "systems", "took", "times as fast, on average")
        return f"<p>{escape(self.headline())}</p>\n{table(heads, rows)}"

    def seconds(self, contender: str) -> NDArray[np.float64]:
        """Median wall seconds per instance, shape (instances,)."""
        found = self.measured[contender]
        return np.array([found[each.id].seconds(each.setup_share) for each in self.instances])

    def ok(self, contender: str) -> NDArray[np.bool_]:
        """Whether the contender answered, shape (instances,).

        A baseline that stops on another norm answers when it says so; the others must reach the
        tolerance in the recomputed residual.
        """
        return np.array(
            [_answered(contender, self.measured[contender][i.id].outcome) for i in self.instances]
        )

    def speedup(self, baseline: str) -> dict[str, float | None]:
        """Statistics of seconds(baseline) / seconds(model) where both answered."""
        both = self.ok(baseline) & self.ok(MODEL)
        if not both.any():
            return {"geomean": None, "median": None, "worst": None, "best": None, "compared": 0}
        ratio = self.seconds(baseline)[both] / self.seconds(MODEL)[both]
        return {
            "geomean": float(np.exp(np.log(ratio).mean())),
            "median": float(np.median(ratio)),
            "worst": float(ratio.min()),
            "best": float(ratio.max()),
            "total": float(self.seconds(baseline)[both].sum() / self.seconds(MODEL)[both].sum()),
            "resolved": self._resolved(baseline),
            "compared": int(both.sum()),
        }

    def _resolved(self, baseline: str) -> float:
        """Geometric mean where the program's own settings solve what the baseline fails on.

        Over what the model solved, and these two together; the second solve's time counts.
        """
        ok, own = self.ok(baseline), self.ok(DEFAULT)
        seconds = self.seconds(baseline) + np.where(ok, 0.0, self.seconds(DEFAULT))
        solved = (ok | own) & self.ok(MODEL)
        return float(np.exp(np.log(seconds[solved] / self.seconds(MODEL)[solved]).mean()))

    def baselines(self) -> list[str]:
        """Contenders other than the model."""
        return [name for name in self.measured if name != MODEL]

    def strongest(self) -> str | None:
        """The baseline that the model gains least on; the oracle is none: nobody can have it."""
        gains = {name: self.speedup(name)["geomean"] for name in self.baselines() if name != ORACLE}
        known = {name: gain for name, gain in gains.items() if gain is not None}
        return min(known, key=lambda name: known[name]) if known else None

    def over_oracle(self, contender: str) -> dict[str, float | None]:
        """Statistics of seconds(contender) / seconds of the fastest contender that answered.

        With the oracle among them, that is the fastest of all settings that were tried.
        """
        times = [np.where(self.ok(n), self.seconds(n), np.inf) for n in self.measured]
        ok, least = self.ok(contender), np.min(times, axis=0)
        if not ok.any():
            return {"geomean": None, "p90": None, "worst": None}
        ratio = self.seconds(contender)[ok] / least[ok]
        return {
            "geomean": float(np.exp(np.log(ratio).mean())),
            "p90": float(np.quantile(ratio, 0.9)),
            "worst": float(ratio.max()),
        }

    def break_even_solves(self) -> float | None:
        """Solves after which the wall time of training is earned back; None: never, or unknown."""
        both = self.ok(DEFAULT) & self.ok(MODEL)
        if self.training_seconds is None or not both.any():
            return None
        saved = float((self.seconds(DEFAULT)[both] - self.seconds(MODEL)[both]).mean())
        return self.training_seconds / saved if saved > 0 else None

    def sources(self) -> dict[str, int]:
        """How often the model solved, at once or in the end; how often it fell back or refused."""
        found = [self.measured[MODEL][each.id].record.get("source", "") for each in self.instances]
        return {name: found.count(name) for name in (*ACCEPTED, "fallback", "refused")}

    def unfamiliar(self) -> int:
        """How many systems the model had not seen the like of: the prior chose for them."""
        return sum(bool(found.record.get("unfamiliar")) for found in self.measured[MODEL].values())

    def wrong_results(self) -> int:
        """Answers accepted from the model whose true residual is above the tolerance."""
        return sum(
            record.get("source") in ACCEPTED
            and not outcome.true_residual <= each.tolerance * (1 + 1e-9)  # NaN is wrong, too
            for each in self.instances
            for outcome, record in self.measured[MODEL][each.id].repeats()
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; the keys are a contract, see docs/reference/evaluation.md."""
        sources = self.sources()
        oracle = ORACLE in self.measured
        return {
            "count": len(self.instances),
            "speedup": {name: self.speedup(name) for name in self.baselines()},
            "strongest": self.strongest(),
            "over_oracle": {name: self.over_oracle(name) for name in self.measured if oracle},
            "failures": int((~self.ok(MODEL)).sum()),
            "failures_of": {name: int((~self.ok(name)).sum()) for name in self.measured},
            "wrong_results": self.wrong_results(),
            "fallbacks": sources["fallback"],
            "sources": sources,
            "unfamiliar": self.unfamiliar(),
            "calls": dict(self.calls),
            "break_even_solves": self.break_even_solves(),
            "training_seconds": self.training_seconds,
            "global_setting": self.global_setting,
            "in_order": None if self.in_order is None else self.in_order.to_dict(),
            "instances": [self._instance(each) for each in self.instances],
        }

    def _instance(self, instance: Instance) -> dict[str, Any]:
        found = {name: self.measured[name][instance.id] for name in self.measured}
        record = found[MODEL].record
        return {
            "id": instance.id,
            "features": dict(instance.features),
            "tolerance": instance.tolerance,
            "setup_share": instance.setup_share,
            "source": record.get("source"),
            "why": record.get("why"),
            "settings": record.get("settings", {}),
            "contenders": {
                name: _contender(each, instance.setup_share) for name, each in found.items()
            },
        }


def _answered(contender: str, outcome: Outcome) -> bool:
    accepted = ANSWERED if contender in (DEFAULT, MODEL) else (Reason.CONVERGED,)
    return outcome.reason in accepted


def _contender(measured: Measurements, share: float) -> dict[str, Any]:
    outcome = measured.outcome
    residual = outcome.true_residual
    return {
        "reason": outcome.reason.name,
        "message": outcome.message,
        "iterations": outcome.iterations,
        "true_residual": residual if np.isfinite(residual) else None,
        "seconds": {**measured.parts(), "total": measured.seconds(share)},
    }
