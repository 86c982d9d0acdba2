/* canary.h - the program's own settings beside an answer that is not theirs. */
#pragma once
#include "runner.h"

typedef struct {            /* of a solve beside an answer */
  double    seconds, setup; /* setup: part of them */
  double    share;          /* of them: others did not take the processor */
  PetscBool good, failed;   /* failed: in an error, on some rank */
} Aside;
typedef PetscErrorCode (*LookAside)(Solve *, void *context, const Aside *);
PetscErrorCode CanarySolve(Solve *);                                    /* are own settings to solve as well? Collective */
PetscErrorCode CanaryMay(const Solve *, PetscBool *yes);                /* may they? */
PetscErrorCode CanaryAside(Solve *, LookAside, void *context, Aside *); /* they do, and a look is had at the KSP. Collective */
