/*
   twin.h - an AIJ copy of a matrix that is stored in blocks, or in matrices: it is what is read, and of what preconditioners are
   made.

   It is made once, and updated when the values have changed. The program's own matrix is never touched.
*/
#pragma once
#include "metasolve.h"

typedef struct {
  Mat              aij;
  PetscObjectId    id; /* of the program's matrix, with the state of its values and that of its pattern */
  PetscObjectState state, pattern;
} Twin;

PetscErrorCode TwinMay(Mat, PetscBool *);     /* is it of a kind that is copied? */
PetscErrorCode TwinOf(Twin *, Mat, Mat *aij); /* borrowed; NULL: there is no memory for it. Collective */
PetscErrorCode TwinFree(Twin *);
