/* applied.c - stand-ins for the operations of a PC that use what its set-up makes. */
#include "applied.h"

static PetscErrorCode (*SetUpNow)(PC);

/* One for each operation: the set-up is done, which puts the PC's own operation back, and that one answers. */
#define APPLY(operation, function, signature, given) \
  static PetscErrorCode function signature \
  { \
    PetscFunctionBegin; \
    PetscCall(SetUpNow(pc)); \
    if (pc->ops->operation != function) PetscCall((*pc->ops->operation)given); \
    PetscFunctionReturn(PETSC_SUCCESS); \
  }
APPLY(apply, PCApply_Deferred, (PC pc, Vec x, Vec y), (pc, x, y))
APPLY(applytranspose, PCApplyTranspose_Deferred, (PC pc, Vec x, Vec y), (pc, x, y))
APPLY(applysymmetricleft, PCApplySymmetricLeft_Deferred, (PC pc, Vec x, Vec y), (pc, x, y))
APPLY(applysymmetricright, PCApplySymmetricRight_Deferred, (PC pc, Vec x, Vec y), (pc, x, y))
APPLY(matapply, PCMatApply_Deferred, (PC pc, Mat X, Mat Y), (pc, X, Y))
APPLY(applyBA, PCApplyBA_Deferred, (PC pc, PCSide side, Vec x, Vec y, Vec w), (pc, side, x, y, w))
APPLY(applyBAtranspose, PCApplyBATranspose_Deferred, (PC pc, PetscInt side, Vec x, Vec y, Vec w), (pc, side, x, y, w))
APPLY(applyrichardson, PCApplyRichardson_Deferred,
      (PC pc, Vec b, Vec y, Vec w, PetscReal rtol, PetscReal abstol, PetscReal dtol, PetscInt most, PetscBool zero, PetscInt *its,
       PCRichardsonConvergedReason *reason),
      (pc, b, y, w, rtol, abstol, dtol, most, zero, its, reason))

#if PETSC_VERSION_GE(3, 26, 0)
APPLY(matapplytranspose, PCMatApplyTranspose_Deferred, (PC pc, Mat X, Mat Y), (pc, X, Y))
APPLY(matapplyrichardson, PCMatApplyRichardson_Deferred,
      (PC pc, Mat B, Mat Y, Mat W, PetscReal rtol, PetscReal abstol, PetscReal dtol, PetscInt most, PetscBool zero, PetscInt *its,
       PCRichardsonConvergedReason *reason),
      (pc, B, Y, W, rtol, abstol, dtol, most, zero, its, reason))
  #define NEWER(each) each(matapplytranspose, PCMatApplyTranspose_Deferred) each(matapplyrichardson, PCMatApplyRichardson_Deferred)
#else
  #define NEWER(each)
#endif

#define OPERATIONS(each) \
  each(apply, PCApply_Deferred) each(applytranspose, PCApplyTranspose_Deferred) \
    each(applysymmetricleft, PCApplySymmetricLeft_Deferred) each(applysymmetricright, PCApplySymmetricRight_Deferred) \
      each(matapply, PCMatApply_Deferred) each(applyBA, PCApplyBA_Deferred) each(applyBAtranspose, PCApplyBATranspose_Deferred) \
        each(applyrichardson, PCApplyRichardson_Deferred) NEWER(each)

void AppliedReplace(PC pc, Applied *own, PetscErrorCode (*setup)(PC))
{
  SetUpNow = setup;
  *own     = *pc->ops;
#define REPLACE(operation, function) \
  if (own->operation) pc->ops->operation = function;
  OPERATIONS(REPLACE)
}

void AppliedPutBack(PC pc, const Applied *own)
{
#define PUT_BACK(operation, function) \
  if (pc->ops->operation == function) pc->ops->operation = own->operation;
  OPERATIONS(PUT_BACK)
}
