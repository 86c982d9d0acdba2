/*
   unread.h - options that a set-up would have read, had it not waited until the end.

   -options_left lists what nobody has asked for. A preconditioner that was never set up has not asked for the options of its inner
   solvers: they are asked for in its place, when it goes, or when PETSc is about to list them.
*/
#pragma once
#include "metasolve.h"

typedef struct _Unread Unread;
struct _Unread {      /* of a PC whose set-up waits */
  Unread *next, **at; /* at: where the pointer to it is; NULL: nothing waits */
  char    prefix[128], type[32];
};

PetscErrorCode UnreadKeep(PC, Unread *); /* its set-up waits from now on */
void           UnreadDrop(Unread *);     /* no more: the set-up will read what it reads */
PetscErrorCode UnreadAsk(Unread *);      /* it never comes */
