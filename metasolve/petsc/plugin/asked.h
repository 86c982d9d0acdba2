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
  ASKED_LOCAL_BLOCKS,
  ASKED_BLOCKS,
  ASKED_FIELDSPLIT,
  ASKED_SCHUR,
  ASKED_TELESCOPE,
  ASKED_TELESCOPE_DM,
  ASKED_DEFLATION,
  ASKED_DEFLATION_PC,
  ASKED_REDUNDANT,
  ASKED_REDUNDANT_OPERATORS,
  ASKED_GALERKIN,
  ASKED_KSP,
  ASKED_BJKOKKOS,
  ASKED_COMPOSITE,
  ASKED_DIAGONAL,
  ASKED_MARKERS,
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
