/*
   change.h - how far an operator has moved since a preconditioner was made of it, seen in a sample of its rows.

   About CHANGE_ROWS rows of all ranks are kept, spread evenly. Looking at them again costs microseconds. A factor that all of A
   has gained changes nothing for a Krylov method, so the diagonal is compared beside its mean, and rows relative to their diagonal.
*/
#pragma once
#include "metasolve.h"

#define CHANGE_ROWS    256 /* of all ranks */
#define CHANGE_ENTRIES 64  /* of a row: the first ones */

typedef struct {
  PetscInt  rows, local, n; /* of the operator; rows that this rank has kept */
  PetscInt *row, *begin;    /* (n) which, locally; (n + 1) where their entries begin */
  PetscInt *col;            /* of entries: as the matrix stores them, those of the off-diagonal block as -1 - index */
  double   *val;
} Sampled;
typedef struct {
  double diagonal; /* root mean square of how ln |a_ii| has moved, beside the mean */
  double rows;     /* the same of |a_i / a_ii - before|_2 / |before|_2, of the entries beside the diagonal */
} Change;

PetscErrorCode SampledTake(Mat, Sampled *);                    /* collective, as the others */
PetscErrorCode SampledFits(Mat, const Sampled *, PetscBool *); /* are there as many rows on each rank? */
PetscErrorCode SampledCompare(Mat, const Sampled *, Change *); /* a row whose pattern has changed has moved by 1 */
PetscErrorCode SampledFree(Sampled *);
