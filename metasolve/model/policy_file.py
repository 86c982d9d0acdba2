"""policy.txt: the model as the PETSc plug-in (C) reads it. Writer, and a reader that proves it.

Whitespace-separated tokens, one item per line, numbers in %.9g, and the SHA-256 of everything
before it as the last line. The format is the contract between training and the plug-in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np

from metasolve.errors import ModelError, UsageError
from metasolve.files.atomic import read_regular
from metasolve.model.constant import constant_model
from metasolve.model.document import CONSTANT
from metasolve.model.gate import LONGEST, Bells, Gate
from metasolve.model.layer import ACTIVATIONS, Layer
from metasolve.model.model import Model, Standardisation
from metasolve.model.pinned import POLICY_VERSION, policy_lines, sealed_text
from metasolve.space import Choice, Flag, Integer, Real, Setting, Space

VERSIONS = ("5", str(POLICY_VERSION))


def policy_text(model: Model) -> str:
    """The whole file as text."""
    if model.kind == CONSTANT:
        return sealed_text(policy_lines(model.choice({}), model.info.get("petsc")))
    lines = [f"metasolve-policy {POLICY_VERSION}", f"petsc {model.info.get('petsc') or '-'}"]
    kind = "default" if model.kind == "default" else "policy"
    lines.append("kind " + ("program" if "case" in model.info else kind))
    lines.append(f"least_rows {model.least_rows} look {model.look:.9g}")
    lines += _feature_lines(model)
    lines.append("expected " + _numbers(model.info.get("expected") or _forever(model)))
    lines += _layer_lines(model.layers)
    lines.append("second " + ("0" if model.second is None else "1 " + _numbers(model.second)))
    lines += _gate_lines(model.gate)
    settings, fixed = model.space.settings, model.space.fixed
    lines.append(f"settings {len(settings) + len(fixed)}")
    lines += [_setting_line(setting, model.space) for setting in settings]
    lines += [f"fixed {_token(name)} {_token(value)} when - 0" for name, value in fixed.items()]
    return sealed_text(lines)


def write_policy(model: Model, path: Path) -> None:
    """Write policy.txt (not atomically: `directory.save` sees to that)."""
    path.write_text(policy_text(model))


def _forever(model: Model) -> list[float]:
    """No time budget: for models that do not say how long the host takes."""
    return [LONGEST, *[0.0] * len(model.standardisation.names)]


def _feature_lines(model: Model) -> list[str]:
    s = model.standardisation
    lines = [f"features {model.info.get('features_version', 0)} {len(s.names)}"]
    table = np.column_stack([s.mean, s.scale, s.low, s.high])
    return lines + [
        f"{_token(name)} {_numbers(row)}" for name, row in zip(s.names, table, strict=True)
    ]


def _layer_lines(layers: Sequence[Layer]) -> list[str]:
    lines = [f"layers {len(layers)}"]
    for layer in layers:
        out, width = layer.weights.shape
        lines.append(f"dense {width} {out} {layer.activation}")
        lines += [_numbers(row) for row in layer.weights]
        lines.append(_numbers(layer.bias))
    return lines


def _gate_lines(gate: Gate | None) -> list[str]:
    if gate is None:
        return ["gate 0"]
    host = gate.host
    count, width = host.centres.shape
    return [
        "gate 1",
        *_layer_lines(gate.layers),
        f"host {count} {width} {host.level:.9g}",
        " ".join(str(int(feature)) for feature in host.features),
        _numbers(host.lengths),
        *(_numbers([weight, *row]) for weight, row in zip(host.weights, host.centres, strict=True)),
        f"patience {gate.patience:.9g}",
    ]


def _setting_line(setting: Setting, space: Space) -> str:
    name, offset = setting.name, space.offset(setting.name)
    if isinstance(setting, Choice):
        words = [str(len(setting.values)), *setting.values]
        needy = [str(len(setting.symmetric)), *setting.symmetric]
        head = " ".join([f"choice {name} {offset}", *words, "symmetric", *needy])
    elif isinstance(setting, Flag):
        head = f"flag {name} {offset}"
    else:
        kind = "integer" if isinstance(setting, Integer) else "real"
        head = f"{kind} {name} {offset} {setting.scale} {_numbers((setting.low, setting.high))}"
    return f"{head} {_when(setting, space)}"


def _when(setting: Setting, space: Space) -> str:
    if not setting.when:
        return "when - 0"
    ((parent, values),) = setting.when.items()  # Space allows one parent
    texts = " ".join(space[parent].text(value) for value in values)
    return f"when {parent} {len(values)} {texts}"


def _numbers(values: Any) -> str:
    return " ".join(f"{float(value):.9g}" for value in values)


def _token(value: Any) -> str:
    text = str(value)
    if not text or any(c.isspace() for c in text):
        raise ModelError(f"{text!r} is empty or has white space: rename it, policy.txt is tokens")
    return text


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
