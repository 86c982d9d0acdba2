/*
   record.c - a program being watched: the host solves as always, then system, configuration, features and outcome are
   written to the recording directory.
*/
#include "record.h"
#include "environment.h"
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

/* Rank 0 of the KSP decides, all agree. */
static PetscErrorCode Wanted(KSP ksp, Recorder *s, PetscMPIInt rank, int *wanted)
{
  PetscFunctionBegin;
  *wanted = 0;
  if (!rank && !s->stopped) {
    if (s->max_systems >= 0 && s->written >= s->max_systems) ManifestStop(s, "max_systems reached");
    else if (s->max_bytes >= 0 && s->bytes >= s->max_bytes) ManifestStop(s, "max_bytes reached");
    else *wanted = s->seen % s->every == 0;
  }
  s->seen++;
  PetscCallMPI(MPI_Bcast(wanted, 1, MPI_INT, 0, PetscObjectComm((PetscObject)ksp)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct { /* kept with a KSP */
  Recorded recorded;
  Previous previous;
  Scales   scales;
  Twin     twin;
} Watched;

static PetscErrorCode RecordedOf(Host *h, Recorded **recorded)
{
  Watched *w;

  PetscFunctionBegin;
  if (!h->state) {
    PetscCall(PetscNew(&w));
    w->recorded = (Recorded){.previous = &w->previous, .scales = &w->scales, .twin = &w->twin};
    h->state    = w;
  }
  *recorded = &((Watched *)h->state)->recorded;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RecordSolve(KSP ksp, Host *h)
{
  Recorder      *s        = (Recorder *)h->session->data;
  Record         r        = {.residual = NAN};
  Recorded      *recorded = NULL;
  const char    *why      = NULL;
  int            wanted;
  PetscLogDouble t0, t1;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PetscObjectComm((PetscObject)ksp), &r.rank));
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)ksp), &r.size));
  PetscCall(RecordedOf(h, &recorded));
  PetscCall(Wanted(ksp, s, r.rank, &wanted));
  if (wanted) PetscCall(SaveMay(ksp, recorded, &r, &why));
  if (wanted && why && !r.rank) ManifestSkip(s, ksp, why);
  wanted = wanted && !why;
  if (wanted && !ksp->guess_zero) {
    PetscCall(VecDuplicate(ksp->vec_sol, &r.guess));
    PetscCall(VecCopy(ksp->vec_sol, r.guess));
  }
  PetscCall(PetscTime(&t0));
  r.setup = h->setup;
  PetscCall(HostSolveOwn(ksp, h));
  h->setup = 0;
  PetscCall(PetscTime(&t1));
  r.solve = t1 - t0;
  MetasolveDepth++;
  if (wanted) PetscCall(SaveSolve(ksp, s, recorded, &r));
  MetasolveDepth--;
  PetscCall(VecDestroy(&r.guess));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RecordedDestroy(void *state)
{
  Watched *r = (Watched *)state;

  PetscFunctionBegin;
  PetscCall(PreviousFree(&r->previous));
  PetscCall(ScalesFree(&r->scales));
  PetscCall(TwinFree(&r->twin));
  PetscCall(PetscFree(r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const HostOps RecordOps = {.solve = RecordSolve, .destroy = RecordedDestroy};

static PetscErrorCode RecordEnd(void *data)
{
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (!rank) ManifestEnd((const Recorder *)data);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RecorderDestroy(void *data)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RecordSession(const char *dir, Session **session)
{
  const Environment *asked = EnvironmentAsked();
  PetscMPIInt        rank, size;
  Recorder          *r;
  Session           *s;
  int                error = 0;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  PetscCall(PetscNew(&r));
  snprintf(r->dir, sizeof r->dir, "%s", dir);
  r->every       = PetscMax(asked->every, 1);
  r->max_systems = asked->most_systems;
  r->max_bytes   = asked->most_bytes;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  TextRun(r->run);
  PetscCallMPI(MPI_Bcast(r->run, sizeof r->run, MPI_CHAR, 0, PETSC_COMM_WORLD));
  if (!rank) PetscCall(ManifestRun(r, size, &error));
  if (error)
    fprintf(stderr, "metasolve: cannot write %s/manifest.jsonl (%s); nothing is recorded, the program goes on\n", r->dir,
            strerror(error));
  PetscCallMPI(MPI_Bcast(&error, 1, MPI_INT, 0, PETSC_COMM_WORLD));
  r->stopped = (PetscBool)(error != 0);
  *s         = (Session){.ops = &RecordOps, .any_prefix = PETSC_TRUE, .data = r, .end = RecordEnd, .destroy = RecorderDestroy};
  *session   = s;
  PetscFunctionReturn(PETSC_SUCCESS);
}
