/* inner.c - the inner KSP: made, set up, kept, got rid of. */
#include "inner.h"
#include "clock.h"
#include "deferred.h"
#include "quiet.h"
#include "sound.h"
#include "split.h"
#include <string.h>

/* ---- options, under a prefix nobody else has: -options_monitor and -help do not show them ---- */
static PetscErrorCode OptionChange(const char *key, const char *value) /* NULL: it goes */
{
  PetscErrorCode (*const print)(FILE *, const char[], va_list) = PetscVFPrintf;
  PetscErrorCode err;

  PetscFunctionBegin;
  PetscVFPrintf = QuietPrint;
  err           = value ? PetscOptionsSetValue(NULL, key, value) : PetscOptionsClearValue(NULL, key);
  PetscVFPrintf = print;
  PetscCall(err);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OptionsInsert(const Inner *in)
{
  char key[160];

  PetscFunctionBegin;
  for (int i = 0; i < in->settings.n; i++) {
    snprintf(key, sizeof key, "-%s%s", in->prefix, in->settings.name[i]);
    PetscCall(OptionChange(key, in->settings.value[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* unused: one that PETSc did not ask for, if there is one. */
PetscErrorCode InnerForgetOptions(Inner *in, char unused[64])
{
  char      key[160];
  PetscBool used;

  PetscFunctionBegin;
  for (int i = 0; *in->prefix && i < in->settings.n; i++) {
    snprintf(key, sizeof key, "-%s%s", in->prefix, in->settings.name[i]);
    PetscCall(PetscOptionsUsed(NULL, key + 1, &used));
    if (!used && unused) snprintf(unused, 64, "%s", in->settings.name[i]);
    PetscCall(OptionChange(key, NULL));
  }
  in->prefix[0] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode InnerDestroy(Inner *in)
{
  PetscFunctionBegin;
  PetscCall(InnerForgetOptions(in, NULL));
  MetasolveDepth++;
  PetscCall(KSPDestroy(&in->ksp));
  MetasolveDepth--;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool InnerReady(const Inner *in, const Settings *s, const Operator *o, KSPNormType norm)
{
  return (PetscBool)(in->ksp && in->norm == norm && OperatorSame(&in->op, o) && SettingsSame(&in->settings, s));
}

/* ---- under a handler that keeps errors to itself ---- */
/* The same settings again, for new values in the same matrix: setting up the KSP there is does what a fresh one would, at a
   fraction of the cost, where the preconditioner keeps nothing but memory and what follows from the sparsity pattern. GAMG keeps
   its aggregates as well, in a program's own solver, too. */
static PetscErrorCode Reusable(const Inner *in, const Settings *s, const Operator *o, KSPNormType norm, PetscBool *yes)
{
  PC pc;

  PetscFunctionBegin;
  *yes = (PetscBool)(in->ksp && !in->anew && in->norm == norm && in->op.id == o->id && SettingsSame(&in->settings, s));
  if (!*yes) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(KSPGetPC(in->ksp, &pc));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)pc, yes, PCNONE, PCJACOBI, PCPBJACOBI, PCSOR, PCILU, PCICC, PCBJACOBI, PCASM,
                                      PCLU, PCCHOLESKY, PCGAMG, ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A factor of another matrix is no inverse of this one: Richardson's method takes many steps with it, or does not converge. */
static PetscErrorCode Method(Inner *in, const Operator *o)
{
  if (strcmp(SettingsGet(&in->settings, "ksp_type"), KSPRICHARDSON)) return PETSC_SUCCESS;
  return KSPSetType(in->ksp, in->kept || OperatorIsTwo(o) ? KSPGMRES : KSPRICHARDSON);
}

static PetscErrorCode Operators(Inner *in, const Operator *o)
{
  Mat A, P;

  PetscFunctionBegin;
  OperatorsFor(o, &in->settings, &A, &P);
  PetscCall(KSPSetOperators(in->ksp, A, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(Inner *in, KSP host, const Settings *s, const Operator *o, KSPNormType norm)
{
  static int serial = 0;
  PC         pc;

  PetscFunctionBegin;
  PetscCall(InnerDestroy(in));
  in->settings = *s;
  in->norm     = norm;
  in->guessed  = PETSC_FALSE;
  PetscCall(KSPCreate(PetscObjectComm((PetscObject)host), &in->ksp));
  snprintf(in->prefix, sizeof in->prefix, INNER_PREFIX "%d_", serial++);
  PetscCall(KSPSetOptionsPrefix(in->ksp, in->prefix));
  PetscCall(Operators(in, o));
  PetscCall(OptionsInsert(in));
  if (norm != KSP_NORM_DEFAULT) PetscCall(KSPSetNormType(in->ksp, norm));
  PetscCall(KSPSetFromOptions(in->ksp));
  PetscCall(KSPSetErrorIfNotConverged(in->ksp, PETSC_FALSE));
  PetscCall(Method(in, o));
  PetscCall(KSPGetPC(in->ksp, &pc));
  PetscCall(SplitRows(pc, s, o->P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* PETSc sets up the solvers of a fieldsplit in the first solve: too late to see whether they fail, and for our clocks. */
static PetscErrorCode SetUpSplits(PC pc)
{
  PetscBool is;
  PetscInt  n = 0;
  KSP      *splits;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCFIELDSPLIT, &is));
  if (!is) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PCFieldSplitGetSubKSP(pc, &n, &splits));
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(KSPSetUp(splits[i]));
    PetscCall(KSPSetUpOnBlocks(splits[i]));
    if (splits[i]->reason < 0) PetscCall(PCSetFailedReason(pc, PC_SUBPC_ERROR));
  }
  PetscCall(PetscFree(splits));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp(Inner *in, KSP host, const Settings *s, const Operator *o, KSPNormType norm)
{
  PetscBool reuse;
  PC        pc;

  PetscFunctionBegin;
  PetscCall(Reusable(in, s, o, norm, &reuse));
  in->kept = PETSC_FALSE;
  if (reuse) {
    PetscCall(Operators(in, o));
    PetscCall(Method(in, o));
  } else PetscCall(Create(in, host, s, o, norm));
  in->op      = (Operator){0}; /* until it is done */
  in->updated = reuse;
  in->anew    = PETSC_FALSE;
  PetscCall(KSPSetReusePreconditioner(in->ksp, PETSC_FALSE));
  PetscCall(KSPSetUp(in->ksp));
  PetscCall(KSPSetUpOnBlocks(in->ksp));
  PetscCall(KSPGetPC(in->ksp, &pc));
  PetscCall(SetUpSplits(pc));
  ClockSetUp(in->ksp->pc);
  in->op = *o;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Keep(Inner *in, const Operator *o)
{
  PetscFunctionBegin;
  in->kept = PETSC_TRUE;
  PetscCall(Method(in, o));
  PetscCall(KSPSetReusePreconditioner(in->ksp, PETSC_TRUE));
  PetscCall(Operators(in, o));
  PetscCall(KSPSetUp(in->ksp));
  in->op = *o;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a failed preconditioner and a sweep that would divide by zero have in common: one rank knows, and the others go on. */
static PetscErrorCode Checked(const Inner *in, KSP host, InnerState *mine)
{
  PCFailedReason failed;
  PetscBool      sound = PETSC_TRUE;
  PetscMPIInt    ranks;
  PC             pc;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)host), &ranks));
  PetscCall(KSPGetPC(in->ksp, &pc));
  PetscCall(PCGetFailedReason(pc, &failed));
  if (ranks > 1) PetscCall(SoundPC(pc, &sound)); /* on one rank an error is caught, and that is all */
  *mine = failed || in->ksp->reason < 0 ? INNER_FAILED : sound ? INNER_OK : INNER_UNSOUND;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every rank ends up with the worst that any of them has met. */
PetscErrorCode InnerAgree(KSP host, InnerState mine, InnerState *state)
{
  int worst = (int)mine;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &worst, 1, MPI_INT, MPI_MAX, PetscObjectComm((PetscObject)host)));
  *state = (InnerState)worst;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode InnerSetUp(Inner *in, KSP host, const Settings *s, const Operator *o, KSPNormType norm, InnerState *state)
{
  InnerState     mine = INNER_OK;
  PetscBool      sound;
  PetscErrorCode err;
  OperatorMarks  marks;
  Quiet          quiet;
  Mat            A, P;

  PetscFunctionBegin;
  PetscCall(SoundOperator(o, s, &sound));
  PetscCall(InnerAgree(host, sound ? INNER_OK : INNER_UNSOUND, state));
  if (*state) PetscFunctionReturn(PETSC_SUCCESS);
  OperatorsFor(o, s, &A, &P);
  PetscCall(OperatorKeep(P, INNER_PREFIX, &marks));
  PetscCall(QuietBegin(&quiet));
  err = SetUp(in, host, s, o, norm);
  if (!err) err = Checked(in, host, &mine);
  PetscCall(QuietEnd(&quiet));
  PetscCall(OperatorPutBack(&marks));
  PetscCall(InnerAgree(host, err ? INNER_ERROR : mine, state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool InnerMayKeep(const Inner *in, KSPNormType norm)
{
  return (PetscBool)(in->ksp && in->norm == norm && in->op.id);
}

void InnerAnew(Inner *in)
{
  in->anew = PETSC_TRUE;
}

PetscErrorCode InnerKeep(Inner *in, KSP host, const Operator *o, InnerState *state)
{
  InnerState     mine = INNER_OK;
  PetscErrorCode err;
  OperatorMarks  marks;
  Quiet          quiet;
  Mat            A, P;

  PetscFunctionBegin;
  OperatorsFor(o, &in->settings, &A, &P);
  PetscCall(OperatorKeep(P, INNER_PREFIX, &marks));
  PetscCall(QuietBegin(&quiet));
  err = Keep(in, o);
  if (!err) err = Checked(in, host, &mine);
  PetscCall(QuietEnd(&quiet));
  PetscCall(OperatorPutBack(&marks));
  PetscCall(InnerAgree(host, err ? INNER_ERROR : mine, state));
  PetscFunctionReturn(PETSC_SUCCESS);
}
