/*
   numbers.h - the numbers of a candidate, moved from where the prior leaves them by what its solves have taken.

   Each number has a grid, and its place there is a whole number of steps from the candidate's own value. All are moved at once,
   along a direction of signs (SPSA): it is the hash of the class and of a count, so that anybody can draw it again. What was found
   of a place is one of a few findings, and these lead to the same numbers anywhere, bit for bit.
*/
#pragma once
#include "metasolve.h"

#define NUMBERS_MOST 4
#define NUMBERS_FAR  1000 /* steps that no number is away from where it began */

typedef enum { /* of a place beside that of the numbers */
  FINDING_CHEAPER = -1,
  FINDING_UNCLEAR,
  FINDING_DEARER,
  FINDING_BACK /* of the place that they are at: it has become dearer than the one before */
} Finding;

typedef struct {
  char      name[64];
  int       at, good, low, high; /* steps; good: before the last move. Between low and high */
  double    own, each;           /* the candidate's own value, and how far a step is */
  PetscBool log;                 /* a step is a factor */
} Number;

typedef struct { /* of a class */
  char   candidate[64];
  int    n;          /* 0: there are none */
  int    step, turn; /* findings so far; directions so far */
  int    side, gone; /* 1: along the direction, -1: against it; how often it was good to go there */
  int    failed;     /* directions since the last good one */
  int    gain;       /* of all moves, in thousandths of the logarithm of what a solve takes ... */
  int    last;       /* ... and of the last one */
  Number of[NUMBERS_MOST];
} Numbers;

typedef struct {                 /* of the numbers, in one solve */
  int       n, at[NUMBERS_MOST]; /* n 0: as the candidate has them */
  PetscBool probe, failed;       /* failed: it did not answer */
  double    risk;                /* seconds that it might lose */
} Point;

void      NumbersBegin(Numbers *, const char *class, const char *candidate,
                       const Settings *);                                       /* those that these settings have; step goes on */
PetscBool NumbersSame(const Numbers *, const Numbers *);                        /* the same candidate, and the same grids? */
void      NumbersPlace(const Numbers *, const char *class, int side, int at[]); /* to be looked at next, on this side */
void      NumbersLearn(Numbers *, const char *class, Finding, int gain);
double    NumberValue(const Number *, int at);
void      NumbersSet(const Numbers *, const int at[], Settings *); /* places other than the candidate's own */

typedef struct { /* logarithms: mean and variance of the last dozen or so */
  int    n;
  double mean, variance;
} Spread;
typedef struct { /* of one run: what solves at the numbers' place take, and those beside it, ln of times what was foreseen */
  int       at[NUMBERS_MOST]; /* that place */
  Spread    built, updated;   /* with a preconditioner that was made anew, or for new values only */
  int       looks, waited;    /* at the place beside it; solves since the last one */
  int       row, tries;       /* probes in a row so far; probes for the looks so far */
  double    sum;              /* of what looks took beyond that */
  Spread    seconds, loss;    /* that a solve takes, all of it; of it, that a probe has lost */
  PetscBool moved;            /* to this place, and it is not known yet whether that was right ... */
  double    before;           /* ... after one whose mean was so */
  int       others;           /* choices in a row of one other candidate */
  double    risked;           /* seconds that probes might have lost */
} Search;
