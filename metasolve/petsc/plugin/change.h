/*
   change.h - how far an operator has moved since a preconditioner was made of it, seen in a sample of its rows.

   At least CHANGE_ROWS rows of all ranks are kept, and of many rows a share, spread evenly: a front that moves is in few of them.
   Looking at them again costs a small part of a solve. The change is the root of a sum: of two variances, of ln |a_ii now / a_ii
   then| over rows, and of ln |a_ij now / a_ij then| over entries beside the diagonal, each weighted with its size relative to the
   diagonal, or to the whole row where that is zero; and of what the means of both differ by, squared, as far as there is something
   beside the diagonal: a time step moves the one and not the other. Logarithms of complex numbers are complex. So a factor that the
   whole matrix gains is none, as a Krylov method sees none, while a wind that turns, or a front, is one.
*/
#pragma once
#include "metasolve.h"

#define CHANGE_ROWS    256 /* of all ranks, at least */
#define CHANGE_ENTRIES 64  /* of a row: the first ones */

typedef struct {
  PetscInt     rows, local, n; /* of the operator; rows that this rank has kept */
  PetscInt    *row, *begin;    /* (n) which, locally; (n + 1) where their entries begin */
  PetscInt    *col;            /* of entries: as the matrix stores them, those of the off-diagonal block as -1 - index */
  PetscScalar *val, *diagonal; /* diagonal: of the rows (n); 0 where there is none */
} Sampled;

PetscErrorCode SampledTake(Mat, Sampled *);                    /* collective, as the others */
PetscErrorCode SampledFits(Mat, const Sampled *, PetscBool *); /* are there as many rows on each rank? */
PetscErrorCode SampledChange(Mat, const Sampled *, double *);
PetscErrorCode SampledFree(Sampled *);
