static char help[] = "Three solves; the middle one has an unusual right-hand side.\n\
  -n <n>, -middle <good|nan|inf|zero>\n\n";

#include "host.h"

static PetscErrorCode Spoil(Vec b, const char kind[])
{
  PetscBool   nan, inf, zero;
  PetscScalar nothing = 0.0, bad;
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  PetscCall(PetscStrcmp(kind, "nan", &nan));
  PetscCall(PetscStrcmp(kind, "inf", &inf));
  PetscCall(PetscStrcmp(kind, "zero", &zero));
  if (zero) PetscCall(VecSet(b, 0.0));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  bad = nan ? nothing / nothing : 1.0 / nothing;
  if ((nan || inf) && rank == 0) PetscCall(VecSetValue(b, 1, bad, INSERT_VALUES)); /* one rank only */
  PetscCall(VecAssemblyBegin(b));
  PetscCall(VecAssemblyEnd(b));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  KSP      ksp;
  Mat      A;
  Vec      b, x;
  PetscInt n = 24, k;
  char     middle[16] = "good";

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-n", &n, NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-middle", middle, sizeof(middle), NULL));
  PetscCall(CreateLaplacian(n, 1.0, PETSC_FALSE, &A));
  PetscCall(MatCreateVecs(A, &x, &b));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetFromOptions(ksp));
  for (k = 0; k < 3; k++) {
    PetscCall(FillRightHandSide(b, k));
    if (k == 1) PetscCall(Spoil(b, middle));
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
