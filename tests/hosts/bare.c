/*
   bare.c - a program that sets up a preconditioner of its own, before there is a solver for it.

       bare [-size N] [-solves K] [-MODE]...

   before     applies it before the solve            after    applies it after the solve
   transpose  applies its transpose, too             again    PCSetUp() twice
   change     the matrix changes between PCSetUp() and the solve
   alone      no solver at all                       reset    PCReset() and PCSetUp() again, before the solve
*/
#include "host.h"

typedef struct {
  PetscInt  size, solves;
  PetscBool before, after, transpose, again, change, alone, reset;
} Asked;

static PetscErrorCode Read(Asked *a)
{
  PetscFunctionBeginUser;
  *a = (Asked){.size = 40, .solves = 3};
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-size", &a->size, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-solves", &a->solves, NULL));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-before", &a->before));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-after", &a->after));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-transpose", &a->transpose));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-again", &a->again));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-change", &a->change));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-alone", &a->alone));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-reset", &a->reset));
  PetscFunctionReturn(0);
}

static PetscErrorCode Apply(PC pc, Vec b, Vec x, PetscBool transpose)
{
  PetscReal norm;

  PetscFunctionBeginUser;
  PetscCall(PCApply(pc, b, x));
  PetscCall(VecNorm(x, NORM_2, &norm));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "applied %.12e\n", (double)norm));
  if (!transpose) PetscFunctionReturn(0);
  PetscCall(PCApplyTranspose(pc, b, x));
  PetscCall(VecNorm(x, NORM_2, &norm));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "transposed %.12e\n", (double)norm));
  PetscFunctionReturn(0);
}

static PetscErrorCode Solve(Mat A, PC pc, Vec b, Vec x)
{
  KSP ksp;

  PetscFunctionBeginUser;
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetType(ksp, KSPCG));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetPC(ksp, pc));
  PetscCall(KSPSetTolerances(ksp, 1e-8, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPSetNormType(ksp, KSP_NORM_UNPRECONDITIONED));
  PetscCall(VecSet(x, 0.));
  PetscCall(KSPSolve(ksp, b, x));
  PetscCall(Report(ksp, b, x));
  PetscCall(KSPDestroy(&ksp));
  PetscFunctionReturn(0);
}

static PetscErrorCode One(Mat A, const Asked *a, Vec b, Vec x)
{
  PC pc;

  PetscFunctionBeginUser;
  PetscCall(PCCreate(PETSC_COMM_WORLD, &pc));
  PetscCall(PCSetOperators(pc, A, A));
  PetscCall(PCSetType(pc, PCGAMG));
  PetscCall(PCSetFromOptions(pc));
  PetscCall(PCSetUp(pc));
  if (a->again) PetscCall(PCSetUp(pc));
  if (a->reset) {
    PetscCall(PCReset(pc));
    PetscCall(PCSetOperators(pc, A, A));
    PetscCall(PCSetUp(pc));
  }
  if (a->change) PetscCall(FillLaplacian(A, a->size, 3., PETSC_FALSE));
  if (a->before) PetscCall(Apply(pc, b, x, a->transpose));
  if (!a->alone) PetscCall(Solve(A, pc, b, x));
  if (a->after) PetscCall(Apply(pc, b, x, a->transpose));
  PetscCall(PCDestroy(&pc));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  Asked a;
  Mat   A;
  Vec   x, b;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCall(Read(&a));
  PetscCall(CreateLaplacian(a.size, 1., PETSC_FALSE, &A));
  PetscCall(MatCreateVecs(A, &x, &b));
  for (PetscInt k = 0; k < a.solves; k++) {
    PetscCall(FillLaplacian(A, a.size, 1. + (double)k, PETSC_FALSE));
    PetscCall(FillRightHandSide(b, k));
    PetscCall(One(A, &a, b, x));
  }
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&b));
  PetscCall(MatDestroy(&A));
  PetscCall(PetscFinalize());
  return 0;
}
