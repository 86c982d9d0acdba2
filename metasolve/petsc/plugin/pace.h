/* pace.h - how fast a residual norm falls, and how many more iterations a solve seems to need. */
#pragma once
#include "metasolve.h"

#define METASOLVE_MOMENTS 128

typedef struct {
  int    seen;
  double norm[METASOLVE_MOMENTS];
} Pace;

PetscBool PaceSee(Pace *, PetscInt it, PetscReal norm); /* is it time to look at how far the solve has come? */
double    PaceLeft(const Pace *, double target);        /* iterations that still seem to be needed, at the last such moment */
