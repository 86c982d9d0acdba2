/*
   guard.h - what belongs to the host while code of ours runs: floating-point traps and flags, and how numbers are written.

   A host may run under -fp_trap, feenableexcept() or gfortran's -ffpe-trap, and may have set a locale whose decimal point is a
   comma. Between GuardEnter() and GuardLeave() nothing traps, and numbers are read and written as in C. Code of the host that is
   called in between (its solve, its tests, its monitors) runs between GuardLift() and GuardSettle(), as if we were not there.
*/
#pragma once

extern int MetasolveDepth; /* > 0 inside somebody's set-up or solve: whatever happens there is not outermost */

void GuardEnter(void);
void GuardLeave(void);
int  GuardLift(void); /* what GuardSettle() is to be given */
void GuardSettle(int lifted);
