/*
   deferred.h - the program's preconditioner, whose set-up waits until somebody needs it.

   Each outermost PC has its set-up replaced: inner solvers that arise in it are known to be inner ones (MetasolveDepth). Where a
   model is to solve, PCDefer() lets the set-up that KSPSetUp() asks for wait. So does the first PCSetUp() that a program calls
   itself, maybe before there is a KSP. Whoever needs it later gets it: PCApply() and the like call PCSetUp() anyway,
   PCFactorGetMatrix() and the functions that hand out inner solvers are replaced meanwhile.
*/
#pragma once
#include "guard.h"
#include "metasolve.h"

PetscErrorCode PCWatchSetUp(PC,
                            PetscBool bare); /* its set-up is a place where inner solvers arise; bare: PCSetUp() itself may wait */
PetscErrorCode PCDefer(PC);                  /* the set-up that KSPSetUp() is about to ask for waits */
PetscErrorCode PCDeferred(PC, PetscBool *);  /* does one wait? */
PetscErrorCode PCDeferOpen(PC, PetscBool *); /* the same, and whoever needs it from now on gets it */
PetscErrorCode PCSetUpDeferred(PC);          /* it is done now. Collective */
PetscErrorCode PCUndefer(PC);                /* nothing of ours is left in the PC; its set-up is due again */
