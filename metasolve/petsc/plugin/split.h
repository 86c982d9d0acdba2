/*
   split.h - rows of an operator that are split off, by their entry on the diagonal.

   PETSc splits a saddle point by the zeros on its diagonal. Elements that are stabilised have small entries there, of the other
   sign.
*/
#pragma once
#include "metasolve.h"

typedef struct {
  PetscInt positive, negative, zero;
} Diagonal;
typedef struct {        /* of a row, on average: entries beside the diagonal, in times of it */
  double others, alike; /* in columns of positive rows, of negative ones */
} Ties;

PetscErrorCode DiagonalCount(Mat, Diagonal *);       /* of the rows of this rank */
PetscErrorCode SplitMay(Mat, PetscBool *);           /* are there rows to split off? Collective */
PetscErrorCode SplitTies(Mat, Ties *);               /* of rows with a negative one. Collective */
PetscErrorCode SplitRows(PC, const Settings *, Mat); /* where PETSc finds none. Collective */
