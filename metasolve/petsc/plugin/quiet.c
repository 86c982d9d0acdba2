/* quiet.c - what is done in PETSc's name without a word of it: errors, help, open events of the log. */
#include "quiet.h"
#include "deferred.h"
#include <petsc/private/kspimpl.h>
#include <petsc/private/logimpl.h>
#include <petsc/private/pcimpl.h>
#include <stdlib.h>

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

#if PETSC_VERSION_LT(3, 20, 0)
/* Of the stage that is logged; NULL: nothing is. */
static PetscEventPerfLog Events(void)
{
  return PetscLogPLB && petsc_stageLog && petsc_stageLog->curStage >= 0
         ? petsc_stageLog->stageInfo[petsc_stageLog->curStage].eventLog
         : NULL;
}

/* What PCSetUp() keeps out of the log until it is over. */
static PetscLogEvent Kept(int i)
{
  return i ? PC_Apply : KSP_Solve;
}

static void LogRemember(Quiet *q)
{
  const PetscEventPerfLog log = Events();

  q->open = log ? malloc((size_t)PetscMax(log->numEvents, 1) * sizeof *q->open) : NULL;
  if (!q->open) return;
  q->stage  = petsc_stageLog->curStage;
  q->events = log->numEvents;
  for (int e = 0; e < q->events; e++) q->open[e] = log->eventInfo[e].depth;
  for (int i = 0; i < 2; i++) q->deaf[i] = (PetscBool)(Kept(i) >= q->events || !log->eventInfo[Kept(i)].active);
}

/* An error leaves stages and events open, and those out of the log that a set-up had kept out. */
static void LogRestore(const Quiet *q)
{
  PetscEventPerfLog log;

  while (q->open && petsc_stageLog->curStage != q->stage && !PetscLogStagePop()) continue;
  log = q->open ? Events() : NULL;
  for (int e = 0; log && e < q->events; e++)
    while (log->eventInfo[e].depth > q->open[e] && !PetscLogEventEndDefault(e, 0, NULL, NULL, NULL, NULL)) continue;
  for (int i = 0; log && i < 2; i++)
    if (!q->deaf[i] && !log->eventInfo[Kept(i)].active) (void)PetscLogEventActivate(Kept(i));
  free(q->open);
}
#endif

/* A log that nests events (-log_view :FILE:ascii_xml) does not survive any that is left open: it is told of none. */
static void Unlog(Quiet *q)
{
#if PETSC_VERSION_LT(3, 20, 0)
  LogRemember(q);
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
  LogRestore(q);
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
