/* closer.h - is an answer as close as the norm that the program itself stops on asks for? */
#pragma once
#include "measure.h"

PetscBool      CloserMay(KSP);                                /* does its preconditioner tell, and cost little? */
PetscErrorCode CloserAsk(KSP, Vec b, Vec r, PetscReal *part); /* r = b - A x: |M^-1 r|_2 / |M^-1 b|_2. Collective */

PETSC_EXTERN PetscErrorCode MetasolveCloser(KSP, Mat A, Vec b, Vec x, double *part);
