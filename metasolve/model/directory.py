"""The model directory: model.json, weights.safetensors, policy.txt; always verified."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as tensor_bytes

from metasolve.errors import ModelError, SpaceError, UsageError
from metasolve.files.atomic import read_regular, write_atomically
from metasolve.model.constant import constant_model
from metasolve.model.document import (
    FORMAT,
    GateEntry,
    Info,
    Learned,
    Pinned,
    own_keys,
    read_document,
)
from metasolve.model.gate import Bells, Gate
from metasolve.model.layer import Layer
from metasolve.model.model import Model, Standardisation
from metasolve.model.policy_file import policy_text
from metasolve.space import Space

_BOX = ("mean", "scale", "low", "high")
_BELLS = ("features", "lengths", "centres", "weights")
_WEIGHTS, _POLICY, _MODEL = "weights.safetensors", "policy.txt", "model.json"
GUESS, NEWTON = "guess.bin", "newton.bin"  # where linear and nonlinear solves start: add_guess


def save(
    model: Model, directory: Path, surrogate: Mapping[str, NDArray[np.float64]] | None = None
) -> Path:
    """Write a model directory; a reader sees the old model, the new one, or an error, never a mix.

    Parameters
    ----------
    model : what to write; `model.info` goes into model.json as it is (plain JSON).
    directory : made when it does not exist. A guess of an earlier model is removed, other files in
        it are left alone.
    surrogate : named weights of the surrogate, kept for a later training.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    contents = {
        _WEIGHTS: tensor_bytes(_tensors(model, surrogate or {})),
        _POLICY: policy_text(model).encode(),
    }
    document = {
        "format": FORMAT,
        "kind": model.kind,
        "features": list(model.standardisation.names),
        "space": model.space.to_dict(),
        "activations": _activations(model.layers),
        "gate": model.gate
        and {
            "activations": _activations(model.gate.layers),
            "level": model.gate.host.level,
            "patience": model.gate.patience,
        },
        "small": {"least_rows": model.least_rows, "look": model.look},
        **model.info,
        "checksums": {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()},
    }
    contents[_MODEL] = (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()
    for start in (GUESS, NEWTON):
        (directory / start).unlink(missing_ok=True)
    for name, data in contents.items():
        write_atomically(directory / name, data)
    return directory


def add_guess(directory: Path, data: bytes, info: Mapping[str, Any], name: str = GUESS) -> None:
    """Put an initial guess into a model directory, in place of another.

    Parameters
    ----------
    data : see `metasolve.guess.guess_file`; of `NEWTON`, `metasolve.guess.newton_file`.
    info : entries of model.json to add or change (plain JSON).
    name : of the file.
    """
    directory = Path(directory)
    _, document = read_document(directory)
    checksums = {**document["checksums"], name: hashlib.sha256(data).hexdigest()}
    document = {**document, **info, "checksums": checksums}
    write_atomically(directory / name, data)
    text = json.dumps(document, indent=1, allow_nan=False) + "\n"
    write_atomically(directory / _MODEL, text.encode())


def _tensors(
    model: Model, surrogate: Mapping[str, NDArray[np.float64]]
) -> dict[str, NDArray[np.float64]]:
    s = model.standardisation
    tensors = {f"features.{key}": getattr(s, key) for key in _BOX}
    tensors |= _layer_tensors("layers", model.layers)
    if model.gate is not None:
        tensors |= _layer_tensors("gate.layers", model.gate.layers)
        tensors |= {f"gate.host.{key}": getattr(model.gate.host, key) for key in _BELLS}
    if model.second is not None:
        tensors["second"] = model.second
    tensors |= {f"surrogate.{name}": values for name, values in surrogate.items()}
    return {name: np.ascontiguousarray(values) for name, values in tensors.items()}


def _activations(layers: Sequence[Layer]) -> list[str]:
    return [layer.activation for layer in layers]


def _layer_tensors(name: str, layers: Sequence[Layer]) -> dict[str, NDArray[np.float64]]:
    return {
        f"{name}.{i}.{key}": getattr(layer, key)
        for i, layer in enumerate(layers)
        for key in ("weights", "bias")
    }


def load(directory: str | os.PathLike[str]) -> Model:
    """Read a model directory, verifying every checksum.

    Raises
    ------
    ModelError
        When the directory is no model, is unfinished, truncated, malformed or changed since it was
        written.
    """
    directory = Path(directory)
    document, found = read_document(directory)
    for name in {_POLICY, *document.checksums}:
        verified(directory, name, document.checksums)
    info = Info({key: value for key, value in found.items() if key not in own_keys(document)})
    if isinstance(document, Pinned):
        return _pinned(directory, document, info)
    try:
        return _learned(directory, document, info)
    except (KeyError, TypeError, ValueError, SpaceError) as error:
        raise ModelError(
            f"{directory}: model.json does not fit its weights: {error}: train again"
        ) from error


def verified(directory: Path, name: str, checksums: Mapping[str, str]) -> bytes:
    """Contents of a file of a model.

    Raises
    ------
    ModelError
        If it is missing or has another checksum than model.json says.
    """
    path = directory / name
    try:
        data = read_regular(path)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}: train again") from error
    if hashlib.sha256(data).hexdigest() != checksums.get(name):
        raise ModelError(f"{path}: truncated or changed since it was written: train again")
    return data


def _pinned(directory: Path, document: Pinned, info: Info) -> Model:
    try:
        return constant_model(document.settings, info, directory.absolute())
    except UsageError as error:
        raise ModelError(f"{directory / _MODEL}: settings: {error}; pin again") from error


def _learned(directory: Path, document: Learned, info: Info) -> Model:
    tensors = _read_tensors(directory, document.checksums)
    space, count = Space.from_dict(document.space), len(document.features)
    box = (_numbers(tensors, f"features.{key}", (count,)) for key in _BOX)
    layers = _layers(tensors, "layers", document.activations, count)
    if len(layers[-1].bias) != space.dim:
        raise ValueError(
            f"layers: {len(layers[-1].bias)} outputs for {space.dim} coordinates of settings"
        )
    if document.expected and len(document.expected) != count + 1:
        raise ValueError(f"expected: {len(document.expected)} numbers for {count} features")
    second = _numbers(tensors, "second", (space.dim,)) if "second" in tensors else None
    return Model(
        document.kind,
        space,
        Standardisation(tuple(document.features), *box),
        layers,
        info,
        _gate(tensors, document.gate, count),
        document.small.least_rows,
        document.small.look,
        second,
        directory.absolute(),
    )


def _layers(
    tensors: Mapping[str, NDArray[np.float64]], name: str, activations: Sequence[str], width: int
) -> tuple[Layer, ...]:
    layers = []
    for i, activation in enumerate(activations):
        bias = _numbers(tensors, f"{name}.{i}.bias", None)
        weights = _numbers(tensors, f"{name}.{i}.weights", (len(bias), width))
        layers.append(Layer(weights, bias, activation))
        width = len(bias)
    return tuple(layers)


def _gate(
    tensors: Mapping[str, NDArray[np.float64]], entry: GateEntry | None, count: int
) -> Gate | None:
    if entry is None:
        return None
    layers = _layers(tensors, "gate.layers", entry.activations, count)
    if not layers or len(layers[-1].bias) != 2:
        raise ValueError("a gate has two outputs")
    features = _numbers(tensors, "gate.host.features", None)
    if not np.isin(features, np.arange(count)).all():
        raise ValueError(f"gate.host.features are not among {count} features")
    weights = _numbers(tensors, "gate.host.weights", None)
    lengths = _numbers(tensors, "gate.host.lengths", features.shape)
    centres = _numbers(tensors, "gate.host.centres", (len(weights), len(features)))
    host = Bells(features.astype(int), lengths, centres, weights, entry.level)
    return Gate(layers, host, entry.patience)


def _numbers(
    tensors: Mapping[str, NDArray[np.float64]], name: str, shape: tuple[int, ...] | None
) -> NDArray[np.float64]:
    """An array of the weights; of any length where no shape is given."""
    found = tensors[name]
    if found.dtype.kind not in "fiu" or not np.isfinite(found).all():
        raise ValueError(f"{name} holds what is no finite number")
    if (found.ndim != 1) if shape is None else (found.shape != shape):
        raise ValueError(f"{name} has shape {found.shape}, not {shape or 'one dimension'}")
    return found


def _read_tensors(directory: Path, checksums: Mapping[str, str]) -> dict[str, NDArray[np.float64]]:
    data = verified(directory, _WEIGHTS, checksums)
    try:
        return parse_tensors(data)
    except (SafetensorError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelError(f"{directory / _WEIGHTS}: {error}: train again") from error
