/*
   newton.c - the first nonlinear solve of a run being recorded, or started nearer to its solution.

   Newton's method (line search, trust region) of an outermost SNES is wrapped. Where there is a start of ours (newton_guess.c), F
   at the program's own start is computed here, once: SNES takes it over. Ours is used only if |F| is smaller there, and the
   tolerance stays the program's: relative to |F| at its own start. If Newton fails from there, it starts where the program does.
*/
#include "newton.h"
#include "guard.h"
#include "record.h"
#include "runner.h"
#include <string.h>
#include <petscdmda.h>
#include <petsc/private/snesimpl.h>

#if PETSC_VERSION_GE(3, 25, 0)
  #define DOMAIN_ERROR functiondomainerror
#else
  #define DOMAIN_ERROR domainerror
#endif

static Session   *environment = NULL;
static NewtonMode mode        = NEWTON_RUN;

typedef struct {      /* composed with each wrapped SNES */
  Recorder *recorder; /* one of these is NULL */
  Runner   *runner;
  PetscErrorCode (*solve)(SNES);
} Newton;

typedef struct { /* of one solve */
  const char    *source;
  Grid           grid;
  PetscReal      norm, start; /* |F| at the program's own start, and at ours (NaN: there is none) */
  PetscLogDouble seconds;
} Nonlinear;

static int       depth = 0;
static PetscBool begun = PETSC_FALSE; /* the first nonlinear solve of the program has */

static PetscErrorCode Find(SNES snes, Newton **newton)
{
  PetscContainer c;

  PetscFunctionBegin;
  *newton = NULL;
  PetscCall(PetscObjectQuery((PetscObject)snes, "metasolve", (PetscObject *)&c));
  if (c) PetscCall(PetscContainerGetPointer(c, (void **)newton));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Line(SNES snes, const char *run, const Nonlinear *r, const char *vectors, Text *t)
{
  const char *prefix = ((PetscObject)snes)->prefix;
  PetscMPIInt size;
  PetscInt    rows, linear;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)snes), &size));
  PetscCall(VecGetSize(snes->vec_sol, &rows));
  PetscCall(SNESGetLinearSolveIterations(snes, &linear));
  TextAdd(t, "{\"kind\":\"nonlinear\",\"run\":\"%s\",\"prefix\":", run);
  TextString(t, prefix ? prefix : "");
  TextAdd(t, ",\"rows\":%lld,\"ranks\":%d,\"source\":\"%s\",\"start\":", (long long)rows, (int)size, r->source);
  TextNumber(t, r->start / r->norm);
  TextAdd(t, ",\"vectors\":");
  TextString(t, vectors);
  TextAdd(t, ",\"grid\":[%lld,%lld,%lld,%lld]", (long long)r->grid.points[0], (long long)r->grid.points[1],
          (long long)r->grid.points[2], (long long)r->grid.dof);
  TextAdd(t, ",\"reason\":%d,\"iterations\":%lld,\"linear_iterations\":%lld,\"seconds\":%.9f}\n", (int)snes->reason,
          (long long)snes->iter, (long long)linear, r->seconds);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Append(SNES snes, const char *run, const Nonlinear *r, const char *kept, Journal *j, char *path, int *error)
{
  Text        line = {0};
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PetscObjectComm((PetscObject)snes), &rank));
  if (rank) PetscFunctionReturn(PETSC_SUCCESS);
  GuardEnter();
  PetscCall(Line(snes, run, r, kept, &line));
  if (j) JournalAppend(j, &line);
  else PetscCall(AppendLine(path, &line, error));
  GuardLeave();
  TextFree(&line);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- F at the program's own start, which SNES then does not compute again ---- */
static PetscErrorCode OwnStart(SNES snes, PetscReal *norm)
{
  PetscFunctionBegin;
  PetscCall(SNESComputeFunction(snes, snes->vec_sol, snes->vec_func));
  snes->vec_func_init_set = PETSC_TRUE;
  PetscCall(VecNorm(snes->vec_func, NORM_2, norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Timed(SNES snes, const Newton *n, PetscLogDouble *seconds)
{
  PetscLogDouble begin, end;

  PetscFunctionBegin;
  PetscCall(PetscTime(&begin));
  PetscCall(n->solve(snes));
  PetscCall(PetscTime(&end));
  *seconds += end - begin;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The solution as it is numbered on one rank, where PETSc knows how that is. Collective. */
static PetscErrorCode Solution(SNES snes, const Nonlinear *r, Vec *x)
{
  PetscFunctionBegin;
  if (r->grid.dof) {
    PetscCall(DMDACreateNaturalVector(snes->dm, x));
    PetscCall(DMDAGlobalToNaturalBegin(snes->dm, snes->vec_sol, INSERT_VALUES, *x));
    PetscCall(DMDAGlobalToNaturalEnd(snes->dm, snes->vec_sol, INSERT_VALUES, *x));
  } else {
    PetscCall(PetscObjectReference((PetscObject)snes->vec_sol));
    *x = snes->vec_sol;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RecordNewton(SNES snes, Newton *n)
{
  Recorder *s = n->recorder;
  Nonlinear r = {.source = "own", .norm = NAN, .start = NAN};
  Vec       x;
  char      name[160], path[PETSC_MAX_PATH_LEN + 192];
  int       error = 0, world, rank;

  PetscFunctionBegin;
  PetscCall(Timed(snes, n, &r.seconds));
  PetscCall(GridOf(snes->dm, snes->vec_sol, &r.grid));
  PetscCall(Solution(snes, &r, &x));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &world));
  snprintf(name, sizeof name, "vectors/%s-%d.newton.petsc", s->run, world);
  PetscCallMPI(MPI_Bcast(name, sizeof name, MPI_CHAR, 0, PetscObjectComm((PetscObject)snes)));
  snprintf(path, sizeof path, "%s/%s", s->dir, name);
  if (snes->reason > 0) PetscCall(VecsWrite(1, &x, path, &s->bytes, &error));
  PetscCall(VecDestroy(&x));
  snprintf(path, sizeof path, "%s/manifest.jsonl", s->dir);
  if (!error) PetscCall(Append(snes, s->run, &r, snes->reason > 0 ? name : "", NULL, path, &error));
  PetscCallMPI(MPI_Comm_rank(PetscObjectComm((PetscObject)snes), &rank));
  if (error && !rank) fprintf(stderr, "metasolve: recording stopped (%s); the program goes on\n", strerror(error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- run ---- */
/* *use: x0 is nearer, and F0 is F there. */
static PetscErrorCode Nearer(SNES snes, Newton *n, Nonlinear *r, Vec x0, Vec F0, PetscBool *use)
{
  PetscFunctionBegin;
  PetscCall(NewtonGuessMake(n->runner->newton, &r->grid, x0, use));
  if (*use) {
    PetscCall(SNESComputeFunction(snes, x0, F0));
    PetscCall(VecNorm(F0, NORM_2, &r->start));
    *use               = (PetscBool)isless(r->start, r->norm);
    snes->DOMAIN_ERROR = PETSC_FALSE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FromOurs(SNES snes, Newton *n, Nonlinear *r, Vec x0, Vec F0)
{
  const PetscReal abstol = snes->abstol;
  PetscErrorCode  err;
  Vec             own;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(snes->vec_sol, &own));
  PetscCall(VecCopy(snes->vec_sol, own));
  PetscCall(VecCopy(x0, snes->vec_sol));
  PetscCall(VecCopy(F0, snes->vec_func));
  snes->abstol = PetscMax(abstol, snes->rtol * r->norm);
  err          = Timed(snes, n, &r->seconds);
  snes->abstol = abstol;
  PetscCall(err);
  if (snes->reason == SNES_CONVERGED_FNORM_ABS && isgreater(snes->norm, abstol)) snes->reason = SNES_CONVERGED_FNORM_RELATIVE;
  r->source = "guess";
  if (snes->reason < 0) {
    r->source = "fallback";
    PetscCall(VecCopy(own, snes->vec_sol));
    snes->vec_func_init_set = PETSC_FALSE;
    snes->reason            = SNES_CONVERGED_ITERATING;
    snes->iter              = 0;
    PetscCall(Timed(snes, n, &r->seconds));
  }
  PetscCall(VecDestroy(&own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunNewton(SNES snes, Newton *n)
{
  Runner   *s = n->runner;
  Nonlinear r = {.source = "own", .start = NAN};
  PetscBool use;
  Vec       x0, F0;
  int       error;

  PetscFunctionBegin;
  PetscCall(GridOf(snes->dm, snes->vec_sol, &r.grid));
  PetscCall(OwnStart(snes, &r.norm));
  PetscCall(VecDuplicate(snes->vec_sol, &x0));
  PetscCall(VecDuplicate(snes->vec_func, &F0));
  PetscCall(Nearer(snes, n, &r, x0, F0, &use));
  if (use) PetscCall(FromOurs(snes, n, &r, x0, F0));
  else PetscCall(Timed(snes, n, &r.seconds));
  PetscCall(VecDestroy(&x0));
  PetscCall(VecDestroy(&F0));
  if (s->journal.path[0]) PetscCall(Append(snes, s->journal.run, &r, "", &s->journal, NULL, &error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscBool Plain(SNES snes)
{
  return (PetscBool)(!depth && snes->vec_sol && snes->vec_func && !snes->npc && snes->ops->converged == SNESConvergedDefault &&
                     !snes->vec_func_init_set);
}

static PetscErrorCode SNESSolve_Newton(SNES snes)
{
  PetscErrorCode err;
  PetscBool      first;
  Newton        *n;

  PetscFunctionBegin;
  PetscCall(Find(snes, &n));
  if (!n) PetscFunctionReturn(PETSC_ERR_PLIB);
  first = (PetscBool)(!begun && Plain(snes));
  if (!depth) begun = PETSC_TRUE;
  depth++;
  if (!first) err = n->solve(snes);
  else err = n->runner ? RunNewton(snes, n) : RecordNewton(snes, n);
  depth--;
  PetscCall(err);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Wrap(SNES snes)
{
  PetscContainer c;
  Newton        *n;

  PetscFunctionBegin;
  PetscCall(PetscNew(&n));
  if (mode == NEWTON_RUN) n->runner = (Runner *)environment->data;
  else n->recorder = (Recorder *)environment->data;
  n->solve = snes->ops->solve;
  PetscCall(PetscContainerCreate(PetscObjectComm((PetscObject)snes), &c));
  PetscCall(PetscContainerSetPointer(c, n));
  PetscCall(ContainerFrees(c));
  PetscCall(PetscObjectCompose((PetscObject)snes, "metasolve", (PetscObject)c));
  PetscCall(PetscContainerDestroy(&c));
  snes->ops->solve = SNESSolve_Newton;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- constructors; a SNES of another type is left alone ---- */
static const char *const wrapped[] = {SNESNEWTONLS, SNESNEWTONTR};
static PetscErrorCode (*original[2])(SNES);

static PetscErrorCode LineSearch(SNES snes)
{
  PetscFunctionBegin;
  PetscCall(original[0](snes));
  PetscCall(Wrap(snes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TrustRegion(SNES snes)
{
  PetscFunctionBegin;
  PetscCall(original[1](snes));
  PetscCall(Wrap(snes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NewtonWrapConstructors(Session *session, NewtonMode how)
{
  PetscErrorCode (*const constructors[])(SNES) = {LineSearch, TrustRegion};

  PetscFunctionBegin;
  environment = session;
  mode        = how;
  PetscCall(SNESInitializePackage());
  for (int i = 0; i < 2; i++) {
    PetscErrorCode (*f)(SNES) = NULL;
    PetscCall(PetscFunctionListFind(SNESList, wrapped[i], (void (**)(void))&f));
    if (!f || f == constructors[i]) continue;
    original[i] = f;
    PetscCall(SNESRegister(wrapped[i], constructors[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
