"""Mutations of valid examples, from fixed seeds: what a hostile or half-written file may hold."""

import copy
import os

import numpy as np

#: How many mutations of each example; `make fuzz` asks for more.
COUNT = int(os.environ.get("METASOLVE_FUZZ", "0"))
NASTY_WORDS = (
    *(
        "-1",
        "0",
        "1",
        "2",
        "99999999999999999999",
        "1e999",
        "-1e308",
        "nan",
        "inf",
        "0.5",
        "1e-320",
    ),
    *("", "x" * 200, "%s%n", "/etc/passwd", "../../x", "-", "\x00", "é", "true", "2147483648"),
)
NASTY_VALUES = (
    *(None, True, False, -1, 0, 1, 2**31, 2**63, 10**400, 0.5, 1e308, float("nan"), float("inf")),
    *("", "x" * 500, "/etc/passwd", "../../x", "a\nb", "\x00", "nan", "1e999", [], {}, [[]]),
    *([None], {"": None}, [1] * 50, {"constant": -1}, "python", "ksp_view_solution"),
)


def generator(name, seed=0):
    """Random numbers of their own for each target."""
    return np.random.default_rng([seed, *name.encode()])


def nested(depth):
    """A list in a list in a list."""
    value = []
    for _ in range(depth):
        value = [value]
    return value


def mutated_bytes(data, rng):
    """A few bytes or pieces changed, cut, doubled or inserted."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        place, length = (int(rng.integers(0, len(data) + 1)) for _ in range(2))
        length = min(length, int(rng.integers(1, 40)))
        kind = rng.integers(0, 7)
        if kind == 0:
            del data[place : place + length]
        elif kind == 1:
            data[place:place] = data[:length]
        elif kind == 2:
            data[place : place + 1] = bytes([int(rng.integers(0, 256))])
        elif kind == 3:
            del data[place:]
        elif kind == 4:
            data[place:place] = rng.bytes(length)
        elif kind == 5:
            data[place : place + 8] = _extreme(rng)
        elif data:
            at = int(rng.integers(0, len(data)))
            data[at] ^= 1 << int(rng.integers(0, 8))
    return bytes(data)


def _extreme(rng):
    numbers = (b"\xff" * 8, b"\x7f" + b"\xff" * 7, b"\x00" * 8, b"\x80" + b"\x00" * 7, b"\x00" * 7)
    return numbers[rng.integers(0, len(numbers))]


def mutated_text(text, rng):
    """A word replaced, dropped or doubled; or bytes changed as they come."""
    if rng.random() < 0.2:
        return mutated_bytes(text.encode(), rng)
    lines = [line.split(" ") for line in text.split("\n")]
    for _ in range(rng.integers(1, 4)):
        line = lines[rng.integers(0, len(lines))]
        place, kind = int(rng.integers(0, len(line))) if line else 0, rng.integers(0, 4)
        if kind == 0 and line:
            del line[place]
        elif kind == 1 and line:
            line.insert(place, line[place])
        elif kind == 2:
            lines.insert(int(rng.integers(0, len(lines))), list(line))
        else:
            line[place : place + 1] = [NASTY_WORDS[rng.integers(0, len(NASTY_WORDS))]]
    return "\n".join(" ".join(line) for line in lines).encode(errors="surrogatepass")


def mutated_json(value, rng):
    """A value somewhere inside replaced, dropped or moved."""
    value = copy.deepcopy(value)
    for _ in range(rng.integers(1, 4)):
        places = list(_places(value))
        if not places:
            return value
        holder, key = places[rng.integers(0, len(places))]
        kind = rng.integers(0, 8)
        if kind == 0:
            del holder[key]
        elif kind == 1:
            other, there = places[rng.integers(0, len(places))]
            holder[key] = copy.deepcopy(other[there])
        elif kind == 2 and rng.random() < 0.1:
            holder[key] = nested(int(rng.integers(10, 60)))
        elif kind == 3 and isinstance(holder, dict):
            holder["x" * int(rng.integers(0, 9))] = holder.pop(key)
        else:
            holder[key] = copy.deepcopy(NASTY_VALUES[rng.integers(0, len(NASTY_VALUES))])
    return value


def _places(value):
    keys = value if isinstance(value, dict) else range(len(value))
    for key in list(keys):
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from _places(value[key])
