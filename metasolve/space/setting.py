"""The four kinds of `Setting`: typed, bounded, possibly conditional on a parent choice or flag.

A setting occupies `width` coordinates of the vector a meta-model predicts. `read` maps whatever
they hold to a valid value; ``read(write(value)) == value`` exactly, for every canonical value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from metasolve.errors import SpaceError
from metasolve.solve.solver import Value
from metasolve.space.condition import Condition, check_when
from metasolve.space.discrete import Choice, Flag
from metasolve.space.scale import check_range, from_unit, to_unit

_LARGEST_INTEGER = 2**31 - 1  # PetscInt, unless PETSc was built with 64-bit indices


def _number(name: str, key: str, value: Any) -> float:
    if isinstance(value, (np.integer, np.floating)):
        value = int(value) if isinstance(value, np.integer) else float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SpaceError(f"{name}: {key}={value!r} is not a number; write one without quotes")
    try:
        if not math.isnan(value):
            return value
    except OverflowError:  # an integer of hundreds of digits
        raise SpaceError(f"{name}: {key} has more digits than a number may have") from None
    raise SpaceError(f"{name}: {key}={value!r} is not a number; give a value within the bounds")


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
        object.__setattr__(self, "when", check_when(self.name, self.when))
        given = _number(self.name, "default", self.preset)
        object.__setattr__(self, "default", _default_in_range(self, float(f"{given:.6g}")))

    @property
    def preset(self) -> float:
        """The default: the middle of the range on its scale where none was given."""
        middle = from_unit(0.5, self.low, self.high, self.scale)
        return middle if self.default is None else self.default

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

    def write(self, value: Value) -> NDArray[np.float64]:
        """Coordinate (1,) of a value, in [-1, 1]."""
        return _write_number(self, float(value))

    def text(self, value: Value) -> str:
        """Option text."""
        return f"{float(value):.6g}"


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
        object.__setattr__(self, "when", check_when(self.name, self.when))
        object.__setattr__(self, "default", _default_in_range(self, self.preset))

    @property
    def preset(self) -> int:
        """The default: the middle of the range on its scale where none was given."""
        middle = from_unit(0.5, self.low, self.high, self.scale)
        return self.canonical(middle) if self.default is None else self.default

    def canonical(self, value: Any) -> int:
        """Return the nearest whole number in range, halves rounded up. Idempotent."""
        clamped = min(max(_number(self.name, "value", value), self.low), self.high)
        return math.floor(clamped + 0.5)

    def read(self, z: NDArray[np.float64]) -> int:
        """Value at coordinate ``z`` (1,); NaN gives the default."""
        return int(_read_number(self, z))

    def write(self, value: Value) -> NDArray[np.float64]:
        """Coordinate (1,) of a value, in [-1, 1]."""
        return _write_number(self, float(value))

    def text(self, value: Value) -> str:
        """Option text."""
        return f"{int(value):d}"


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
        return setting.preset
    t = (min(max(coordinate, -1.0), 1.0) + 1.0) / 2.0
    return setting.canonical(from_unit(t, setting.low, setting.high, setting.scale))


def _write_number(setting: Real | Integer, value: float) -> NDArray[np.float64]:
    return np.array([2.0 * to_unit(value, setting.low, setting.high, setting.scale) - 1.0])


Setting = Real | Integer | Choice | Flag
KINDS: dict[str, type[Setting]] = {cls.kind: cls for cls in (Real, Integer, Choice, Flag)}


def typed(setting: Setting, text: str) -> Value:
    """What an option's text is for a setting; whether it may be is for `canonical` to say."""
    if isinstance(setting, Choice):
        return text
    if isinstance(setting, Flag):
        return text.lower() in ("", "1", "true", "yes", "on")
    return float(text)


def with_default(setting: Setting, value: Any) -> Setting:
    """The same with another default.

    Raises
    ------
    SpaceError
        If it can have no such value.
    """
    default: Any = setting.canonical(value)
    return replace(setting, default=default)


def check_name(name: Any, taken: Sequence[str]) -> None:
    """Raise `SpaceError` unless `name` can be an option name not yet taken."""
    if not isinstance(name, str) or len(name.split()) != 1 or name.startswith("-"):
        raise SpaceError(f"name={name!r} is not an option name; write it without dash and spaces")
    if name in taken:
        raise SpaceError(f"name={name!r} appears twice; keep one")
