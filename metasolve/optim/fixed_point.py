"""`SignSPSA`: descent on whole-number weights from one bit per probe, replayable bit for bit.

    w ← clip(w - round(η Σᵢ sᵢ zᵢ)),  sᵢ = sign(L(w + r zᵢ) - L(w - r zᵢ)),  zᵢ of random signs

All arithmetic on weights is on integers, so the start, the seed and the bits sᵢ give the same
weights on any machine (Stepping Forward on the Last Mile, arXiv 2411.04036, sign variant).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metasolve.errors import UsageError
from metasolve.gradient.tangents import tangents

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class FixedPointFormat:
    """Whole numbers w of `bits` bits that stand for w / 2^fraction."""

    bits: int
    fraction: int

    @property
    def largest(self) -> int:
        """Largest weight; the smallest is its negative, so that negation never overflows."""
        return (1 << (self.bits - 1)) - 1

    def quantise(self, values: ArrayLike) -> Integers:
        """Nearest representable numbers, clipped to the range."""
        scaled = np.rint(np.asarray(values, dtype=np.float64) * 2.0**self.fraction)
        return self.clip(scaled.astype(np.int64))

    def clip(self, weights: Integers) -> Integers:
        """The nearest weights within the range."""
        return np.clip(weights, -self.largest, self.largest)

    def real(self, weights: Integers) -> NDArray[np.float64]:
        """What the weights stand for."""
        return weights / 2.0**self.fraction


@dataclass(frozen=True)
class Entry:
    """One step in the journal: a sign per probe, and whether it ended in a roll-back."""

    signs: tuple[int, ...]
    rolled_back: bool = False


class SignSPSA:
    """Sign-SPSA: ask for weights to try, tell their costs.

    Parameters
    ----------
    start
        Whole-number weights (n,).
    format
        Of the weights.
    learning_rate
        η in units of the weights' last place, as a fraction (numerator, bits): η = numerator/2^bits
        at first; a step that rounds to zero does nothing.
    reach
        r, how far a probe goes, in units of the last place.
    probes
        Per step, each costing two evaluations.
    halve_every
        Steps after which η is halved, again and again; 0 for never.
    check_every
        Steps after which the mean cost of the probes is compared with that of as many steps
        before: if it rose by more than `tolerance` of its size, the weights roll back to where
        they were at the last check that passed; 0 for never.
    seed
        Of the probes.
    """

    def __init__(
        self,
        start: Integers,
        format: FixedPointFormat,  # noqa: A002 - the number format is what it is called
        *,
        learning_rate: tuple[int, int] = (1, 0),
        reach: int = 1,
        probes: int = 1,
        halve_every: int = 0,
        check_every: int = 0,
        tolerance: float = 0.0,
        seed: int = 0,
    ) -> None:
        if reach < 1 or probes < 1:
            raise UsageError(f"reach={reach}, probes={probes}: must be 1 or more")
        self.weights = format.clip(np.array(start, dtype=np.int64))
        self.format, self.seed, self.reach, self.probes = format, seed, reach, probes
        self.learning_rate, self.halve_every = learning_rate, halve_every
        self.check_every, self.tolerance = check_every, tolerance
        self.journal: list[Entry] = []
        self._safe = self.weights.copy()
        self._recent: list[float] = []
        self._reference: float | None = None
        self._directions = self._draw()

    def ask(self) -> Integers:
        """Weights (2·probes, n) to evaluate: all ahead, then all behind."""
        moves = self.reach * self._directions
        return self.format.clip(np.concatenate([self.weights + moves, self.weights - moves]))

    def tell(self, costs: ArrayLike) -> None:
        """Take the costs (2·probes,) of the weights asked for, and move, or roll back.

        A cost that is not a number counts as infinitely bad.
        """
        costs = np.nan_to_num(np.asarray(costs, dtype=np.float64), nan=np.inf, posinf=np.inf)
        ahead, behind = np.split(costs, 2)
        signs = tuple(
            int(ahead[i] > behind[i]) - int(ahead[i] < behind[i]) for i in range(len(ahead))
        )
        self._recent.append(float(np.mean(costs)))
        self._take(Entry(signs, self._worse()))

    def _worse(self) -> bool:
        """Whether this step ends a window that cost more than the one before."""
        if not self.check_every or len(self._recent) < self.check_every:
            return False
        cost, self._recent = float(np.mean(self._recent)), []
        limit = np.inf if self._reference is None else self._reference
        if cost > limit + self.tolerance * abs(limit):
            return True
        self._reference = cost
        return False

    def _take(self, entry: Entry) -> None:
        step = _rounded(self._numerator(entry.signs), self._shift())
        self.weights = self.format.clip(self.weights - step)
        self.journal.append(entry)
        self._directions = self._draw()
        if entry.rolled_back:
            self.weights = self._safe.copy()
        elif self.check_every and len(self.journal) % self.check_every == 0:
            self._safe = self.weights.copy()

    def _numerator(self, signs: tuple[int, ...]) -> Integers:
        return self.learning_rate[0] * (np.array(signs, dtype=np.int64) @ self._directions)

    def _shift(self) -> int:
        halvings = len(self.journal) // self.halve_every if self.halve_every else 0
        return self.learning_rate[1] + halvings

    def _draw(self) -> Integers:
        key = (self.seed, len(self.journal), 0)
        active = np.ones(len(self.weights), dtype=bool)
        return tangents("rademacher", key, self.probes, active).T.astype(np.int64)


def replay(start: SignSPSA, journal: Iterable[Entry]) -> Integers:
    """Weights (n,) after a journal, without a single evaluation.

    Parameters
    ----------
    start
        An optimiser as the one that wrote the journal was at its start; it is moved.
    """
    for entry in journal:
        start._take(entry)  # noqa: SLF001 - of this module
    return start.weights


def _rounded(numerator: Integers, shift: int) -> Integers:
    """The whole number nearest to numerator / 2^shift, halves away from zero."""
    half = (1 << shift) >> 1
    whole: Integers = np.sign(numerator) * ((np.abs(numerator) + half) >> shift)
    return whole
