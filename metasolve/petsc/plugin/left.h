/* left.h - outermost solves that are left alone and have no line of their own: how many, by why. Told when the program ends. */
#pragma once
#include "metasolve.h"

void     LeftCount(KSP, PetscBool meant); /* meant: its method is one that we act on */
PetscInt LeftTotal(void);
void     LeftAdd(Text *); /* "left":{"direct solves":3}, as a member of a JSON object */
