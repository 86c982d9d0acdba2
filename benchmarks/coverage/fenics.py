"""Entries of dolfinx and of legacy dolfin: demos as they come, and with finer meshes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from benchmarks.coverage.entry import Entry, Pinned, Reading, Trained
from benchmarks.coverage.sources import copied, nothing

ITERATED, EXACT = 1e-5, 1e-9
"""Relative: what answers of iterative solvers may differ in, and those of direct ones."""
NEWTON = (Reading(r"[Nn]ewton iteration (\d+):"),)
_NORMS = r"^observed \w+: (\S+) (\S+)$"
_DOLFINX = ("python3-dolfinx-real", "dolfinx-doc", "libdolfinx-dev", "python3-petsc4py-real")
_DOLFINX_COMPLEX = ("python3-dolfinx-complex", "dolfinx-doc", "libpetsc-complex-dev")
_DOLFIN = ("python3-dolfin-real", "dolfin-doc", "python3-matplotlib")
_SCALING = ("fenicsx-performance-tests",)
_HYPRE = "-ksp_type cg -ksp_rtol 1.0e-8 -pc_type hypre -pc_hypre_boomeramg_strong_threshold 0.5"
_GAMG = (
    "-ksp_type cg -ksp_rtol 1.0e-8 -pc_type gamg -pc_gamg_coarse_eq_limit 1000 "
    "-mg_levels_ksp_type chebyshev -mg_levels_pc_type jacobi -mg_levels_esteig_ksp_type cg"
)
_USUAL = Trained()
_MINUTES = Trained(calls=60, most_systems=12)
_BOX = {
    "create_rectangle(": "create_box(",
    "((0.0, 0.0), (2.0, 1.0)), n=(32, 16)": "((0.0, 0.0, 0.0), (2.0, 1.0, 1.0)), n=(38, 27, 27)",
    "CellType.triangle": "CellType.tetrahedron",
    "msh, dim=1": "msh, dim=2",
    "V=V, entity_dim=1": "V=V, entity_dim=2",
}
_FACETS = ("facets = locate_entities_boundary(msh, {0}, {1})\n", "locate_dofs_topological({1}, {0}")
_PARTS = (
    ("noslip_boundary", "bc0 = dirichletbc(noslip, ", "V"),
    ("lid", "bc1 = dirichletbc(lid_velocity, ", "V"),
    ("noslip_boundary", "dofs = ", "(W.sub(0), V)"),
    ("lid", "dofs = ", "(W.sub(0), V)"),
)
_SOLVER = 'ksp.getPC().setFactorSolverType("{}")\n\n# {}'
_CAVITY = {
    "GhostMode, create_rectangle,": "GhostMode, create_box,",
    "create_rectangle(MPI": "create_box(MPI",
    "[np.array([0, 0]), np.array([1, 1])]": "[np.zeros(3), np.ones(3)]",
    "[32, 32]": "[9, 9, 9]",
    "CellType.triangle": "CellType.tetrahedron",
    "np.isclose(x[1], 0.0))": "np.isclose(x[1] * x[2] * (1.0 - x[2]), 0.0))",
    "np.zeros(x.shape[1])))": "*np.zeros((2, x.shape[1]))))",
    "(PETSc.ScalarType(0), PETSc.ScalarType(0))": "(PETSc.ScalarType(0),) * 3",
    **{
        _FACETS[0].format(1, where) + made + _FACETS[1].format(1, space):
        _FACETS[0].format(2, where) + made + _FACETS[1].format(2, space)
        for where, made, space in _PARTS
    },
    **{
        _SOLVER.format("superlu_dist", then): _SOLVER.format("mumps", then)
        for then in ("We also need", "Compute the")
    },
}  # fmt: skip
"""The closed box in space; SuperLU_dist's answer there is not finite."""


def dolfinx(
    demo: str,
    size: str,
    configuration: str,
    variable: str = "uh",
    finer: Mapping[str, str] | None = None,
    answer: Reading | None = None,
    counts: tuple[Reading, ...] = (),
    model: Trained | Pinned = _USUAL,
    limit: float = 120.0,
) -> Entry:
    """Return an entry of a demo of dolfinx."""
    script = f"demo_{demo}.py"
    return Entry(
        name=f"dolfinx-{demo}-{size}",
        program=f"dolfinx {script}",
        configuration=configuration,
        packages=_DOLFINX,
        steps=(copied("dolfinx-doc", f"demo-python/{script}", finer),),
        command=("{python}", "{observed}", script, *variable.split()),
        answer=(answer or Reading(_NORMS, EXACT),),
        counts=counts,
        model=model,
        limit=limit,
    )


def dolfinx_complex(entry: Entry) -> Entry:
    """Return an entry of dolfinx with the build of complex numbers, which Debian has beside."""
    return replace(
        entry,
        name=entry.name.replace("dolfinx", "dolfinx-complex"),
        program=entry.program.replace("dolfinx", "complex dolfinx"),
        packages=_DOLFINX_COMPLEX,
        environment=(("PETSC_DIR", "/usr/lib/petscdir/petsc-complex"),),
    )


def dolfin(
    demo: str,
    size: str,
    configuration: str,
    variable: str = "u",
    finer: Mapping[str, str] | None = None,
    tolerance: float = EXACT,
    counts: tuple[Reading, ...] = (),
    ranks: tuple[int, ...] = (1, 2),
) -> Entry:
    """Return an entry of a demo of legacy dolfin."""
    script = f"demo_{demo}.py"
    return Entry(
        name=f"dolfin-{demo}-{size}",
        program=f"legacy dolfin {script}",
        configuration=configuration,
        packages=_DOLFIN,
        steps=(copied("dolfin-doc", f"demo-python/documented/{demo}/{script}", finer),),
        command=("{python}", "{observed}", script, *variable.split()),
        answer=(Reading(_NORMS, tolerance),),
        counts=counts,
        ranks=ranks,
    )


def scaling(problem: str, unknowns: int, options: str, configuration: str) -> Entry:
    """Return an entry of dolfinx's scaling test with the options of its own script, or others."""
    words = f"--problem_type {problem} --scaling_type strong --ndofs {unknowns}"
    return Entry(
        name=f"dolfinx-scaling-{problem}-{unknowns // 1000}k{'' if options else '-defaults'}",
        program=f"dolfinx-scaling-test {problem}",
        configuration=f"{unknowns} unknowns, {configuration}",
        packages=_SCALING,
        steps=(nothing,),
        command=("dolfinx-scaling-test", *words.split()),
        answer=(Reading(r"Solution norm:\s+(\S+)", 1e-4),),
        environment=(("PETSC_OPTIONS", options),),
    )


_FINE = {"UnitSquareMesh(32, 32)": "UnitSquareMesh(200, 200)"}
ENTRIES = (
    dolfinx("poisson", "small", "its own mesh, 561 unknowns, LU"),
    dolfinx("poisson", "2d", "39,621 unknowns, LU", finer={"n=(32, 16)": "n=(280, 140)"}),
    dolfinx("poisson", "3d", "on a box, 30,576 unknowns, LU", finer=_BOX, model=_MINUTES),
    dolfinx(
        "poisson", "2d-fine", "321,201 unknowns, LU", finer={"n=(32, 16)": "n=(800, 400)"},
        model=Pinned("ksp_type=cg pc_type=hypre"),
    ),
    dolfinx("helmholtz", "own", "its own mesh, 16,641 unknowns, indefinite, LU"),
    dolfinx(
        "helmholtz", "fine", "90,601 unknowns, indefinite, LU",
        finer={"n_elem = 128": "n_elem = 300"}, model=_MINUTES,
    ),
    dolfinx_complex(dolfinx("helmholtz", "own", "its own mesh, 16,641 complex unknowns, LU")),
    dolfinx_complex(
        dolfinx(
            "poisson", "3d", "on a box, 30,576 complex unknowns, LU", finer=_BOX, model=_MINUTES
        )
    ),
    dolfinx(
        "elasticity", "own", "its own mesh, 14,739 unknowns in Pa, CG + GAMG, a monitor of its own",
        answer=Reading(r"Solution vector norm: (\S+)", ITERATED),
    ),
    dolfinx(
        "cahn-hilliard", "own", "its own mesh, 18,818 unknowns, 50 steps, MUMPS", "u",
        answer=Reading(_NORMS, 1e-6), counts=(Reading(r"num iterations: (\d+)"),),
        model=_MINUTES, limit=240.0,
    ),
    dolfinx(
        "stokes", "own", "its own mesh: MINRES + fieldsplit on nest and blocks, LU of superlu_dist",
        "U", answer=Reading(r"[Nn]orm of .*?: (\S+)$", 1e-4),
    ),
    dolfinx(
        "stokes", "3d", "on a box, 21,577 unknowns: MINRES + fieldsplit on nest and blocks, MUMPS",
        "U", _CAVITY, answer=Reading(r"[Nn]orm of .*?: (\S+)$", 1e-4), model=_MINUTES, limit=240.0,
    ),
    dolfinx("lagrange_variants", "own", "its own mesh, LU"),
    dolfinx("tnt-elements", "own", "Poisson on many small meshes, LU", "",
            answer=Reading(r"error: (\S+)$", 1e-6)),
    scaling("poisson", 30_000, "", "PETSc's defaults"),
    scaling("poisson", 200_000, _HYPRE, "CG + BoomerAMG, as its script"),
    scaling("elasticity", 30_000, "-ksp_type preonly -pc_type lu", "LU"),
    scaling("elasticity", 100_000, _GAMG, "CG + GAMG, as its script"),
    dolfin("poisson", "own", "its own mesh, 1,089 unknowns, default LU"),
    dolfin("poisson", "fine", "40,401 unknowns, default LU", finer=_FINE),
    dolfin("biharmonic", "fine", "quadratic, 40,401 unknowns, default LU", finer={
        "UnitSquareMesh(32, 32)": "UnitSquareMesh(100, 100)"}, tolerance=1e-6),
    dolfin("mixed-poisson", "own", "its own mesh, saddle point, default LU", "w"),
    dolfin("singular-poisson", "fine", "null space, CG", finer={
        "UnitSquareMesh(64, 64)": "UnitSquareMesh(250, 250)"}, tolerance=1e-3),
    dolfin("nonlinear-poisson", "fine", "Newton, default LU", finer=_FINE, counts=NEWTON),
    dolfin("hyperelasticity", "own", "its own mesh, 21,675 unknowns, Newton, default LU",
           counts=NEWTON, ranks=(1,)),
    dolfin("subdomains-poisson", "own", "its own mesh, default LU", tolerance=1e-8),
    dolfin("cahn-hilliard", "own", "its own mesh, 50 steps, default LU", tolerance=1e-6,
           counts=NEWTON),
)  # fmt: skip
