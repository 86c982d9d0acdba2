"""The four kinds of `Setting`: typed, bounded, possibly conditional on a parent choice or flag.

A setting occupies `width` coordinates of the vector a meta-model predicts. `read` maps whatever
they hold to a valid value; ``read(write(value)) == value`` exactly, for every canonical value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from metasolve.errors import SpaceError, did_you_mean
from metasolve.scale import check_range, from_unit, to_unit

Condition = dict[str, tuple[str | bool, ...]]
_LARGEST_INTEGER = 2**31 - 1  # PetscInt, unless PETSc was built with 64-bit indices


def _check_when(name: str, when: Condition) -> Condition:
    if len(when) > 1:
        raise SpaceError(f"{name}: when={when!r} has several parents; name one")
    for parent, values in when.items():
        if isinstance(values, (str, bool)) or not values:
            raise SpaceError(f"{name}: when.{parent}={values!r} is not a list of values; use [...]")
    return {parent: tuple(values) for parent, values in when.items()}


def _number(name: str, key: str, value: Any) -> float:
    if isinstance(value, (bool, str)) or not isinstance(value, (int, float, np.number)):
        raise SpaceError(f"{name}: {key}={value!r} is not a number; write one without quotes")
    if math.isnan(value):
        raise SpaceError(f"{name}: {key}={value!r} is not a number; give a value within the bounds")
    return value


@dataclass(frozen=True)
class Real:
    """A real number in [low, high]: one coordinate, [-1, 1] ↔ [low, high], clamped outside.

    Values are canonical: bounds and values keep the six significant digits that the option text
    ``"%.6g"`` shows PETSc, and on a linear scale nothing finer than 1e-9 of the larger bound.

    Parameters
    ----------
    name
        Option name without the dash, unique in its space.
    low, high
        Bounds, both attainable.
    scale
        ``"log"`` makes the coordinate affine in the logarithm; needs ``low > 0``.
    default
        Middle of the range on its scale when None.
    when
        At most one ``{parent: allowed values}``; the setting exists only then.

    Raises
    ------
    SpaceError
        If any of these is invalid.
    """

    name: str
    low: float
    high: float
    scale: Literal["linear", "log"] = "linear"
    default: float | None = None
    when: Condition = field(default_factory=dict)

    kind: ClassVar[str] = "real"
    discrete: ClassVar[bool] = False
    width: ClassVar[int] = 1

    def __post_init__(self) -> None:
        low, high = (
            float(f"{_number(self.name, key, getattr(self, key)):.6g}") for key in ("low", "high")
        )
        check_range(self.name, low, high, self.scale)
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)
        object.__setattr__(self, "when", _check_when(self.name, self.when))
        middle = from_unit(0.5, low, high, self.scale)
        given = middle if self.default is None else _number(self.name, "default", self.default)
        object.__setattr__(self, "default", _default_in_range(self, float(f"{given:.6g}")))

    def canonical(self, value: Any) -> float:
        """Return the nearest value this setting can take: clamped and rounded. Idempotent."""
        number = min(max(float(_number(self.name, "value", value)), self.low), self.high)
        resolution = 0.0
        if self.scale == "linear":
            # The affine map keeps absolute, not relative, precision: 1e-30 in [0, 1] is lost in it.
            digits = 9 - math.floor(math.log10(max(abs(self.low), abs(self.high))))
            number, resolution = round(number, digits), 10.0**-digits
        number = float(f"{number:.6g}")
        if number - self.low < resolution / 2:
            return self.low
        return self.high if self.high - number < resolution / 2 else number

    def read(self, z: NDArray[np.float64]) -> float:
        """Value at coordinate ``z`` (1,); NaN gives the default."""
        return _read_number(self, z)

    def write(self, value: float) -> NDArray[np.float64]:
        """Coordinate (1,) of a value, in [-1, 1]."""
        return _write_number(self, value)

    def text(self, value: float) -> str:
        """Option text."""
        return f"{value:.6g}"


@dataclass(frozen=True)
class Integer:
    """A whole number in [low, high]: one coordinate as for :class:`Real`, rounded half up.

    Parameters and errors are those of `Real`; bounds fit 32 bits.
    """

    name: str
    low: int
    high: int
    scale: Literal["linear", "log"] = "linear"
    default: int | None = None
    when: Condition = field(default_factory=dict)

    kind: ClassVar[str] = "integer"
    discrete: ClassVar[bool] = False
    width: ClassVar[int] = 1

    def __post_init__(self) -> None:
        for key in ("low", "high"):
            bound = _number(self.name, key, getattr(self, key))
            if abs(bound) > _LARGEST_INTEGER or bound != int(bound):
                raise SpaceError(f"{self.name}: {key}={bound!r} is not a 32-bit whole number")
            object.__setattr__(self, key, int(bound))
        check_range(self.name, self.low, self.high, self.scale)
        object.__setattr__(self, "when", _check_when(self.name, self.when))
        middle = from_unit(0.5, self.low, self.high, self.scale)
        given = self.canonical(middle) if self.default is None else self.default
        object.__setattr__(self, "default", _default_in_range(self, given))

    def canonical(self, value: Any) -> int:
        """Return the nearest whole number in range, halves rounded up. Idempotent."""
        clamped = min(max(_number(self.name, "value", value), self.low), self.high)
        return math.floor(clamped + 0.5)

    def read(self, z: NDArray[np.float64]) -> int:
        """Value at coordinate ``z`` (1,); NaN gives the default."""
        return _read_number(self, z)

    def write(self, value: int) -> NDArray[np.float64]:
        """Coordinate (1,) of a value, in [-1, 1]."""
        return _write_number(self, value)

    def text(self, value: int) -> str:
        """Option text."""
        return f"{value:d}"


def _default_in_range(setting: Real | Integer, given: float) -> float | int:
    if not setting.low <= _number(setting.name, "default", given) <= setting.high:
        raise SpaceError(
            f"{setting.name}: default={given!r} is outside [{setting.low}, {setting.high}]; "
            "move it or widen the bounds"
        )
    return setting.canonical(given)


def _read_number(setting: Real | Integer, z: NDArray[np.float64]) -> float | int:
    coordinate = float(z[0])
    if math.isnan(coordinate):
        return setting.default
    t = (min(max(coordinate, -1.0), 1.0) + 1.0) / 2.0
    return setting.canonical(from_unit(t, setting.low, setting.high, setting.scale))


def _write_number(setting: Real | Integer, value: float) -> NDArray[np.float64]:
    return np.array([2.0 * to_unit(value, setting.low, setting.high, setting.scale) - 1.0])


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
        object.__setattr__(self, "when", _check_when(self.name, self.when))
        default = words[0] if self.default is None else self.canonical(self.default)
        object.__setattr__(self, "default", default)
        object.__setattr__(self, "symmetric", tuple(map(self.canonical, self.symmetric)))
        if not set(words) - set(self.symmetric):
            raise SpaceError(f"{self.name}: symmetric={words!r} leaves no word for other operators")

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
            return self.default if symmetric else self.values[int(np.argmax(self.general))]
        allowed = np.where(self.general | symmetric, z, -np.inf)
        return self.values[int(np.argmax(allowed))]

    def write(self, value: str) -> NDArray[np.float64]:
        """One-hot (m,)."""
        return np.array([float(word == value) for word in self.values])

    def text(self, value: str) -> str:
        """Option text."""
        return value


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
        object.__setattr__(self, "when", _check_when(self.name, self.when))
        object.__setattr__(self, "default", self.canonical(self.default))

    def canonical(self, value: Any) -> bool:
        """Return the value itself if it is true or false."""
        if not isinstance(value, (bool, np.bool_)):
            raise SpaceError(f"{self.name}={value!r} is not a flag; use true or false")
        return bool(value)

    def read(self, z: NDArray[np.float64]) -> bool:
        """State at logit ``z`` (1,); NaN gives the default."""
        return self.default if math.isnan(z[0]) else bool(z[0] >= 0.0)

    def write(self, value: bool) -> NDArray[np.float64]:
        """Logit (1,): +1 or -1."""
        return np.array([1.0 if value else -1.0])

    def text(self, value: bool) -> str:
        """Option text."""
        return "1" if value else "0"


Setting = Real | Integer | Choice | Flag
KINDS: dict[str, type[Setting]] = {cls.kind: cls for cls in (Real, Integer, Choice, Flag)}


def check_name(name: Any, taken: Sequence[str]) -> None:
    """Raise `SpaceError` unless `name` can be an option name not yet taken."""
    if not isinstance(name, str) or len(name.split()) != 1 or name.startswith("-"):
        raise SpaceError(f"name={name!r} is not an option name; write it without dash and spaces")
    if name in taken:
        raise SpaceError(f"name={name!r} appears twice; keep one")
