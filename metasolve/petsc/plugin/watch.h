/* watch.h - the program's own solve, given up where it seems to need too long. */
#pragma once
#include "host.h"
#include "pace.h"

typedef PetscErrorCode (*Patience)(KSP, void *, double *seconds);
typedef struct {
  Patience  look; /* NULL, or what says the patience where the one so far has been used up */
  void     *context;
  double    patience, left; /* seconds; iterations that still seemed to be needed */
  double    least;          /* seconds that it may take whatever it seems to need */
  Pace      pace;
  double    began;    /* ClockProcessor() */
  PetscBool given_up; /* before it had converged */
} Watch;

PetscErrorCode WatchSolve(KSP, Host *, Watch *); /* the program's test must be KSPConvergedDefault() where there is patience */
