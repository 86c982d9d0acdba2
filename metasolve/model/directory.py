"""The model directory: model.json, weights.safetensors, policy.txt; always verified."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as tensor_bytes

from metasolve.errors import ModelError, SpaceError
from metasolve.model.model import Layer, Model, Standardisation
from metasolve.model.policy_file import policy_text
from metasolve.space import Space

FORMAT = 1
_WEIGHTS, _POLICY, _MODEL = "weights.safetensors", "policy.txt", "model.json"


def save(model: Model, directory: Path, surrogate: Mapping[str, np.ndarray] | None = None) -> Path:
    """Write a model directory; a reader sees the old model, the new one, or an error, never a mix.

    Parameters
    ----------
    model : what to write; `model.info` goes into model.json as it is (plain JSON).
    directory : made when it does not exist; other files in it are left alone.
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
        "activations": [layer.activation for layer in model.layers],
        **model.info,
        "checksums": {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()},
    }
    contents[_MODEL] = (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()
    for name, data in contents.items():
        write_atomically(directory / name, data)
    return directory


def _tensors(model: Model, surrogate: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    s = model.standardisation
    tensors = {f"features.{key}": getattr(s, key) for key in ("mean", "scale", "low", "high")}
    for i, layer in enumerate(model.layers):
        tensors[f"layers.{i}.weights"] = layer.weights
        tensors[f"layers.{i}.bias"] = layer.bias
    tensors |= {f"surrogate.{name}": values for name, values in surrogate.items()}
    return {name: np.ascontiguousarray(values) for name, values in tensors.items()}


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
    _verified(directory, _POLICY, document)
    names = tuple(document["features"])
    box = [tensors.get(f"features.{key}") for key in ("mean", "scale", "low", "high")]
    try:
        layers = tuple(
            Layer(tensors[f"layers.{i}.weights"], tensors[f"layers.{i}.bias"], activation)
            for i, activation in enumerate(document["activations"])
        )
        space = Space.from_dict(document["space"])
        standardisation = Standardisation(names, *box)
    except (KeyError, TypeError, SpaceError) as error:
        raise ModelError(f"{directory}: model.json does not fit its weights: {error}") from error
    own = {"format", "kind", "features", "space", "activations", "checksums"}
    info = {key: value for key, value in document.items() if key not in own}
    return Model(document["kind"], space, standardisation, layers, info, directory.absolute())


def _document(directory: Path) -> dict[str, Any]:
    path = directory / _MODEL
    if not path.exists():
        unfinished = (directory / "events.jsonl").exists()
        remedy = "run metasolve train again to finish it" if unfinished else "train one first"
        raise ModelError(f"{directory}: no model.json here: {remedy}")
    try:
        document = json.loads(path.read_text())
        missing = {"format", "kind", "features", "space", "activations", "checksums"} - set(
            document
        )
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
