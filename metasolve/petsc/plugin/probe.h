/*
   probe.h - the last mile: a solve now and then with the numbers of the favourite moved, to see whether that is cheaper.

   One probe is one ordinary solve. Nothing is probed before a candidate of the class has answered often; where a preconditioner
   serves several operators; or in a run that is frozen, counts its work, or gives advice only. What probes may lose is in the same
   bound as what bolder candidates may. The numbers move to a place only when solves there have been cheaper, beyond the noise of
   both; if later ones are not, they go back.
*/
#pragma once
#include "runner.h"

void ProbeAsk(Solve *, int candidate, double takes, double left,
              Point *); /* where the numbers are to be in this solve; takes, left: seconds of a solve, and to lose */
void ProbeSettle(const Solve *, int candidate, const Point *, Settings *); /* the settings are with these numbers */
void ProbeLearn(Solve *);                                                  /* an attempt is over */
