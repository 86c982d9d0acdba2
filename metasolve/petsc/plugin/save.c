/*
   save.c - one system, written to a recording when the program's own settings have solved it: files first, then their line of
   manifest.jsonl, so a killed host leaves a readable recording. A disk that is full stops the recording, never the host.
*/
#include "record.h"
#include <errno.h>
#include <math.h>
#include <string.h>
#include <stdlib.h>
#include <sys/stat.h>

/* NULL: this solve can be recorded. Nothing is asked of an operator that is none of ours. Collective. */
PetscErrorCode SaveMay(KSP ksp, Recorded *h, Record *r, const char **why)
{
  Why of = WHY_NOT;

  PetscFunctionBegin;
  *why = NULL;
  PetscCall(OperatorOf(ksp, &r->op, &of));
  if (of == WHY_NO_OPERATOR) *why = "no operator yet";
  else if (ksp->pc->ops->presolve) *why = "the program's preconditioner transforms the system";
  else if (of) *why = "the preconditioning matrix is no assembled, square AIJ, BAIJ, SBAIJ or nested matrix";
  else if (OperatorIsTwo(&r->op)) *why = "operator and preconditioning matrix differ: such solves can be run, but not recorded";
  else if (ksp->normtype == KSP_NORM_NONE && !ContractIsDirect(ksp)) *why = "a fixed number of iterations without norm";
  else if (ScalesSystem(ksp)) *why = "diagonally scaled operator";
  if (*why) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(OperatorRead(&r->op, h->twin, &of));
  if (of) *why = "there is no memory for an AIJ copy of the operator";
  if (*why) PetscFunctionReturn(PETSC_SUCCESS);
  r->A = r->op.P;
  PetscCall(NormOf(ksp->vec_rhs, NORM_2, &r->bnorm));
  if (!PetscIsNormalReal(r->bnorm)) *why = "the norm of the right-hand side is zero or not finite";
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rank 0 of the KSP looks, all agree. */
static PetscErrorCode IsThere(const char *path, const Record *r, int *there)
{
  struct stat st;

  PetscFunctionBegin;
  *there = !r->rank && !stat(path, &st);
  PetscCallMPI(MPI_Bcast(there, 1, MPI_INT, 0, PetscObjectComm((PetscObject)r->A)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteNullSpace(Recorder *s, MatNullSpace space, const char *hash, const char *suffix, Record *r)
{
  const Vec *vecs;
  PetscBool  constant;
  PetscInt   n;
  char       path[RECORD_PATH];
  int        there;

  PetscFunctionBegin;
  if (!space || r->error) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatNullSpaceGetVecs(space, &constant, &n, &vecs));
  snprintf(path, sizeof path, "%s/operators/%s.%s.petsc", s->dir, hash, suffix);
  PetscCall(IsThere(path, r, &there));
  if (n && !there) PetscCall(VecsWrite(n, vecs, path, &s->bytes, &r->error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SaveName(const Recorded *h, Record *r)
{
  PetscFunctionBegin;
  if (*r->hash) PetscFunctionReturn(PETSC_SUCCESS);
  if (!h->operators || !OperatorSame(&h->op, &r->op)) {
    PetscCall(MatContentHash(r->A, r->hash, &r->nnz));
    r->fresh = PETSC_TRUE;
  } else snprintf(r->hash, sizeof r->hash, "%s", h->hash);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteOperator(Recorder *s, Recorded *h, Record *r)
{
  MatNullSpace null, near;
  char         path[RECORD_PATH];
  int          there;

  PetscFunctionBegin;
  PetscCall(SaveName(h, r));
  if (!r->fresh) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(h->hash, sizeof h->hash, "%s", r->hash);
  h->nnz = r->nnz;
  h->op  = r->op;
  h->operators++;
  snprintf(path, sizeof path, "%s/operators/%s.petsc", s->dir, h->hash);
  PetscCall(IsThere(path, r, &there));
  PetscCall(MatGetNullSpace(r->A, &null));
  PetscCall(MatGetNearNullSpace(r->A, &near));
  PetscCall(WriteNullSpace(s, null, h->hash, "null", r));
  PetscCall(WriteNullSpace(s, near, h->hash, "near", r));
  if (!r->error && !there) PetscCall(MatWrite(r->A, path, &s->bytes, &r->error));
  if (r->error) h->operators = 0; /* not there: write it when there is room again */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteVectors(KSP ksp, Recorder *s, Record *r)
{
  char path[RECORD_PATH + 160];

  PetscFunctionBegin;
  snprintf(r->rhs, sizeof r->rhs, "vectors/%s.rhs.petsc", r->id);
  snprintf(path, sizeof path, "%s/%s", s->dir, r->rhs);
  if (!r->error) PetscCall(VecsWrite(1, &ksp->vec_rhs, path, &s->bytes, &r->error));
  if (!r->guess) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(r->x0, sizeof r->x0, "vectors/%s.guess.petsc", r->id);
  snprintf(path, sizeof path, "%s/%s", s->dir, r->x0);
  if (!r->error) PetscCall(VecsWrite(1, &r->guess, path, &s->bytes, &r->error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Finish(KSP ksp, Recorder *s, Recorded *h, Record *r)
{
  PetscFunctionBegin;
  if (r->rank) PetscFunctionReturn(PETSC_SUCCESS);
  if (!r->error) PetscCall(ManifestSolve(ksp, s, h, r, &r->error));
  if (r->error) ManifestStop(s, strerror(r->error));
  else s->written++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* As production will judge answers, had it seen this one. */
static PetscErrorCode Judged(KSP ksp, Recorded *h, Record *r)
{
  Attained  own = {0}, seen;
  Judge     j   = {.A = r->A, .P = r->A, .b = ksp->vec_rhs, .scales = h->scales};
  PetscReal zero, of[MEASURES];

  PetscFunctionBegin;
  if (ksp->reason > 0) {
    PetscCall(ContractAttain(ksp, &r->op, h->scales, &seen, of));
    AttainedAdd(&own, &seen);
  } else PetscCall(ScalesOpen(r->A, ksp->vec_rhs, h->scales));
  PetscCall(ContractMeasure(ksp, &own, &j));
  r->kind    = ContractKindOf(ksp);
  r->measure = j.measure;
  PetscCall(JudgeAnswer(&j, NULL, &zero));
  PetscCall(JudgeAnswer(&j, ksp->vec_sol, &r->own));
  r->own /= zero;
  r->tolerance = r->kind == CONTRACT_DIRECT ? ContractExact(&own) : r->kind == CONTRACT_OWN_TEST ? r->own : ksp->rtol;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SaveSolve(KSP ksp, Recorder *s, Recorded *h, Record *r)
{
  PetscReal      rtol, abstol;
  PetscLogDouble t0, t1;
  int            world;

  PetscFunctionBegin;
  PetscCall(PetscTime(&t0));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &world));
  snprintf(r->id, sizeof r->id, "%s-%d-%lld", s->run, world, (long long)s->seen);
  PetscCallMPI(MPI_Bcast(r->id, sizeof r->id, MPI_CHAR, 0, PetscObjectComm((PetscObject)ksp)));
  PetscCall(TrueResidual(ksp, &r->residual));
  PetscCall(Judged(ksp, h, r));
  PetscCall(PetscTime(&t1));
  ContractTolerances(ksp, &rtol, &abstol);
  PetscCall(FeaturesCompute(r->A, ksp->vec_rhs, r->bnorm, rtol, abstol, (PetscBool)(r->guess != NULL), h->previous, r->features));
  PetscCall(PetscTime(&r->decision));
  r->decision -= t1;
  PetscCall(WriteOperator(s, h, r));
  PetscCall(WriteVectors(ksp, s, r));
  PetscCall(PetscTime(&t1));
  r->overhead = t1 - t0;
  PetscCall(Finish(ksp, s, h, r));
  PetscFunctionReturn(PETSC_SUCCESS);
}
