"""`TrainConfig`: every option of training, once. The command line and the manual read it here."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from metasolve.errors import UsageError
from metasolve.files.complaint import explain
from metasolve.gradient.tangents import Kind
from metasolve.solve.cost import Measure


class TrainConfig(BaseModel):
    """How to train.

    Every solver call counts against `calls`: measuring the host's own configuration, the sampled
    design, the perturbation steps and the final selection.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    calls: int = Field(1000, ge=16, description="Budget in solver calls, everything included.")
    seed: int = Field(0, ge=0, description="Seed of everything random.")
    measure: Measure = Field(
        "seconds", description="What is minimised, relative to the host's own configuration."
    )
    cap: float = Field(
        2.0, gt=1.0, description="Evaluations stop at this many times the host's own cost."
    )
    prior: Literal["shipped", "none"] = Field(
        "shipped",
        description="What is known before the first call: the prior that comes with metasolve, "
        "where seconds count; or nothing.",
    )
    tangents: int | None = Field(
        None,
        ge=1,
        description="Perturbed calls per instance, step; default: auto's choice or 2.",
    )
    batch: int | None = Field(
        None, ge=1, description="Instances per perturbation step; default: from the budget."
    )
    optimizer: Literal["adam", "frank-wolfe"] = Field(
        "adam",
        description="What moves: adam the weights of a policy, frank-wolfe one mixture of settings "
        "for all systems, of which constant settings come.",
    )
    estimator: Literal[
        "auto", "mean", "projected", "unbiased", "sign", "full", "smoothed", "posterior"
    ] = Field("auto", description="From differences to a gradient; auto: chosen by a short trial.")
    tangent_kind: Kind = Field("orthogonal", description="Distribution of the perturbations.")
    control_variate: Literal["none", "surrogate"] = Field(
        "surrogate", description="Replace the surrogate's gradient, or correct it while it helps."
    )
    epsilon: float | None = Field(
        None,
        gt=0.0,
        le=1.0,
        description="Size of perturbations in coordinates of [-1, 1]; default: from the noise.",
    )
    design_share: float = Field(
        0.4, gt=0.0, lt=1.0, description="Share of the calls spent on the sampled design."
    )
    selection_share: float = Field(
        0.2, gt=0.0, lt=1.0, description="Share of the calls kept for the final selection."
    )
    risk: float = Field(
        2.0, ge=0.0, description="How often a slow-down beyond 1.1 counts; 0: as any other cost."
    )
    pessimism: float = Field(
        0.5, ge=0.0, description="Standard deviations added to the surrogate's cost."
    )

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> TrainConfig:
        """The configuration with these fields.

        Raises
        ------
        UsageError
            If one is unknown or has no such value: key, value, remedy.
        """
        try:
            return cls(**options)
        except ValidationError as error:
            raise UsageError(explain(error, lambda _: list(cls.model_fields))) from error

    @field_validator("control_variate", mode="before")
    @classmethod
    def _once_a_flag(cls, value: object) -> object:
        """Trainings logged by earlier versions have a truth value here."""
        return {True: "surrogate", False: "none"}[value] if isinstance(value, bool) else value


_Function = TypeVar("_Function", bound=Callable[..., Any])


def shows_options(function: _Function) -> _Function:
    """Let a function that takes fields of `TrainConfig` as ``**options`` show them by name.

    What is not given stays unsaid: a training that is repeated has options of its own.
    """
    told = inspect.signature(function)
    *own, _ = told.parameters.values()
    options = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.annotation
        )
        for name, field in TrainConfig.model_fields.items()
    ]
    function.__dict__["__signature__"] = told.replace(parameters=[*own, *options])
    return function
