/* newton.h - nonlinear solves: recorded, or started nearer to their solution. */
#pragma once
#include "host.h"

typedef enum {
  NEWTON_RECORD,
  NEWTON_RUN
} NewtonMode;

PetscErrorCode NewtonWrapConstructors(Session *, NewtonMode); /* from now on, all that the program makes; the session outlives them */
