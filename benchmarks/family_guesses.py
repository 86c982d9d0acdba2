"""Guesses that benchmark ``families`` compares: each learned from the same snapshots."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.guess_cost_training import CostTraining, fit_cost
from benchmarks.guess_training import (
    ConvolutionTrainee,
    Residuals,
    Trainee,
    fit_residuals,
    fit_solutions,
)
from metasolve.guess import (
    Codec,
    Galerkin,
    Guess,
    Identity,
    Kernel,
    Pod,
    ReducedGalerkin,
    Ridge,
    Sine,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from metasolve.petsc.replay import Replay
    from metasolve.petsc.snapshots import Snapshots

_MODES = 64
_CORRECTED = 16
_GALERKIN = (16, 32, 48)
_REDUCED = (64, 96, 128)
_PENALTIES = (0.0, 1e-12, 1e-8, 1e-4)
_HELD_OUT = 5  # one row of so many
RIDGE, KERNEL = "ridge regression", "kernel regression"
GALERKIN, REDUCED = "POD-Galerkin", "reduced Galerkin"
SUPERVISED, RESIDUAL, COST = "net on solutions", "net on residuals", "net on cost"
CORRECTED, CONVOLUTION = "net + Galerkin", "convolutional net"


@dataclass(frozen=True)
class Learned:
    """A guess and what learning it took besides the snapshots.

    Attributes
    ----------
    kind : the row of the table it competes for.
    name : what it is.
    seconds, calls : of learning; solver calls besides those of the snapshots.
    """

    kind: str
    name: str
    guess: Guess
    seconds: float
    calls: int = 0


@dataclass(frozen=True)
class Plan:
    """How a family is learned.

    Attributes
    ----------
    codec : of predictions; ``"pod"`` also finds what is worth predicting.
    calls : solver calls of the last stage of training, 0 to leave it out.
    steps : of the first stages.
    hidden : widths of the network.
    networks : whether to learn any.
    """

    codec: str = "pod"
    calls: int = 0
    steps: int = 3000
    hidden: tuple[int, ...] = (128, 128)
    networks: bool = True


def learn(data: Snapshots, plan: Plan, replay: Replay, seed: int) -> Iterator[Learned]:
    """Learn every kind of guess; the networks last, each going on from the one before."""
    codec = _codec(plan.codec, data)
    bare = Guess(codec, sees="rhs" if data.one_operator else "features")
    rows = _Rows.of(data, bare)
    yield from _without_network(data, bare, rows)
    if plan.networks:
        yield from _networks(data, plan, bare, rows, replay, seed)


@dataclass(frozen=True)
class _Rows:
    """Training rows: what a predictor sees, coordinates of x, and the factor between."""

    given: NDArray[np.float64]
    target: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def of(cls, data: Snapshots, bare: Guess) -> _Rows:
        pairs = [
            bare.given(A, b, features)
            for A, b, features in zip(data.matrices, data.right_sides, data.features, strict=True)
        ]
        scale = np.array([factor for _, factor in pairs])
        coordinates = bare.codec.encode(data.solutions)
        return cls(np.array([given for given, _ in pairs]), coordinates / scale[:, None], scale)


def _codec(name: str, data: Snapshots) -> Codec:
    size = data.solutions.shape[1]
    makers: dict[str, Callable[[], Codec]] = {
        "pod": lambda: Pod.fit(data.solutions, _MODES),
        "identity": lambda: Identity(size),
        "sine": lambda: Sine((size,)),
    }
    return makers[name]()


def _without_network(data: Snapshots, bare: Guess, rows: _Rows) -> Iterator[Learned]:
    began = time.perf_counter()
    ridge = fit_ridge(rows.given, rows.target)
    name = f"degree {ridge.degree}"
    predicting = replace(bare, predictor=ridge)
    yield Learned(RIDGE, name, predicting, time.perf_counter() - began)
    began = time.perf_counter()
    predicting = replace(bare, predictor=Kernel.fit(rows.given, rows.target))
    yield Learned(KERNEL, "", predicting, time.perf_counter() - began)
    for modes in _GALERKIN:
        if modes <= min(len(data.solutions), data.solutions.shape[1]):
            began = time.perf_counter()
            pod = Pod.fit(data.solutions, modes)
            guess = Guess(pod, correction=Galerkin(pod))
            yield Learned(GALERKIN, f"{pod.modes} modes", guess, time.perf_counter() - began)
    for modes in _REDUCED:
        if modes <= len(data.solutions):
            began = time.perf_counter()
            pod = Pod.fit(data.solutions, modes)
            correction = ReducedGalerkin(pod, data.matrices, data.right_sides, modes)
            guess = Guess(pod, correction=correction)
            yield Learned(REDUCED, f"{pod.modes} modes", guess, time.perf_counter() - began)
        if modes >= data.solutions.shape[1]:
            break


def fit_ridge(given: NDArray[np.float64], target: NDArray[np.float64]) -> Ridge:
    """Ridge regression with the degree and the penalty that predict held-out rows best."""
    held = np.arange(len(given)) % _HELD_OUT == 0
    best, least = (1, _PENALTIES[-1]), np.inf
    for degree in (1, 2, 3, 4, 5):
        if degree > 1 and _monomials(given.shape[1], degree) > 0.5 * np.sum(~held):
            break
        for penalty in _PENALTIES:
            ridge = Ridge.fit(given[~held], target[~held], penalty, degree)
            error = float(np.mean((ridge(given[held]) - target[held]) ** 2))
            if error < least:
                best, least = (degree, penalty), error
    return Ridge.fit(given, target, best[1], best[0])


def _monomials(columns: int, degree: int) -> float:
    from math import comb

    return comb(columns + degree, degree) - 1


def _networks(
    data: Snapshots, plan: Plan, bare: Guess, rows: _Rows, replay: Replay, seed: int
) -> Iterator[Learned]:
    began = time.perf_counter()
    trainee = Trainee(rows.given, rows.target, plan.hidden, seed)
    fit_solutions(trainee, rows.given, rows.target, plan.steps, seed)
    name = "-".join(map(str, (rows.given.shape[1], *plan.hidden, bare.codec.modes)))
    guess = replace(bare, predictor=trainee.network())
    yield Learned(SUPERVISED, name, guess, time.perf_counter() - began)
    if bare.codec.modes >= _CORRECTED:
        corrected = replace(guess, correction=Galerkin(bare.codec, _CORRECTED))
        seconds = time.perf_counter() - began
        yield Learned(CORRECTED, f"{name}, {_CORRECTED} corrected", corrected, seconds)
    if not data.one_operator and math.isqrt(bare.codec.size) ** 2 == bare.codec.size:
        yield _convolution(data, plan, replace(bare, sees="diagonal"), seed)
    residuals = Residuals.of(bare.codec, data.matrices, data.right_sides)
    fit_residuals(trainee, rows.given, residuals, rows.scale, plan.steps, seed)
    guess = replace(bare, predictor=trainee.network())
    yield Learned(RESIDUAL, name, guess, time.perf_counter() - began)
    if plan.calls:
        cost = iterations_from(data, bare.codec, replay)
        target = rows.target * rows.scale[:, None]
        options = CostTraining(plan.calls)
        calls = fit_cost(trainee, rows.given, residuals, target, cost, options, rows.scale, seed)
        guess = replace(bare, predictor=trainee.network())
        yield Learned(COST, name, guess, time.perf_counter() - began, calls)


def _convolution(data: Snapshots, plan: Plan, bare: Guess, seed: int) -> Learned:
    """Where the matrix varies on a square grid: from its diagonal, trained on solutions."""
    began, side = time.perf_counter(), math.isqrt(bare.codec.size)
    rows = _Rows.of(data, bare)
    trainee = ConvolutionTrainee(rows.given, rows.target, (side, side), seed=seed)
    fit_solutions(trainee, rows.given, rows.target, plan.steps, seed)
    guess = replace(bare, predictor=trainee.network())
    return Learned(CONVOLUTION, "3x3, 8 and 16 filters", guess, time.perf_counter() - began)


def iterations_from(
    data: Snapshots, codec: Codec, replay: Replay
) -> Callable[[int, NDArray[np.float64]], float]:
    """Fractional iterations of the application's solve from coordinates z, in hundreds."""

    def cost(row: int, z: NDArray[np.float64]) -> float:
        instance = data.instances[row]
        payload = replace(instance.payload, guess=codec.decode(z))
        outcome = replay.solve_host(replace(instance, payload=payload), equal_residual=True)
        return outcome.fractional_iterations / 100.0

    return cost
