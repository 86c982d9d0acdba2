/*
   inner.h - the inner KSP: a fresh one under a private prefix, with the settings a model chose, on the program's own operator.

   For another operator its preconditioner is made anew (BUILT), or stays as it is (KEPT). PETSc's errors are caught, and all ranks
   learn of one. What failed in the middle of a solve is abandoned and not destroyed: parts of it may be on loan.
*/
#pragma once
#include "closer.h"
#include "limit.h"
#include "operator.h"

#define INNER_PREFIX "metasolve" /* what its options prefix begins with */

typedef struct {
  KSP         ksp;
  char        prefix[32]; /* options are under it; empty: there are none any more */
  Settings    settings;
  Operator    op;            /* that it is set up for */
  PetscBool   kept;          /* with a preconditioner that was made of an earlier one */
  PetscBool   guessed;       /* it has gone on from a guess */
  PetscBool   updated, anew; /* it was updated by the last set-up; the next one shall not */
  KSPNormType norm;          /* in which it carries its residual along */
} Inner;

typedef enum {
  INNER_OK,
  INNER_UNSOUND, /* the settings would raise an error on one rank, or not return (sound.h) */
  INNER_FAILED,  /* its preconditioner says so, on some rank */
  INNER_ERROR    /* PETSc has raised one, on some rank */
} InnerState;

PetscBool      InnerReady(const Inner *, const Settings *, const Operator *, KSPNormType); /* is it set up for these? */
PetscErrorCode InnerSetUp(Inner *, KSP host, const Settings *, const Operator *, KSPNormType, InnerState *);
PetscBool      InnerMayKeep(const Inner *, KSPNormType); /* has it a preconditioner that another operator might be solved with? */
PetscErrorCode InnerKeep(Inner *, KSP host, const Operator *, InnerState *); /* in place of InnerSetUp(), with the same settings */
void           InnerAnew(Inner *);
PetscErrorCode InnerAgree(KSP host, InnerState mine, InnerState *state); /* the worst that any rank has met. Collective */
PetscErrorCode InnerSolve(Inner *, KSP host, Vec x, Limits *, PetscInt max_it, PetscBool guess, InnerState *);
PetscErrorCode InnerCloseness(Inner *, KSP host, Vec r, PetscReal *part, InnerState *); /* of an answer: see CloserAsk() */
PetscErrorCode InnerForgetOptions(Inner *, char unused[64]); /* after the first solve: some are asked for only then */
PetscErrorCode InnerDestroy(Inner *);
PetscErrorCode InnerMayLetGo(const Inner *, PetscBool *may); /* of this rank: could it do without? Local */
PetscErrorCode InnerLetGo(Inner *, PetscBool *alone);        /* of all that is the program's; false: it cannot do without. Local */
PetscErrorCode InnerTakeUp(Inner *, KSP host, const Operator *, InnerState *); /* with these matrices from now on. Collective */
