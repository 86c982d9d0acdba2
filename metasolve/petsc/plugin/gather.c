/* gather.c - which systems of a run are written to a recording, to be learned from. */
#include "describe.h"
#include "canary.h"
#include "environment.h"
#include "quiet.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#define MOST      64    /* systems in a recording; METASOLVE_MAX_SYSTEMS ... */
#define BYTES     1e9   /* ... and bytes that a process adds to it; METASOLVE_MAX_BYTES */
#define LEFT      2e9   /* bytes that stay free on the disk */
#define SLOW      1.2   /* times what own settings take ... */
#define SURPRISED 3     /* ... or what was foreseen; ... */
#define LEAST     0.001 /* ... in seconds, below which clocks tell little */
#define APART     4     /* the next one is gathered after so many parts of those that were met */

/* ---- where to ---- */
static void Note(Recorder *r, const char *line)
{
  const char *hash = strstr(line, "\"hash\":\"");
  void       *more;

  if (!(more = realloc(r->hashes, (size_t)(r->held + 1) * sizeof *r->hashes))) return;
  r->hashes = more;
  snprintf(r->hashes[r->held++], RECORD_HASH, "%s", hash ? hash + strlen("\"hash\":\"") : "");
}

static void ReadHeld(Recorder *r) /* systems that the recording has already */
{
  char   path[RECORD_PATH], *line = NULL;
  size_t room = 0;
  FILE  *file;

  snprintf(path, sizeof path, "%s/manifest.jsonl", r->dir);
  if (!(file = fopen(path, "r"))) return;
  while (getline(&line, &room, file) >= 0)
    if (!strncmp(line, "{\"kind\":\"solve\"", 15)) Note(r, line);
  free(line);
  fclose(file);
}

static PetscBool IsHeld(const Recorder *r, const char *hash)
{
  for (PetscInt i = 0; i < r->held; i++)
    if (!strcmp(r->hashes[i], hash)) return PETSC_TRUE;
  return PETSC_FALSE;
}

static PetscErrorCode Close(Recorder **r)
{
  PetscFunctionBegin;
  if (*r) free((*r)->hashes);
  PetscCall(PetscFree(*r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* *recorder stays NULL where nobody has asked for one. */
static PetscErrorCode Open(MPI_Comm comm, const char *dir, const char *run, int kind, Recorder **recorder)
{
  const Environment *asked = EnvironmentAsked();
  PetscMPIInt        rank;
  Recorder          *r;

  PetscFunctionBegin;
  if (!dir) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscNew(&r));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  snprintf(r->dir, sizeof r->dir, "%s", dir);
  snprintf(r->run, sizeof r->run, "%.23s%d", run, kind); /* what is learned from both has one name for each */
  r->every = 1;
  if (!rank) ReadHeld(r);
  r->max_systems = (asked->most_systems >= 0 ? asked->most_systems : MOST) - r->held;
  r->max_bytes   = asked->most_bytes >= 0 ? asked->most_bytes : (PetscInt64)BYTES;
  *recorder      = r;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GatherOpen(MPI_Comm comm, const char *run, Gathering *g)
{
  Recorder **r = g->to;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &g->ranks));
  PetscCall(Open(comm, EnvironmentAsked()->keep_refused, run, GATHER_REFUSED, &r[GATHER_REFUSED]));
  PetscCall(Open(comm, EnvironmentAsked()->keep_slow, run, GATHER_SLOW, &r[GATHER_SLOW]));
  if (!r[0] || !r[1] || strcmp(r[0]->dir, r[1]->dir)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Close(&r[1]));
  r[1] = r[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GatherFree(Gathering *g)
{
  PetscFunctionBegin;
  if (g->to[1] == g->to[0]) g->to[1] = NULL;
  for (int i = 0; i < GATHER_KINDS; i++) PetscCall(Close(&g->to[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- which ---- */
static PetscBool Curable(Why why)
{
  return (PetscBool)(why == WHY_UNFAMILIAR || why == WHY_NO_GAIN || why == WHY_OWN_BEST || why == WHY_PAUSED ||
                     why == WHY_OVERDRAWN || why == WHY_SLOW_SETUP || why == WHY_MEMORY);
}

static PetscBool IsSlow(const Solve *s)
{
  const double taken = s->share * (s->total - s->decision), own = s->own_measured > 0 ? SolveOwnSeconds(s) : s->expected;

  if (s->source == SOURCE_FALLBACK) return PETSC_TRUE; /* what was chosen has failed */
  if (s->source == SOURCE_REFUSED || taken < LEAST) return PETSC_FALSE;
  if (own > 0 && taken > SLOW * own) return PETSC_TRUE;
  return (PetscBool)(SolveByPrior(s) && s->run->foreseen > 0 && taken > SURPRISED * s->run->foreseen);
}

/* The first ones, and then at growing distances: a long run has systems from all of it. */
static PetscBool IsDue(Spaced *s)
{
  if (++s->met < s->due) return PETSC_FALSE;
  s->due = s->met + PetscMax(s->met / APART, 1);
  return PETSC_TRUE;
}

static PetscBool HasRoom(Recorder *r)
{
  struct statvfs disk;

  if (r->stopped || r->written >= r->max_systems || r->bytes >= r->max_bytes) return PETSC_FALSE;
  if (statvfs(r->dir, &disk)) return PETSC_FALSE;
  if ((double)disk.f_bavail * (double)disk.f_frsize > LEFT) return PETSC_TRUE;
  ManifestStop(r, "little is left of the disk");
  return PETSC_FALSE;
}

static int Which(const Solve *s)
{
  const Gathering *g       = &s->run->runner->gathering;
  const PetscBool  refused = (PetscBool)(SolveUnfamiliar(s) || (s->source == SOURCE_REFUSED && Curable(s->why)));
  const int        which   = refused ? GATHER_REFUSED : IsSlow(s) ? GATHER_SLOW : GATHER_NOT;

  if (which == GATHER_NOT || !g->to[which] || !IsDue(&s->class->gathered[which])) return GATHER_NOT;
  return HasRoom(g->to[which]) ? which : GATHER_NOT;
}

/* ---- and how ---- */
PetscErrorCode GatherStart(Solve *s)
{
  const Gathering *g = &s->run->runner->gathering;

  PetscFunctionBegin;
  if ((!g->to[0] && !g->to[1]) || s->ksp->guess_zero) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(s->ksp->vec_sol, &s->x0));
  PetscCall(VecCopy(s->ksp->vec_sol, s->x0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Write(Solve *s, Recorder *to, const Aside *own)
{
  Run        *run = s->run;
  Record      r   = {.residual = NAN, .guess = s->x0, .setup = own->setup, .solve = own->seconds - own->setup};
  const char *why = NULL;
  PetscBool   held;
  Settings    settings;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PetscObjectComm((PetscObject)s->ksp), &r.rank));
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)s->ksp), &r.size));
  PetscCall(DescribeHost(s->ksp, &settings, &why));
  if (!why) PetscCall(SaveMay(s->ksp, &run->recorded, &r, &why));
  if (why) PetscFunctionReturn(PETSC_SUCCESS); /* nothing could be learned from it */
  PetscCall(SaveName(&run->recorded, &r));
  held = r.rank ? PETSC_FALSE : IsHeld(to, r.hash);
  PetscCallMPI(MPI_Bcast(&held, 1, MPIU_BOOL, 0, PetscObjectComm((PetscObject)s->ksp)));
  if (held) PetscFunctionReturn(PETSC_SUCCESS); /* an earlier run has met it */
  if (!r.rank && !to->seen) PetscCall(ManifestRun(to, run->runner->gathering.ranks, &r.error));
  to->seen++;
  PetscCall(SaveSolve(s->ksp, to, &run->recorded, &r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The KSP is as own settings left it. An error is not the program's concern: it ends the gathering. */
static PetscErrorCode Quietly(Solve *s, void *recorder, const Aside *own)
{
  Recorder      *to = (Recorder *)recorder;
  PetscErrorCode err;
  Quiet          quiet;
  int            failed;

  PetscFunctionBegin;
  PetscCall(QuietBegin(&quiet));
  err = Write(s, to, own);
  PetscCall(QuietEnd(&quiet));
  failed = err != 0;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, PetscObjectComm((PetscObject)s->ksp)));
  if (failed) to->stopped = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rank 0 says which. What own settings have not solved, they solve beside the answer. */
PetscErrorCode GatherSolve(Solve *s)
{
  const Gathering *g     = &s->run->runner->gathering;
  Aside            own   = {.seconds = s->own_measured + s->host->setup - s->own_setup, .setup = s->host->setup};
  int              which = GATHER_NOT;
  PetscBool        may   = PETSC_TRUE;

  PetscFunctionBegin;
  if (!g->to[0] && !g->to[1]) PetscFunctionReturn(PETSC_SUCCESS);
  if (s->op.readable && !isnan(s->contract.target)) which = Which(s);
  PetscCallMPI(MPI_Bcast(&which, 1, MPI_INT, 0, PetscObjectComm((PetscObject)s->ksp)));
  if (which == GATHER_NOT) PetscFunctionReturn(PETSC_SUCCESS);
  if (!s->answered) PetscCall(Quietly(s, g->to[which], &own));
  else PetscCall(CanaryMay(s, &may));
  if (s->answered && may) PetscCall(CanaryAside(s, Quietly, g->to[which], &own));
  if (own.failed) g->to[which]->stopped = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
