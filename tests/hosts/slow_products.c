/* One system, on what looks like a slow machine: each rank makes the product with its own part of the operator -times (1) times. */
#include "host.h"

static PetscErrorCode (*product)(Mat, Vec, Vec);
static PetscInt times = 1;

static PetscErrorCode Slow(Mat A, Vec x, Vec y)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < times; i++) PetscCall(product(A, x, y));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  Mat A, mine;
  Vec x, b;
  KSP ksp;

  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-times", &times, NULL));
  PetscCall(CreateLaplacian(60, 1.0, PETSC_FALSE, &A));
  PetscCall(MatGetDiagonalBlock(A, &mine));
  PetscCall(MatGetOperation(mine, MATOP_MULT, (void (**)(void)) & product));
  PetscCall(MatSetOperation(mine, MATOP_MULT, (void (*)(void))Slow));
  PetscCall(MatCreateVecs(A, &x, &b));
  PetscCall(FillRightHandSide(b, 0));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetFromOptions(ksp));
  PetscCall(KSPSolve(ksp, b, x));
  PetscCall(Report(ksp, b, x));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&b));
  PetscCall(PetscFinalize());
  return 0;
}
