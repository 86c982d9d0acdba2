/* A system that is at fault on the last rank only: -fault none, zero_diagonal, singular_block, zero_row, nan, indefinite,
   missing_diagonal. Solved with whatever options say. */
#include <petscksp.h>

int main(int argc, char **argv)
{
  Mat                A;
  Vec                x, b;
  KSP                ksp;
  PetscInt           n = 300, begin, end, first;
  PetscMPIInt        rank, size;
  char               fault[32] = "none";
  PetscBool          is[7];
  const char *const  faults[]  = {"none", "zero_diagonal", "singular_block", "zero_row", "nan", "indefinite", "missing_diagonal"};
  KSPConvergedReason reason;

  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-fault", fault, sizeof fault, NULL));
  for (int i = 0; i < 7; i++) PetscCall(PetscStrcmp(fault, faults[i], &is[i]));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, n, n, 3, NULL, 2, NULL, &A));
  PetscCall(MatGetOwnershipRange(A, &begin, &end));
  first = rank == size - 1 ? begin : n; /* rows from here on are at fault */
  for (PetscInt i = begin; i < end; i++) {
    PetscScalar d = 2.1, o = -1;
    if (i >= first && is[1] && i % 10 == 5) d = 0;
    if (i >= first && is[2]) d = i == begin || i == end - 1 ? 1 : 2; /* a Laplacian with Neumann conditions: constants are its null space */
    if (i == first + 7 && is[3]) d = o = 0;
    if (i == first + 7 && is[4]) d = NAN;
    if (i >= first && is[5] && i % 3 == 0) d = -2.1;
    if (!(is[6] && i == first + 7)) PetscCall(MatSetValue(A, i, i, d, INSERT_VALUES));
    if (i && !(is[2] && i == first)) PetscCall(MatSetValue(A, i, i - 1, o, INSERT_VALUES));
    if (i < n - 1) PetscCall(MatSetValue(A, i, i + 1, o, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatCreateVecs(A, &x, &b));
  PetscCall(VecSet(b, 1));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetFromOptions(ksp));
  PetscCall(KSPSolve(ksp, b, x));
  PetscCall(KSPGetConvergedReason(ksp, &reason));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%s\n", KSPConvergedReasons[reason]));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&b));
  return PetscFinalize();
}
