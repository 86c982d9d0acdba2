/*
   reroute.h - calls that petsc4py makes of functions which read what a set-up has made, and ask nobody.

   petsc4py imports all of these functions, whether a program calls them or not. So its imports are led to stand-ins of ours, which
   have a waiting set-up done first. Nothing else in the process is changed.
*/
#pragma once
#include "metasolve.h"

/* The slot of an import, of petsc4py's. guarded: it is read-only. False: the function is none of those, or it cannot be done */
PetscBool Reroute(const char *function, void **slot, PetscBool guarded, PetscErrorCode (*setup)(PC));
