"""Gradients of a cost that can only be evaluated: tangents, differences, estimators, noise."""

from metasolve.gradient.blocks import Report, assemble, block_of, consecutive_blocks
from metasolve.gradient.diagnosis import Verdict, verdict
from metasolve.gradient.differences import Probes, Scheme, forward_mode, probes
from metasolve.gradient.estimators import (
    Estimator,
    believable,
    clip_differences,
    control_variate,
    mean,
    optimal_weight,
    projected,
    sign,
    slopes,
)
from metasolve.gradient.hint import HintedStep
from metasolve.gradient.methods import METHODS, Method, method
from metasolve.gradient.noise import (
    Inform,
    Noise,
    central_step,
    curvature,
    ecnoise,
    forward_step,
)
from metasolve.gradient.score import arm_log_probabilities, arm_scores, score_gradient
from metasolve.gradient.tangents import Key, Kind, generator, tangents

__all__ = [
    "METHODS",
    "Estimator",
    "HintedStep",
    "Inform",
    "Key",
    "Kind",
    "Method",
    "Noise",
    "Probes",
    "Report",
    "Scheme",
    "Verdict",
    "arm_log_probabilities",
    "arm_scores",
    "assemble",
    "believable",
    "block_of",
    "central_step",
    "clip_differences",
    "consecutive_blocks",
    "control_variate",
    "curvature",
    "ecnoise",
    "forward_mode",
    "forward_step",
    "generator",
    "mean",
    "method",
    "optimal_weight",
    "probes",
    "projected",
    "score_gradient",
    "sign",
    "slopes",
    "tangents",
    "verdict",
]
