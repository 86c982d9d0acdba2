static char help[] = "Two solvers in one program, with the options prefixes a_ and b_, used in turn.\n\
  -n <n>, -steps <count>\n\n";

#include "host.h"

int main(int argc, char **argv)
{
  KSP       ksp[2];
  Mat       A[2];
  Vec       b, x;
  PetscInt  n = 32, steps = 2, step, k;
  PetscReal kx[2] = {1.0, 50.0};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-n", &n, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-steps", &steps, NULL));
  for (k = 0; k < 2; k++) {
    PetscCall(CreateLaplacian(n, kx[k], PETSC_FALSE, &A[k]));
    PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp[k]));
    PetscCall(KSPSetOptionsPrefix(ksp[k], k ? "b_" : "a_"));
    PetscCall(KSPSetOperators(ksp[k], A[k], A[k]));
    PetscCall(KSPSetFromOptions(ksp[k]));
  }
  PetscCall(MatCreateVecs(A[0], &x, &b));
  for (step = 0; step < steps; step++) {
    PetscCall(FillRightHandSide(b, step));
    for (k = 0; k < 2; k++) {
      PetscCall(KSPSolve(ksp[k], b, x));
      PetscCall(Report(ksp[k], b, x));
      PetscCall(VecCopy(x, b));
    }
  }
  for (k = 0; k < 2; k++) {
    PetscCall(KSPDestroy(&ksp[k]));
    PetscCall(MatDestroy(&A[k]));
  }
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&b));
  PetscCall(PetscFinalize());
  return 0;
}
