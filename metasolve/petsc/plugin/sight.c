/* sight.c - notices who reads a vector, by standing in for what hands out its entries. */
#include "sight.h"
#include <petsc/private/vecimpl.h>

static Sight *latest = NULL;

static Sight *Of(Vec x)
{
  Sight *s = latest;

  while (s && s->x != x) s = s->before;
  return s;
}

PetscErrorCode SightTake(Sight *s, PetscBool together)
{
  PetscErrorCode err;

  PetscFunctionBegin;
  if (s->ours) PetscFunctionReturn(PETSC_SUCCESS);
  s->seen = PETSC_TRUE;
  s->ours = PETSC_TRUE;
  err     = s->bring(s->context, together);
  s->ours = PETSC_FALSE;
  PetscCall(err);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void PutBack(Vec x)
{
  x->ops->getarray     = NULL;
  x->ops->getarrayread = NULL;
}

/* A copy that the program has made of the vector meanwhile has these functions, too: nobody waits for it. */
static PetscErrorCode Taken(Vec x)
{
  Sight *s = Of(x);

  PetscFunctionBegin;
  if (s) PetscCall(SightTake(s, PETSC_FALSE));
  else PutBack(x);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode VecGetArray_Sight(Vec x, PetscScalar **a)
{
  PetscFunctionBegin;
  PetscCall(Taken(x));
  *a = *(PetscScalar **)x->data;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode VecGetArrayRead_Sight(Vec x, const PetscScalar **a)
{
  PetscFunctionBegin;
  PetscCall(Taken(x));
  *a = *(const PetscScalar **)x->data;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Types that have functions of their own for this keep their entries elsewhere (on a device, in parts): they are left alone. */
PetscErrorCode SightOpen(Sight *s)
{
  PetscFunctionBegin;
  s->noticed = (PetscBool)(s->x->petscnative && !s->x->ops->getarray && !s->x->ops->getarrayread);
  if (s->noticed) {
    s->x->ops->getarray     = VecGetArray_Sight;
    s->x->ops->getarrayread = VecGetArrayRead_Sight;
  }
  s->before = latest;
  latest    = s;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SightClose(Sight *s)
{
  PetscFunctionBegin;
  if (latest != s) PetscFunctionReturn(PETSC_SUCCESS); /* closed already */
  latest = s->before;
  if (s->noticed) PutBack(s->x);
  PetscFunctionReturn(PETSC_SUCCESS);
}
