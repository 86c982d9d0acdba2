"""Stiff material in SI units beside boundary rows kept in the matrix with a diagonal of 1.

    kept_rows.py FIRST COUNT [SCALE]     one system per seed; SCALE 1 or 2e11 (Pa): units only

Finite-element libraries do so. |b - A x|_2 <= rtol |b|_2 cannot be reached where SCALE is 2e11:
rounding in the stiff rows is above it. The program's own answers (GMRES, Jacobi, preconditioned
norm) are good to 1e-4 all the same: the error against a direct solve is printed.
"""

import sys

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from petsc4py import PETSc


def plate(n, scale, rng):
    """Conductivities on the faces of an n x n grid, free boundary."""
    k = scale * np.exp(0.3 * rng.standard_normal((n, n)))
    number = np.arange(n * n).reshape(n, n)
    rows, cols, vals = [], [], []
    for a, b, u, v in (
        (number[1:], number[:-1], k[1:], k[:-1]),
        (number[:, 1:], number[:, :-1], k[:, 1:], k[:, :-1]),
    ):
        face = (2 * u * v / (u + v)).ravel()
        rows += [a.ravel(), b.ravel(), a.ravel(), b.ravel()]
        cols += [b.ravel(), a.ravel(), a.ravel(), b.ravel()]
        vals += [-face, -face, face, face]
    entries = np.concatenate(rows), np.concatenate(cols)
    return sp.csr_matrix((np.concatenate(vals), entries), shape=(n * n, n * n))


first, count = int(sys.argv[1]), int(sys.argv[2])
scale = float(sys.argv[3]) if len(sys.argv) > 3 and sys.argv[3][0] != "-" else 2e11
for seed in range(first, first + count):
    rng = np.random.default_rng(seed)
    n = 50 + seed % 13
    A = plate(n, scale, rng).tolil()
    g = np.zeros((n, n))
    g[-1] = 1e-3 * (1 + rng.random(n))
    for row in [*range(n), *range(n * n - n, n * n)]:
        A.rows[row], A.data[row] = [row], [1.0]
    A = A.tocsr()
    exact = spla.spsolve(A.tocsc(), g.ravel())
    M = PETSc.Mat().createAIJ(A.shape, csr=(A.indptr.astype("i4"), A.indices.astype("i4"), A.data))
    M.assemble()
    b = PETSc.Vec().createWithArray(g.ravel())
    x = b.duplicate()
    ksp = PETSc.KSP().create()
    ksp.setOperators(M)
    ksp.setType("gmres")
    ksp.getPC().setType("jacobi")
    ksp.setTolerances(rtol=1e-6, max_it=20000)
    ksp.setFromOptions()
    ksp.solve(b, x)
    error = np.abs(x.getArray() - exact).max() / np.abs(exact).max()
    print(
        seed,
        n,
        ksp.getConvergedReason(),
        ksp.getIterationNumber(),
        f"error {error:.1e}",
        flush=True,
    )
    ksp.destroy()
