"""Settings that are chosen, not tuned: `Choice` and `Flag`. See :mod:`metasolve.space.setting`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from metasolve.errors import SpaceError, did_you_mean
from metasolve.solve.solver import Value
from metasolve.space.condition import Condition, check_when


@dataclass(frozen=True)
class Choice:
    """One of several words: one coordinate (a logit) per word; the first largest logit decides.

    Parameters
    ----------
    name, when
        As for :class:`Real`.
    values
        The words, at least one, all different.
    default
        The first word when None.
    symmetric
        Those of them that only symmetric operators with a positive diagonal are solved with, such
        as ``cg``; not all.

    Raises
    ------
    SpaceError
        If any of these is invalid.
    """

    name: str
    values: tuple[str, ...]
    default: str | None = None
    when: Condition = field(default_factory=dict)
    symmetric: tuple[str, ...] = ()

    kind: ClassVar[str] = "choice"
    discrete: ClassVar[bool] = True

    def __post_init__(self) -> None:
        words = (self.values,) if isinstance(self.values, str) else tuple(self.values)
        if isinstance(self.values, str) or not words or len(set(words)) < len(words):
            raise SpaceError(f"{self.name}: values={self.values!r} is not a list of distinct words")
        for word in words:
            if not isinstance(word, str) or not word or len(word.split()) != 1:
                raise SpaceError(f"{self.name}: values has {word!r}; give words without spaces")
        object.__setattr__(self, "values", words)
        object.__setattr__(self, "when", check_when(self.name, self.when))
        object.__setattr__(self, "default", self.canonical(self.preset))
        object.__setattr__(self, "symmetric", tuple(map(self.canonical, self.symmetric)))
        if not set(words) - set(self.symmetric):
            raise SpaceError(f"{self.name}: symmetric={words!r} leaves no word for other operators")

    @property
    def preset(self) -> str:
        """The default: the first word where none was given."""
        return self.values[0] if self.default is None else self.default

    @property
    def width(self) -> int:
        """One coordinate per word."""
        return len(self.values)

    def canonical(self, value: Any) -> str:
        """Return the value itself if it is one of the words."""
        if value not in self.values:
            raise SpaceError(
                f"{self.name}={value!r} is unknown; {did_you_mean(value, self.values)}"
            )
        return str(value)

    @property
    def general(self) -> NDArray[np.bool_]:
        """Which words (m,) any operator may be solved with."""
        return np.array([word not in self.symmetric for word in self.values])

    def read(self, z: NDArray[np.float64], symmetric: bool = True) -> str:
        """Word with the largest logit in ``z`` (m,), the first of equals; NaN gives the default.

        Where the operator is not `symmetric`, of those for any.
        """
        if np.isnan(z).any():
            return self.preset if symmetric else self.values[int(np.argmax(self.general))]
        allowed = np.flatnonzero(self.general | symmetric)  # even where all of them are at -inf
        return self.values[int(allowed[np.argmax(z[allowed])])]

    def write(self, value: Value) -> NDArray[np.float64]:
        """One-hot (m,)."""
        return np.array([float(word == value) for word in self.values])

    def text(self, value: Value) -> str:
        """Option text."""
        return str(value)


@dataclass(frozen=True)
class Flag:
    """On or off: one coordinate (a logit), on when it is not negative; ±1 written.

    Parameters and errors are those of :class:`Choice`; off by default.
    """

    name: str
    default: bool = False
    when: Condition = field(default_factory=dict)

    kind: ClassVar[str] = "flag"
    discrete: ClassVar[bool] = True
    width: ClassVar[int] = 1
    values: ClassVar[tuple[bool, ...]] = (False, True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "when", check_when(self.name, self.when))
        object.__setattr__(self, "default", self.canonical(self.default))

    @property
    def preset(self) -> bool:
        """The default."""
        return self.default

    def canonical(self, value: Any) -> bool:
        """Return the value itself if it is true or false."""
        if not isinstance(value, (bool, np.bool_)):
            raise SpaceError(f"{self.name}={value!r} is not a flag; use true or false")
        return bool(value)

    def read(self, z: NDArray[np.float64]) -> bool:
        """State at logit ``z`` (1,); NaN gives the default."""
        return self.default if math.isnan(z[0]) else bool(z[0] >= 0.0)

    def write(self, value: Value) -> NDArray[np.float64]:
        """Logit (1,): +1 or -1."""
        return np.array([1.0 if value else -1.0])

    def text(self, value: Value) -> str:
        """Option text."""
        return "1" if value else "0"
