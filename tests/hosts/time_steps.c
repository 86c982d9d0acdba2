static char help[] = "Implicit time steps in two phases: one constant operator, then values that change in place.\n\
  -n <n>, -constant_steps <count>, -changing_steps <count>\n\
  -set_operators <each|once>   call KSPSetOperators before every solve, or before the first only\n\n";

#include "host.h"

/* (shift + step-dependent anisotropic Laplacian), assembled into the same Mat */
static PetscErrorCode FillOperator(Mat A, PetscInt n, PetscInt change)
{
  PetscFunctionBeginUser;
  PetscCall(FillLaplacian(A, n, 1.0 + change, PETSC_FALSE));
  PetscCall(MatShift(A, 0.05 / (1.0 + change)));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  KSP       ksp;
  Mat       A;
  Vec       b, u;
  PetscInt  n = 32, constant = 3, changing = 4, step;
  char      when[16] = "each";
  PetscBool each;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-n", &n, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-constant_steps", &constant, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-changing_steps", &changing, NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-set_operators", when, sizeof(when), NULL));
  PetscCall(PetscStrcmp(when, "each", &each));

  PetscCall(CreateLaplacian(n, 1.0, PETSC_FALSE, &A));
  PetscCall(FillOperator(A, n, 0));
  PetscCall(MatCreateVecs(A, &u, &b));
  PetscCall(FillRightHandSide(u, 0));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetFromOptions(ksp));
  for (step = 0; step < constant + changing; step++) {
    if (step >= constant) PetscCall(FillOperator(A, n, step - constant + 1));
    if (each) PetscCall(KSPSetOperators(ksp, A, A));
    PetscCall(VecCopy(u, b));
    PetscCall(KSPSolve(ksp, b, u));
    PetscCall(Report(ksp, b, u));
  }
  PetscCall(KSPDestroy(&ksp));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&b));
  PetscCall(MatDestroy(&A));
  PetscCall(PetscFinalize());
  return 0;
}
