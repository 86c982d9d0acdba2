/*
   applied.h - the operations of a PC that use what its set-up makes.

   PCApply() and its like call PCSetUp(), and then the operation. Such a call of PCSetUp() looks like one of the program's, which
   may wait. So the operations are replaced meanwhile by ones that let it be done first.
*/
#pragma once
#include "metasolve.h"

typedef struct _PCOps Applied; /* the PC's own, all of them */

void AppliedReplace(PC, Applied *, PetscErrorCode (*setup)(PC)); /* setup must put them back */
void AppliedPutBack(PC, const Applied *);                        /* those that nobody has exchanged since */
