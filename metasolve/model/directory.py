"""The model directory: model.json, weights.safetensors, policy.txt; always verified."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as tensor_bytes

from metasolve.errors import ModelError, SpaceError
from metasolve.model.gate import Bells, Gate
from metasolve.model.layer import Layer
from metasolve.model.model import Model, Standardisation
from metasolve.model.policy_file import policy_text
from metasolve.space import Space

FORMAT = 5
_OWN = {"format", "kind", "features", "space", "activations", "gate", "small", "checksums"}
_BELLS = ("features", "lengths", "centres", "weights")
_WEIGHTS, _POLICY, _MODEL = "weights.safetensors", "policy.txt", "model.json"
GUESS, NEWTON = "guess.bin", "newton.bin"  # where linear and nonlinear solves start: add_guess


def save(model: Model, directory: Path, surrogate: Mapping[str, np.ndarray] | None = None) -> Path:
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
    document = _document(directory)
    checksums = {**document["checksums"], name: hashlib.sha256(data).hexdigest()}
    document = {**document, **info, "checksums": checksums}
    write_atomically(directory / name, data)
    text = json.dumps(document, indent=1, allow_nan=False) + "\n"
    write_atomically(directory / _MODEL, text.encode())


def _tensors(model: Model, surrogate: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    s = model.standardisation
    tensors = {f"features.{key}": getattr(s, key) for key in ("mean", "scale", "low", "high")}
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


def _layer_tensors(name: str, layers: Sequence[Layer]) -> dict[str, np.ndarray]:
    return {
        f"{name}.{i}.{key}": getattr(layer, key)
        for i, layer in enumerate(layers)
        for key in ("weights", "bias")
    }


def write_atomically(path: Path, data: bytes) -> None:
    """Write next to the target, flush to disk, rename over it."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def load(directory: Path) -> Model:
    """Read a model directory, verifying every checksum.

    Raises
    ------
    ModelError
        When the directory is no model, is unfinished, truncated or changed since it was written.
    """
    directory = Path(directory)
    document = _document(directory)
    tensors = _read_tensors(directory, document)
    for name in {_POLICY, *document["checksums"]} - {_WEIGHTS}:
        _verified(directory, name, document)
    names = tuple(document["features"])
    box = [tensors.get(f"features.{key}") for key in ("mean", "scale", "low", "high")]
    try:
        layers = _layers(tensors, "layers", document["activations"])
        gate, small = _gate(tensors, document["gate"]), document["small"]
        space = Space.from_dict(document["space"])
        standardisation = Standardisation(names, *box)
    except (KeyError, TypeError, SpaceError) as error:
        raise ModelError(f"{directory}: model.json does not fit its weights: {error}") from error
    info = {key: value for key, value in document.items() if key not in _OWN}
    known = space, standardisation, layers, info, gate, small["least_rows"], small["look"]
    return Model(document["kind"], *known, tensors.get("second"), directory.absolute())


def _layers(
    tensors: Mapping[str, np.ndarray], name: str, activations: Sequence[str]
) -> tuple[Layer, ...]:
    return tuple(
        Layer(tensors[f"{name}.{i}.weights"], tensors[f"{name}.{i}.bias"], activation)
        for i, activation in enumerate(activations)
    )


def _gate(tensors: Mapping[str, np.ndarray], entry: Mapping[str, Any] | None) -> Gate | None:
    if entry is None:
        return None
    host = Bells(*(tensors[f"gate.host.{key}"] for key in _BELLS), entry["level"])
    layers = _layers(tensors, "gate.layers", entry["activations"])
    return Gate(layers, host, entry["patience"])


def _document(directory: Path) -> dict[str, Any]:
    path = directory / _MODEL
    if not path.exists():
        unfinished = (directory / "events.jsonl").exists()
        remedy = "run metasolve train again to finish it" if unfinished else "train one first"
        raise ModelError(f"{directory}: no model.json here: {remedy}")
    try:
        document = json.loads(path.read_text())
        missing = _OWN - set(document)
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"{path}: truncated or not JSON ({error}): train again") from error
    if missing:
        raise ModelError(f"{path}: {min(missing)!r} is missing: train again")
    if document["format"] != FORMAT:
        raise ModelError(
            f"{path}: format {document['format']} is not {FORMAT}: "
            "use the metasolve that wrote it, or train again"
        )
    return document


def _read_tensors(directory: Path, document: Mapping[str, Any]) -> dict[str, np.ndarray]:
    data = _verified(directory, _WEIGHTS, document)
    try:
        return parse_tensors(data)
    except SafetensorError as error:
        raise ModelError(f"{directory / _WEIGHTS}: {error}: train again") from error


def _verified(directory: Path, name: str, document: Mapping[str, Any]) -> bytes:
    path = directory / name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}: train again") from error
    if hashlib.sha256(data).hexdigest() != document["checksums"].get(name):
        raise ModelError(f"{path}: truncated or changed since it was written: train again")
    return data
