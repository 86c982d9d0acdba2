/*
   runner.h - what a program is run with: a model, a guess, classes, an account, a journal; and what happens to one solve.

   The record of one solve (Solve) is shared by all that have a part in it: run.c decides, others act, journal.c writes.
*/
#pragma once
#include "change.h"
#include "class.h"
#include "clock.h"
#include "contract.h"
#include "earlier.h"
#include "gather.h"
#include "host.h"
#include "inner.h"
#include "journal.h"
#include "product.h"
#include "reuse.h"
#include "state.h"
#include "watch.h"
#include <math.h>

#define METASOLVE_TYPES 16
#define SHORTEST_WALL   0.02 /* seconds: below, a clock on the wall tells more about the machine than about the solve */

typedef struct { /* a kind of preconditioner whose set-up took longer than a solve may */
  char     type[32];
  PetscInt rows;
  double   seconds;
} Overrun;

typedef struct _Shelf *Shelf;
typedef struct { /* of the whole program, or of one attached KSP */
  Journal     journal;
  char        broken[512]; /* why there is no policy */
  PetscBool   advises;     /* nothing is tried, nor started elsewhere */
  PetscBool   trial;       /* a model is on trial, outside production: it is neither paused nor held to account */
  Policy      policy;
  Policy      prior;  /* chooses where systems are unlike what the model has learned from; NULL: own settings solve these */
  Guess       guess;  /* NULL: every solve starts where the program starts it */
  NewtonGuess newton; /* the same of nonlinear ones */
  double      budget;
  Gathering   gathering;
  double      canary; /* share of answered solves that are made under the program's own settings as well */
  State       state;
  PetscInt    solves;
  PetscInt    left[WHY_COUNT]; /* of them, that have no line of their own, by why */
  Class       classes;
  Shelf       shelf;
  PetscBool   ended; /* nothing is put on it any more */
  Account     account;
  double      looked;    /* seconds of looks at systems that own settings solved */
  int         abandoned; /* inner solvers that were in an error, and could not be destroyed */
  int         overruns;
  Overrun     overrun[METASOLVE_TYPES];
} Runner;

typedef enum {
  PRECONDITIONER_BUILT,
  PRECONDITIONER_UPDATED, /* for new values: what follows from the pattern, or from the values of a first operator, stays */
  PRECONDITIONER_KEPT,    /* of an earlier operator */
  PRECONDITIONER_REBUILT  /* what was kept has failed: made anew in the same solve */
} Preconditioner;
typedef struct {        /* of the inner solver, whose preconditioner may serve several operators */
  Sampled  built, last; /* the operator that it was made of, and the one of the last solve */
  Settings settings;    /* that what follows is about */
  Reuse    reuse;
  double   start;        /* residual where solves start, in times of that of x = 0, on average; 0: none has */
  double   iterations;   /* after the last that was built, and not only updated, for a factor e of the residual; 0: not known */
  int      failed, rest; /* kept ones in a row that failed; operators for which none is kept */
} Cycle;

typedef struct { /* kept with a KSP */
  Runner  *runner;
  Operator op; /* of the last solve ... */
  Class class;
  int           density; /* ... and its class, with the entries of rows on the first rank */
  PetscBool     light;   /* the inner solver may outlive the KSP; ... */
  double        bytes;   /* ... it holds so many */
  PetscBool     offers;  /* it is on the shelf, and here as well */
  Inner         inner;
  Cycle         cycle;
  Earlier       earlier;
  Policy        policy;                   /* who decides, or has decided */
  char          unfamiliar[96];           /* why it is not the model */
  Decision      decision;                 /* for op, where decided */
  Forecast      forecast;                 /* of a prior, likewise */
  Nature        nature;                   /* of the operator, as candidates ask for it */
  int           candidate, own_candidate; /* that was chosen (POSTERIOR_LASTING: own settings); that own settings are (-1: none) */
  Point         place;                    /* of the chosen one's numbers */
  Settings      own;       /* to be used in the inner solver, where own settings are described by options; 0: they are not */
  PetscBool     own_ready; /* their preconditioner was set up already */
  double        foreseen, attempt; /* seconds of the candidate, and of its first attempt, which pays for the whole set-up */
  double        venture, usual;    /* seconds that a bolder one may lose, 0: it is no trial; and those of what it is taken for */
  double        dear[2];           /* seconds of a product with A and with P, where these are two; 0: not taken yet */
  PetscBool     decided, proven, wave, hidden, untold; /* proven: what was chosen is no trial; and ForeseeNature() */
  Previous      previous;
  Scales        scales;
  Recorded      recorded; /* of what was gathered */
  Twin          twin;     /* of what the program makes preconditioners of, where that is no AIJ matrix */
  Attained      known;    /* of what own answers attain, from outside; answers 0: nothing */
  PetscBool     fits;     /* whether the guess is for the pattern below */
  PetscObjectId pattern_id;
  PetscObjectState pattern;
  Text             last; /* JSON line of the last solve */
} Run;

typedef enum { /* where a solve starts */
  ORIGIN_ZERO,
  ORIGIN_PROGRAM, /* from the program's own guess */
  ORIGIN_LEARNED, /* from one of a model's */
  ORIGIN_EARLIER  /* from earlier solutions */
} Origin;

typedef enum { /* who has answered */
  SOURCE_MODEL,
  SOURCE_SECOND,
  SOURCE_SWITCHED,
  SOURCE_FALLBACK,
  SOURCE_REFUSED
} Source;

typedef enum {
  STEP_ADMIT,          /* what is asked for, of what operator */
  STEP_GUESS,          /* where to start */
  STEP_DECIDE,         /* which settings */
  STEP_PERMIT,         /* whether they may be tried now */
  STEP_TAKE_GUESS,     /* the guess is the answer */
  STEP_OWN_FROM_GUESS, /* the program's own settings go on from a guess */
  STEP_OWN,            /* the program's own settings, watched */
  STEP_MODEL,          /* the model's settings */
  STEP_TAKE_OVER,      /* the model's settings, after the program's own */
  STEP_FALL_BACK,      /* the program's own settings, after the model's */
  STEP_DONE
} Step;

typedef struct _Solve { /* one solve; times in seconds of ClockNow() */
  KSP   ksp;
  Host *host;
  Run  *run;
  Class class;
  Step           step;
  Source         source;
  Why            why;
  char           detail[256]; /* of why; empty: its text is enough */
  Operator       op;
  Products       products; /* before anything was tried */
  Contract       contract;
  Watch          watch;
  Preconditioner preconditioner; /* of the attempt */
  double         change;         /* of the operator since then */
  double         renewal;        /* seconds that a solve with a kept one may take */
  Vec            x0;             /* the program's own guess, where one must come back; NULL: it starts from zero */
  PetscBool      fresh, guess,
    own; /* fresh: an operator not seen in the last solve; guess: the solve starts from vec_sol; own: no settings of a model's */
  Origin    origin;
  Recall    recall;
  double    recalling; /* seconds of the processor, for a start from them */
  PetscBool first;     /* of its KSP, or since that was reset */
  PetscBool small, looked, made, answered, monitored, onlookers,
    logged;                            /* monitors, monitors of the program's own, a history: on some rank */
  Course             course;           /* of the attempt, where the program keeps one or has monitors */
  PetscInt           its, history;     /* of the attempt; how long the program's history was */
  KSPConvergedReason reason;           /* what the program's own test says of the answer */
  PetscReal          accepted;         /* of the class, as rank 0 knows it */
  PetscReal          residual, start;  /* the measure at the end; of a guess of ours that is used (NaN: there is none) */
  double             expected, budget; /* what own settings probably take, and what an attempt may */
  double             patience;         /* with own settings; 0: any */
  double             began;            /* ClockProcessor() when the attempt did */
  Turns              turns;            /* of this process on its processor, when the solve began */
  double             share, own_share; /* of the seconds of the solve, and of own settings': others did not take the processor */
  double             tried_share;      /* the same of the attempt, where it came first */
  char               unused[64];
  double             decision, guessing, own_solve, setup, solve, verify, fallback, total;
  double             wall;   /* seconds of it, by the clock on the wall; before it is over: when it began */
  double             canary; /* seconds of own settings beside an answer that is not theirs; 0: they did not solve, or failed */
  double             own_measured, own_setup; /* own settings to the end, and the part of it that was set-up */
  double             apart;                   /* ln, of a probe, from what solves take where the numbers are; NaN: not known */
  PetscBool          probed;
  Lesson             lesson;
  PetscBool          learned; /* the state will have it */
} Solve;

static inline double Lap(double *since)
{
  const double now = ClockNow(), t = now - *since;

  *since = now;
  return t;
}

static inline Prior RunnerPrior(const Runner *r) /* whose offsets the classes hold; a model has none */
{
  return PolicyPrior(r->policy) ? PolicyPrior(r->policy) : PolicyPrior(r->prior);
}

static inline double SolveOwnSeconds(const Solve *s) /* that own settings have taken, of the processor; 0: they have not solved */
{
  return s->own_share * (s->own_measured > 0 ? s->own_measured : s->canary);
}

static inline PetscBool SolveGuessed(const Solve *s) /* a guess of ours is in vec_sol */
{
  return (PetscBool)isgreaterequal(s->start, 0);
}

static inline PetscBool SolveByPrior(const Solve *s) /* a prior has decided: what else is kept of its decisions is of this one */
{
  return (PetscBool)(s->run->decided && PolicyPrior(s->run->policy));
}

static inline PetscBool SolveProbes(const Solve *s) /* its settings are looked at, and not those that were found best */
{
  return (PetscBool)(SolveByPrior(s) && s->run->place.probe);
}

static inline PetscBool SolveUnfamiliar(const Solve *s) /* the prior chose, for a model has not seen the like */
{
  return (PetscBool)(SolveByPrior(s) && s->run->unfamiliar[0]);
}

/* ---- the steps, of which each names the next: decide.c ... ---- */
PetscErrorCode StepAdmit(Solve *);
PetscErrorCode StepGuess(Solve *);
PetscErrorCode StepDecide(Solve *);
PetscErrorCode StepPermit(Solve *);
PetscErrorCode DecideLook(Solve *);   /* the model looks at the system */
PetscErrorCode DecideExpect(Solve *); /* what the program's own settings probably take, and so what an attempt may */
/* ---- keep.c: a preconditioner that was made of an earlier operator ---- */
PetscBool      KeepIsOff(void);
PetscErrorCode KeepDecide(Solve *);          /* is it kept? Collective */
PetscErrorCode KeepLearn(Solve *);           /* an attempt has answered. Collective */
void           KeepFailed(Solve *);          /* what was kept was of no use */
PetscBool      KeepTells(const Solve *);     /* does an attempt tell of its settings? */
double KeepServes(Class), KeepServed(Class); /* operators that a set-up is expected to serve which takes much of a solve; and any */
PetscErrorCode CycleFree(Cycle *);
/* ---- shelf.c, taken.c: what of an inner solver outlives its KSP ---- */
PetscErrorCode ShelfOffer(Solve *);  /* an attempt has answered: the next KSP may have its solver. Collective */
PetscErrorCode ShelfPut(Run *);      /* the KSP goes: what may outlive it is moved there. Local */
PetscErrorCode ShelfTake(Solve *);   /* a KSP that has not solved yet gets what there is for its class. Collective */
PetscErrorCode ShelfClear(Runner *); /* collective, as KSPDestroy() is */
/* ---- foresee.c ---- */
PetscErrorCode ForeseeNature(Solve *, const double features[]); /* of the operator. Collective */
PetscErrorCode ForeseeHere(Solve *, const double features[]);   /* the forecast, for the matrices that are there. Collective */
/* ---- choose.c: among the candidates of a prior ---- */
PetscErrorCode ChooseCandidate(Solve *, const double features[]); /* collective */
PetscErrorCode ChooseAgain(Solve *); /* if the own set-up has been done since, and need not be paid any more */
PetscErrorCode ChooseProven(Solve *, PetscBool overdrawn, PetscBool *chosen); /* what else may be paid for. Collective */
void           ChosenLearn(Solve *);                                          /* chosen.c: from what the solve took */
/* ... and answer.c ---- */
PetscErrorCode StepTakeGuess(Solve *);
PetscErrorCode StepOwnFromGuess(Solve *);
PetscErrorCode StepOwn(Solve *);
PetscErrorCode StepModel(Solve *);
PetscErrorCode StepTakeOver(Solve *);
PetscErrorCode StepFallBack(Solve *);
/* ---- start.c: a guess of ours, where the program has none ---- */
PetscErrorCode StartFromGuess(Solve *);          /* into vec_sol, if the residual is smaller there than at zero */
PetscErrorCode StartOver(Solve *);               /* where the program starts it */
PetscErrorCode StartAccept(Solve *);             /* it meets the contract: nothing is set up */
PetscErrorCode StartOwn(Solve *, PetscBool *ok); /* the program's own settings go on from it */

/* ---- earlier.c: a start from earlier solutions, where that pays ---- */
PetscErrorCode EarlierStart(Solve *);     /* added to the program's own start, in vec_sol. Collective */
PetscErrorCode EarlierLearn(Solve *);     /* an attempt has answered */
PetscReal      EarlierAim(const Solve *); /* what the measure of an answer is to be */

/* ---- attempt.c: settings of a model, under a budget, verified ---- */
PetscErrorCode AttemptModel(Solve *, PetscBool *ok); /* the first choice, and where that fails the second one */
PetscErrorCode AttemptStart(
  Solve *); /* where the last attempt left off, if that is nearer than zero; else where the program starts */
PetscErrorCode AttemptAccept(Solve *);
/* ---- permit.c ---- */
PetscErrorCode PermitAttempt(Solve *, Why *);       /* may its settings be set up here? Local */
PetscBool      PermitMore(const Solve *);           /* may yet another attempt end in an error? */
void           PermitNote(Solve *, double seconds); /* that a set-up took */

/* ---- mirror.c: the program's KSP is told what happened in ours ---- */
PetscErrorCode MirrorAllows(Solve *, Why *); /* can the program's monitors be told afterwards? Collective */
PetscErrorCode MirrorProject(Solve *);       /* no more of the null space in vec_sol than the program's own settings leave */
PetscErrorCode MirrorShows(KSP, Why *);      /* does a viewer show the program's preconditioner, other than to people? */
PetscBool      MirrorWants(const Solve *);   /* is the course of the solve to be kept for them, or for its history? */
PetscErrorCode MirrorAnswer(Solve *);        /* vec_sol, its and residual of the solve are the KSP's own answer. Collective */
PetscErrorCode MirrorForget(Solve *);        /* the KSP is as KSPSolve() left it before anything was tried */
/* ---- seen.c ---- */
PetscErrorCode SeenOwn(Solve *);   /* how good is the program's own answer? Now and then. Collective */
PetscErrorCode SeenCount(Solve *); /* in the account */
/* ---- gather.c ---- */
PetscErrorCode GatherStart(Solve *); /* the program's guess is kept, where it may be needed. Collective */
PetscErrorCode GatherSolve(Solve *); /* the solve is over: is its system worth learning from? Collective */

/* ---- replay.c ---- */
PetscErrorCode ReplayAll(Solve *, PetscInt its, PetscReal last); /* monitors and history are told each of so many. Collective */

/* ---- journal.c: one JSON line ---- */
const char *JournalWhy(const Solve *); /* why, for people */
void        JournalWrite(Solve *);     /* and what the state will have of it; on rank 0 */
void        JournalLesson(Text *, const Solve *);
PetscBool   JournalSaves(Runner *); /* the state that begun is: on rank 0, before it is in place. False: nobody could know of it */
void        JournalLeft(Runner *);  /* how many solves were so short that they have no line of their own, up to now */
void        JournalEnd(Runner *);   /* the same of all solves of the program: on rank 0 */
