/* foresee.c - what a forest has foreseen for one assembled AIJ matrix, told of the matrices that are there. */
#include "runner.h"
#include "split.h"
#include <math.h>

#define BLOCKS   0.6  /* of the seconds of the same on scalars */
#define ENDLESS  16   /* diagonal_range, where an entry is zero */
#define ROUNDED  -8   /* row_sum, where it is that of a singular operator */
#define TELLS    0.8  /* of how slow products are here, that all else is slower as well ... */
#define FARTHEST 2.5  /* ... of what is not taken for an accident, ln */
#define MIRRORED -8   /* log_asymmetry, where there is none */
#define TIED     1.1  /* times their own entries, what rows with a negative diagonal have beside it in a saddle point, ... */
#define APART    0.25 /* ... of all of which so much leads to others, ... */
#define FEWEST   0.1  /* ... and so many rows are such, ... */
#define MOST     0.6  /* ... at least and at most */

/* How many products a solve makes follows from what the forest foresees for one matrix. Assembled operators are as that one. */
static PetscErrorCode Dearer(Solve *s)
{
  Run      *r = s->run;
  PetscBool assembled;

  PetscFunctionBegin;
  PetscCall(MatIsRows(s->op.A, &assembled));
  if (assembled) PetscFunctionReturn(PETSC_SUCCESS);
  if (r->dear[0] == 0) PetscCall(ProductSeconds(s->op.A, s->op.P, s->ksp->vec_rhs, r->previous.work[1], r->dear));
  PriorDearer(PolicyPrior(r->policy), r->dear[0], r->dear[1], &r->forecast);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What works on blocks themselves, the program's own settings among them, is faster than the forest knows. */
static void Sooner(Solve *s)
{
  const Prior p = PolicyPrior(s->run->policy);
  Forecast   *f = &s->run->forecast;
  Settings    settings;
  Mat         A, P;

  for (int i = 0; i < PriorCount(p); i++) {
    PriorSettings(p, i, s->op.several, &settings);
    OperatorsFor(&s->op, &settings, &A, &P);
    if (P == s->op.P) continue;
    f->total[i] += log(BLOCKS);
    f->solve[i] += log(BLOCKS);
  }
}

/* A run finds out how slow its machine is from products with the first matrix of each class. Rank 0 says. Collective. */
static PetscErrorCode Slower(Solve *s)
{
  const Prior p = PolicyPrior(s->run->policy);
  Forecast   *f = &s->run->forecast;
  Class       c = s->class;
  double      slowness;
  PetscMPIInt rank;

  PetscFunctionBegin;
  if (ClockCounts()) PetscFunctionReturn(PETSC_SUCCESS); /* work is the same on any */
  PetscCallMPI(MPI_Comm_rank(PetscObjectComm((PetscObject)s->ksp), &rank));
  if (!rank && !c->timed) {
    if (ProductSlowness(s->op.P, &slowness)) slowness = 0; /* the others wait for what is said below */
    c->slowness = TELLS * fmin(fmax(slowness, -FARTHEST), FARTHEST);
    c->timed    = PETSC_TRUE;
  }
  slowness = c->slowness;
  PetscCallMPI(MPI_Bcast(&slowness, 1, MPI_DOUBLE, 0, PetscObjectComm((PetscObject)s->ksp)));
  for (int i = 0; i < PriorCount(p); i++) {
    f->total[i] += slowness;
    f->solve[i] += slowness;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of an operator whose product is another matrix's the program's own method says whether it is symmetric. */
static PetscErrorCode Symmetric(const Solve *s, const double features[], PetscBool *yes)
{
  PetscBool known, taken;

  PetscFunctionBegin;
  *yes = (PetscBool)(islessequal(features[METASOLVE_LOG_ASYMMETRY], MIRRORED) &&
                     islessequal(features[METASOLVE_NEGATIVE_DIAGONAL], 0));
  if (!*yes || !OperatorIsTwo(&s->op)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatIsSymmetricKnown(s->op.A, &known, yes));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)s->ksp, &taken, KSPCG, KSPFCG, KSPPIPECG, KSPGROPPCG, KSPCR, ""));
  *yes = (PetscBool)((known && *yes) || taken);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x'Ax < 0 for the smoothest vector: so it is where a wave is, for which no method for positive definite operators is made. */
static PetscErrorCode Indefinite(const Solve *s, const double features[], PetscBool *yes)
{
  const Vec   sums = s->run->previous.work[1];
  PetscScalar sum;
  PetscReal   all;

  PetscFunctionBegin;
  *yes = PETSC_FALSE;
  if (OperatorIsTwo(&s->op) || isless(features[METASOLVE_ROW_SUM], ROUNDED)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatGetRowSum(s->op.P, sums));
  PetscCall(VecSum(sums, &sum));
  PetscCall(VecNorm(sums, NORM_1, &all));
  *yes = (PetscBool)isless(PetscRealPart(sum), pow(10, ROUNDED) * -all);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* PETSc splits by the zeros on the diagonal of the operator, not of the matrix that preconditioners are made of. */
static PetscBool Saddle(const Solve *s, const double features[])
{
  const PetscBool zeros = (PetscBool)isgreaterequal(features[METASOLVE_DIAGONAL_RANGE], ENDLESS);

  return (PetscBool)(zeros && isgreater(features[METASOLVE_NEGATIVE_DIAGONAL], 0) && !OperatorIsTwo(&s->op));
}

/* The same of elements that are stabilised: small negative entries take the place of zeros, in one such row for a few others.
   Its ties outweigh its own entry, and many lead to these. Where few do it is the operator of a wave that is too short for the
   mesh, in a part of the domain; rows that their own entries dominate have changed their sign, and nothing else. */
static PetscErrorCode Stabilised(const Solve *s, const double features[], PetscBool *yes)
{
  const double    negative  = features[METASOLVE_NEGATIVE_DIAGONAL];
  const PetscBool symmetric = (PetscBool)islessequal(features[METASOLVE_LOG_ASYMMETRY], MIRRORED);
  Ties            ties;

  PetscFunctionBegin;
  *yes = (PetscBool)(symmetric && isgreater(negative, FEWEST) && isless(negative, MOST) && !OperatorIsTwo(&s->op));
  if (!*yes) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(SplitTies(s->op.P, &ties));
  *yes = (PetscBool)(isgreater(ties.others + ties.alike, TIED) && isgreater(ties.others, APART * (1 + ties.others + ties.alike)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A saddle point, say, that is preconditioned by blocks of its own: nothing that is seen of these tells how many iterations it
   takes. */
static PetscErrorCode Hidden(const Solve *s, PetscBool *yes)
{
  PetscBool rows;

  PetscFunctionBegin;
  *yes = PETSC_FALSE;
  if (!OperatorIsTwo(&s->op)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatIsRows(s->op.A, &rows));
  if (!rows) PetscCall(TwinMay(s->op.A, &rows));
  if (rows) PetscCall(SplitMay(s->op.A, yes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Iterative settings of a saddle point that work were made for it: PETSc's usual ones, which fail, say nothing of them. Nor is it
   known what these do where small entries take the place of zeros. */
static PetscBool Untold(const Solve *s, const double features[])
{
  const Run *r = s->run;

  if (r->hidden) return PETSC_TRUE;
  return (PetscBool)(r->nature == NATURE_SADDLE && s->contract.kind != CONTRACT_DIRECT &&
                     (r->own_candidate < 0 || !Saddle(s, features)));
}

/* wave: the operator is complex, and indefinite. hidden: it is indefinite, and another matrix is looked at. untold: what own
   settings take is not foreseen. */
PetscErrorCode ForeseeNature(Solve *s, const double features[])
{
  Run      *r = s->run;
  PetscBool symmetric, indefinite = PETSC_FALSE, saddle = Saddle(s, features);

  PetscFunctionBegin;
  PetscCall(Symmetric(s, features, &symmetric));
  r->wave = (PetscBool)(!r->previous.plain && islessequal(features[METASOLVE_NEGATIVE_DIAGONAL], 0));
  if (symmetric || r->wave) PetscCall(Indefinite(s, features, &indefinite));
  r->wave = (PetscBool)(r->wave && indefinite);
  if (!symmetric && !saddle) PetscCall(Stabilised(s, features, &saddle));
  if (symmetric) r->nature = indefinite ? NATURE_INDEFINITE : NATURE_SYMMETRIC;
  else r->nature = saddle ? NATURE_SADDLE : NATURE_ANY;
  PetscCall(Hidden(s, &r->hidden));
  r->untold = Untold(s, features);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what the forest is told ---- */
static PetscErrorCode WithZeros(Mat P, Mat *zeros)
{
  PetscScalar *entry;
  PetscInt     n;
  Vec          d;

  PetscFunctionBegin;
  PetscCall(MatDuplicate(P, MAT_COPY_VALUES, zeros));
  PetscCall(MatCreateVecs(P, NULL, &d));
  PetscCall(MatGetDiagonal(P, d));
  PetscCall(VecGetLocalSize(d, &n));
  PetscCall(VecGetArray(d, &entry));
  for (PetscInt i = 0; i < n; i++)
    if (isless(PetscRealPart(entry[i]), 0)) entry[i] = 0;
  PetscCall(VecRestoreArray(d, &entry));
  PetscCall(MatDiagonalSet(*zeros, d, INSERT_VALUES));
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* It has seen saddle points with zeros on their diagonal only. Without memory for such a one it is told what there is. */
static PetscErrorCode AsWithZeros(Solve *s, double features[])
{
  const KSP      ksp  = s->ksp;
  const MPI_Comm comm = PetscObjectComm((PetscObject)ksp);
  Previous       none = {0};
  PetscReal      rtol, abstol;
  Mat            zeros = NULL;
  int            failed;

  PetscFunctionBegin;
  ContractTolerances(ksp, &rtol, &abstol);
  PetscCall(PetscPushErrorHandler(PetscIgnoreErrorHandler, NULL));
  failed = WithZeros(s->op.P, &zeros) != 0;
  PetscCall(PetscPopErrorHandler());
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, comm));
  if (failed) {
    PetscCall(MatDestroy(&zeros));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(FeaturesCompute(zeros, ksp->vec_rhs, s->contract.bnorm, rtol, abstol, PETSC_FALSE, &none, features));
  PetscCallMPI(MPI_Bcast(features, METASOLVE_FEATURES, MPI_DOUBLE, 0, comm));
  PetscCall(PreviousFree(&none));
  PetscCall(MatDestroy(&zeros));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ForeseeHere(Solve *s, const double features[])
{
  const PetscBool small = (PetscBool)(s->run->nature == NATURE_SADDLE && !Saddle(s, features));
  double          told[METASOLVE_FEATURES];

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(told, features, METASOLVE_FEATURES));
  if (small) PetscCall(AsWithZeros(s, told));
  PriorForecast(PolicyPrior(s->run->policy), told, &s->run->forecast);
  PetscCall(Slower(s));
  if (s->op.P != s->op.given) Sooner(s);
  if (OperatorIsTwo(&s->op)) PetscCall(Dearer(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}
