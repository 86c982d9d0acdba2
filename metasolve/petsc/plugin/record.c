/*
   record.c - a solve being watched: the host solves as always, then system, configuration, features and outcome are
   written to the recording directory. Files first, then their line of manifest.jsonl: a killed host leaves a readable
   recording. A disk that is full stops the recording, never the host.
*/
#include "metasolve.h"
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#define PATH (PETSC_MAX_PATH_LEN + 128)

typedef struct { /* of one solve */
  Mat         A;
  Vec         guess;
  PetscReal   bnorm, residual;
  char        id[96], rhs[160], x0[160];
  double      features[METASOLVE_FEATURES], setup, solve, decision, overhead;
  PetscMPIInt rank, size;
  int         error;
} Record;

static void Stop(Session *s, const char *why)
{
  Text line = {0};
  char path[PATH];
  int  error;

  s->stopped = PETSC_TRUE;
  TextAdd(&line, "{\"kind\":\"stopped\",\"run\":\"%s\",\"why\":", s->run);
  TextString(&line, why);
  TextAdd(&line, "}\n");
  snprintf(path, sizeof path, "%s/manifest.jsonl", s->dir);
  (void)AppendLine(path, &line, &error);
  TextFree(&line);
  fprintf(stderr, "metasolve: recording stopped (%s) after %lld systems; the program goes on\n", why, (long long)s->written);
}

static void Skip(Session *s, KSP ksp, const char *why)
{
  const char *prefix = ((PetscObject)ksp)->prefix;
  Text        line   = {0};
  char        path[PATH];
  int         error;

  if (s->skipped++ >= 100) return;
  TextAdd(&line, "{\"kind\":\"skipped\",\"run\":\"%s\",\"prefix\":", s->run);
  TextString(&line, prefix ? prefix : "");
  TextAdd(&line, ",\"why\":");
  TextString(&line, why);
  TextAdd(&line, "}\n");
  snprintf(path, sizeof path, "%s/manifest.jsonl", s->dir);
  (void)AppendLine(path, &line, &error);
  TextFree(&line);
}

/* NULL: this solve can be recorded. Collective. */
static PetscErrorCode Recordable(KSP ksp, Record *r, const char **why)
{
  Mat       P;
  PetscBool rows;

  PetscFunctionBegin;
  *why = NULL;
  PetscCall(KSPGetOperators(ksp, &r->A, &P));
  PetscCall(MatIsRows(r->A, &rows));
  PetscCall(VecNorm(ksp->vec_rhs, NORM_2, &r->bnorm));
  if (ksp->pc->ops->presolve) *why = "the program's preconditioner transforms the system";
  else if (r->A != P) *why = "operator and preconditioning matrix differ";
  else if (!rows) *why = "the operator is not an assembled, square AIJ matrix";
  else if (ksp->normtype == KSP_NORM_NONE) *why = "a fixed number of iterations without norm";
  else if (ScalesSystem(ksp)) *why = "diagonally scaled operator";
  else if (!PetscIsNormalReal(r->bnorm)) *why = "the norm of the right-hand side is zero or not finite";
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rank 0 of the KSP decides, all agree. */
static PetscErrorCode Wanted(KSP ksp, Session *s, PetscMPIInt rank, int *wanted)
{
  PetscFunctionBegin;
  *wanted = 0;
  if (!rank && !s->stopped) {
    if (s->max_systems >= 0 && s->written >= s->max_systems) Stop(s, "max_systems reached");
    else if (s->max_bytes >= 0 && s->bytes >= s->max_bytes) Stop(s, "max_bytes reached");
    else *wanted = s->seen % s->every == 0;
  }
  s->seen++;
  PetscCallMPI(MPI_Bcast(wanted, 1, MPI_INT, 0, PetscObjectComm((PetscObject)ksp)));
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

static PetscErrorCode WriteNullSpace(Session *s, MatNullSpace space, const char *hash, const char *suffix, Record *r)
{
  const Vec *vecs;
  PetscBool  constant;
  PetscInt   n;
  char       path[PATH];
  int        there;

  PetscFunctionBegin;
  if (!space || r->error) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatNullSpaceGetVecs(space, &constant, &n, &vecs));
  snprintf(path, sizeof path, "%s/operators/%s.%s.petsc", s->dir, hash, suffix);
  PetscCall(IsThere(path, r, &there));
  if (n && !there) PetscCall(VecsWrite(n, vecs, path, &s->bytes, &r->error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteOperator(Session *s, Host *h, Record *r)
{
  PetscObjectId    id;
  PetscObjectState state;
  MatNullSpace     null, near;
  char             path[PATH];
  int              there;

  PetscFunctionBegin;
  PetscCall(PetscObjectGetId((PetscObject)r->A, &id));
  PetscCall(PetscObjectStateGet((PetscObject)r->A, &state));
  if (h->operators && id == h->id && state == h->state) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatContentHash(r->A, h->hash, &h->nnz));
  h->id    = id;
  h->state = state;
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

static PetscErrorCode WriteVectors(KSP ksp, Session *s, Record *r)
{
  char path[PATH + 160];

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

static PetscErrorCode AddNullSpace(Text *t, const char *name, MatNullSpace space)
{
  PetscBool  constant = PETSC_FALSE;
  PetscInt   n        = 0;
  const Vec *vecs;

  PetscFunctionBegin;
  if (space) PetscCall(MatNullSpaceGetVecs(space, &constant, &n, &vecs));
  TextAdd(t, ",\"%s\":{\"constant\":%s,\"vectors\":%d}", name, constant ? "true" : "false", (int)n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddOperator(Text *t, const Host *h, const Record *r)
{
  const PetscInt *ranges;
  PetscInt        N, bs;
  MatNullSpace    null, near;

  PetscFunctionBegin;
  PetscCall(MatGetSize(r->A, &N, NULL));
  PetscCall(MatGetBlockSize(r->A, &bs));
  PetscCall(MatGetOwnershipRanges(r->A, &ranges));
  PetscCall(MatGetNullSpace(r->A, &null));
  PetscCall(MatGetNearNullSpace(r->A, &near));
  TextAdd(t, ",\"operator\":{\"hash\":\"%s\",\"file\":\"operators/%s.petsc\",\"rows\":%lld,\"nnz\":%lld,\"block_size\":%lld,\"asymmetry\":%.6g,\"state\":%lld,\"layout\":[", h->hash, h->hash, (long long)N, (long long)h->nnz, (long long)bs, r->features[5], (long long)h->operators);
  for (int i = 0; i < r->size; i++) TextAdd(t, "%s%lld", i ? "," : "", (long long)(ranges[i + 1] - ranges[i]));
  TextAdd(t, "]");
  PetscCall(AddNullSpace(t, "null", null));
  PetscCall(AddNullSpace(t, "near", near));
  TextAdd(t, "}");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddHost(Text *t, KSP ksp)
{
  Settings    s;
  const char *why;

  PetscFunctionBegin;
  PetscCall(DescribeHost(ksp, &s, &why));
  TextAdd(t, ",\"host\":{\"ksp_type\":\"%s\",\"pc_type\":\"%s\",\"options\":{", ((PetscObject)ksp)->type_name, ((PetscObject)ksp->pc)->type_name);
  for (int i = 0; i < s.n; i++) {
    TextAdd(t, "%s", i ? "," : "");
    TextString(t, s.name[i]);
    TextAdd(t, ":");
    TextString(t, s.value[i]);
  }
  TextAdd(t, "},\"replayable\":%s,\"why\":", why ? "false" : "true");
  TextString(t, why ? why : "");
  TextAdd(t, "}");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddLine(Text *t, KSP ksp, const Host *h, const Record *r)
{
  const char *prefix = ((PetscObject)ksp)->prefix;

  PetscFunctionBegin;
  TextAdd(t, "{\"kind\":\"solve\",\"id\":\"%s\",\"run\":\"%s\",\"prefix\":", r->id, h->session->run);
  TextString(t, prefix ? prefix : "");
  TextAdd(t, ",\"ranks\":%d", (int)r->size);
  PetscCall(AddOperator(t, h, r));
  TextAdd(t, ",\"rhs\":\"%s\",\"guess\":", r->rhs);
  if (r->guess) TextString(t, r->x0);
  else TextAdd(t, "null");
  TextAdd(t, ",\"rtol\":%.17g,\"abstol\":%.17g,\"divtol\":%.17g,\"max_it\":%lld", (double)ksp->rtol, (double)ksp->abstol, (double)ksp->divtol, (long long)ksp->max_it);
  PetscCall(AddHost(t, ksp));
  TextAdd(t, ",\"features\":{");
  for (int i = 0; i < METASOLVE_FEATURES; i++) {
    TextAdd(t, "%s\"%s\":", i ? "," : "", MetasolveFeatureNames[i]);
    TextNumber(t, r->features[i]);
  }
  TextAdd(t, "},\"outcome\":{\"reason\":%d,\"iterations\":%lld,\"true_residual\":", (int)ksp->reason, (long long)ksp->its);
  TextNumber(t, r->residual / r->bnorm);
  TextAdd(t, ",\"setup_seconds\":%.9f,\"solve_seconds\":%.9f},\"features_seconds\":%.9f,\"overhead_seconds\":%.9f}\n", r->setup, r->solve, r->decision, r->overhead);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Finish(KSP ksp, Host *h, Record *r)
{
  Session *s    = h->session;
  Text     line = {0};
  char     path[PATH];

  PetscFunctionBegin;
  if (r->rank) PetscFunctionReturn(PETSC_SUCCESS);
  if (!r->error) {
    PetscCall(AddLine(&line, ksp, h, r));
    snprintf(path, sizeof path, "%s/manifest.jsonl", s->dir);
    PetscCall(AppendLine(path, &line, &r->error));
    s->bytes += (PetscInt64)line.used;
    TextFree(&line);
  }
  if (r->error) Stop(s, strerror(r->error));
  else s->written++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Save(KSP ksp, Host *h, Record *r)
{
  Session       *s = h->session;
  PetscLogDouble t0, t1;
  int            world;

  PetscFunctionBegin;
  PetscCall(PetscTime(&t0));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &world));
  snprintf(r->id, sizeof r->id, "%s-%d-%lld", s->run, world, (long long)s->seen);
  PetscCallMPI(MPI_Bcast(r->id, sizeof r->id, MPI_CHAR, 0, PetscObjectComm((PetscObject)ksp)));
  PetscCall(TrueResidual(ksp, NULL, &r->residual));
  PetscCall(PetscTime(&t1));
  PetscCall(FeaturesCompute(r->A, ksp->vec_rhs, r->bnorm, ksp->rtol, ksp->abstol, (PetscBool)(r->guess != NULL), &h->previous, r->features));
  PetscCall(PetscTime(&r->decision));
  r->decision -= t1;
  PetscCall(WriteOperator(s, h, r));
  PetscCall(WriteVectors(ksp, s, r));
  PetscCall(PetscTime(&t1));
  r->overhead = t1 - t0;
  PetscCall(Finish(ksp, h, r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RecordSolve(KSP ksp, Host *h)
{
  Record         r = {.residual = NAN};
  const char    *why;
  int            wanted;
  PetscLogDouble t0, t1;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PetscObjectComm((PetscObject)ksp), &r.rank));
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)ksp), &r.size));
  PetscCall(Wanted(ksp, h->session, r.rank, &wanted));
  PetscCall(Recordable(ksp, &r, &why));
  if (wanted && why && !r.rank) Skip(h->session, ksp, why);
  if (wanted && !why && !ksp->guess_zero) {
    PetscCall(VecDuplicate(ksp->vec_sol, &r.guess));
    PetscCall(VecCopy(ksp->vec_sol, r.guess));
  }
  r.setup          = h->setup_seconds;
  h->setup_seconds = 0;
  PetscCall(PetscTime(&t0));
  PetscCall(HostSolveOwn(ksp, h));
  PetscCall(PetscTime(&t1));
  r.solve = t1 - t0;
  MetasolveDepth++;
  if (wanted && !why) PetscCall(Save(ksp, h, &r));
  MetasolveDepth--;
  PetscCall(VecDestroy(&r.guess));
  PetscFunctionReturn(PETSC_SUCCESS);
}
