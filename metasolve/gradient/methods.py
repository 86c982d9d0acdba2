"""Methods: an estimator with the tangents and the differences it wants, by name.

==============  ==============================  =========  ===============================
method          tangents                        calls      what it estimates
==============  ==============================  =========  ===============================
``mean``        the caller's choice             1 + k      ∇c, unbiased
``projected``   the caller's choice             1 + k      P∇c, shorter than ∇c
``unbiased``    the caller's choice             1 + k      (n/k) P∇c, unbiased
``sign``        the caller's choice             1 + k      a direction
``full``        every coordinate                1 + n      ∇c, exactly
``smoothed``    Gaussian, a long step σ         2k         the gradient of E c(z + σu)
``posterior``   the caller's choice             1 + k      ∇c, as the surrogate then expects it
==============  ==============================  =========  ===============================

``posterior`` is the mean of ∇c given the costs measured, under a Gaussian process: the surrogate's
gradient once it knows them (Müller et al., NeurIPS 2021, arXiv 2106.11899). It is the caller who
conditions the surrogate. Without one all directions are alike a priori, and the mean is P∇c.

Staircases have no useful ∇c; the smoothed cost E c(z + σu), u standard normal, always has one, and
(c(z + σu) - c(z - σu)) u / 2σ is an unbiased estimate of it for any bounded measurable c (Nesterov
& Spokoiny, Foundations of Computational Mathematics 17, 2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from metasolve.errors import UsageError, did_you_mean
from metasolve.gradient.differences import Scheme
from metasolve.gradient.estimators import (
    Estimator,
    Matrix,
    Vector,
    control_variate,
    mean,
    projected,
    sign,
)
from metasolve.gradient.tangents import Key, Kind, tangents


@dataclass(frozen=True)
class Method:
    """How a gradient is measured.

    Attributes
    ----------
    estimate : differences to gradient.
    kind : the tangents it needs; the caller's choice where None.
    scheme : of the differences.
    spanning : whether it takes one tangent for every active coordinate.
    linear : whether a control variate is possible.
    conditions : whether the surrogate is conditioned on what was measured, not corrected by it.
    """

    estimate: Estimator
    kind: Kind | None = None
    scheme: Scheme = "forward"
    spanning: bool = False
    linear: bool = True
    conditions: bool = False

    def tangents(self, kind: Kind, key: Key, k: int, active: NDArray[np.bool_]) -> Matrix:
        """Tangents V (dim, k) for this method, of the kind asked for if it leaves the choice."""
        count = int(np.sum(active)) if self.spanning else k
        return tangents(self.kind or kind, key, count, active)

    def calls(self, k: int, n: int) -> int:
        """Solver calls of one gradient with k tangents in n dimensions."""
        count = n if self.spanning else k
        return 1 + count if self.scheme == "forward" else 2 * count

    def gradient(self, V: Matrix, d: Vector, surrogate_gradient: Vector | None = None) -> Vector:
        """Gradient (..., dim), with a surrogate as control variate where one is given.

        Raises
        ------
        UsageError
            If there is a surrogate and the estimator is not linear.
        """
        if surrogate_gradient is None:
            return self.estimate(V, d)
        if not self.linear:
            raise UsageError("control variate: the sign estimator has no size to correct; use mean")
        return control_variate(self.estimate, V, d, surrogate_gradient)


METHODS = {
    "mean": Method(mean),
    "projected": Method(projected),
    "unbiased": Method(partial(projected, unbiased=True)),
    "sign": Method(sign, linear=False),
    "full": Method(projected, kind="coordinate", spanning=True),
    "smoothed": Method(mean, kind="gaussian", scheme="central"),
    "posterior": Method(projected, conditions=True),
}


def method(name: str) -> Method:
    """The method of that name.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name not in METHODS:
        raise UsageError(f"estimator={name!r} is unknown; {did_you_mean(name, METHODS)}")
    return METHODS[name]
