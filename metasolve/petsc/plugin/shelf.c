/*
   shelf.c - what of an inner solver outlives its KSP, for the next one of its class.

   Programs that make a KSP for each solve would have each preconditioner built anew. When such a KSP goes, its inner solver lets go
   of all that is the program's and lies on a shelf, with what is known of it. The first solve of the next KSP takes it from there
   (taken.c). Then keep.c decides as if it were the same KSP. There are a few places for each class and group of ranks: where they
   are full, the oldest goes.

   Some programs forget their KSPs instead (petsc4py 3.18 destroys none that is only deleted). So one that has solved once offers
   what it has: the next KSP may take it. Should the first one solve again after that, it is set up again, and offers nothing.

   Ranks do not speak to each other while a KSP is destroyed. So what is put here, and in place of what, follows from what they have
   agreed on before.
*/
#include "shelf.h"
#include "spare.h"
#include <stdlib.h>

#define SHARE        0.125 /* of the memory that there is to spare: all that may be put here */
#define FACTOR_BYTES 16    /* of an entry, with its index */
#define MATRICES     6     /* as large as so many is what is no complete factor */

const Run *ShelfThere(const struct _Shelf *s)
{
  return s->owner ? s->owner : &s->run;
}

/* ---- memory ---- */
double ShelfHeld(const Runner *r)
{
  double bytes = 0;

  for (Shelf s = r->shelf; s; s = s->next) bytes += s->owner ? 0 : s->run.bytes;
  return bytes;
}

/* On all ranks, as one machine may have them all. */
static PetscErrorCode Bytes(const Solve *s, double *bytes)
{
  const PC    pc = s->run->inner.ksp->pc;
  PetscBool   whole;
  PetscMPIInt ranks;
  MatInfo     info;
  Mat         factor = s->op.P;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)s->ksp), &ranks));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)pc, &whole, PCLU, PCCHOLESKY, ""));
  if (whole) PetscCall(PCFactorGetMatrix(pc, &factor));
  PetscCall(MatGetInfo(factor, MAT_LOCAL, &info));
  *bytes = FACTOR_BYTES * info.nz_used * ranks * (whole ? 1 : MATRICES) + SpanBytes(s->op.rows);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A rank with several blocks cannot do without the matrix where others can: then nobody lets go. */
static PetscErrorCode Weigh(Solve *s)
{
  Run      *r = s->run;
  PetscBool may;
  int       light;

  PetscFunctionBegin;
  r->light = PETSC_FALSE;
  if (KeepIsOff() || r->runner->trial) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Bytes(s, &r->bytes));
  PetscCall(InnerMayLetGo(&r->inner, &may));
  light = may && r->bytes + ShelfHeld(r->runner) <= SHARE * MemoryFree();
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &light, 1, MPI_INT, MPI_MIN, PetscObjectComm((PetscObject)s->ksp)));
  r->light = (PetscBool)light;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- places ---- */
static PetscErrorCode Fits(const Run *there, const Run *r, MPI_Comm comm, PetscBool *yes)
{
  int how;

  PetscFunctionBegin;
  *yes = (PetscBool)(there->density == r->density && ClassNear(there->class, r->class));
  if (!*yes) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Comm_compare(PetscObjectComm((PetscObject)there->inner.ksp), comm, &how));
  *yes = (PetscBool)(how == MPI_IDENT || how == MPI_CONGRUENT);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ShelfFind(const Run *r, MPI_Comm comm, Shelf there[SHELF_PLACES], int *n)
{
  PetscBool fits;

  PetscFunctionBegin;
  *n = 0;
  for (Shelf s = r->runner->shelf; s && *n < SHELF_PLACES; s = s->next) {
    PetscCall(Fits(ShelfThere(s), r, comm, &fits));
    if (fits) there[(*n)++] = s;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ShelfDrop(Runner *r, Shelf s)
{
  Shelf *place = &r->shelf;

  PetscFunctionBegin;
  while (*place != s) place = &(**place).next;
  *place = s->next;
  if (s->owner) s->owner->offers = PETSC_FALSE;
  PetscCall(InnerDestroy(&s->run.inner));
  PetscCall(CycleFree(&s->run.cycle));
  PetscCall(SpanFree(&s->run.earlier.span));
  free(s);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ShelfClear(Runner *r)
{
  PetscFunctionBegin;
  while (r->shelf) PetscCall(ShelfDrop(r, r->shelf));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- put ---- */
/* In place of the oldest, where all are taken. *there NULL: there is no memory. */
static PetscErrorCode Place(const Run *r, Shelf *there)
{
  Shelf taken[SHELF_PLACES];
  int   n;

  PetscFunctionBegin;
  PetscCall(ShelfFind(r, PetscObjectComm((PetscObject)r->inner.ksp), taken, &n));
  if (n == SHELF_PLACES) PetscCall(ShelfDrop(r->runner, taken[n - 1]));
  *there = calloc(1, sizeof **there);
  if (!*there) PetscFunctionReturn(PETSC_SUCCESS);
  (*there)->next   = r->runner->shelf;
  r->runner->shelf = *there;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ShelfWithdraw(Run *r)
{
  Shelf s = r->runner->shelf;

  PetscFunctionBegin;
  while (r->offers && s && s->owner != r) s = s->next;
  if (r->offers && s) PetscCall(ShelfDrop(r->runner, s));
  r->offers = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ShelfOffer(Solve *s)
{
  Run  *r = s->run;
  Shelf there;

  PetscFunctionBegin;
  if (s->made && s->preconditioner != PRECONDITIONER_KEPT) PetscCall(Weigh(s));
  if (!r->light || !s->first) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Place(r, &there));
  if (there) there->owner = r;
  r->offers = (PetscBool)(there != NULL);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void ShelfMove(Run *to, Run *from)
{
  const Run mine = *to;

  *to           = *from;
  to->known     = mine.known;
  to->recorded  = mine.recorded;
  to->last      = mine.last;
  to->previous  = mine.previous;
  to->scales    = mine.scales;
  to->twin      = mine.twin;
  from->inner   = (Inner){0};
  from->cycle   = (Cycle){0};
  from->earlier = (Earlier){0};
}

PetscErrorCode ShelfPut(Run *r)
{
  PetscBool alone;
  Shelf     there;

  PetscFunctionBegin;
  PetscCall(ShelfWithdraw(r));
  if (!r->light || !r->inner.ksp || r->runner->ended) PetscFunctionReturn(PETSC_SUCCESS);
  r->light = PETSC_FALSE;
  PetscCall(InnerLetGo(&r->inner, &alone));
  if (!alone) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Place(r, &there));
  if (there) ShelfMove(&there->run, r);
  PetscFunctionReturn(PETSC_SUCCESS);
}
