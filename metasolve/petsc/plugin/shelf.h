/* shelf.h - the places where inner solvers lie that have outlived their KSP, or are offered by one: newest first. */
#pragma once
#include "runner.h"

#define SHELF_PLACES 3 /* for each class and group of ranks: programs that solve with several operators in turn */

struct _Shelf {
  Shelf next;
  Run   run;
  Run  *owner; /* whose KSP is there, and offers what it has; NULL: it is in `run` */
};

const Run     *ShelfThere(const struct _Shelf *);
double         ShelfHeld(const Runner *);                                           /* bytes that outlive their KSP */
PetscErrorCode ShelfFind(const Run *, MPI_Comm, Shelf there[SHELF_PLACES], int *n); /* what there is for a run of these ranks */
PetscErrorCode ShelfDrop(Runner *, Shelf);
PetscErrorCode ShelfWithdraw(Run *);          /* what a run has offered, it offers no more */
void           ShelfMove(Run *to, Run *from); /* not what belongs to the KSP, or to its matrix */
