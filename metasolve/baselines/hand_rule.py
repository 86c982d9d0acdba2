"""The hand rule: what an engineer sets who looks at symmetry and size, once, for all programs.

It was written before anything was measured with it, and is not tuned to any family.
"""

from __future__ import annotations

from metasolve.solve.instance import Instance
from metasolve.solve.solver import Value

SYMMETRIC = 1e-10
#: Conjugate gradients take ever more iterations as a mesh is refined: then multigrid.
ROWS_FOR_MULTIGRID = 10_000
#: A direct solver never fails to converge, and costs little up to this size.
ROWS_FOR_LU = 2_000


def hand_rule(instance: Instance) -> dict[str, Value]:
    """PETSc's options for a recorded system.

    Conjugate gradients where it is symmetric with a positive diagonal, with an incomplete
    factorisation, or with algebraic multigrid where it is large; BiCGStab with an incomplete
    factorisation elsewhere, or a direct solver where it is small and not singular.
    """
    operator = instance.payload.operator
    positive = instance.features.get("negative_diagonal", 0.0) == 0.0
    if operator.asymmetry < SYMMETRIC and positive:
        large = operator.rows > ROWS_FOR_MULTIGRID
        return {"ksp_type": "cg", "pc_type": "gamg" if large else "icc"}
    if operator.rows <= ROWS_FOR_LU and not operator.null:
        return {"ksp_type": "gmres", "pc_type": "lu"}
    return {"ksp_type": "bcgs", "pc_type": "ilu"}
