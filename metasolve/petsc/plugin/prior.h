/*
   prior.h - what candidates are expected to take on a system, learned from systems of many kinds before there was this program.

   A forest looks at the features and foresees, for each candidate (a joint choice of settings), the logarithm of the seconds of
   set-up and solve, and of a solve alone. The spread over its trees says how sure that is. The file is made by metasolve/prior.
*/
#pragma once
#include "metasolve.h"

#define PRIOR_CANDIDATES 64

typedef struct _Prior *Prior;
typedef struct { /* natural logarithms of seconds; spread: standard deviation over the trees, of total - total of own settings */
  double total[PRIOR_CANDIDATES], solve[PRIOR_CANDIDATES], spread[PRIOR_CANDIDATES];
} Forecast;

Prior       PolicyPrior(Policy);                                            /* NULL: it has none */
Prior       PriorParse(char *data, size_t bytes, char *why, size_t whylen); /* without its last line; NULL: why says the reason */
void        PriorFree(Prior);
int         PriorCount(Prior);
int         PriorFind(Prior, const char *name); /* -1: it has none of this name */
const char *PriorName(Prior, int candidate);
void        PriorForecast(Prior, const double features[], int own, Forecast *);
PetscErrorCode PriorOwn(Prior, KSP, int *candidate); /* that the program's settings are; -1: none */
int            PriorUsual(Prior, PetscBool direct);  /* what PETSc does where nobody says anything */
/* several: of the matrix types that several ranks have. Here, with this PETSc, as far as is known */
PetscBool PriorPossible(Prior, int candidate, PetscBool several, PetscBool symmetric);
PetscBool PriorFactorises(Prior, int candidate);
void      PriorImpossible(Prior, int candidate, PetscBool several);
void      PriorSettings(Prior, int candidate, PetscBool several, Settings *);
