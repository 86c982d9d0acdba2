/* run_log.c - one JSON line about a solve. */
#include "run.h"
#include <math.h>
#include <string.h>

void RunWrite(KSP ksp, Host *h, const Record *r)
{
  Session    *s      = h->session;
  Text       *t      = &h->last;
  const char *prefix = ((PetscObject)ksp)->prefix;
  Settings   *chosen = &h->decision.settings;
  PetscBool   used   = (PetscBool)(strcmp(r->source, "refused") && !r->own);
  PetscMPIInt size;
  PetscInt    rows;
  int         error;

  MPI_Comm_size(PetscObjectComm((PetscObject)ksp), &size);
  (void)VecGetSize(ksp->vec_rhs, &rows);
  t->used = 0;
  TextAdd(t, "{\"solve\":%lld,\"prefix\":", (long long)s->solves);
  TextString(t, prefix ? prefix : "");
  TextAdd(t, ",\"rows\":%lld,\"ranks\":%d,\"source\":\"%s\",\"why\":", (long long)rows, (int)size, r->source);
  TextString(t, r->why);
  TextAdd(t, ",\"settings\":{");
  for (int i = 0; used && i < chosen->n; i++) {
    TextAdd(t, "%s\"%s\":", i ? "," : "", chosen->name[i]);
    TextString(t, chosen->value[i]);
  }
  TextAdd(t, "},\"unused\":");
  TextString(t, r->unused);
  TextAdd(t, ",\"new_operator\":%s,\"reason\":%d,\"iterations\":%lld,\"true_residual\":", r->fresh ? "true" : "false", (int)ksp->reason, (long long)ksp->its);
  TextNumber(t, r->bnorm > 0 ? r->residual / r->bnorm : 0);
  TextAdd(t, ",\"tolerance\":");
  TextNumber(t, r->bnorm > 0 && r->target > 0 ? r->target / r->bnorm : ksp->rtol);
  TextAdd(t, ",\"guess\":");
  TextNumber(t, r->start / r->bnorm);
  TextAdd(t, ",\"seconds\":{\"decision\":%.9f,\"guess\":%.9f,\"own\":%.9f,\"setup\":%.9f,\"solve\":%.9f,\"verify\":%.9f,\"fallback\":%.9f,\"total\":%.9f}}\n", r->decision, r->guessing, r->own_solve, r->setup, r->solve, r->verify, r->fallback, r->total);
  if (!s->log[0] || !t->data) return;
  (void)AppendLine(s->log, t, &error);
  if (!error) return;
  fprintf(stderr, "metasolve: cannot write %s (%s); no more log lines\n", s->log, strerror(error));
  s->log[0] = 0;
}
