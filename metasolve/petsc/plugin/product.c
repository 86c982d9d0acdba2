/* product.c - products with the program's operator that the program does not see. */
#include "product.h"
#include "clock.h"
#include "guard.h"
#include <math.h>
#include <petsc/private/snesimpl.h>
#include <petsc/private/vecimpl.h>

#define SHORTEST 1e-9 /* seconds that a clock may not show */
#define PRODUCTS 2    /* of which the shorter counts: the first one has to fetch the matrix */
/* Of a product on the machines that priors are measured on, in seconds: */
#define ENTRY 0.8e-9 /* for an entry of the matrix, where it stays in the cache, ... */
#define FAR   0.6e-9 /* ... and more where it does not: it has so ... */
#define MANY  1.5e6  /* ... many entries */
#define CLOCK 0.6e-6 /* and to look at the clock */

PetscErrorCode NormOf(Vec x, NormType type, PetscReal *norm)
{
  PetscFunctionBegin;
  PetscUseTypeMethod(x, norm, type, norm);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MatrixFree(Mat A, PetscBool *yes)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATMFFD, yes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProductsKeep(Mat A, Products *p)
{
  PetscBool differences;

  PetscFunctionBegin;
  *p = (Products){.A = A};
  PetscCall(MatrixFree(A, &differences));
  if (differences) PetscCall(MatSNESMFGetSNES(A, &p->snes));
  if (p->snes && ((PetscObject)p->snes)->classid != SNES_CLASSID) p->snes = NULL;
  if (!p->snes) PetscFunctionReturn(PETSC_SUCCESS);
  p->evaluations = p->snes->nfuncs;
  p->domain      = DomainError(p->snes);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The differences begin anew: the next product evaluates the function at their base, where it would have. */
PetscErrorCode ProductsPutBack(const Products *p)
{
  PetscBool differences = PETSC_FALSE;

  PetscFunctionBegin;
  if (p->A) PetscCall(MatrixFree(p->A, &differences));
  if (differences) PetscCall(MatMFFDResetHHistory(p->A));
  if (!p->snes) PetscFunctionReturn(PETSC_SUCCESS);
  p->snes->nfuncs      = p->evaluations;
  DomainError(p->snes) = p->domain;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Solvers that the product uses are inner ones. */
static PetscErrorCode Quietly(Mat A, Vec x, Vec y, PetscErrorCode *err)
{
  PetscFunctionBegin;
  MetasolveDepth++;
  PetscCall(PetscPushErrorHandler(PetscIgnoreErrorHandler, NULL));
  *err = MatMult(A, x, y);
  PetscCall(PetscPopErrorHandler());
  MetasolveDepth--;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NotANumber(Vec y)
{
  PetscInt     n;
  PetscScalar *all;

  PetscFunctionBegin;
  PetscCall(VecGetLocalSize(y, &n));
  PetscCall(VecGetArrayWrite(y, &all));
  for (PetscInt i = 0; i < n; i++) all[i] = NAN;
  PetscCall(VecRestoreArrayWrite(y, &all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A function of the program's may look up a table with what it is given: it is not given what is not finite. */
static PetscErrorCode Harmless(Mat A, Vec x, PetscBool *yes)
{
  PetscReal norm = 0;
  PetscBool assembled;

  PetscFunctionBegin;
  PetscCall(MatIsRows(A, &assembled));
  if (!assembled) PetscCall(NormOf(x, NORM_2, &norm));
  *yes = (PetscBool)isfinite(norm);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProductMake(Mat A, Vec x, Vec y)
{
  PetscErrorCode err      = PETSC_SUCCESS;
  PetscBool      harmless = PETSC_FALSE;
  Products       before;

  PetscFunctionBegin;
  PetscCall(Harmless(A, x, &harmless));
  PetscCall(ProductsKeep(A, &before));
  if (harmless) PetscCall(Quietly(A, x, y, &err));
  PetscCall(ProductsPutBack(&before));
  if (err || !harmless) PetscCall(NotANumber(y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProductNoise(Mat A, PetscReal *noise)
{
  PetscBool differences;

  PetscFunctionBegin;
  PetscCall(MatrixFree(A, &differences));
  *noise = differences ? PRODUCT_NOISE : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Without what others had of the processor. */
static PetscErrorCode Seconds(Mat A, Vec x, Vec y, double *seconds)
{
  const Turns  turns  = ClockTurns();
  const double before = ClockNow();
  double       taken;

  PetscFunctionBegin;
  PetscCall(ProductMake(A, x, y));
  taken    = ClockNow() - before;
  *seconds = fmax(taken * ClockShare(turns, taken), SHORTEST);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first one may have to find what it needs, and what it is a difference from. */
PetscErrorCode ProductSeconds(Mat A, Mat P, Vec x, Vec y, double seconds[2])
{
  const Mat both[2] = {A, P};
  double    first, second;

  PetscFunctionBegin;
  for (int i = 0; i < 2; i++) {
    PetscCall(Seconds(both[i], x, y, &first));
    PetscCall(Seconds(both[i], x, y, &second));
    seconds[i] = fmin(first, second);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the products of a matrix take there. */
static double Usual(Mat A)
{
  MatInfo info = {0};

  (void)MatGetInfo(A, MAT_LOCAL, &info);
  return CLOCK + info.nz_used * (ENTRY + FAR * fmin(info.nz_used / MANY, 1));
}

PetscErrorCode ProductSlowness(Mat P, double *slowness)
{
  double least = INFINITY, before;
  Mat    mine;
  Vec    x, y;

  PetscFunctionBegin;
  PetscCall(MatGetDiagonalBlock(P, &mine));
  PetscCall(MatCreateVecs(mine, &x, &y));
  PetscCall(VecSet(x, 1));
  for (int i = 0; i < PRODUCTS; i++) {
    before = ClockProcessor();
    PetscCall(MatMult(mine, x, y));
    least = fmin(least, ClockProcessor() - before);
  }
  *slowness = log(fmax(least, SHORTEST) / Usual(mine));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscFunctionReturn(PETSC_SUCCESS);
}
