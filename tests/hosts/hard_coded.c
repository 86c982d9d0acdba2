static char help[] = "Poisson with every choice made in the code: KSPSetFromOptions is never called.\n\
  -n <n>, -solves <count>\n\n";

#include "host.h"

int main(int argc, char **argv)
{
  KSP      ksp;
  PC       pc;
  Mat      A;
  Vec      b, x;
  PetscInt n = 40, solves = 2, k;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-n", &n, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-solves", &solves, NULL));
  PetscCall(CreateLaplacian(n, 1.0, PETSC_FALSE, &A));
  PetscCall(MatCreateVecs(A, &x, &b));

  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetType(ksp, KSPCG));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCJACOBI));
  PetscCall(KSPSetTolerances(ksp, 1.e-7, PETSC_DEFAULT, PETSC_DEFAULT, 2000));
  PetscCall(KSPSetOperators(ksp, A, A));
  for (k = 0; k < solves; k++) {
    PetscCall(FillRightHandSide(b, k));
    PetscCall(KSPSolve(ksp, b, x));
    PetscCall(Report(ksp, b, x));
  }
  PetscCall(KSPDestroy(&ksp));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&b));
  PetscCall(MatDestroy(&A));
  PetscCall(PetscFinalize());
  return 0;
}
