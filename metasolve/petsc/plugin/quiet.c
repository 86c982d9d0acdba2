/* quiet.c - what is done in PETSc's name without a word of it: errors, help, open events of the log. */
#include "quiet.h"
#include "deferred.h"
#include <petsc/private/logimpl.h>

PetscErrorCode QuietPrint(FILE *file, const char format[], va_list given)
{
  (void)file;
  (void)format;
  (void)given;
  return PETSC_SUCCESS;
}

static PetscErrorCode HelpNothing(MPI_Comm comm, const char format[], ...)
{
  (void)comm;
  (void)format;
  return PETSC_SUCCESS;
}

/* Where help was asked for, it is about the program's own solvers. Lists of types and viewers go through the second function. */
static void Hush(Quiet *q)
{
  PetscBool wanted = PETSC_FALSE;

  q->help  = PetscHelpPrintf;
  q->print = PetscVFPrintf;
  if (PetscOptionsHasHelp(NULL, &wanted) || !wanted) return;
  PetscHelpPrintf = HelpNothing;
  PetscVFPrintf   = QuietPrint;
}

/* An error leaves events open, which a log that nests them (-log_view :FILE:ascii_xml) does not survive. */
static void Unlog(Quiet *q)
{
#if PETSC_VERSION_LT(3, 20, 0)
  q->begin = PetscLogPLB;
  q->end   = PetscLogPLE;
  if (q->begin == PetscLogEventBeginDefault) return;
  PetscLogPLB = NULL;
  PetscLogPLE = NULL;
#else
  (void)q;
#endif
}

static void Relog(const Quiet *q)
{
#if PETSC_VERSION_LT(3, 20, 0)
  PetscLogPLB = q->begin;
  PetscLogPLE = q->end;
#else
  (void)q;
#endif
}

PetscErrorCode QuietBegin(Quiet *q)
{
  PetscFunctionBegin;
  q->depth = MetasolveDepth;
  MetasolveDepth++;
  PetscCall(PetscPushErrorHandler(PetscIgnoreErrorHandler, NULL));
  Hush(q);
  Unlog(q);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode QuietEnd(const Quiet *q)
{
  PetscFunctionBegin;
  Relog(q);
  PetscHelpPrintf = q->help;
  PetscVFPrintf   = q->print;
  PetscCall(PetscPopErrorHandler());
  MetasolveDepth = q->depth;
  PetscFunctionReturn(PETSC_SUCCESS);
}
