/*
   class.h - operators that are alike: what outlives a KSP. A program that makes a new KSP for each solve has one class.

   A class knows what the program's own settings take, measured now and then, and what a model's have taken; how often these failed;
   and for how many solves nothing is to be tried. Rank 0 of a KSP decides from its own class, and all ranks follow.
*/
#pragma once
#include "account.h"
#include "contract.h"
#include "numbers.h"
#include "posterior.h"

#define CLASS_FAILURES 3         /* in a row, before solves are left alone: 8, then 16, and so on */
#define CLASS_LOOKS    4         /* own answers that are looked at, of each 64; one of a class that is like another */
#define CLASS_ROWS     (1 << 30) /* the most: the same with indices of any size, which read each other's files */
#define CLASS_SEEN     2         /* candidates that a solve may tell of: the attempt's, and own settings */
#define CLASS_NAME     (128 + 96)

typedef struct { /* running mean, of the last dozen or so */
  int    n;
  double mean;
} Mean;

typedef struct {                    /* what one solve teaches of its class */
  PetscBool   fresh;                /* of an operator not seen in the solve before */
  Account     account;              /* own 0: not counted */
  double      own_setup, own_solve; /* seconds; 0: own settings have not solved, or had nothing to set up */
  int         tried;                /* an attempt: 1 answered, in .. seconds; -1 failed; 0: there was none */
  double      attempt;
  Attained    attains; /* of one own answer; answers 0: nobody has looked */
  int         n;
  Observation seen[CLASS_SEEN];
  PetscBool   found; /* of a place of the numbers: what follows */
  Finding     finding;
  int         gain;
  Numbers     numbers; /* before it */
} Lesson;

typedef struct _Class *Class;
typedef struct { /* over a run: how many were met, and the number of the next one that counts */
  PetscInt met, due;
} Spaced;
typedef struct { /* of logarithms: means, and mean products of what is apart from these */
  int    n;
  double x, y, xx, xy;
} Trend;
typedef struct { /* by preconditioners: operators, and for how many of them one was made anew */
  PetscInt operators, anew;
} Served;

struct _Class {
  Class     next;
  char      prefix[128];
  PetscInt  rows, block;     /* rows: at most so many, a power of two */
  int       density, ranks;  /* density: of entries in a row, ln2 */
  PetscInt  failures, pause; /* fallbacks in a row; solves to leave alone */
  PetscInt  misses, rest;    /* the same of guesses that were none */
  Account   account, all;    /* of this run; of all that are known */
  Posterior offsets;         /* of a prior's candidates */
  Numbers   numbers;         /* of the one that is usually chosen ... */
  Search    search;          /* ... and what this run has seen of them. Rank 0 of a KSP moves them */
  Spaced    gathered[2];     /* of what is worth learning from, by kind */
  enum {
    CLASS_UNKNOWN,
    CLASS_ON,
    CLASS_OFF
  } turned;             /* is anything to be tried? Not known before ClassIsOff() is asked */
  PetscBool indefinite; /* conjugate gradients have said so */
  int       given_up;   /* own solves in a row that were */
  PetscBool looked_on;  /* a monitor of the program's looks at more than norms. On all ranks */
  PetscReal blurred;    /* of products that are not exact: what own answers have, in times of what noise explains; 0: not known */
  PetscReal accepted;   /* by a test of the program's own: the last answer's |b - A x|_2 / |b|_2; 0: not known */
  PetscReal told;       /* to a test of the program's own in another norm, by own answers: see ContractTold(); 0: not known */
  PetscInt  solves, operators;
  PetscBool timed;                       /* is it known how slow this machine is, ... */
  double    slowness;                    /* ... ln of times the one that the prior was measured on? */
  double    ventured;                    /* seconds that bolder candidates have lost, or may be losing */
  PetscInt  answers[POSTERIOR_OFFSETS];  /* by each candidate in this run ... */
  PetscInt  answered[POSTERIOR_OFFSETS]; /* ... and rows of the largest operator of these */
  double    looked;                      /* of looks at systems that own settings solved */
  Attained  own;                         /* how good the program's own answers are ... */
  PetscInt  looks;                       /* ... of which so many have been there */
  Mean      own_setup, own_solve;        /* seconds */
  Trend     own_trend;                   /* of own solves that were measured, over what was foreseen of them */
  Trend     meshes;                      /* the same with those of the classes that this one began with, where a set-up was due */
  Mean      attempt, risk;               /* seconds of an accepted attempt; share of attempts that failed */
  PetscBool unsure;                      /* own settings were never measured, on meshes of about this size or coarser ones */
  PetscBool refined;                     /* they were measured, but only on coarser meshes, when the class began */
  Served    served, dear;                /* in attempts that answered; and of settings whose set-up takes much */
  PetscInt  since, patience; /* answers of a model since own was measured, and how many there may be; 0: not known yet */
};

void           ClassName(const struct _Class *, char name[CLASS_NAME]); /* as the journal and `metasolve inspect` have it */
PetscBool      ClassIsOff(Class);                                       /* by METASOLVE_OFF_CLASSES */
PetscErrorCode ClassFind(Class *all, KSP, const Operator *, Class *);
PetscBool      ClassAlike(const struct _Class *, const struct _Class *);
PetscBool      ClassNear(const struct _Class *, const struct _Class *); /* but for the entries of rows: on all ranks */
void           ClassBegin(struct _Class *, Class all);                  /* with what is known of the nearest */
void           ClassLearn(Class, Lesson *);                             /* all that outlives a run */
void           MeanAdd(Mean *, double);
void           LessonSee(Lesson *, Observation);
void           ClassFree(Class *all);
double         ClassOwnSeen(Class, double foreseen); /* the same with a set-up, from what was measured here or on coarser meshes */
double         ClassOwn(Class, const Decision *, PetscBool setup, double guess); /* seconds that own settings would take */
void           ClassMeasured(Class, const Decision *, double setup, double solve, Lesson *); /* own settings have solved */
void           ClassFailed(Class, Lesson *);
void           ClassAnswered(Class, double seconds, Lesson *);
void           ClassMissed(Class);
PetscBool      ClassMeasureDue(Class, PetscBool predicted, double own);
double         ClassLoss(Class, double own, double budget); /* that an attempt is expected to bring */
