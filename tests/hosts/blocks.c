/*
   blocks.c - coupled convection and diffusion of several fields in a matrix of blocks, whose values change.

   -n <points a side>, -fields <number>, -solves <count>, -wind <strength> (0: symmetric), -mat_type aij, baij, sbaij, ...;
   -same: the matrix stays as it is after the first solve. Says what the matrix looks like at the end.
*/
#include "host.h"

typedef struct {
  PetscInt  n, fields;
  PetscReal wind;
} Case;

/* Each field has its own step in time, and the fields of one point are coupled. */
static PetscErrorCode Fill(Mat A, const Case *c, PetscInt step)
{
  const PetscInt  n = c->n, f = c->fields;
  const PetscReal value[5] = {4 + c->wind + 1.0 / (step + 1), -1 - c->wind, -1, -1, -1};
  const PetscInt  di[5] = {0, -1, 1, 0, 0}, dj[5] = {0, 0, 0, -1, 1};
  PetscInt        first, last;
  PetscScalar    *block;

  PetscFunctionBeginUser;
  PetscCall(MatZeroEntries(A));
  PetscCall(PetscMalloc1(f * f, &block));
  PetscCall(MatGetOwnershipRange(A, &first, &last));
  for (PetscInt row = first / f; row < last / f; row++) {
    for (int s = 0; s < 5; s++) {
      const PetscInt i = row % n + di[s], j = row / n + dj[s], col = j * n + i;

      if (i < 0 || j < 0 || i >= n || j >= n) continue;
      for (PetscInt k = 0; k < f * f; k++) block[k] = k % (f + 1) ? 0.1 * (s == 0) : value[s] + (s ? 0 : k / (f + 1));
      PetscCall(MatSetValuesBlocked(A, 1, &row, 1, &col, block, INSERT_VALUES));
    }
  }
  PetscCall(PetscFree(block));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

static PetscErrorCode Create(const Case *c, Mat *A)
{
  const PetscInt f = c->fields;
  PetscInt       rows = PETSC_DECIDE, N = c->n * c->n * f, *five;
  PetscBool      half;

  PetscFunctionBeginUser;
  PetscCall(MatCreate(PETSC_COMM_WORLD, A));
  PetscCall(PetscSplitOwnershipBlock(PETSC_COMM_WORLD, f, &rows, &N));
  PetscCall(MatSetSizes(*A, rows, rows, N, N));
  PetscCall(MatSetBlockSize(*A, f));
  PetscCall(MatSetFromOptions(*A));
  PetscCall(MatSetOptionsPrefix(*A, "mine_"));
  PetscCall(PetscMalloc1(rows / f, &five));
  for (PetscInt i = 0; i < rows / f; i++) five[i] = 5;
  PetscCall(MatXAIJSetPreallocation(*A, f, five, five, five, five));
  PetscCall(PetscFree(five));
  PetscCall(MatSetUp(*A));
  PetscCall(MatSetOption(*A, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)*A, &half, MATSEQSBAIJ, MATMPISBAIJ, ""));
  if (half) PetscCall(MatSetOption(*A, MAT_IGNORE_LOWER_TRIANGULAR, PETSC_TRUE));
  PetscFunctionReturn(0);
}

static PetscErrorCode Look(Mat A)
{
  const char *prefix;
  MatType     type;
  PetscReal   norm;

  PetscFunctionBeginUser;
  PetscCall(MatGetType(A, &type));
  PetscCall(MatGetOptionsPrefix(A, &prefix));
  PetscCall(MatNorm(A, NORM_FROBENIUS, &norm));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "matrix %s prefix %s norm %.12e\n", type, prefix ? prefix : "-", (double)norm));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  Case      c      = {.n = 24, .fields = 3, .wind = 1};
  PetscInt  solves = 3;
  PetscBool same   = PETSC_FALSE;
  Mat       A;
  Vec       b, x;
  KSP       ksp;

  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-n", &c.n, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-fields", &c.fields, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-wind", &c.wind, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-solves", &solves, NULL));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-same", &same, NULL));
  PetscCall(Create(&c, &A));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetOperators(ksp, A, A));
  PetscCall(KSPSetTolerances(ksp, 1e-6, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPSetFromOptions(ksp));
  for (PetscInt k = 0; k < solves; k++) {
    if (!k || !same) PetscCall(Fill(A, &c, k));
    if (!k) PetscCall(MatCreateVecs(A, &x, &b));
    PetscCall(FillRightHandSide(b, k));
    PetscCall(KSPSolve(ksp, b, x));
    PetscCall(Report(ksp, b, x));
  }
  PetscCall(Look(A));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&x));
  return PetscFinalize();
}
