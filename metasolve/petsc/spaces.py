"""The settings worth trying for what was recorded, where the user gives no space of their own.

Krylov methods that report a residual they do not have (bcgsl), that know no unpreconditioned norm
(minres) or that need it transformed (Eisenstat's trick) are left out: they would win by cheating.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from metasolve.errors import RecordingError, SpaceError, UsageError
from metasolve.model.allowed import canonical
from metasolve.petsc.capabilities import Capabilities, of_petsc4py
from metasolve.petsc.recording import RECORD_FIRST, Recording
from metasolve.solve.solver import Value
from metasolve.space import Choice, Flag, Integer, Real, Setting, Space
from metasolve.space.setting import typed, with_default

SYMMETRIC = 1e-10
#: A direct factorisation of more rows costs more than it can win.
ROWS_FOR_LU = 10_000
_PACKAGES = {"lu": ("petsc", "mumps", "umfpack"), "cholesky": ("petsc", "mumps", "cholmod")}
_PARALLEL = ("mumps",)
_CG_LIKE = ("cg", "fcg", "pipecg", "groppcg")


@dataclass(frozen=True)
class Subject:
    """What matters about a recording for the choice of settings.

    Parameters
    ----------
    definite
        Symmetric with a positive diagonal throughout.
    mixed
        So in some solves, not in others.
    proven
        The program itself solves by conjugate gradients.
    parallel
        Some operator is of a type for several ranks.
    singular
        A null space is attached to some operator.
    rows
        Of half the operators at most.
    direct
        The program itself factorises the matrix.
    """

    definite: bool
    mixed: bool
    proven: bool
    parallel: bool
    singular: bool
    rows: int
    direct: bool

    @classmethod
    def of(cls, recording: Recording) -> Subject:
        """Look at every recorded solve."""
        solves = recording.solves
        definite = [
            solve.operator.asymmetry < SYMMETRIC
            and solve.features.get("negative_diagonal", 0.0) == 0.0
            for solve in solves
        ]
        return cls(
            definite=all(definite),
            mixed=any(definite) and not all(definite),
            proven=all(
                solve.host.ksp_type in _CG_LIKE and solve.outcome.reason > 0 for solve in solves
            ),
            parallel=any(solve.parallel for solve in solves),
            singular=any(solve.operator.null for solve in solves),
            rows=int(np.median([each.rows for each in recording.operators().values()])),
            direct=any(solve.direct for solve in solves),
        )


def default_space(recording: Recording, capabilities: Capabilities | None = None) -> Space:
    """Choose the settings to try on the systems of a recording.

    Parameters
    ----------
    recording
        Its operators' symmetry, size, ranks and null spaces decide, and the program's own
        configuration becomes the default where it can be expressed.
    capabilities
        Of the PETSc that will solve; by default petsc4py's.

    Raises
    ------
    RecordingError
        If nothing was recorded.
    """
    if not recording.solves:
        raise RecordingError(f"{recording.path} holds no solve; {RECORD_FIRST}")
    subject, can = Subject.of(recording), capabilities or of_petsc4py()
    settings = [*_krylov(subject), *_preconditioner(subject, can)]
    hosts = Counter(tuple(sorted(solve.host.options.items())) for solve in recording.solves)
    usual = dict(hosts.most_common(1)[0][0])
    return Space(tuple(_with_default(setting, usual) for setting in settings))


def check_space(space: Space) -> None:
    """Make sure that a model may choose all that a space holds.

    Raises
    ------
    SpaceError
        If the plug-in would refuse a setting or a value; names it, and a remedy.
    """
    try:
        for setting in space.settings:
            for value in _values(setting):
                canonical(setting.name, setting.text(value))
        for name, text in space.fixed.items():
            canonical(name, text)
    except UsageError as error:
        raise SpaceError(f"space: {error}") from error


def _values(setting: Setting) -> tuple[Value, ...]:
    """All values of a choice, and the least and the largest number."""
    if isinstance(setting, (Choice, Flag)):
        return setting.values
    return setting.low, setting.high


def _krylov(subject: Subject) -> list[Setting]:
    if subject.definite and subject.proven:
        return [Choice("ksp_type", ("cg",))]
    methods: tuple[str, ...] = ("cg", "gmres") if subject.definite else ("gmres", "bcgs")
    needy: tuple[str, ...] = ()
    if subject.mixed:
        methods, needy = ("gmres", "bcgs", "cg"), ("cg",)
    restart = Integer(
        "ksp_gmres_restart", 10, 200, "log", default=30, when={"ksp_type": ("gmres",)}
    )
    return [Choice("ksp_type", methods, symmetric=needy), restart]


def _preconditioner(subject: Subject, can: Capabilities) -> list[Setting]:
    local = ["bjacobi", "asm"] if subject.parallel else [_factorisation(subject)]
    wanted = [*local, "sor", "jacobi", "gamg", "hypre"]
    if subject.direct:
        wanted.append("cholesky" if subject.definite else "lu")
    elif not subject.parallel and not subject.singular and subject.rows <= ROWS_FOR_LU:
        wanted.append("lu")
    types = tuple(name for name in wanted if name in can.preconditioners)
    made = {
        "ilu": _ilu(subject),
        "icc": _icc(),
        "bjacobi": _blocks(subject),
        "asm": _overlapping(subject),
        "sor": _sor(subject),
        "gamg": _gamg(subject, can),
        "hypre": _hypre(),
        "lu": _exact("lu", subject, can),
        "cholesky": _exact("cholesky", subject, can),
    }
    own = [setting for name in types for setting in made.get(name, [])]
    return [Choice("pc_type", types), *own]


def _factorisation(subject: Subject) -> str:
    return "icc" if subject.definite else "ilu"


def _ilu(subject: Subject) -> list[Setting]:
    when = {"pc_type": ("ilu",)}
    settings: list[Setting] = [
        Integer("pc_factor_levels", 0, 4, default=0, when=when),
    ]
    if not subject.direct:  # otherwise the setting is that of whole factorisations
        settings.append(Choice("pc_factor_mat_ordering_type", ("natural", "rcm"), when=when))
    if subject.singular:
        # The last pivot of a singular matrix is zero.
        settings.append(Choice("pc_factor_shift_type", ("nonzero",), when=when))
    return settings


def _icc() -> list[Setting]:
    return [Integer("pc_factor_levels", 0, 4, default=0, when={"pc_type": ("icc",)})]


def _exact(kind: str, subject: Subject, can: Capabilities) -> list[Setting]:
    """Which package factorises, and in which order PETSc's own does."""
    if not subject.direct:
        return []
    known = _PARALLEL if subject.parallel else _PACKAGES[kind]
    names = [name for name in known if name in can.packages]
    if not names:
        return []
    when = {"pc_type": (kind,)}
    packages = Choice("pc_factor_mat_solver_type", tuple(names), when=when)
    if "petsc" not in names:
        return [packages]
    by_petsc = {"pc_factor_mat_solver_type": ("petsc",)}
    return [packages, Choice("pc_factor_mat_ordering_type", ("nd", "qmd", "rcm"), when=by_petsc)]


def _blocks(subject: Subject) -> list[Setting]:
    when = {"pc_type": ("bjacobi", "asm")}
    settings: list[Setting] = [Integer("sub_pc_factor_levels", 0, 4, default=0, when=when)]
    if subject.singular:
        settings.append(Choice("sub_pc_factor_shift_type", ("nonzero",), when=when))
    return settings


def _overlapping(subject: Subject) -> list[Setting]:
    when = {"pc_type": ("asm",)}
    # The restricted variant is not symmetric, and conjugate gradients stall with it.
    kinds = ("basic",) if subject.definite else ("restrict", "basic")
    return [
        Choice("pc_asm_type", kinds, when=when),
        Integer("pc_asm_overlap", 0, 3, default=1, when=when),
    ]


def _sor(subject: Subject) -> list[Setting]:
    when = {"pc_type": ("sor",)}
    settings: list[Setting] = [
        Real("pc_sor_omega", 0.2, 1.9, default=1.0, when=when),
        Integer("pc_sor_its", 1, 4, default=1, when=when),
    ]
    if not subject.definite:
        # Which way a sweep runs matters where something is transported. Neither: symmetric.
        settings += [
            Flag("pc_sor_local_forward", when=when),
            Flag("pc_sor_local_backward", when={"pc_sor_local_forward": (False,)}),
        ]
    return settings


def _gamg(subject: Subject, can: Capabilities) -> list[Setting]:
    when = {"pc_type": ("gamg",)}
    squaring = "pc_gamg_aggressive_coarsening" if can.version >= (3, 18) else "pc_gamg_square_graph"
    settings: list[Setting] = [
        # Below zero nothing is dropped: PETSc's default of -1 is the lower end.
        Real("pc_gamg_threshold", -0.02, 0.2, default=-0.02, when=when),
        Integer("pc_gamg_agg_nsmooths", 0, 2, default=1, when=when),
        Integer(squaring, 0, 3, default=1, when=when),
        Choice("mg_levels_pc_type", ("jacobi", "sor"), when=when),
        Integer("mg_levels_ksp_max_it", 1, 4, default=2, when=when),
    ]
    if not subject.definite:
        settings.append(Choice("mg_levels_ksp_type", ("chebyshev", "richardson"), when=when))
    return settings


def _hypre() -> list[Setting]:
    when = {"pc_type": ("hypre",)}
    name = "pc_hypre_boomeramg"
    return [
        Real(f"{name}_strong_threshold", 0.1, 0.9, default=0.25, when=when),
        Choice(f"{name}_coarsen_type", ("Falgout", "HMIS"), when=when),
    ]


def _with_default(setting: Setting, usual: Mapping[str, str]) -> Setting:
    """Start from what the program itself uses, where the setting can take that value."""
    text = usual.get(setting.name)
    if text is None:
        return setting
    try:
        return with_default(setting, typed(setting, text))
    except (ValueError, SpaceError):
        return setting
