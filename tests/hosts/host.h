/* What every C host here shares: a five-point Laplacian and the line printed after each solve. */
#ifndef HOST_H
#define HOST_H

#include <petscksp.h>

/* The 2D five-point operator on n x n points with x-coefficient kx, distributed by rows.
   `neumann` leaves the constant in its kernel. Values are inserted, so A may be filled again. */
static inline PetscErrorCode FillLaplacian(Mat A, PetscInt n, PetscReal kx, PetscBool neumann)
{
  PetscInt first, last, row, s, di[4] = {0, -1, 1, 0}, dj[4] = {-1, 0, 0, 1};

  PetscFunctionBeginUser;
  PetscCall(MatGetOwnershipRange(A, &first, &last));
  for (row = first; row < last; row++) {
    PetscScalar diagonal = 0.0;

    for (s = 0; s < 4; s++) {
      PetscInt    i = row % n + di[s], j = row / n + dj[s];
      PetscScalar k      = di[s] ? kx : 1.0;
      PetscBool   inside = (PetscBool)(i >= 0 && j >= 0 && i < n && j < n);

      if (inside) PetscCall(MatSetValue(A, row, j * n + i, -k, INSERT_VALUES));
      if (inside || !neumann) diagonal += k;
    }
    PetscCall(MatSetValue(A, row, row, diagonal, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

static inline PetscErrorCode CreateLaplacian(PetscInt n, PetscReal kx, PetscBool neumann, Mat *A)
{
  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, n * n, n * n, 5, NULL, 2, NULL, A));
  PetscCall(FillLaplacian(*A, n, kx, neumann));
  PetscFunctionReturn(0);
}

/* A smooth right-hand side that depends on `step`, the same on any number of ranks. */
static inline PetscErrorCode FillRightHandSide(Vec b, PetscInt step)
{
  PetscInt first, last, i, size;

  PetscFunctionBeginUser;
  PetscCall(VecGetSize(b, &size));
  PetscCall(VecGetOwnershipRange(b, &first, &last));
  for (i = first; i < last; i++) PetscCall(VecSetValue(b, i, 1.0 + PetscSinReal((step + 1) * 7.0 * i / size), INSERT_VALUES));
  PetscCall(VecAssemblyBegin(b));
  PetscCall(VecAssemblyEnd(b));
  PetscFunctionReturn(0);
}

/* Prints `solve <k> reason <r> iterations <i> residual <relative> norm <solution> prefix <p>`. */
static inline PetscErrorCode Report(KSP ksp, Vec b, Vec x)
{
  static int         solve = 0;
  const char        *prefix;
  KSPConvergedReason reason;
  Mat                A;
  Vec                r;
  PetscInt           its;
  PetscReal          rnorm, bnorm, xnorm;

  PetscFunctionBeginUser;
  PetscCall(KSPGetOptionsPrefix(ksp, &prefix));
  PetscCall(KSPGetConvergedReason(ksp, &reason));
  PetscCall(KSPGetIterationNumber(ksp, &its));
  PetscCall(KSPGetOperators(ksp, &A, NULL));
  PetscCall(VecDuplicate(b, &r));
  PetscCall(MatMult(A, x, r));
  PetscCall(VecAYPX(r, -1.0, b));
  PetscCall(VecNorm(r, NORM_2, &rnorm));
  PetscCall(VecNorm(b, NORM_2, &bnorm));
  PetscCall(VecNorm(x, NORM_2, &xnorm));
  PetscCall(VecDestroy(&r));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "solve %d reason %d iterations %" PetscInt_FMT " residual %.6e norm %.10e prefix %s\n", solve++, (int)reason, its, (double)(bnorm > 0.0 ? rnorm / bnorm : rnorm), (double)xnorm, prefix ? prefix : "-"));
  PetscFunctionReturn(0);
}

#endif
