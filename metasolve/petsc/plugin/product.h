/*
   product.h - products with the program's operator, whatever that is: they may be residual evaluations of the program's own.

   SNES counts the evaluations of a matrix-free Jacobian against -snes_max_funcs. The products of the iterations that answer are
   counted, as those of the program's own settings would be. All others are ours: those that verify an answer, those of an attempt
   that was undone, those whose time is taken. What they leave behind in SNES is put back.
*/
#pragma once
#include "metasolve.h"
#include <petscsnes.h>

#define PRODUCT_NOISE 1e-7 /* relative: of differences of a function that is exact to rounding */

typedef struct {
  Mat       A;
  SNES      snes; /* which counts its products; NULL: nobody does. Borrowed */
  PetscInt  evaluations;
  PetscBool domain; /* the last of them was outside the function's domain */
} Products;

/* Norms of the program's vectors, left without a trace in them: PETSc keeps a norm it has computed, and copies it on. */
PetscErrorCode NormOf(Vec, NormType, PetscReal *norm);

PetscErrorCode ProductsKeep(Mat, Products *);
PetscErrorCode ProductsPutBack(const Products *);
PetscErrorCode ProductMake(Mat, Vec x, Vec y); /* of ours. An error of the program's makes y not a number. Collective */
PetscErrorCode ProductNoise(Mat, PetscReal *); /* relative to its size; 0: it is exact to rounding */
/* Of a product with A and of one with P, on this rank, above 0. y: overwritten. Collective. */
PetscErrorCode ProductSeconds(Mat A, Mat P, Vec x, Vec y, double seconds[2]);
/* How much longer a product with this rank's part of P takes than it did where the prior was measured, ln. Local. */
PetscErrorCode ProductSlowness(Mat P, double *slowness);
