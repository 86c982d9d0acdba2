/*
   prior.h - what candidates are expected to take on a system, learned from systems of many kinds before there was this program.

   A forest looks at the features and foresees, for each candidate (a joint choice of settings), the logarithm of the seconds of
   set-up and solve, and of a solve alone. How its trees differ says how sure that is. The file is made by metasolve/prior.
*/
#pragma once
#include "metasolve.h"

#define PRIOR_CANDIDATES 64
#define PRIOR_PARTS 23 /* of the trees, in turn, and one more, which says the same of all candidates: how slow this machine is */

typedef struct _Prior *Prior;
typedef enum { /* what is special about an operator: nothing, symmetric with a positive diagonal, zeros on the diagonal */
  NATURE_ANY,
  NATURE_SYMMETRIC,
  NATURE_SADDLE,
  NATURE_INDEFINITE /* symmetric, and no candidate asks for it */
} Nature;
typedef struct { /* natural logarithms of seconds */
  double total[PRIOR_CANDIDATES], solve[PRIOR_CANDIDATES];
  double apart[PRIOR_PARTS]
              [PRIOR_CANDIDATES]; /* what a part says of total beyond the mean; squares add up to the trees' variance */
} Forecast;

Prior          PolicyPrior(Policy); /* NULL: it has none */
Prior          PriorParse(char *data, size_t bytes, char *why,
                          size_t whylen); /* its last line comes after bytes; NULL: why says the reason */
void           PriorFree(Prior);
int            PriorCount(Prior);
const char    *PriorMark(Prior);                   /* the beginning of its digest */
int            PriorFind(Prior, const char *name); /* -1: it has none of this name */
const char    *PriorName(Prior, int candidate);
void           PriorForecast(Prior, const double features[], Forecast *);
void           PriorDearer(Prior, double dear, double usual, Forecast *); /* a product takes so long, instead of so long */
PetscErrorCode PriorOwn(Prior, KSP, int *candidate);                      /* that the program's settings are; -1: none */
int            PriorUsual(Prior, PetscBool direct);                       /* what PETSc does where nobody says anything */
/* several: of the matrix types that several ranks have. Here, with this PETSc, as far as is known */
PetscBool PriorPossible(Prior, int candidate, PetscBool several, Nature);
PetscBool PriorTransposes(Prior, int candidate); /* does it take the operator for its transpose, not for its adjoint? */
PetscBool PriorFactorises(Prior, int candidate);
void      PriorImpossible(Prior, int candidate, PetscBool several);
void      PriorSettings(Prior, int candidate, PetscBool several, Settings *);
