/* attach.c - a model for one KSP that the calling program holds. */
#include "attach.h"
#include "environment.h"
#include "run.h"
#include <string.h>

static const char *const solving[] = {
  KSPRICHARDSON, KSPCHEBYSHEV, KSPCG,      KSPGROPPCG, KSPPIPECG, KSPPIPECGRR, KSPPIPELCG, KSPPIPEPRCG,   KSPPIPECG2,
  KSPFCG,        KSPPIPEFCG,   KSPGMRES,   KSPFGMRES,  KSPLGMRES, KSPDGMRES,   KSPPGMRES,  KSPPIPEFGMRES, KSPTCQMR,
  KSPBCGS,       KSPIBCGS,     KSPFBCGS,   KSPFBCGSR,  KSPBCGSL,  KSPPIPEBCGS, KSPCGS,     KSPTFQMR,      KSPCR,
  KSPPIPECR,     KSPGCR,       KSPPIPEGCR, KSPMINRES,  KSPSYMMLQ, KSPLCD,      KSPBICG,    KSPQMRCGS,     KSPPREONLY,
};
PetscBool AttachSolves(const char *type)
{
  for (int i = 0; i < (int)(sizeof solving / sizeof *solving); i++)
    if (!strcmp(type, solving[i])) return PETSC_TRUE;
  return PETSC_FALSE;
}

PetscErrorCode AttachSession(KSP ksp, Session *s)
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
. prior - directory of the prior that chooses where systems are unlike what the model has learned from, or `NULL`
. log   - file to which one JSON line per solve is appended, or `NULL`
- trial - nonzero where a model is on trial, outside production: it is neither paused nor held to account

  Level: intermediate

.seealso: `MetasolveShare()`, `MetasolveDetach()`, `MetasolveLastRecord()`
@*/
PetscErrorCode MetasolveAttach(KSP ksp, const char *model, const char *prior, const char *log, int trial)
{
  Session  *s;
  PetscBool known;

  PetscFunctionBegin;
  PetscCall(EnvironmentRead(PetscObjectComm((PetscObject)ksp)));
  if (!trial && EnvironmentAsked()->off) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(((PetscObject)ksp)->type_name, PetscObjectComm((PetscObject)ksp), PETSC_ERR_ARG_WRONGSTATE,
             "set the type of the KSP (KSPSetFromOptions) before attaching a model");
  known = AttachSolves(((PetscObject)ksp)->type_name);
  PetscCheck(known, PetscObjectComm((PetscObject)ksp), PETSC_ERR_SUP,
             "a KSP of type %s is not accelerated: it does not solve A x = b", ((PetscObject)ksp)->type_name);
  PetscCall(HostUnwrap(ksp));
  PetscCall(RunSession(PetscObjectComm((PetscObject)ksp), model, prior, log, (PetscBool)(trial != 0), &s));
  PetscCall(AttachSession(ksp, s));
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
  PetscCall(AttachSession(ksp, h->session));
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
