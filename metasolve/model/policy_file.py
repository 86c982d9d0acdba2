"""policy.txt: the model as the PETSc plug-in (C) reads it.

Whitespace-separated tokens, one item per line, numbers in %.9g, and the SHA-256 of everything
before it as the last line. The format is the contract between training and the plug-in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from metasolve.errors import ModelError
from metasolve.model.document import CONSTANT
from metasolve.model.gate import LONGEST, Gate
from metasolve.model.layer import Layer
from metasolve.model.model import Model
from metasolve.model.pinned import POLICY_VERSION, policy_lines, sealed_text
from metasolve.space import Choice, Flag, Integer, Setting, Space


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
