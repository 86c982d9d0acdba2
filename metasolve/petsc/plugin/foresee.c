/* foresee.c - what a forest has foreseen for one assembled AIJ matrix, told of the matrices that are there. */
#include "runner.h"
#include <math.h>

#define BLOCKS 0.6 /* of the seconds of the same on scalars */

/* How many products a solve makes follows from what the forest foresees for one matrix. Assembled operators are as that one. */
static PetscErrorCode Dearer(Solve *s)
{
  Run      *r = s->run;
  PetscBool assembled;

  PetscFunctionBegin;
  PetscCall(MatIsRows(s->op.A, &assembled));
  if (assembled) PetscFunctionReturn(PETSC_SUCCESS);
  if (r->dear[0] == 0) PetscCall(ProductSeconds(s->op.A, s->op.P, s->ksp->vec_rhs, r->previous.work[1], r->dear));
  PriorDearer(PolicyPrior(r->runner->policy), r->dear[0], r->dear[1], &r->forecast);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What works on blocks themselves, the program's own settings among them, is faster than the forest knows. */
static void Sooner(Solve *s)
{
  const Prior p = PolicyPrior(s->run->runner->policy);
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

PetscErrorCode ForeseeHere(Solve *s)
{
  PetscFunctionBegin;
  if (s->op.P != s->op.given) Sooner(s);
  if (OperatorIsTwo(&s->op)) PetscCall(Dearer(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}
