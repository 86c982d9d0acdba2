"""Initial guesses: codec, predictor, correction; applied with numpy and scipy alone."""

from metasolve.guess.codec import Codec, Grid, Identity, Pod, Sine, basis
from metasolve.guess.convolution import Convolution
from metasolve.guess.correction import Correction, Galerkin, LeastSquares
from metasolve.guess.guess import Guess, Start, relative_residual
from metasolve.guess.interpolation import EmpiricalInterpolation
from metasolve.guess.kernel import Kernel
from metasolve.guess.predictor import Network, Predictor, Ridge
from metasolve.guess.projected import Projected
from metasolve.guess.reduced import ReducedGalerkin

__all__ = [
    "Codec",
    "Convolution",
    "Correction",
    "EmpiricalInterpolation",
    "Galerkin",
    "Grid",
    "Guess",
    "Identity",
    "Kernel",
    "LeastSquares",
    "Network",
    "Pod",
    "Predictor",
    "Projected",
    "ReducedGalerkin",
    "Ridge",
    "Sine",
    "Start",
    "basis",
    "relative_residual",
]
