"""Gradients of a cost that can only be evaluated: tangents, estimators, score function."""

from metasolve.gradient.estimators import (
    Estimator,
    clip_differences,
    control_variate,
    mean,
    projected,
)
from metasolve.gradient.score import arm_log_probabilities, arm_scores, score_gradient
from metasolve.gradient.tangents import Key, Kind, generator, tangents

__all__ = [
    "Estimator",
    "Key",
    "Kind",
    "arm_log_probabilities",
    "arm_scores",
    "clip_differences",
    "control_variate",
    "generator",
    "mean",
    "projected",
    "score_gradient",
    "tangents",
]
