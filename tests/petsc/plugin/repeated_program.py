"""Many solves of several kinds: prints what each answer is, to the last bit."""

import hashlib
import sys

from petsc4py import PETSc

kinds, solves = sys.argv[1].split(","), int(sys.argv[2])


def matrix(kind, n, step):
    """Return an operator on n x n points that moves from step to step."""
    A = PETSc.Mat().createAIJ([n * n, n * n], nnz=5)
    wind, stiff = (0.6, 1.0) if kind == "wind" else (0.0, 1e-3 if kind == "flat" else 1.0)
    shift = 1e-4 * (1 + step % 5)
    for row in range(*A.getOwnershipRange()):
        i, j = divmod(row, n)
        A.setValue(row, row, 2.0 + 2.0 * stiff + 1.5 * wind + shift)
        for inside, column, value in (
            (i > 0, row - n, -1.0 - wind),
            (i < n - 1, row + n, -1.0),
            (j > 0, row - 1, -stiff - wind / 2),
            (j < n - 1, row + 1, -stiff),
        ):
            if inside:
                A.setValue(row, column, value)
    A.assemble()
    return A


solvers = {}
for step in range(solves):
    kind = kinds[step % len(kinds)]
    A = matrix(kind, 40 + 12 * (step % 3), step // 4)
    ksp = PETSc.KSP().create()
    ksp.setOptionsPrefix(f"{kind}_")
    ksp.setOperators(A)
    ksp.setFromOptions()
    x, b = A.createVecs()
    first, last = b.getOwnershipRange()
    b.setArray([1.0 + (7 * row + step) % 11 for row in range(first, last)])
    ksp.solve(b, x)
    bits = hashlib.sha256(x.getArray().tobytes()).hexdigest()
    all_bits = PETSc.COMM_WORLD.tompi4py().gather(bits)
    if PETSc.COMM_WORLD.rank == 0:
        print(kind, step, ksp.getIterationNumber(), *all_bits, flush=True)
