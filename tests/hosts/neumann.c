static char help[] = "Pure Neumann problem: a singular operator with its constant null space attached.\n\
  -n <n>, -solves <count>, -vector_nullspace (give the constant as a vector)\n\n";

#include "host.h"

static PetscErrorCode AttachNullSpace(Mat A, Vec like, PetscBool as_vector)
{
  MatNullSpace space;
  Vec          one;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(like, &one));
  PetscCall(VecSet(one, 1.0));
  PetscCall(VecNormalize(one, NULL));
  PetscCall(MatNullSpaceCreate(PETSC_COMM_WORLD, (PetscBool)!as_vector, as_vector ? 1 : 0, &one, &space));
  PetscCall(MatSetNullSpace(A, space));
  PetscCall(MatNullSpaceDestroy(&space));
  PetscCall(VecDestroy(&one));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  KSP          ksp;
  Mat          A;
  Vec          b, x;
  MatNullSpace space;
  PetscReal    mean;
  PetscScalar  sum;
  PetscInt     n = 32, solves = 2, k;
  PetscBool    as_vector = PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-n", &n, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-solves", &solves, NULL));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-vector_nullspace", &as_vector, NULL));
  PetscCall(CreateLaplacian(n, 1.0, PETSC_TRUE, &A));
  PetscCall(MatCreateVecs(A, &x, &b));
  PetscCall(AttachNullSpace(A, x, as_vector));

  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetFromOptions(ksp));
  for (k = 0; k < solves; k++) {
    PetscCall(FillRightHandSide(b, k));
    PetscCall(MatGetNullSpace(A, &space));
    PetscCall(MatNullSpaceRemove(space, b)); /* the system has to be consistent */
    PetscCall(KSPSolve(ksp, b, x));
    PetscCall(Report(ksp, b, x));
    PetscCall(VecSum(x, &sum));
    mean = PetscAbsScalar(sum) / (n * n);
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "mean %.3e\n", (double)mean));
  }
  PetscCall(KSPDestroy(&ksp));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&b));
  PetscCall(MatDestroy(&A));
  PetscCall(PetscFinalize());
  return 0;
}
