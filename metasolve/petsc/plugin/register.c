/*
   register.c - how PETSc finds us: by -dll_append of loader/stub.c, or MetasolveAttach() for a KSP somebody holds.

   The constructor of every Krylov method is wrapped, so that programs which hard-code their types, and never ask for options, are
   reached too. Methods that solve A x = b can be acted on, preonly among them where its preconditioner is a factorisation. All
   others (least squares, trust regions), and all preconditioners, only count as places where inner solvers arise: whatever is made
   there is left alone.
*/
#include "newton.h"
#include "record.h"
#include "run.h"
#include <stdlib.h>
#include <string.h>

static const char *const solving[] = {
  KSPRICHARDSON, KSPCHEBYSHEV, KSPCG,      KSPGROPPCG, KSPPIPECG, KSPPIPECGRR, KSPPIPELCG, KSPPIPEPRCG,   KSPPIPECG2,
  KSPFCG,        KSPPIPEFCG,   KSPGMRES,   KSPFGMRES,  KSPLGMRES, KSPDGMRES,   KSPPGMRES,  KSPPIPEFGMRES, KSPTCQMR,
  KSPBCGS,       KSPIBCGS,     KSPFBCGS,   KSPFBCGSR,  KSPBCGSL,  KSPPIPEBCGS, KSPCGS,     KSPTFQMR,      KSPCR,
  KSPPIPECR,     KSPGCR,       KSPPIPEGCR, KSPMINRES,  KSPSYMMLQ, KSPLCD,      KSPBICG,    KSPQMRCGS,     KSPPREONLY,
};
#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))
PETSC_EXTERN PetscFunctionList KSPList, PCList;

static Session *environment = NULL; /* of the whole program */

static PetscBool Solves(const char *type)
{
  for (int i = 0; i < COUNT(solving); i++)
    if (!strcmp(type, solving[i])) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* ---- constructors: KSPRegister() and PCRegister() take functions without context, so there is one for each place ---- */
#define PLACES 80
typedef PetscErrorCode (*ConstructKSP)(KSP);
typedef PetscErrorCode (*ConstructPC)(PC);
static ConstructKSP ksp_original[PLACES];
static PetscBool    ksp_solves[PLACES];
static ConstructPC  pc_original[PLACES];

static PetscErrorCode MakeKSP(int i, KSP ksp)
{
  PetscFunctionBegin;
  PetscCall(ksp_original[i](ksp));
  if (!MetasolveDepth && environment) PetscCall(HostWrap(ksp, ksp_solves[i] ? environment : NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MakePC(int i, PC pc)
{
  PetscFunctionBegin;
  PetscCall(pc_original[i](pc));
  if (!MetasolveDepth && environment) PetscCall(PCWatchSetUp(pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define ONE(n) \
  static PetscErrorCode MakeKSP##n(KSP ksp) \
  { \
    return MakeKSP(n, ksp); \
  } \
  static PetscErrorCode MakePC##n(PC pc) \
  { \
    return MakePC(n, pc); \
  }
#define TEN(f, t) f(t##0) f(t##1) f(t##2) f(t##3) f(t##4) f(t##5) f(t##6) f(t##7) f(t##8) f(t##9)
#define ALL(f) \
  f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) TEN(f, 1) TEN(f, 2) TEN(f, 3) TEN(f, 4) TEN(f, 5) TEN(f, 6) TEN(f, 7)
#define KSP_(n) MakeKSP##n,
#define PC_(n)  MakePC##n,
ALL(ONE)
static const ConstructKSP ksp_made[] = {ALL(KSP_)};
static const ConstructPC  pc_made[]  = {ALL(PC_)};
_Static_assert(COUNT(ksp_made) == PLACES && COUNT(pc_made) == PLACES, "one constructor for each place");

static PetscErrorCode WrapKSP(void)
{
  const char **names;
  int          n;

  PetscFunctionBegin;
  PetscCall(KSPInitializePackage());
  PetscCall(PetscFunctionListGet(KSPList, &names, &n)); /* n may count a NULL at the end */
  n = PetscMin(n, PLACES);
  for (int i = 0; i < n && names[i]; i++) {
    PetscCall(PetscFunctionListFind(KSPList, names[i], (void (**)(void))&ksp_original[i]));
    ksp_solves[i] = Solves(names[i]);
  }
  for (int i = 0; i < n && names[i]; i++) PetscCall(KSPRegister(names[i], ksp_made[i]));
  PetscCall(PetscFree(names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WrapPC(void)
{
  const char **names;
  int          n;

  PetscFunctionBegin;
  PetscCall(PCInitializePackage());
  PetscCall(PetscFunctionListGet(PCList, &names, &n));
  n = PetscMin(n, PLACES);
  for (int i = 0; i < n && names[i]; i++) PetscCall(PetscFunctionListFind(PCList, names[i], (void (**)(void))&pc_original[i]));
  for (int i = 0; i < n && names[i]; i++) PetscCall(PCRegister(names[i], pc_made[i]));
  PetscCall(PetscFree(names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the whole program, as the environment says ---- */
static PetscErrorCode Forget(void)
{
  PetscFunctionBegin;
  if (environment) PetscCall(environment->end(environment->data));
  PetscCall(SessionRelease(&environment));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Called inside PetscInitialize(), by loader/stub.c, which PETSc loads. Collective on PETSC_COMM_WORLD. */
PetscErrorCode MetasolveRegister(void)
{
  const char *mode = getenv("METASOLVE_MODE"), *dir = getenv("METASOLVE_DIR"), *prefix = getenv("METASOLVE_PREFIX");
  PetscBool   run, linear, nonlinear, server;

  PetscFunctionBegin;
  if (!mode || !dir || environment) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscOptionsHasName(NULL, NULL, "-mpi_linear_solver_server", &server)); /* ranks then solve for another one */
  if (server) PetscFunctionReturn(PETSC_SUCCESS);
  run       = (PetscBool)!strcmp(mode, "run");
  nonlinear = (PetscBool)!strcmp(mode, "record-newton");
  linear    = (PetscBool)(run || !strcmp(mode, "record"));
  if (!linear && !nonlinear) PetscFunctionReturn(PETSC_SUCCESS);
  if (run) PetscCall(RunSession(PETSC_COMM_WORLD, dir, getenv("METASOLVE_LOG"), PETSC_FALSE, &environment));
  else PetscCall(RecordSession(dir, &environment));
  environment->references = 1;
  if (prefix) {
    environment->any_prefix = PETSC_FALSE;
    snprintf(environment->prefix, sizeof environment->prefix, "%s", prefix);
  }
  PetscCall(PetscRegisterFinalize(Forget));
  if (linear) PetscCall(WrapKSP());
  if (linear) PetscCall(WrapPC());
  if (nonlinear) PetscCall(NewtonWrapConstructors(environment, NEWTON_RECORD));
  else if (run && ((Runner *)environment->data)->newton) PetscCall(NewtonWrapConstructors(environment, NEWTON_RUN));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- one KSP of the calling program ---- */
static PetscErrorCode Attach(KSP ksp, Session *s)
{
  PetscFunctionBegin;
  PetscCall(HostWrap(ksp, s));
  if (ksp->setupstage == KSP_SETUP_NEWRHS) ksp->setupstage = KSP_SETUP_NEWMATRIX; /* our set-up has to see the operator */
  ksp->setupnewmatrix = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@C
  MetasolveAttach - Lets a model choose the settings of every further solve of a `KSP`

  Collective

  Input Parameters:
+ ksp   - an outermost solver, its type set
. model - model directory
. log   - file to which one JSON line per solve is appended, or `NULL`
- trial - nonzero where a model is on trial, outside production: it is neither paused nor held to account

  Level: intermediate

.seealso: `MetasolveShare()`, `MetasolveDetach()`, `MetasolveLastRecord()`
@*/
PetscErrorCode MetasolveAttach(KSP ksp, const char *model, const char *log, int trial)
{
  Session  *s;
  PetscBool known;

  PetscFunctionBegin;
  PetscCheck(((PetscObject)ksp)->type_name, PetscObjectComm((PetscObject)ksp), PETSC_ERR_ARG_WRONGSTATE,
             "set the type of the KSP (KSPSetFromOptions) before attaching a model");
  known = Solves(((PetscObject)ksp)->type_name);
  PetscCheck(known, PetscObjectComm((PetscObject)ksp), PETSC_ERR_SUP,
             "a KSP of type %s is not accelerated: it does not solve A x = b", ((PetscObject)ksp)->type_name);
  PetscCall(HostUnwrap(ksp));
  PetscCall(RunSession(PetscObjectComm((PetscObject)ksp), model, log, (PetscBool)(trial != 0), &s));
  PetscCall(Attach(ksp, s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@C
  MetasolveShare - Attaches the model of another `KSP`, which is not read again

  Collective

  Input Parameters:
+ ksp   - an outermost solver, its type set
- other - one that a model is attached to

  Level: intermediate

.seealso: `MetasolveAttach()`
@*/
PetscErrorCode MetasolveShare(KSP ksp, KSP other)
{
  Host *h;

  PetscFunctionBegin;
  PetscCall(HostUnwrap(ksp));
  PetscCall(HostFind(other, &h));
  PetscCheck(h && h->session, PetscObjectComm((PetscObject)ksp), PETSC_ERR_ARG_WRONGSTATE, "the other KSP has no model attached");
  PetscCall(Attach(ksp, h->session));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@C
  MetasolveTell - Tells a `KSP` that a model is attached to how its answers are judged, in place of what its own ones would say

  Logically Collective

  Input Parameters:
+ ksp       - the solver
. measure   - 0 for |b - A x|_2, 1 for the same with each row divided by its diagonal, 2 for the backward error
- tolerance - of the backward error; otherwise the tolerances of the `KSP` say it

  Level: developer

.seealso: `MetasolveAttach()`, `MetasolveJudge()`
@*/
PetscErrorCode MetasolveTell(KSP ksp, int measure, double tolerance)
{
  Host *h;

  PetscFunctionBegin;
  PetscCall(HostFind(ksp, &h));
  PetscCheck(h && h->session, PetscObjectComm((PetscObject)ksp), PETSC_ERR_ARG_WRONGSTATE, "the KSP has no model attached");
  PetscCall(RunTell(h, measure, tolerance));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  MetasolveDetach - Gives a `KSP` back to its own settings

  Collective

  Input Parameter:
. ksp - the solver

  Level: intermediate

.seealso: `MetasolveAttach()`
@*/
PetscErrorCode MetasolveDetach(KSP ksp)
{
  PetscFunctionBegin;
  PetscCall(HostUnwrap(ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@C
  MetasolveLastRecord - Returns what happened in the last solve of a `KSP` that a model is attached to

  Not Collective; complete on the first rank only

  Input Parameter:
. ksp - the solver

  Output Value:
. a line of JSON, empty before the first solve

  Level: intermediate

.seealso: `MetasolveAttach()`
@*/
const char *MetasolveLastRecord(KSP ksp)
{
  Host *h;

  return HostFind(ksp, &h) || !h || !h->session ? "" : RunLast(h);
}
