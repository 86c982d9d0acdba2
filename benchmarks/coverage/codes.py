"""Entries of getdp, deal.II, SLEPc, petsc4py and SUNDIALS."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.coverage.entry import Entry, Reading, Step, Trained
from benchmarks.coverage.sources import compiled, copied, folder_of, ran

_EIGENVALUES = Reading(r"^(-?\d\.\d{8,}e[+-]\d+)$", 1e-7)
_DIRECT_SHIFT = "-st_type sinvert -eps_view_values ::ascii_matlab -terse"
_NORMS = Reading(r"^observed \w+: (\S+) (\S+)$", 1e-5)


def getdp(
    size: str, finer: float | None, more: str, configuration: str, limit: float = 240
) -> Entry:
    """Return an entry of getdp's magnet; the answer is the induction along a line."""
    steps: list[Step] = [
        folder_of("getdp", f"examples/{name}", name) for name in ("demos", "templates")
    ]
    if finer is not None:
        mesh = ("-2", "-clscale", str(finer), "-format", "msh22", "demos/magnet.geo")
        steps.append(ran("gmsh", *mesh, "-o", "demos/magnet.msh"))
    shell = f"getdp demos/magnet -solve Magnetostatics_a -pos a {more} && cat demos/b_a.txt"
    return Entry(
        name=f"getdp-magnet-{size}",
        program="getdp magnet.pro",
        configuration=configuration,
        packages=("getdp", "gmsh"),
        steps=tuple(steps),
        command=("bash", "-c", shell),
        answer=(Reading(r"^15 \d+ .* (\S+) (\S+) \S+ *$", 1e-7),),
        counts=(Reading(r"N: (\d+)"),),
        ranks=(1,),
        limit=limit,
    )


def dealii(step: int, tolerance: float, configuration: str) -> Entry:
    """Return an entry of a tutorial of deal.II; what it refines depends on its answers."""
    return Entry(
        name=f"dealii-step-{step}",
        program=f"deal.II step-{step}",
        configuration=configuration,
        packages=("libdeal.ii-dev", "libdeal.ii-doc", "cmake"),
        steps=(
            folder_of("libdeal.ii-doc", f"examples/step-{step}", "source"),
            ran("cmake", "-S", "source", "-B", ".", "-DCMAKE_BUILD_TYPE=Release"),
            ran("make", f"step-{step}"),
        ),
        command=(f"./step-{step}",),
        answer=(Reading(r"Number of degrees of freedom: (\d+)", tolerance),),
        model=Trained(calls=100, most_systems=12),
        limit=300.0,
    )


def slepc(
    example: int, size: str, options: str, configuration: str, more: str = _DIRECT_SHIFT
) -> Entry:
    """Return an entry of a tutorial of SLEPc."""
    program = f"ex{example}"
    return Entry(
        name=f"slepc-{program}-{size}",
        program=f"SLEPc {program}",
        configuration=configuration,
        packages=("slepc-dev", "libslepc3.18-dev-examples"),
        steps=(
            copied("libslepc3.18-dev-examples", f"eps/tutorials/{program}.c"),
            compiled(f"{program}.c", program, ["SLEPc", "PETSc"]),
        ),
        command=(f"./{program}", *options.split(), *more.split()),
        answer=(_EIGENVALUES,),
        counts=(Reading(r"Number of requested eigenvalues: (\d+)"),),
        model=Trained(calls=60, most_systems=8),
    )


def petsc4py(
    demo: str,
    options: str,
    variable: str,
    configuration: str,
    ranks: tuple[int, ...] = (1, 2),
    answer: Reading = _NORMS,
    also: tuple[str, ...] = (),
) -> Entry:
    """Return an entry of a demo of petsc4py."""
    script = demo.rsplit("/", maxsplit=1)[-1]
    return Entry(
        name=f"petsc4py-{script.removesuffix('.py')}",
        program=f"petsc4py {demo}",
        configuration=configuration,
        packages=("python3-petsc4py-real", "python-petsc4py-doc"),
        steps=tuple(copied("python-petsc4py-doc", f"demo/{each}") for each in (demo, *also)),
        command=("{python}", "{observed}", script, variable, "--", *options.split()),
        answer=(answer,),
        model=Trained(calls=60, most_systems=12),
        ranks=ranks,
    )


def sundials(
    solver: str,
    program: str,
    kind: str,
    options: str,
    configuration: str,
    answer: Reading,
    finer: Mapping[str, str] | None = None,
) -> Entry:
    """Return an entry of an example of SUNDIALS that leaves its nonlinear systems to SNES."""
    libraries = [f"-lsundials_{each}" for each in (solver, "nvecpetsc", "sunnonlinsolpetscsnes")]
    folder = {"arkode": "C_petsc"}.get(solver, "petsc")
    return Entry(
        name=f"sundials-{solver}-{kind}",
        program=f"SUNDIALS {program}",
        configuration=configuration,
        packages=("libsundials-dev", "libpetsc-real-dev"),
        steps=(
            copied("libsundials-dev", f"examples/{solver}/{folder}/{program}.c", finer),
            compiled(f"{program}.c", program, ["PETSc"], more=libraries),
        ),
        command=(f"./{program}", *options.split()),
        answer=(answer,),
        model=Trained(calls=60, most_systems=8),
        ranks=(1,),
    )


_HEAT = Reading(r"^ *\S+ +(\d\.\d+e[+-]\d+) +\d+ +\d+ +\d+", 1e-4)
_STEPS = Reading(r"^\d+ TS dt \S+ time (\S+)", 1e-9)
_HUNDRED = {f"{name}         2 ": f"{name}         1 " for name in ("NPEX", "NPEY")}
_HUNDRED |= {f"{name}        5 ": f"{name}        100 " for name in ("MXSUB", "MYSUB")}

ENTRIES = (
    getdp("own", None, "", "its own mesh, 2D magnetostatics, default MUMPS"),
    getdp("fine", 0.12, "", "92,863 unknowns, default MUMPS"),
    getdp("nonlinear", 0.25, "-setnumber Flag_NL 1", "non-linear core, default MUMPS"),
    dealii(40, 2e-3, "Laplace, adaptive, 8 cycles, CG + BoomerAMG, a control of its own"),
    dealii(17, 2e-3, "elasticity, adaptive, 10 cycles, CG + block Jacobi, a control of its own"),
    slepc(2, "sinvert", "-n 200 -eps_nev 6 -eps_target 0.0",
          "2D Laplacian 200 x 200, shift-and-invert, LU"),
    slepc(13, "small", "-n 40 -eps_nev 4", "generalised, 40 x 40, shift-and-invert, LU"),
    slepc(13, "sinvert", "-n 200 -eps_nev 6", "generalised, 200 x 200, shift-and-invert, LU"),
    slepc(13, "interval", "-n 60 -eps_interval 0.001,0.05 -st_pc_type cholesky "
          "-st_pc_factor_mat_solver_type mumps -st_mat_mumps_icntl_13 1",
          "all eigenvalues in an interval by inertia, MUMPS Cholesky"),
    slepc(13, "gmres", "-n 100 -eps_nev 4 -st_ksp_type gmres -st_pc_type jacobi -st_ksp_rtol 1e-9",
          "generalised, 100 x 100, shift-and-invert, GMRES + Jacobi"),
    petsc4py("bratu3d/bratu3d.py", "-n 16", "X", "Newton, 4,096 unknowns"),
    petsc4py("petsc-examples/ksp/ex2.py", "-m 250 -n 250", "norm",
             "5-point Laplacian, 62,500 unknowns; it prints its error",
             answer=Reading(_NORMS.pattern, 1e-5, error=True)),
    petsc4py("ode/heat.py", "-n 2000 -plot_history 0", "x", "heat equation in time, CG"),
    petsc4py("poisson2d/poisson2d.py", "-n 24", "x", "matrix-free in Python", (1,)),
    petsc4py("bratu2d/bratu2d.py", "-plot 0", "x", "matrix-free Newton", (1,),
             also=("bratu2d/bratu2dnpy.py",)),
    sundials("ida", "idaHeat2D_petsc_snes", "heat", "-jac",
             "heat equation as a DAE in time, 10,000 unknowns, SNES with GMRES + ILU", _HEAT,
             _HUNDRED),
    sundials("ida", "idaHeat2D_petsc_snes", "free", "",
             "the same, Newton without any matrix", _HEAT, _HUNDRED),
    sundials("arkode", "ark_petsc_ex25", "brusselator", "-da_grid_x 1001",
             "reaction and diffusion in 1D, IMEX steps, 2,002 unknowns, SNES with GMRES + ILU",
             _STEPS),
)  # fmt: skip
