"""policy.txt read back in Python: the tests' own reader, as the plug-in's in C does it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np

from metasolve.errors import ModelError, UsageError
from metasolve.files.atomic import read_regular
from metasolve.model.constant import constant_model
from metasolve.model.document import CONSTANT
from metasolve.model.gate import Bells, Gate
from metasolve.model.layer import ACTIVATIONS, Layer
from metasolve.model.model import Model, Standardisation
from metasolve.model.pinned import POLICY_VERSION
from metasolve.space import Choice, Flag, Integer, Real, Setting, Space

VERSIONS = ("5", str(POLICY_VERSION))


def read_policy(path: Path) -> Model:
    """Read policy.txt back, checking its last line, as the plug-in does.

    Raises
    ------
    ModelError
        When the file is missing, truncated, changed since it was written, or of another version.
    """
    body = _verified(Path(path))
    try:
        return _parse(chain(body.split(), _end()))
    except (ValueError, KeyError, IndexError, OverflowError, UsageError) as error:
        raise ModelError(f"{path}: cannot be read ({error!r}): train again") from error


def _end() -> Iterator[str]:
    raise ValueError("end of file")
    yield


def _verified(path: Path) -> str:
    try:
        text = read_regular(path).decode()
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}: train again") from error
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}: not text: train again") from error
    body, mark, digest = text.rpartition("sha256 ")
    if not mark or hashlib.sha256(body.encode()).hexdigest() != digest.strip():
        raise ModelError(f"{path}: truncated or changed since it was written: train again")
    return body


def _parse(tokens: Iterator[str]) -> Model:
    _expect(tokens, "metasolve-policy")
    if (version := next(tokens)) not in VERSIONS:
        raise ValueError(f"version {version} is not {POLICY_VERSION}")
    _expect(tokens, "petsc")
    info: dict[str, Any] = {"petsc": next(tokens)}
    _expect(tokens, "kind")
    kind = next(tokens)
    if kind == CONSTANT:
        return constant_model(_parse_space(tokens).fixed, info)
    _expect(tokens, "least_rows")
    least_rows = int(next(tokens))
    _expect(tokens, "look")
    look = float(next(tokens))
    _expect(tokens, "features")
    info["features_version"] = int(next(tokens))
    rows = [
        (next(tokens), [float(next(tokens)) for _ in range(4)]) for _ in range(int(next(tokens)))
    ]
    mean, scale, low, high = np.array([row for _, row in rows]).reshape(-1, 4).T
    standardisation = Standardisation(tuple(name for name, _ in rows), mean, scale, low, high)
    _expect(tokens, "expected")
    info["expected"] = [float(next(tokens)) for _ in range(1 + len(rows))]
    layers = _parse_layers(tokens)
    _expect(tokens, "second")
    second = None
    if next(tokens) == "1":
        second = np.array([float(next(tokens)) for _ in layers[-1].bias])
    gate = _parse_gate(tokens)
    space = _parse_space(tokens)
    return Model(kind, space, standardisation, layers, info, gate, least_rows, look, second)


def _expect(tokens: Iterator[str], *words: str) -> None:
    for word in words:
        found = next(tokens)
        if found != word:
            raise ValueError(f"expected {word}, found {found}")


def _parse_layers(tokens: Iterator[str]) -> tuple[Layer, ...]:
    _expect(tokens, "layers")
    layers = []
    for _ in range(int(next(tokens))):
        _expect(tokens, "dense")
        width, out, activation = int(next(tokens)), int(next(tokens)), next(tokens)
        if activation not in ACTIVATIONS:
            raise ValueError(f"unknown activation {activation}")
        weights = np.array([float(next(tokens)) for _ in range(out * width)]).reshape(out, width)
        bias = np.array([float(next(tokens)) for _ in range(out)])
        layers.append(Layer(weights, bias, activation))
    return tuple(layers)


def _parse_gate(tokens: Iterator[str]) -> Gate | None:
    _expect(tokens, "gate")
    if next(tokens) == "0":
        return None
    layers = _parse_layers(tokens)
    _expect(tokens, "host")
    count, width, level = int(next(tokens)), int(next(tokens)), float(next(tokens))
    features = np.array([int(next(tokens)) for _ in range(width)], dtype=int)
    lengths = np.array([float(next(tokens)) for _ in range(width)])
    rows = np.array([float(next(tokens)) for _ in range(count * (1 + width))])
    weights, *centres = rows.reshape(count, 1 + width).T
    host = Bells(features, lengths, np.array(centres).reshape(width, count).T, weights, level)
    _expect(tokens, "patience")
    return Gate(layers, host, float(next(tokens)))


def _parse_space(tokens: Iterator[str]) -> Space:
    _expect(tokens, "settings")
    settings: list[Setting] = []
    fixed: dict[str, str] = {}
    for _ in range(int(next(tokens))):
        kind, name = next(tokens), next(tokens)
        if kind == "fixed":
            fixed[name] = next(tokens)
            _expect(tokens, "when", "-", "0")
            continue
        next(tokens)  # the offset follows from the order
        settings.append(_parse_setting(kind, name, tokens, {s.name: s for s in settings}))
    return Space(settings=tuple(settings), fixed=fixed)


def _parse_setting(
    kind: str, name: str, tokens: Iterator[str], known: Mapping[str, Setting]
) -> Setting:
    if kind == "choice":
        values = tuple(next(tokens) for _ in range(int(next(tokens))))
        _expect(tokens, "symmetric")
        needy = tuple(next(tokens) for _ in range(int(next(tokens))))
        return Choice(name, values, when=_parse_when(tokens, known), symmetric=needy)
    if kind == "flag":
        return Flag(name, when=_parse_when(tokens, known))
    scale, low, high = _parse_scale(tokens), float(next(tokens)), float(next(tokens))
    if kind == "integer":
        return Integer(name, int(low), int(high), scale, when=_parse_when(tokens, known))
    return Real(name, low, high, scale, when=_parse_when(tokens, known))


def _parse_scale(tokens: Iterator[str]) -> Literal["linear", "log"]:
    found = next(tokens)
    if found == "linear":
        return "linear"
    if found == "log":
        return "log"
    raise ValueError(f"unknown scale {found}")


def _parse_when(tokens: Iterator[str], known: Mapping[str, Setting]) -> dict[str, tuple[Any, ...]]:
    _expect(tokens, "when")
    parent, count = next(tokens), int(next(tokens))
    values: tuple[Any, ...] = tuple(next(tokens) for _ in range(count))
    if parent == "-":
        return {}
    if isinstance(known[parent], Flag):
        values = tuple(value == "1" for value in values)
    return {parent: values}
