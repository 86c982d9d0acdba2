/* expect.h - what a solve would take, with a candidate or with the program's own settings. Natural logarithms of seconds. */
#pragma once
#include "runner.h"

int    ExpectOwnAs(const Solve *); /* the candidate that own settings are, or the usual one */
Whose  WhoseOwn(const Solve *);
Whose  WhoseCandidate(int);
Whose  WhoseTried(const Solve *);   /* the one that was tried */
Whose  WhoseLasting(const Solve *); /* own settings whose preconditioner may serve several operators */
double ExpectRights(Class);         /* solves for each operator */
double ExpectForeseen(const Solve *, int candidate, double rights); /* of a solve that pays its share of a set-up */
double ExpectOwn(const Solve *, double rights);
double ExpectCandidate(const Solve *, int candidate, double rights, double own);
double ExpectLasting(const Solve *, int candidate, double rights); /* of all operators that a set-up serves; as it was foreseen */
