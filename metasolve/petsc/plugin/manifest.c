/* manifest.c - lines of a recording's manifest.jsonl: a run, a solve, one that was skipped, the end of the recording. */
#include "describe.h"
#include "left.h"
#include "record.h"
#include <string.h>
#include <time.h>

#define MOST_SKIPPED 100 /* lines of them */

static PetscErrorCode Append(const Recorder *s, Text *line, int *error)
{
  char path[RECORD_PATH];

  PetscFunctionBegin;
  snprintf(path, sizeof path, "%s/manifest.jsonl", s->dir);
  PetscCall(AppendLine(path, line, error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ManifestRun(const Recorder *s, int ranks, int *error)
{
  Text line = {0};

  PetscFunctionBegin;
  TextAdd(&line, "{\"kind\":\"run\",\"format\":1,\"run\":\"%s\",\"petsc\":\"%s\",\"ranks\":%d", s->run, METASOLVE_PETSC, ranks);
  TextAdd(&line, ",\"features_version\":%d,\"time\":%lld}\n", METASOLVE_FEATURES_VERSION, (long long)time(NULL));
  PetscCall(Append(s, &line, error));
  TextFree(&line);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void ManifestStop(Recorder *s, const char *why)
{
  Text line = {0};
  int  error;

  s->stopped = PETSC_TRUE;
  TextAdd(&line, "{\"kind\":\"stopped\",\"run\":\"%s\",\"why\":", s->run);
  TextString(&line, why);
  TextAdd(&line, "}\n");
  (void)Append(s, &line, &error);
  TextFree(&line);
  fprintf(stderr, "metasolve: recording stopped (%s) after %lld systems; the program goes on\n", why, (long long)s->written);
}

void ManifestSkip(Recorder *s, KSP ksp, const char *why)
{
  const char *prefix = ((PetscObject)ksp)->prefix;
  Text        line   = {0};
  int         error;

  if (s->skipped++ >= MOST_SKIPPED) return;
  TextAdd(&line, "{\"kind\":\"skipped\",\"run\":\"%s\",\"prefix\":", s->run);
  TextString(&line, prefix ? prefix : "");
  TextAdd(&line, ",\"why\":");
  TextString(&line, why);
  TextAdd(&line, "}\n");
  (void)Append(s, &line, &error);
  TextFree(&line);
}

static void Rest(const Recorder *s, const char *why, PetscInt solves)
{
  Text line = {0};
  int  error;

  if (solves <= 0) return;
  TextAdd(&line, "{\"kind\":\"left\",\"run\":\"%s\",\"why\":", s->run);
  TextString(&line, why);
  TextAdd(&line, ",\"solves\":%lld}\n", (long long)solves);
  (void)Append(s, &line, &error);
  TextFree(&line);
}

void ManifestEnd(const Recorder *s)
{
  const char *why;
  PetscInt    solves;

  for (int i = 0; (why = LeftKind(i, &solves)); i++) Rest(s, why, solves);
  Rest(s, "solves that could not be recorded, after the first hundred", s->skipped - MOST_SKIPPED);
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

static PetscErrorCode AddOperator(Text *t, const Recorded *h, const Record *r)
{
  const PetscInt *ranges;
  PetscInt        N, bs;
  PetscBool       several;
  MatNullSpace    null, near;

  PetscFunctionBegin;
  PetscCall(MatGetSize(r->A, &N, NULL));
  PetscCall(MatGetBlockSize(r->A, &bs));
  PetscCall(MatGetOwnershipRanges(r->A, &ranges));
  PetscCall(MatGetNullSpace(r->A, &null));
  PetscCall(MatGetNearNullSpace(r->A, &near));
  TextAdd(t,
          ",\"operator\":{\"hash\":\"%s\",\"file\":\"operators/"
          "%s.petsc\",\"rows\":%lld,\"nnz\":%lld,\"block_size\":%lld,\"asymmetry\":%.6g,\"state\":%lld,\"layout\":[",
          h->hash, h->hash, (long long)N, (long long)h->nnz, (long long)bs, r->features[5], (long long)h->operators);
  for (int i = 0; i < r->size; i++) TextAdd(t, "%s%lld", i ? "," : "", (long long)(ranges[i + 1] - ranges[i]));
  TextAdd(t, "]");
  PetscCall(PetscStrbeginswith(((PetscObject)r->A)->type_name, "mpi", &several));
  if (several && r->size == 1) TextAdd(t, ",\"several\":true");
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
  TextAdd(t, ",\"host\":{\"ksp_type\":\"%s\",\"pc_type\":\"%s\",\"options\":{", ((PetscObject)ksp)->type_name,
          ((PetscObject)ksp->pc)->type_name);
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

static PetscErrorCode AddSolve(Text *t, KSP ksp, const Recorder *s, const Recorded *h, const Record *r)
{
  const char *prefix = ((PetscObject)ksp)->prefix;

  PetscFunctionBegin;
  TextAdd(t, "{\"kind\":\"solve\",\"id\":\"%s\",\"run\":\"%s\",\"prefix\":", r->id, s->run);
  TextString(t, prefix ? prefix : "");
  TextAdd(t, ",\"ranks\":%d", (int)r->size);
  PetscCall(AddOperator(t, h, r));
  TextAdd(t, ",\"rhs\":\"%s\",\"guess\":", r->rhs);
  if (r->guess) TextString(t, r->x0);
  else TextAdd(t, "null");
  TextAdd(t, ",\"rtol\":%.17g,\"abstol\":%.17g,\"divtol\":%.17g,\"max_it\":%lld", (double)ksp->rtol, (double)ksp->abstol,
          (double)ksp->divtol, (long long)ksp->max_it);
  TextAdd(t, ",\"contract\":{\"kind\":\"%s\",\"measure\":\"%s\",\"tolerance\":", ContractKinds[r->kind], MeasureNames[r->measure]);
  TextNumber(t, r->tolerance);
  TextAdd(t, ",\"own\":");
  TextNumber(t, r->own);
  TextAdd(t, "}");
  PetscCall(AddHost(t, ksp));
  TextAdd(t, ",\"features\":{");
  for (int i = 0; i < METASOLVE_FEATURES; i++) {
    TextAdd(t, "%s\"%s\":", i ? "," : "", MetasolveFeatureNames[i]);
    TextNumber(t, r->features[i]);
  }
  TextAdd(t, "},\"outcome\":{\"reason\":%d,\"iterations\":%lld,\"true_residual\":", (int)ksp->reason, (long long)ksp->its);
  TextNumber(t, r->residual / r->bnorm);
  TextAdd(t, ",\"setup_seconds\":%.9f,\"solve_seconds\":%.9f},\"features_seconds\":%.9f,\"overhead_seconds\":%.9f}\n", r->setup,
          r->solve, r->decision, r->overhead);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ManifestSolve(KSP ksp, Recorder *s, const Recorded *h, const Record *r, int *error)
{
  Text line = {0};

  PetscFunctionBegin;
  PetscCall(AddSolve(&line, ksp, s, h, r));
  PetscCall(Append(s, &line, error));
  s->bytes += (PetscInt64)line.used;
  TextFree(&line);
  PetscFunctionReturn(PETSC_SUCCESS);
}
