"""`Prior`, and the file that the plug-in reads: words, then little-endian numbers, then a checksum.

::

    metasolve-prior 2
    features 3 35
    <35 names, one a line>
    candidates K
    then K times:
    candidate NAME any|symmetric|saddle
    grows TOTAL SOLVE
    own M, and M lines "own KSP PC PACKAGE"
    serial N, and N lines "NAME VALUE"
    parallel N, and N lines "NAME VALUE"
    then:
    trees T nodes N leaves L
    data B
    <B bytes: int32 root[T], int32 feature[N], float32 threshold[N], int32 left[N], int32 right[N],
     int16 value[L][K][2]>
    sha256 <of everything before this line>
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from metasolve.errors import UsageError
from metasolve.files.atomic import read_regular, write_atomically
from metasolve.prior.candidates import Candidate, Own
from metasolve.prior.forest import Forest

Array = NDArray[np.float64]
SHIPPED = Path(__file__).parent / "shipped" / "prior.bin"
VERSION = 2
FEATURES_VERSION = 3  #: METASOLVE_FEATURES_VERSION of the plug-in
LARGEST = 2**20  #: bytes of a file
_DIGEST = len("sha256 \n") + 64


@dataclass(frozen=True)
class Prior:
    """What candidates are expected to take.

    Parameters
    ----------
    features
        Names, in the plug-in's order.
    candidates
        In the order of the forest's outputs.
    grows
        How fast each gets dearer with the size of systems, see `metasolve.prior.growth`; (K, 2).
    forest
        ln(seconds / (rows * nonzeros per row * 1e-9)) less that growth, of set-up and solve
        together and of the solve alone.
    """

    features: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    grows: Array
    forest: Forest

    def to_bytes(self) -> bytes:
        """The file's content."""
        f, data = self.forest, _data(self.forest)
        lines = [f"metasolve-prior {VERSION}", f"features {FEATURES_VERSION} {len(self.features)}"]
        lines += [*self.features, f"candidates {len(self.candidates)}"]
        for each, grows in zip(self.candidates, self.grows, strict=True):
            lines += _told(each, grows)
        lines += [f"trees {len(f.root)} nodes {len(f.feature)} leaves {len(f.value)}"]
        lines += [f"data {len(data)}"]
        body = "".join(f"{line}\n" for line in lines).encode("ascii") + data
        return body + f"sha256 {hashlib.sha256(body).hexdigest()}\n".encode("ascii")

    def save(self, path: Path = SHIPPED) -> None:
        """Write the file."""
        write_atomically(path, self.to_bytes())


def read_prior(path: Path = SHIPPED) -> Prior:
    """Read and check a prior.

    Raises
    ------
    UsageError
        If the file cannot be read, is torn or is none.
    """
    try:
        return _Reader(read_regular(path)).prior()
    except (OSError, ValueError, IndexError) as error:
        raise UsageError(f"prior {path}: {error}; make it anew with `make prior`") from error


def _data(forest: Forest) -> bytes:
    parts = (forest.root, forest.feature, forest.threshold, forest.left, forest.right)
    small = [each.astype(each.dtype.newbyteorder("<")).tobytes() for each in parts]
    return b"".join(small) + forest.value.astype("<i2").tobytes()


def _told(candidate: Candidate, grows: Array) -> list[str]:
    lines = [f"candidate {candidate.name} {candidate.operators}"]
    lines += [f"grows {' '.join(f'{each:g}' for each in grows)}"]
    lines += [f"own {len(candidate.own)}"]
    lines += [f"own {own.ksp} {own.pc} {own.package}" for own in candidate.own]
    for name, options in (("serial", candidate.serial), ("parallel", candidate.parallel)):
        lines += [f"{name} {len(options)}", *(f"{key} {text}" for key, text in options.items())]
    return lines


class _Reader:
    """Reads words, as the plug-in does."""

    def __init__(self, content: bytes) -> None:
        body, digest = content[:-_DIGEST], content[-_DIGEST:]
        if digest != f"sha256 {hashlib.sha256(body).hexdigest()}\n".encode("ascii"):
            raise ValueError("torn: its checksum does not match")
        self._body, self._place = body, 0

    def prior(self) -> Prior:
        self._expect("metasolve-prior", str(VERSION), "features", str(FEATURES_VERSION))
        features = tuple(self._word() for _ in range(self._count()))
        self._expect("candidates")
        each = [self._candidate() for _ in range(self._count())]
        candidates, grows = tuple(one for one, _ in each), np.array([more for _, more in each])
        trees, nodes, leaves = (self._size(name) for name in ("trees", "nodes", "leaves"))
        size = self._size("data")
        self._place += 1  # the newline behind it
        data = self._body[self._place :]
        if len(data) != size:
            raise ValueError(f"data {size}: {len(data)} bytes follow")
        forest = _forest(data, trees, nodes, leaves, len(candidates))
        _check(forest, len(features))
        return Prior(features, candidates, grows, forest)

    def _word(self) -> str:
        end = self._place
        while self._body[end : end + 1].isspace():
            end += 1
        start = end
        while not self._body[end : end + 1].isspace():
            if end >= len(self._body):
                raise ValueError("ends too early")
            end += 1
        self._place = end
        return self._body[start:end].decode("ascii")

    def _expect(self, *words: str) -> None:
        for word in words:
            found = self._word()
            if found != word:
                raise ValueError(f"{found!r} where {word!r} belongs")

    def _count(self) -> int:
        count = int(self._word())
        if not 0 <= count <= LARGEST:
            raise ValueError(f"{count} is no number of things")
        return count

    def _size(self, name: str) -> int:
        self._expect(name)
        return self._count()

    def _candidate(self) -> tuple[Candidate, list[float]]:
        self._expect("candidate")
        name, operators = self._word(), self._word()
        self._expect("grows")
        grows = [float(self._word()) for _ in range(2)]
        own = tuple(self._own() for _ in range(self._size("own")))
        serial, parallel = self._options("serial"), self._options("parallel")
        return Candidate(name, operators, own, serial, parallel), grows

    def _own(self) -> Own:
        self._expect("own")
        return Own(self._word(), self._word(), self._word())

    def _options(self, name: str) -> Mapping[str, str]:
        return {self._word(): self._word() for _ in range(self._size(name))}


def _forest(data: bytes, trees: int, nodes: int, leaves: int, candidates: int) -> Forest:
    sizes = [4 * trees, *[4 * nodes] * 4, 4 * leaves * candidates]
    if sum(sizes) != len(data):
        raise ValueError(f"data {len(data)}: {sum(sizes)} bytes belong there")
    ends = np.cumsum(sizes)
    parts = [data[end - size : end] for end, size in zip(ends, sizes, strict=True)]
    kinds = ("<i4", "<i4", "<f4", "<i4", "<i4", "<i2")
    arrays: list[Any] = [np.frombuffer(*each) for each in zip(parts, kinds, strict=True)]
    arrays[-1] = arrays[-1].reshape(leaves, candidates, 2)
    return Forest(*arrays)


def _check(forest: Forest, features: int) -> None:
    nodes, leaves = len(forest.feature), len(forest.value)
    places = np.concatenate([forest.root, forest.left, forest.right])
    if places.size and (places.max() >= nodes or places.min() < -leaves):
        _refuse("a child is no node and no leaf")
    if nodes and not (forest.feature.min() >= 0 and forest.feature.max() < features):
        _refuse("a node asks for a feature that is none")
    # Children come later, so that no walk goes round.
    own = np.arange(nodes)
    if any(((child >= 0) & (child <= own)).any() for child in (forest.left, forest.right)):
        _refuse("a node comes after its child")


def _refuse(why: str) -> NoReturn:
    raise ValueError(why)
