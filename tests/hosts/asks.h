/* What a program may ask of a preconditioner past KSPSetUp(): levels of multigrid, blocks. */
#ifndef ASKS_H
#define ASKS_H

#include <petscksp.h>

static inline PetscErrorCode AskSolver(const char *what, KSP ksp)
{
  PetscInt m, n;
  KSPType  type;
  Mat      A;

  PetscFunctionBeginUser;
  PetscCall(KSPGetType(ksp, &type));
  PetscCall(KSPGetOperators(ksp, &A, NULL));
  PetscCall(MatGetSize(A, &m, &n));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%s %s of %" PetscInt_FMT " rows\n", what, type, m));
  PetscFunctionReturn(0);
}

static inline PetscErrorCode AskLevels(PC pc)
{
  PetscReal grids, operators, norm;
  KSP       ksp;
  Mat       P;

  PetscFunctionBeginUser;
  PetscCall(PCMGGetGridComplexity(pc, &grids, &operators));
  PetscCall(PCMGGetSmoother(pc, 1, &ksp));
  PetscCall(AskSolver("smoother", ksp));
  PetscCall(PCMGGetCoarseSolve(pc, &ksp));
  PetscCall(AskSolver("coarse solver", ksp));
  PetscCall(PCMGGetInterpolation(pc, 1, &P));
  PetscCall(MatNorm(P, NORM_FROBENIUS, &norm));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "complexity %.6f interpolation %.6e\n", (double)operators, (double)norm));
  PetscFunctionReturn(0);
}

#endif
