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

#define REPLACE(operation, own, function) \
  do { \
    (own) = pc->ops->operation; \
    if (own) pc->ops->operation = (function); \
  } while (0)

void AppliedReplace(PC pc, Applied *a, PetscErrorCode (*setup)(PC))
{
  SetUpNow = setup;
  REPLACE(apply, a->apply, PCApply_Deferred);
  REPLACE(applytranspose, a->transpose, PCApplyTranspose_Deferred);
  REPLACE(applysymmetricleft, a->left, PCApplySymmetricLeft_Deferred);
  REPLACE(applysymmetricright, a->right, PCApplySymmetricRight_Deferred);
  REPLACE(matapply, a->matapply, PCMatApply_Deferred);
  REPLACE(applyBA, a->ba, PCApplyBA_Deferred);
  REPLACE(applyBAtranspose, a->batranspose, PCApplyBATranspose_Deferred);
  REPLACE(applyrichardson, a->richardson, PCApplyRichardson_Deferred);
}

#define PUT_BACK(operation, own, function) \
  do { \
    if (pc->ops->operation == (function)) pc->ops->operation = (own); \
  } while (0)

void AppliedPutBack(PC pc, const Applied *a)
{
  PUT_BACK(apply, a->apply, PCApply_Deferred);
  PUT_BACK(applytranspose, a->transpose, PCApplyTranspose_Deferred);
  PUT_BACK(applysymmetricleft, a->left, PCApplySymmetricLeft_Deferred);
  PUT_BACK(applysymmetricright, a->right, PCApplySymmetricRight_Deferred);
  PUT_BACK(matapply, a->matapply, PCMatApply_Deferred);
  PUT_BACK(applyBA, a->ba, PCApplyBA_Deferred);
  PUT_BACK(applyBAtranspose, a->batranspose, PCApplyBATranspose_Deferred);
  PUT_BACK(applyrichardson, a->richardson, PCApplyRichardson_Deferred);
}
