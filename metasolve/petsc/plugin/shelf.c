/*
   shelf.c - what of an inner solver outlives its KSP, for the next one of its class.

   Programs that make a KSP for each solve would have each preconditioner built anew. When such a KSP goes, its inner solver lets go
   of all that is the program's and lies on a shelf, with what is known of it. The first solve of the next KSP takes it from there.
   Then keep.c decides as if it were the same KSP. There is one place for each class and group of ranks.

   Some programs forget their KSPs instead (petsc4py 3.18 destroys none that is only deleted). So one that has solved once offers
   what it has: the next KSP may take it. Should the first one solve again after that, it is set up again, and offers nothing.

   Ranks do not speak to each other while a KSP is destroyed. So what is put here, and in place of what, follows from what they have
   agreed on before. What is taken they agree on by the tag of its messages, which all ranks of a KSP have alike.
*/
#include "runner.h"
#include "describe.h"
#include "policy.h"
#include "spare.h"
#include <stdlib.h>
#include <string.h>

#define SHARE        0.125 /* of the memory that there is to spare: all that may be put here; ... */
#define PRESSURE     0.5   /* ... where it has become more of it than this, nothing stays */
#define FACTOR_BYTES 16    /* of an entry, with its index */
#define MATRICES     6     /* as large as so many is what is no complete factor */

struct _Shelf {
  Shelf next;
  Run   run;
  Run  *owner; /* whose KSP is there, and offers what it has; NULL: it is in `run` */
};

static const Run *There(const struct _Shelf *s)
{
  return s->owner ? s->owner : &s->run;
}

/* ---- memory ---- */
static double Held(const Runner *r)
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
  light = may && r->bytes + Held(r->runner) <= SHARE * MemoryFree();
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

/* Where what there is for a run of these ranks is linked. */
static PetscErrorCode Find(const Run *r, MPI_Comm comm, Shelf **place)
{
  PetscBool fits = PETSC_FALSE;

  PetscFunctionBegin;
  for (*place = &r->runner->shelf; **place; *place = &(**place)->next) {
    PetscCall(Fits(There(**place), r, comm, &fits));
    if (fits) break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Drop(Shelf *place)
{
  Shelf s = *place;

  PetscFunctionBegin;
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
  while (r->shelf) PetscCall(Drop(&r->shelf));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- put ---- */
/* In place of what is there. *there NULL: there is no memory. */
static PetscErrorCode Place(const Run *r, Shelf *there)
{
  Shelf *place;

  PetscFunctionBegin;
  PetscCall(Find(r, PetscObjectComm((PetscObject)r->inner.ksp), &place));
  if (*place) PetscCall(Drop(place));
  *there = calloc(1, sizeof **there);
  if (!*there) PetscFunctionReturn(PETSC_SUCCESS);
  (*there)->next   = r->runner->shelf;
  r->runner->shelf = *there;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a run has offered, it offers no more. */
static PetscErrorCode Withdraw(Run *r)
{
  PetscFunctionBegin;
  for (Shelf *place = &r->runner->shelf; r->offers && *place; place = &(*place)->next) {
    if ((*place)->owner != r) continue;
    PetscCall(Drop(place));
    break;
  }
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

/* Not what belongs to the KSP, or to its matrix. */
static void Move(Run *to, Run *from)
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
  PetscCall(Withdraw(r));
  if (!r->light || !r->inner.ksp || r->runner->ended) PetscFunctionReturn(PETSC_SUCCESS);
  r->light = PETSC_FALSE;
  PetscCall(InnerLetGo(&r->inner, &alone));
  if (!alone) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Place(r, &there));
  if (there) Move(&there->run, r);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- taken ---- */
/* Are the rows where they were? And the program's own settings what they were, where these are what was used? */
static PetscErrorCode Serves(const Run *there, const Solve *s, PetscBool *yes)
{
  const Sampled *built = &there->cycle.built;
  PetscInt       rows, local;
  Settings       own;

  PetscFunctionBegin;
  PetscCall(MatGetSize(s->op.P, &rows, NULL));
  PetscCall(MatGetLocalSize(s->op.P, &local, NULL));
  *yes = (PetscBool)(rows == built->rows && local == built->local);
  if (!*yes || there->candidate != POSTERIOR_LASTING) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DescribeInner(s->ksp, &own));
  *yes = SettingsSame(&own, &there->own);
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {                                      /* the least of all ranks */
  int tag, tag_below, lent, lent_below, serves, room; /* below: of the negative number; tag: 0 where there is none */
} Agreement;

/* Have all ranks the same one? */
static PetscBool Same(const Agreement *a)
{
  return (PetscBool)(a->tag && a->tag == -a->tag_below && a->lent == -a->lent_below);
}

/* What is there, and do all ranks see it? Collective. */
static PetscErrorCode Look(const Solve *s, Shelf **place, Agreement *a)
{
  PetscBool serves = PETSC_FALSE;
  Shelf     there;

  PetscFunctionBegin;
  *a = (Agreement){0};
  PetscCall(Find(s->run, PetscObjectComm((PetscObject)s->ksp), place));
  there = **place;
  if (there) {
    PetscCall(Serves(There(there), s, &serves));
    a->tag        = ((PetscObject)There(there)->inner.ksp)->tag;
    a->tag_below  = -a->tag;
    a->lent       = there->owner != NULL;
    a->lent_below = -a->lent;
    a->serves     = serves;
    a->room       = Held(s->run->runner) <= PRESSURE * MemoryFree();
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, a, sizeof *a / sizeof a->tag, MPI_INT, MPI_MIN, PetscObjectComm((PetscObject)s->ksp)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All ranks do. */
static PetscErrorCode TakeUp(Solve *s, Run *from)
{
  Run       *r = s->run;
  InnerState state;

  PetscFunctionBegin;
  Move(r, from);
  r->class = s->class;
  r->light = PETSC_TRUE;
  PetscCall(InnerTakeUp(&r->inner, s->ksp, &s->op, &state));
  if (state) PetscCall(InnerDestroy(&r->inner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ShelfTake(Solve *s)
{
  Run      *r = s->run;
  Agreement a;
  Shelf    *place;

  PetscFunctionBegin;
  s->first = (PetscBool)!r->op.id;
  PetscCall(Withdraw(r));
  if (!s->first || KeepIsOff() || r->runner->trial || !r->runner->policy) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Look(s, &place, &a));
  if (Same(&a) && a.lent && a.serves) {
    PetscCall(ShelfPut((*place)->owner));
    PetscCall(Look(s, &place, &a));
  }
  if (!Same(&a) || a.lent) PetscFunctionReturn(PETSC_SUCCESS);
  if (a.serves && a.room) PetscCall(TakeUp(s, &(*place)->run));
  if (a.serves || !a.room) PetscCall(Drop(place));
  PetscFunctionReturn(PETSC_SUCCESS);
}
