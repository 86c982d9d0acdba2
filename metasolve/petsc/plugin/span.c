/* span.c - a start from the last solutions. */
#include "span.h"
#include "product.h"
#include <math.h>

#define NEW 1e-10 /* of an image, apart from those before it: otherwise it is the same but for rounding */

/* ---- vectors that refer to nothing of the program's ---- */
static PetscErrorCode Make(Vec like, Vec *made)
{
  PetscInt rows, local;

  PetscFunctionBegin;
  if (*made) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetSize(like, &rows));
  PetscCall(VecGetLocalSize(like, &local));
  PetscCall(VecCreate(PetscObjectComm((PetscObject)like), made));
  PetscCall(VecSetSizes(*made, local, rows));
  PetscCall(VecSetType(*made, ((PetscObject)like)->type_name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

double SpanBytes(PetscInt rows)
{
  return (double)(SPAN_RECENT + 1 + 2 * SPAN_MOST) * (double)rows * (double)sizeof(PetscScalar);
}

PetscErrorCode SpanFits(const Span *s, Vec b, Vec x, PetscBool *yes)
{
  PetscBool plain;
  PetscInt  rows[2], local[2];

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)x, yes, VECSEQ, VECMPI, ""));
  PetscCall(PetscObjectTypeCompare((PetscObject)b, ((PetscObject)x)->type_name, &plain));
  *yes = (PetscBool)(*yes && plain);
  if (!*yes || !s->have) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetSize(x, &rows[0]));
  PetscCall(VecGetSize(s->recent[0], &rows[1]));
  PetscCall(VecGetLocalSize(x, &local[0]));
  PetscCall(VecGetLocalSize(s->recent[0], &local[1]));
  *yes = (PetscBool)(rows[0] == rows[1] && local[0] == local[1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SpanFree(Span *s)
{
  PetscFunctionBegin;
  for (int i = 0; i < SPAN_RECENT; i++) PetscCall(VecDestroy(&s->recent[i]));
  PetscCall(VecDestroy(&s->correction));
  for (int i = 0; i < SPAN_MOST; i++) PetscCall(VecDestroy(&s->basis[i]));
  for (int i = 0; i < SPAN_MOST; i++) PetscCall(VecDestroy(&s->image[i]));
  *s = (Span){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SpanKeep(Span *s, Vec x, PetscReal asked)
{
  const Vec oldest = s->recent[SPAN_RECENT - 1];

  PetscFunctionBegin;
  for (int i = SPAN_RECENT - 1; i > 0; i--) s->recent[i] = s->recent[i - 1];
  s->recent[0] = oldest;
  PetscCall(Make(x, &s->recent[0]));
  PetscCall(VecCopy(x, s->recent[0]));
  s->have  = PetscMin(s->have + 1, SPAN_RECENT);
  s->asked = asked;
  if (s->projected) PetscCall(VecAYPX(s->correction, -1, x));
  else s->lags = PETSC_TRUE;
  s->corrected = s->projected;
  s->projected = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- a basis ---- */
/* r becomes b - A x with its rows weighted; b may be NULL. */
static PetscErrorCode Image(const Judge *j, Vec b, Vec x, Vec r)
{
  PetscFunctionBegin;
  PetscCall(ProductMake(j->A, x, r));
  if (b) PetscCall(VecAYPX(r, -1, b));
  if (j->measure == MEASURE_ROWS) PetscCall(VecPointwiseMult(r, r, j->scales->rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x, less another one. Where that is nearly the same it is what is left that must be multiplied: rounding would grow otherwise.
   made: the norm of the image. */
static PetscErrorCode Add(Span *s, const Judge *j, Vec x, Vec less, PetscReal *made)
{
  PetscScalar along[SPAN_MOST];
  PetscReal   norm, left;
  Vec        *y = &s->basis[s->n], *image = &s->image[s->n];

  PetscFunctionBegin;
  *made = 0;
  PetscCall(Make(x, y));
  PetscCall(Make(x, image));
  PetscCall(VecCopy(x, *y));
  if (less) PetscCall(VecAXPY(*y, -1, less));
  PetscCall(NormOf(*y, NORM_2, &norm));
  if (!isgreater(norm, 0)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Image(j, NULL, *y, *image));
  PetscCall(NormOf(*image, NORM_2, &norm));
  if (!isgreater(norm, 0) || !isfinite(norm)) PetscFunctionReturn(PETSC_SUCCESS);
  *made = norm;
  if (s->n) {
    PetscCall(VecMDot(*image, s->n, s->image, along));
    for (int i = 0; i < s->n; i++) along[i] = -along[i];
    PetscCall(VecMAXPY(*image, s->n, along, s->image));
    PetscCall(VecMAXPY(*y, s->n, along, s->basis));
  }
  PetscCall(NormOf(*image, NORM_2, &left));
  if (!isgreater(left, NEW * norm)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecScale(*image, 1 / left));
  PetscCall(VecScale(*y, 1 / left));
  s->n++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Renew(Span *s, const Judge *j, const Operator *op, PetscReal *newest)
{
  PetscReal made;

  PetscFunctionBegin;
  s->n       = 0;
  s->op      = *op;
  s->measure = j->measure;
  for (int i = 0; i < s->have; i++) {
    PetscCall(Add(s, j, s->recent[i], i ? s->recent[i - 1] : NULL, &made));
    if (!i) *newest = made;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Products with what is no matrix are taken anew: nobody says when it changes. */
PetscErrorCode SpanPrepare(Span *s, const Judge *j, const Operator *op, PetscReal *less)
{
  const PetscBool same = (PetscBool)(OperatorSame(&s->op, op) && !OperatorIsTwo(op) && s->measure == j->measure);
  PetscReal       made = 0;

  PetscFunctionBegin;
  if (!same || s->lags || (s->corrected && s->n == SPAN_MOST)) PetscCall(Renew(s, j, op, &made));
  else if (s->corrected) PetscCall(Add(s, j, s->correction, NULL, &made));
  *less   = !same && isgreater(made, 0) ? s->asked / made : 1;
  s->lags = s->corrected = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- projected ---- */
PetscErrorCode SpanProject(Span *s, const Judge *j, PetscBool zero, PetscReal enough, Vec x, PetscReal *before, PetscReal *after)
{
  const PetscBool as_it_is = (PetscBool)(zero && j->measure != MEASURE_ROWS);
  PetscScalar     along[SPAN_MOST];
  PetscReal       part = 0;
  Vec             r    = as_it_is ? j->b : NULL;

  PetscFunctionBegin;
  *before = *after = NAN;
  if (!s->n) PetscFunctionReturn(PETSC_SUCCESS);
  if (!as_it_is) PetscCall(Make(x, &r));
  if (!as_it_is && !zero) PetscCall(Image(j, j->b, x, r));
  else if (!as_it_is) PetscCall(VecPointwiseMult(r, j->b, j->scales->rows));
  PetscCall(NormOf(r, NORM_2, before));
  PetscCall(VecMDot(r, s->n, s->image, along));
  if (!as_it_is) PetscCall(VecDestroy(&r));
  for (int i = 0; i < s->n; i++) { /* of the whole: squares of their own might overflow */
    const PetscReal share = PetscAbsScalar(along[i]) / *before;
    part += share * share;
  }
  *after = *before * sqrt(fmax(1 - part, 0));
  if (isless(*after, enough * *before)) PetscCall(VecMAXPY(x, s->n, along, s->basis));
  PetscCall(Make(x, &s->correction));
  PetscCall(VecCopy(x, s->correction));
  s->projected = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
