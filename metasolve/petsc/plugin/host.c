/* host.c - the operations of a wrapped KSP. PETSc calls setup before PCSetUp(), and solve with the operator, right-hand side and
   guess in place. */
#include "host.h"
#include "contract.h"
#include "environment.h"
#include "guard.h"
#include "left.h"
#include "own.h"
#include <string.h>

PetscErrorCode HostFind(KSP ksp, Host **host)
{
  PetscContainer c;

  PetscFunctionBegin;
  *host = NULL;
  PetscCall(PetscObjectQuery((PetscObject)ksp, "metasolve", (PetscObject *)&c));
  if (c) PetscCall(PetscContainerGetPointer(c, (void **)host));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of a KSP that is wrapped. */
#define HOST_OF(ksp, h) \
  do { \
    PetscCall(HostFind((ksp), &(h))); \
    if (!(h)) PetscFunctionReturn(PETSC_ERR_PLIB); \
  } while (0)

/* Is this an outermost solver that the session is about? One that only applies its preconditioner is where that is exact. */
static PetscBool Meant(KSP ksp, const Session *s)
{
  const char *prefix = ((PetscObject)ksp)->prefix;

  if (!s || MetasolveDepth || (ContractIsAlone(ksp) && !ContractIsDirect(ksp))) return PETSC_FALSE;
  return (PetscBool)(s->any_prefix || TextAmong(s->prefixes, ',', prefix ? prefix : ""));
}

/* Why it is not. */
static Left LeftOf(KSP ksp, const Session *s)
{
  if (ksp->transpose_solve) return LEFT_TRANSPOSED;
  if (!s) return LEFT_METHOD;
  if (!ContractIsAlone(ksp) || ContractIsDirect(ksp)) return LEFT_PREFIX;
  if (!ContractFactors(ksp)) return LEFT_ONCE;
  return EnvironmentAsked()->no_direct ? LEFT_DIRECT_OFF : LEFT_DIRECT;
}

static PetscErrorCode KSPBuildSolution_Host(KSP ksp, Vec v, Vec *V)
{
  Host *h;

  PetscFunctionBegin;
  HOST_OF(ksp, h);
  if (h->sight) PetscCall(SightTake(h->sight, PETSC_TRUE));
  if (h->mirrored) PetscCall(KSPBuildSolution(h->mirrored, v, V));
  else if (!h->answered) PetscCall((*h->ksp_buildsolution)(ksp, v, V));
  else if (v) {
    PetscCall(VecCopy(ksp->vec_sol, v));
    *V = v;
  } else *V = ksp->vec_sol;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode KSPBuildResidual_Host(KSP ksp, Vec t, Vec v, Vec *V)
{
  Host *h;

  PetscFunctionBegin;
  HOST_OF(ksp, h);
  if (h->sight) PetscCall(SightTake(h->sight, PETSC_TRUE));
  if (h->mirrored) PetscCall(KSPBuildResidual(h->mirrored, t, v, V));
  else if (h->answered) PetscCall(KSPBuildResidualDefault(ksp, t, v, V));
  else PetscCall((*h->ksp_buildresidual)(ksp, t, v, V));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode KSPReset_Host(KSP ksp)
{
  Host *h;

  PetscFunctionBegin;
  HOST_OF(ksp, h);
  if (h->state && h->session->ops->reset) PetscCall(h->session->ops->reset(h->state));
  if (h->ksp_reset) PetscCall(h->ksp_reset(ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode KSPSolve_Host(KSP);

/* Some functions of PETSc exchange the solve of a KSP that has been made already: it is the program's own from now on. */
static void Adopt(KSP ksp, Host *h)
{
  if (ksp->ops->solve == KSPSolve_Host) return;
  h->ksp_solve    = ksp->ops->solve;
  ksp->ops->solve = KSPSolve_Host;
}

static PetscErrorCode KSPSetUp_Host(KSP ksp)
{
  PetscBool may = PETSC_FALSE, waits;
  Host     *h;

  PetscFunctionBegin;
  HOST_OF(ksp, h);
  Adopt(ksp, h);
  if (ksp->setupstage == KSP_SETUP_NEW || h->setupnewmatrix) h->setup_due = PETSC_TRUE;
  if (!Meant(ksp, h->session)) {
    PetscCall(OwnSetUp(ksp, h));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  ksp->setupnewmatrix = PETSC_TRUE; /* call us again for a new operator */
  h->setup            = 0;
  PetscCall(KSPGetPC(ksp, &ksp->pc));
  PetscCall(OwnSetUp(ksp, h)); /* work space: a solve that is exchanged after this would miss it */
  if (h->session->ops->mayact) PetscCall(h->session->ops->mayact(ksp, h, &may));
  if (may) {
    PetscCall(PCDefer(ksp->pc));
    PetscCall(PCDeferred(ksp->pc, &waits));
    if (waits) PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!ScalesSystem(ksp)) PetscCall(OwnSetUpPC(ksp, h)); /* a diagonally scaled operator is scaled only after us */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode KSPSolve_Host(KSP ksp)
{
  PetscErrorCode err;
  PetscBool      waits;
  Host          *h;

  PetscFunctionBegin;
  HOST_OF(ksp, h);
  PetscCall(PCDeferOpen(ksp->pc, &waits));
  if (waits) AskAgain(ksp);
  if (!Meant(ksp, h->session) || ksp->transpose_solve) {
    if (!MetasolveDepth) LeftCount(LeftOf(ksp, h->session));
    PetscCall(HostSolveOwn(ksp, h));
  } else {
    GuardEnter();
    err = h->session->ops->solve(ksp, h);
    GuardLeave();
    PetscCall(err);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SessionRelease(Session **session)
{
  Session *s = *session;

  PetscFunctionBegin;
  *session = NULL;
  if (!s || --s->references) PetscFunctionReturn(PETSC_SUCCESS);
  if (s->destroy) PetscCall(s->destroy(s->data));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode HostDestroy(void *data)
{
  Host *h = (Host *)CONTEXT(data);

  PetscFunctionBegin;
  if (h->state) PetscCall(h->session->ops->destroy(h->state));
  PetscCall(SessionRelease(&h->session));
  PetscCall(PetscFree(h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HostWrap(KSP ksp, Session *session)
{
  Host          *h;
  PetscContainer c;

  PetscFunctionBegin;
  PetscCall(PetscNew(&h));
  h->session           = session;
  h->ksp_setup         = ksp->ops->setup;
  h->ksp_solve         = ksp->ops->solve;
  h->ksp_reset         = ksp->ops->reset;
  h->ksp_buildsolution = ksp->ops->buildsolution;
  h->ksp_buildresidual = ksp->ops->buildresidual;
  h->setupnewmatrix    = ksp->setupnewmatrix;
  if (session) session->references++;
  PetscCall(PetscContainerCreate(PetscObjectComm((PetscObject)ksp), &c));
  PetscCall(PetscContainerSetPointer(c, h));
  PetscCall(PetscContainerSetUserDestroy(c, HostDestroy));
  PetscCall(PetscObjectCompose((PetscObject)ksp, "metasolve", (PetscObject)c)); /* replaces, and so destroys, an earlier one */
  PetscCall(PetscContainerDestroy(&c));
  ksp->ops->setup         = KSPSetUp_Host;
  ksp->ops->solve         = KSPSolve_Host;
  ksp->ops->buildsolution = KSPBuildSolution_Host;
  ksp->ops->buildresidual = KSPBuildResidual_Host;
  ksp->ops->reset         = KSPReset_Host;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HostUnwrap(KSP ksp)
{
  PetscBool waits = PETSC_FALSE, due;
  Host     *h;

  PetscFunctionBegin;
  PetscCall(HostFind(ksp, &h));
  if (!h) PetscFunctionReturn(PETSC_SUCCESS);
  if (ksp->ops->solve == KSPSolve_Host) {
    ksp->ops->setup         = h->ksp_setup;
    ksp->ops->solve         = h->ksp_solve;
    ksp->ops->reset         = h->ksp_reset;
    ksp->ops->buildsolution = h->ksp_buildsolution;
    ksp->ops->buildresidual = h->ksp_buildresidual;
    ksp->setupnewmatrix     = h->setupnewmatrix;
  }
  if (ksp->pc) {
    PetscCall(PCDeferred(ksp->pc, &waits));
    PetscCall(PCUndefer(ksp->pc));
  }
  due = h->setup_due;
  PetscCall(PetscObjectCompose((PetscObject)ksp, "metasolve", NULL));
  if (waits && ksp->setupstage == KSP_SETUP_NEWRHS) ksp->setupstage = KSP_SETUP_NEWMATRIX; /* PCSetUp() is due, then */
  if (due) ksp->setupstage = KSP_SETUP_NEW;
  PetscFunctionReturn(PETSC_SUCCESS);
}
