/*
   register.c - how PETSc finds us: by -dll_append of loader/stub.c, or MetasolveAttach() for a KSP somebody holds.

   The constructor of every Krylov method is wrapped, so that programs which hard-code their types, and never ask for options, are
   reached too. Methods that solve A x = b can be acted on, preonly among them where its preconditioner is a factorisation. All
   others (least squares, trust regions), and all preconditioners, only count as places where inner solvers arise: whatever is made
   there is left alone.
*/
#include "attach.h"
#include "environment.h"
#include "newton.h"
#include "record.h"
#include "run.h"
#include <string.h>

#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))
PETSC_EXTERN PetscFunctionList KSPList, PCList;

static Session *environment = NULL; /* of the whole program */

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
  if (!MetasolveDepth && environment) PetscCall(PCWatchSetUp(pc, (PetscBool)(environment->ops->mayact && environment->any_prefix)));
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
    ksp_solves[i] = AttachSolves(names[i]);
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

/* Constructors are wrapped once; without a session they do what they always did. */
static PetscErrorCode Wrap(void)
{
  static PetscBool wrapped = PETSC_FALSE;

  PetscFunctionBegin;
  if (!wrapped) PetscCall(WrapKSP());
  if (!wrapped) PetscCall(WrapPC());
  wrapped = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Called inside PetscInitialize(), by loader/stub.c, which PETSc loads. Collective on PETSC_COMM_WORLD. */
PetscErrorCode MetasolveRegister(void)
{
  const Environment *asked = EnvironmentAsked();
  PetscBool          run, linear, nonlinear, server;

  PetscFunctionBegin;
  if (environment) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EnvironmentRead(PETSC_COMM_WORLD));
  if (asked->off || !asked->mode || !asked->dir) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscOptionsHasName(NULL, NULL, "-mpi_linear_solver_server", &server)); /* ranks then solve for another one */
  if (server) PetscFunctionReturn(PETSC_SUCCESS);
  run       = (PetscBool)!strcmp(asked->mode, "run");
  nonlinear = (PetscBool)!strcmp(asked->mode, "record-newton");
  linear    = (PetscBool)(run || !strcmp(asked->mode, "record"));
  if (!linear && !nonlinear) PetscFunctionReturn(PETSC_SUCCESS);
  if (run) PetscCall(RunSession(PETSC_COMM_WORLD, asked->dir, asked->prior, asked->log, PETSC_FALSE, &environment));
  else PetscCall(RecordSession(asked->dir, &environment));
  environment->references = 1;
  if (asked->prefixes) {
    environment->any_prefix = PETSC_FALSE;
    snprintf(environment->prefixes, sizeof environment->prefixes, "%s", asked->prefixes);
  }
  PetscCall(PetscRegisterFinalize(Forget));
  if (linear) PetscCall(Wrap());
  if (nonlinear) PetscCall(NewtonWrapConstructors(environment, NEWTON_RECORD));
  else if (run && ((Runner *)environment->data)->newton) PetscCall(NewtonWrapConstructors(environment, NEWTON_RUN));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- a program that runs already ---- */
static PetscErrorCode Begin(void)
{
  static PetscBool registered = PETSC_FALSE;

  PetscFunctionBegin;
  environment->references = 1;
  if (!registered) PetscCall(PetscRegisterFinalize(Forget));
  registered = PETSC_TRUE;
  PetscCall(Wrap());
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@C
  MetasolveBegin - Lets a model choose the settings of all outermost `KSP` whose type is set from now on

  Collective on `PETSC_COMM_WORLD`

  Input Parameters:
+ model - directory of a model
. prior - directory of the prior that chooses where systems are unlike what the model has learned from; NULL for none
- log   - a file to which a JSON line for each solve is appended; NULL for none

  Level: intermediate

.seealso: `MetasolveAdopt()`, `MetasolveEnd()`
@*/
PetscErrorCode MetasolveBegin(const char *model, const char *prior, const char *log)
{
  PetscFunctionBegin;
  PetscCall(EnvironmentRead(PETSC_COMM_WORLD));
  if (EnvironmentAsked()->off) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(!environment, PETSC_COMM_WORLD, PETSC_ERR_ORDER, "a model is in front of this program already");
  PetscCall(RunSession(PETSC_COMM_WORLD, model, prior, log, PETSC_FALSE, &environment));
  PetscCall(Begin());
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@C
  MetasolveBeginRecording - Records the systems that all outermost `KSP` solve whose type is set from now on

  Collective on `PETSC_COMM_WORLD`

  Input Parameter:
. dir - a recording, with folders `operators` and `vectors` in it

  Level: intermediate

.seealso: `MetasolveAdopt()`, `MetasolveEnd()`
@*/
PetscErrorCode MetasolveBeginRecording(const char *dir)
{
  PetscFunctionBegin;
  PetscCall(EnvironmentRead(PETSC_COMM_WORLD));
  if (EnvironmentAsked()->off) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(!environment, PETSC_COMM_WORLD, PETSC_ERR_ORDER, "a model or a recording is in front of this program already");
  PetscCall(RecordSession(dir, &environment));
  PetscCall(Begin());
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  MetasolveAdopt - Does what `MetasolveBegin()` does with a `KSP` that was there before

  Collective

  Input Parameter:
. ksp - the solver; left alone if it is of a type that does not solve A x = b

  Level: intermediate

.seealso: `MetasolveBegin()`
@*/
PetscErrorCode MetasolveAdopt(KSP ksp)
{
  PetscFunctionBegin;
  if (!environment || !AttachSolves(((PetscObject)ksp)->type_name)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(HostUnwrap(ksp));
  PetscCall(AttachSession(ksp, environment));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@
  MetasolveEnd - Undoes `MetasolveBegin()` for `KSP` whose type is set from now on

  Collective on `PETSC_COMM_WORLD`

  Level: intermediate

.seealso: `MetasolveDetach()`
@*/
PetscErrorCode MetasolveEnd(void)
{
  PetscFunctionBegin;
  PetscCall(Forget());
  PetscFunctionReturn(PETSC_SUCCESS);
}
