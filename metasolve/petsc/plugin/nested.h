/*
   nested.h - what is asked of any matrix, and one whose blocks are matrices (MATNEST) does not answer itself.

   A program may change a block without a word to the matrix that it is in.
*/
#pragma once
#include "metasolve.h"

PetscErrorCode NestedMay(Mat, PetscBool *);                                           /* is it one of AIJ blocks? */
PetscErrorCode NestedEntries(Mat, MatInfoType, double *);                             /* that it stores, whatever it is */
PetscErrorCode NestedState(Mat, PetscObjectState *values, PetscObjectState *pattern); /* the same where nothing has changed */
