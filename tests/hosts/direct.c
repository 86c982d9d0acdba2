/*
   direct.c - a program that solves directly, and reads what a program may read of a direct solve.

       direct [-size N] [-solves K] [-prefix P] [-MODE]...

   factor   asks for the factor after each solve     first   asks for it before there is one, as for options of a package
   block    several right-hand sides at once         setup   KSPSetUp() before the solve
   inertia  of the factor                            keep    one KSP for all systems, whose matrix changes
   twice    solves twice with each factor                      inplace with keep: KSPSetOperators() once
*/
#include <petscksp.h>
#include "host.h"

typedef struct {
  PetscInt  size, solves;
  char      prefix[32];
  PetscBool factor, first, block, setup, inertia, keep, twice, inplace;
} Asked;

static PetscErrorCode Read(Asked *a)
{
  PetscFunctionBeginUser;
  *a = (Asked){.size = 24, .solves = 3};
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-size", &a->size, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-solves", &a->solves, NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-prefix", a->prefix, sizeof a->prefix, NULL));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-factor", &a->factor));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-first", &a->first));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-block", &a->block));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-setup", &a->setup));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-inertia", &a->inertia));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-keep", &a->keep));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-twice", &a->twice));
  PetscCall(PetscOptionsHasName(NULL, NULL, "-inplace", &a->inplace));
  PetscFunctionReturn(0);
}

/* Diffusion on a square, the conductivity of the k-th system 1 + k on its upper half. */
static PetscErrorCode Fill(Mat A, PetscInt n, PetscInt k)
{
  PetscInt low, high;

  PetscFunctionBeginUser;
  PetscCall(MatGetOwnershipRange(A, &low, &high));
  for (PetscInt row = low; row < high; row++) {
    const PetscInt    i = row / n, j = row % n;
    const PetscScalar c = 2 * i >= n ? 1. + (double)k : 1.;
    PetscScalar       diagonal = 0.;
    const PetscInt    to[4]    = {i > 0 ? row - n : -1, i < n - 1 ? row + n : -1, j > 0 ? row - 1 : -1, j < n - 1 ? row + 1 : -1};
    for (int t = 0; t < 4; t++) {
      const PetscScalar other = to[t] >= 0 && 2 * (to[t] / n) >= n ? 1. + (double)k : 1.;
      const PetscScalar face  = to[t] >= 0 ? 2. * c * other / (c + other) : c;
      diagonal += face;
      if (to[t] >= 0) PetscCall(MatSetValue(A, row, to[t], -face, INSERT_VALUES));
    }
    PetscCall(MatSetValue(A, row, row, diagonal, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

static PetscErrorCode Error(Vec x, Vec exact, const char **how)
{
  PetscReal norm, of;

  PetscFunctionBeginUser;
  PetscCall(VecNorm(exact, NORM_INFINITY, &of));
  PetscCall(VecAXPY(x, -1., exact));
  PetscCall(VecNorm(x, NORM_INFINITY, &norm));
  *how = norm < 1e-10 * of ? "exact" : "WRONG";
  PetscFunctionReturn(0);
}

static PetscErrorCode One(KSP ksp, Vec b, Vec x, Vec exact)
{
  KSPConvergedReason reason;
  PetscInt           its;
  const char        *how;

  PetscFunctionBeginUser;
  PetscCall(KSPSolve(ksp, b, x));
  PetscCall(KSPGetConvergedReason(ksp, &reason));
  PetscCall(KSPGetIterationNumber(ksp, &its));
  PetscCall(Error(x, exact, &how));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "solve: %s %d %s\n", KSPConvergedReasons[reason], (int)its, how));
  PetscFunctionReturn(0);
}

static PetscErrorCode Block(KSP ksp, Mat A, Vec exact)
{
  Mat         X, B, Y;
  Vec         column;
  PetscReal   norm, of;
  PetscInt    local;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(exact, &local));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, local, PETSC_DECIDE, PETSC_DECIDE, 3, NULL, &X));
  for (PetscInt c = 0; c < 3; c++) {
    PetscCall(MatDenseGetColumnVecWrite(X, c, &column));
    PetscCall(VecCopy(exact, column));
    PetscCall(VecScale(column, 1. + (double)c));
    PetscCall(MatDenseRestoreColumnVecWrite(X, c, &column));
  }
  PetscCall(MatAssemblyBegin(X, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(X, MAT_FINAL_ASSEMBLY));
  PetscCall(MatMatMult(A, X, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &B));
  PetscCall(MatDuplicate(X, MAT_DO_NOT_COPY_VALUES, &Y));
  PetscCall(KSPMatSolve(ksp, B, Y));
  PetscCall(MatNorm(X, NORM_FROBENIUS, &of));
  PetscCall(MatAXPY(Y, -1., X, SAME_NONZERO_PATTERN));
  PetscCall(MatNorm(Y, NORM_FROBENIUS, &norm));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "block: %s\n", norm < 1e-10 * of ? "exact" : "WRONG"));
  PetscCall(MatDestroy(&X));
  PetscCall(MatDestroy(&B));
  PetscCall(MatDestroy(&Y));
  PetscFunctionReturn(0);
}

static PetscErrorCode Factor(KSP ksp, const Asked *a)
{
  PC       pc;
  Mat      F;
  PetscInt negative, zero, positive;
  MatInfo  info;

  PetscFunctionBeginUser;
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCFactorGetMatrix(pc, &F));
  if (a->inertia) {
    PetscCall(MatGetInertia(F, &negative, &zero, &positive));
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "inertia: %d %d %d\n", (int)negative, (int)zero, (int)positive));
  } else {
    PetscCall(MatGetInfo(F, MAT_GLOBAL_SUM, &info));
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "factor: %.0f\n", info.nz_used));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Make(Mat A, const Asked *a, KSP *ksp)
{
  PC  pc;
  Mat F;

  PetscFunctionBeginUser;
  PetscCall(KSPCreate(PETSC_COMM_WORLD, ksp));
  PetscCall(KSPSetOptionsPrefix(*ksp, a->prefix));
  PetscCall(KSPSetType(*ksp, KSPPREONLY));
  PetscCall(KSPGetPC(*ksp, &pc));
  PetscCall(PCSetType(pc, PCLU));
  PetscCall(KSPSetOperators(*ksp, A, A));
  PetscCall(KSPSetFromOptions(*ksp));
  if (a->first) {
    PetscCall(PCFactorSetUpMatSolverType(pc));
    PetscCall(PCFactorGetMatrix(pc, &F));
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "first: %s\n", F ? "a factor" : "none"));
  }
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  Asked a;
  Mat   A;
  Vec   x, b, exact;
  KSP   ksp = NULL;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCall(Read(&a));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, a.size * a.size, a.size * a.size, 5, NULL, 4, NULL, &A));
  PetscCall(MatCreateVecs(A, &x, &b));
  PetscCall(VecDuplicate(x, &exact));
  PetscCall(VecSet(exact, 1.));
  PetscCall(VecSetValue(exact, 0, 3., INSERT_VALUES));
  PetscCall(VecAssemblyBegin(exact));
  PetscCall(VecAssemblyEnd(exact));
  for (PetscInt k = 0; k < a.solves; k++) {
    PetscCall(Fill(A, a.size, k));
    PetscCall(MatMult(A, exact, b));
    if (!ksp) PetscCall(Make(A, &a, &ksp));
    if (a.keep && !a.inplace) PetscCall(KSPSetOperators(ksp, A, A));
    if (a.setup) PetscCall(KSPSetUp(ksp));
    PetscCall(One(ksp, b, x, exact));
    if (a.twice) PetscCall(One(ksp, b, x, exact));
    if (a.factor || a.inertia) PetscCall(Factor(ksp, &a));
    if (a.block) PetscCall(Block(ksp, A, exact));
    if (!a.keep) PetscCall(KSPDestroy(&ksp));
  }
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&exact));
  PetscCall(PetscFinalize());
  return 0;
}
