/*
   census.h - whether the program calls functions of PETSc that look into a preconditioner past every hook.

   PCMGGetSmoother() and its like read what the set-up of a PC has made, and ask nobody. So the objects loaded into the process are
   searched for such names: a program can call only what one of its objects imports, in C or in Fortran. A name that is found says
   that the set-up of the kinds of PC it is about must not wait. petsc4py imports them all: its calls are led
   elsewhere (reroute.h). Programs that find functions by dlsym() are not seen, so nothing is expected of them.
*/
#pragma once
#include "metasolve.h"

/* Local. setup: has a waiting set-up done; several: ranks, where what would have it done may be called on one of them alone */
PetscBool CensusCalls(const char *function, PetscErrorCode (*setup)(PC)); /* one of the list: does an object import it? */
PetscBool CensusFinds(const char *type, PetscBool several, PetscErrorCode (*setup)(PC));
