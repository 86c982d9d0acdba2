/*
   sight.h - does the program look at a vector? What reads entries through PETSc is noticed, and may be brought first. What reads
   them through a pointer of its own, or through another vector on the same memory, is not.
*/
#pragma once
#include "metasolve.h"

typedef struct _Sight Sight;
struct _Sight {
  Vec   x;
  void *context;
  PetscErrorCode (*bring)(void *context, PetscBool together); /* puts into x what is to be seen; together: all ranks are here */
  PetscBool seen, ours, noticed;                              /* on this rank; we look ourselves; x could be prepared */
  Sight    *before;                                           /* one monitor may solve another system, with monitors */
};

PetscErrorCode SightOpen(Sight *);
PetscErrorCode SightClose(Sight *);
PetscErrorCode SightTake(Sight *, PetscBool together); /* somebody looks */
