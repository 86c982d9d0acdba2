/* left.h - outermost solves that are left alone and have no line of their own: how many, by why. Told when the program ends. */
#pragma once
#include "metasolve.h"

void        LeftCount(KSP, PetscBool meant);   /* meant: its method is one that we act on */
const char *LeftKind(int i, PetscInt *solves); /* why, and how many; NULL: there are only i kinds */
