/*
   quiet.h - what is done in PETSc's name without a word of it.

   Between QuietBegin() and QuietEnd() errors are only returned, solvers made are not wrapped, -help and -options_monitor say
   nothing of ours, and no event is logged that an error would leave open.
*/
#pragma once
#include "metasolve.h"

typedef struct { /* what there was before */
  int depth;
  PetscErrorCode (*help)(MPI_Comm, const char[], ...);
  PetscErrorCode (*print)(FILE *, const char[], va_list);
#if PETSC_VERSION_LT(3, 20, 0)
  PetscErrorCode (*begin)(PetscLogEvent, int, PetscObject, PetscObject, PetscObject, PetscObject);
  PetscErrorCode (*end)(PetscLogEvent, int, PetscObject, PetscObject, PetscObject, PetscObject);
#endif
} Quiet;

PetscErrorCode QuietBegin(Quiet *);
PetscErrorCode QuietEnd(const Quiet *);
PetscErrorCode QuietPrint(FILE *, const char format[], va_list); /* prints nothing */
