/*
   clock.h - how long something takes, for all that decides by it: seconds of a clock, or of counted work.

   Clocks differ from run to run, and with them decisions, budgets and answers. Counted work does not: it is what PETSc has counted
   in floating-point operations, a price of what libraries do that count none, and a tick for each look, so that nothing takes no
   time. Ranks count their own.
*/
#pragma once
#include "metasolve.h"

#define CLOCK_PASS   2e-9 /* seconds for an entry of a matrix, in one pass over it */
#define CLOCK_FACTOR 1e-8 /* for (rows)^1.5, what a factorisation takes at least: of a plane grid, in nested dissection */

typedef struct {
  long   lost;      /* times that others were given the processor in the midst of a turn, ... */
  long   waits;     /* ... and that it was given up, to wait for something */
  double processor; /* ClockProcessor() */
} Turns;

void      ClockCount(PetscBool work); /* from now on, in this process */
PetscBool ClockCounts(void);
double    ClockNow(void);                    /* seconds on the wall, or of work */
double    ClockProcessor(void);              /* that this thread has computed: they do not go on while others have the processor */
Turns     ClockTurns(void);                  /* up to now */
double    ClockShare(Turns, double seconds); /* of seconds since then: others did not take the processor; 1: not known */
double    ClockAhead(KSP, PetscInt it); /* of the work of a solve at this iteration: what is counted only when it is over ... */
void      ClockSolved(KSP);             /* ... which it is */
void      ClockSetUp(PC);               /* a preconditioner was set up */
