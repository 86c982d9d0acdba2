/* due.h - whether the set-up of a PC is due, and may wait. */
#pragma once
#include "metasolve.h"

typedef enum {
  DUE_NOT,  /* nothing would be saved, or nobody may delay it */
  DUE_NOW,  /* the program calls functions that would not find it done, or how it calls is not seen */
  DUE_LATER /* it may wait */
} Due;

/* bare: the program has called PCSetUp() itself; setup: does one that waits. Collective */
PetscErrorCode DueOf(PC, PetscBool bare, PetscErrorCode (*setup)(PC), Due *);
