/* nested.c - the blocks of a matrix, one after the other. */
#include "nested.h"

typedef PetscErrorCode (*Visit)(Mat, void *);

/* Where it has none, it is its own. */
static PetscErrorCode ForBlocks(Mat A, Visit visit, void *context)
{
  PetscBool nested;
  PetscInt  rows, columns;
  Mat     **blocks;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATNEST, &nested));
  if (!nested) {
    PetscCall(visit(A, context));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(MatNestGetSubMats(A, &rows, &columns, &blocks));
  for (PetscInt i = 0; i < rows; i++)
    for (PetscInt j = 0; j < columns; j++)
      if (blocks[i][j]) PetscCall(visit(blocks[i][j], context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode IsRows(Mat block, void *all)
{
  PetscBool rows, made;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)block, &rows, MATSEQAIJ, MATMPIAIJ, ""));
  PetscCall(MatAssembled(block, &made));
  if (!rows || !made) *(PetscBool *)all = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NestedMay(Mat A, PetscBool *yes)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATNEST, yes));
  if (*yes) PetscCall(MatAssembled(A, yes));
  if (*yes) PetscCall(ForBlocks(A, IsRows, yes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  MatInfoType type;
  double      sum;
} Entries;

static PetscErrorCode AddEntries(Mat block, void *entries)
{
  Entries *e = (Entries *)entries;
  MatInfo  info;

  PetscFunctionBegin;
  PetscCall(MatGetInfo(block, e->type, &info));
  e->sum += info.nz_used;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NestedEntries(Mat A, MatInfoType type, double *entries)
{
  Entries e = {.type = type};

  PetscFunctionBegin;
  PetscCall(ForBlocks(A, AddEntries, &e));
  *entries = e.sum;
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  uint64_t values, pattern;
} States;

static uint64_t Mix(uint64_t h, uint64_t more)
{
  h = (h ^ more) * 0xbf58476d1ce4e5b9ULL;
  return h ^ h >> 31;
}

static PetscErrorCode AddStates(Mat block, void *states)
{
  States          *s = (States *)states;
  PetscObjectId    id;
  PetscObjectState values, pattern;

  PetscFunctionBegin;
  PetscCall(PetscObjectGetId((PetscObject)block, &id));
  PetscCall(PetscObjectStateGet((PetscObject)block, &values));
  PetscCall(MatGetNonzeroState(block, &pattern));
  s->values  = Mix(Mix(s->values, (uint64_t)id), (uint64_t)values);
  s->pattern = Mix(Mix(s->pattern, (uint64_t)id), (uint64_t)pattern);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NestedState(Mat A, PetscObjectState *values, PetscObjectState *pattern)
{
  PetscBool nested;
  States    s;

  PetscFunctionBegin;
  PetscCall(PetscObjectStateGet((PetscObject)A, values));
  PetscCall(MatGetNonzeroState(A, pattern));
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATNEST, &nested));
  if (!nested) PetscFunctionReturn(PETSC_SUCCESS);
  s = (States){(uint64_t)*values, (uint64_t)*pattern};
  PetscCall(ForBlocks(A, AddStates, &s));
  *values  = (PetscObjectState)s.values;
  *pattern = (PetscObjectState)s.pattern;
  PetscFunctionReturn(PETSC_SUCCESS);
}
