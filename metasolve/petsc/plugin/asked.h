/*
   asked.h - functions composed with a PC that hand out what only its set-up makes: inner solvers, levels, operators.

   None of them calls PCSetUp(). While a set-up waits, each is replaced by one that lets it be done first.
*/
#pragma once
#include "metasolve.h"

typedef void (*Function)(void);
typedef enum { /* functions composed with a PC that hand out what only its set-up makes */
  ASKED_BJACOBI,
  ASKED_ASM,
  ASKED_GASM,
  ASKED_FIELDSPLIT,
  ASKED_TELESCOPE,
  ASKED_DEFLATION,
  ASKED_LEVELS,
  ASKED_INTERPOLATIONS,
  ASKED_OPERATORS,
  ASKED
} Place;
typedef struct {
  Function own[ASKED]; /* the PC's; NULL: it has none */
} Asked;

PetscErrorCode AskedReplace(PC, Asked *, PetscErrorCode (*setup)(PC)); /* setup must put them back */
PetscErrorCode AskedPutBack(PC, const Asked *);
