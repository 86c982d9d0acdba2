/* left.h - outermost solves that are left alone and have no line of their own: how many, by why. Told when the program ends. */
#pragma once
#include "metasolve.h"

typedef enum {
  LEFT_DIRECT,
  LEFT_DIRECT_OFF,
  LEFT_ONCE,
  LEFT_METHOD,
  LEFT_TRANSPOSED,
  LEFT_PREFIX,
  LEFT_KINDS
} Left;

void        LeftCount(Left);
const char *LeftKind(int i, PetscInt *solves); /* why, and how many; NULL: there are only i kinds */
