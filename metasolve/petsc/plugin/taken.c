/*
   taken.c - the first solve of a KSP takes what lies on the shelf (shelf.c): of what serves, that of the nearest operator.

   Programs may solve with several operators in turn, each in a new KSP (predictor and corrector, velocity and pressure). What is of
   another sequence altogether is left there, as long as there is a place for one more.

   What is taken ranks agree on by the tag of its messages, which all ranks of a KSP have alike.
*/
#include "shelf.h"
#include "describe.h"
#include "spare.h"

#define PRESSURE 0.5 /* of the memory that there is to spare: where all that lies here has become more, nothing stays */
#define ANOTHER  1.  /* change of an operator: entries have changed by a factor e, and it is none of the sequence */

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

typedef struct {                                /* the least of all ranks */
  int tag, tag_below, lent, lent_below, serves; /* below: of the negative number; tag: 0 where there is none */
} Seat;
typedef struct {
  Seat seat[SHELF_PLACES];
  int  room;
} Agreement;

/* Have all ranks the same one? */
static PetscBool Same(const Seat *a)
{
  return (PetscBool)(a->tag && a->tag == -a->tag_below && a->lent == -a->lent_below);
}

/* What is there, and do all ranks see it? Collective. */
static PetscErrorCode Look(const Solve *s, Shelf there[SHELF_PLACES], Agreement *a)
{
  int n;

  PetscFunctionBegin;
  *a = (Agreement){.room = ShelfHeld(s->run->runner) <= PRESSURE * MemoryFree()};
  PetscCall(ShelfFind(s->run, PetscObjectComm((PetscObject)s->ksp), there, &n));
  for (int i = 0; i < n; i++) {
    const int tag = ((PetscObject)ShelfThere(there[i])->inner.ksp)->tag, lent = there[i]->owner != NULL;
    PetscBool serves;

    PetscCall(Serves(ShelfThere(there[i]), s, &serves));
    a->seat[i] = (Seat){.tag = tag, .tag_below = -tag, .lent = lent, .lent_below = -lent, .serves = serves};
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, a, sizeof *a / sizeof a->room, MPI_INT, MPI_MIN, PetscObjectComm((PetscObject)s->ksp)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -1: none serves, or all that do are of other sequences. Collective. */
static PetscErrorCode Nearest(const Solve *s, Shelf there[SHELF_PLACES], const Agreement *a, int *which)
{
  double change, least = a->seat[SHELF_PLACES - 1].tag ? INFINITY : ANOTHER;

  PetscFunctionBegin;
  *which = -1;
  for (int i = 0; i < SHELF_PLACES; i++) {
    if (!Same(&a->seat[i]) || !a->seat[i].serves) continue;
    PetscCall(SampledChange(s->op.P, &ShelfThere(there[i])->cycle.built, &change));
    if (!isless(change, least)) continue;
    least  = change;
    *which = i;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One that is lent is moved to the shelf, where it can do without its KSP. Collective. */
static PetscErrorCode Claim(const Solve *s, Shelf there[SHELF_PLACES], Agreement *a, int *which)
{
  const Seat chosen = a->seat[*which];

  PetscFunctionBegin;
  if (!chosen.lent) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ShelfPut(there[*which]->owner));
  PetscCall(Look(s, there, a));
  *which = -1;
  for (int i = 0; i < SHELF_PLACES; i++)
    if (Same(&a->seat[i]) && !a->seat[i].lent && a->seat[i].serves && a->seat[i].tag == chosen.tag) *which = i;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All ranks do. */
static PetscErrorCode TakeUp(Solve *s, Run *from)
{
  Run       *r = s->run;
  InnerState state;

  PetscFunctionBegin;
  ShelfMove(r, from);
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
  Shelf     there[SHELF_PLACES];
  int       which;

  PetscFunctionBegin;
  s->first = (PetscBool)!r->op.id;
  PetscCall(ShelfWithdraw(r));
  if (!s->first || KeepIsOff() || r->runner->trial || !r->runner->policy) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Look(s, there, &a));
  PetscCall(Nearest(s, there, &a, &which));
  if (which >= 0) PetscCall(Claim(s, there, &a, &which));
  if (which >= 0 && a.room) PetscCall(TakeUp(s, &there[which]->run));
  for (int i = 0; i < SHELF_PLACES; i++)
    if (Same(&a.seat[i]) && !a.seat[i].lent && (i == which || !a.room)) PetscCall(ShelfDrop(r->runner, there[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}
