/*
   quiet.h - what is done in PETSc's name without a word of it.

   Between QuietBegin() and QuietEnd() errors are only returned, solvers made are not wrapped, -help and -options_monitor say
   nothing of ours, and the log is left as it was, also by an error in the midst of an event.
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
  int      *open, events, stage; /* how often each event of the log is, in its stage; NULL: nothing is logged */
  PetscBool deaf[2];             /* those that a set-up keeps out of the log meanwhile */
#endif
} Quiet;

PetscErrorCode QuietBegin(Quiet *);
PetscErrorCode QuietEnd(const Quiet *);
PetscErrorCode QuietPrint(FILE *, const char format[], va_list); /* prints nothing */
