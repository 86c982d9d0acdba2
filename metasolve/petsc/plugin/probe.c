/* probe.c - when the numbers of a favourite are looked at beside where they are, and what is concluded. Rank 0 of a KSP says. */
#include "probe.h"
#include "environment.h"
#include "expect.h"
#include <math.h>
#include <string.h>

#define SETTLED  8    /* solves of a candidate before it is a favourite ... */
#define REPLACED 16   /* ... and choices in a row of another one, before that takes its place */
#define KNOWN    3    /* solves at the numbers' place before anything is concluded of one beside it ... */
#define CHECKED  8    /* ... and before they go back from it */
#define MEMORY   12   /* solves that a mean remembers */
#define SPACING  2    /* solves for each probe before the next one; twice as many with each round of directions in vain ... */
#define ROUNDS   10   /* ... so often, at most */
#define ROW      5    /* probes in a row where preconditioners are updated: the first one has to be built */
#define LOOKS    4    /* at one place, at most ... */
#define TRIES    16   /* probes for these */
#define AGREEING 2    /* ... and at least, before the numbers go there */
#define SURE     1.5  /* standard errors that a difference must have ... */
#define MARGIN   0.02 /* ... and at least, ln */
#define NOISE    0.02 /* the least deviation, ln */
#define FAR      0.3  /* ln, that no solve is beside others */
#define RISK     0.25 /* of a solve, that a probe is expected to lose before one has been seen ... */
#define LEAST    0.05 /* ... and at least */
#define SERVES   1.5  /* operators of one set-up: then a solve does not tell what its settings take */
#define THOUSAND 1000.

/* The solves that a probe is compared with: most have a preconditioner that was only updated, where there are such. */
static PetscBool Updates(const Search *q)
{
  return (PetscBool)(q->updated.n >= KNOWN);
}

static const Spread *Others(const Search *q)
{
  return Updates(q) ? &q->updated : &q->built;
}

/* ---- before the solve ---- */
static void Begin(const Solve *s, int candidate, Numbers *n)
{
  const Prior p = PolicyPrior(s->run->policy);
  Settings    own;
  char        name[CLASS_NAME];

  ClassName(s->class, name);
  PriorSettings(p, candidate, s->op.several, &own);
  NumbersBegin(n, name, PriorName(p, candidate), &own);
}

void ProbeSettle(const Solve *s, int candidate, const Point *p, Settings *chosen)
{
  Numbers n = {0};

  if (!p->n) return;
  Begin(s, candidate, &n);
  NumbersSet(&n, p->at, chosen);
}

/* Rank 0 knows. */
static PetscBool May(const Solve *s)
{
  const Runner *r = s->run->runner;

  return (PetscBool)(!r->trial && !r->advises && !ClockCounts() && !EnvironmentAsked()->freeze);
}

/* Are the class's numbers those of this candidate? They become so where it is the favourite. */
static PetscBool Ours(const Solve *s, int candidate, PetscBool settled)
{
  Class   c = s->class;
  Numbers n = {.step = c->numbers.step};

  Begin(s, candidate, &n);
  if (NumbersSame(&n, &c->numbers)) {
    c->search.others = 0;
    return PETSC_TRUE;
  }
  if (!settled || !May(s) || (c->numbers.n && ++c->search.others < REPLACED)) return PETSC_FALSE;
  c->numbers = n;
  c->search  = (Search){.risked = c->search.risked};
  return PETSC_TRUE;
}

/* Where are the numbers? True: not where the search was. */
static PetscBool Follow(Search *q, const Numbers *n)
{
  PetscBool moved = PETSC_FALSE;

  for (int i = 0; i < n->n; i++) {
    if (q->at[i] != n->of[i].at) moved = PETSC_TRUE;
    q->at[i] = n->of[i].at;
  }
  return moved;
}

/* What was seen is of the place that the numbers are at: another run of the program may have moved them. */
static void Match(Class c)
{
  Search *q = &c->search;

  if (!Follow(q, &c->numbers)) return;
  q->built = q->updated = (Spread){0};
  q->looks = q->waited = q->row = q->tries = 0;
  q->sum                                   = 0;
  q->moved                                 = PETSC_FALSE;
}

static int InRow(const Search *q)
{
  return Updates(q) ? ROW : 1;
}

/* What has begun is ended. */
static PetscBool Rested(const Search *q, int rounds)
{
  return (PetscBool)(q->row || q->waited >= InRow(q) * SPACING << (q->looks ? 0 : rounds));
}

static PetscBool Due(const Solve *s, double risk, double left)
{
  const Numbers *n = &s->class->numbers;
  const Search  *q = &s->class->search;

  if (Others(q)->n < KNOWN || !Rested(q, PetscMin(n->failed / n->n, ROUNDS)) || KeepServed(s->class) >= SERVES) return PETSC_FALSE;
  return (PetscBool)(May(s) && isless(q->row ? 0 : InRow(q) * risk, left));
}

void ProbeAsk(Solve *s, int candidate, double takes, double left, Point *p)
{
  Class           c       = s->class;
  const PetscBool settled = (PetscBool)(left > 0 && c->own_solve.n && candidate >= 0 && c->offsets.seen[candidate] >= SETTLED);
  const double    risk    = (c->search.loss.n ? fmax(c->search.loss.mean, LEAST) : RISK) * takes * ExpectRights(c);
  char            name[CLASS_NAME];

  *p = (Point){0};
  if (candidate < 0 || candidate == POSTERIOR_LASTING || !Ours(s, candidate, settled)) return;
  Match(c);
  p->n = c->numbers.n;
  for (int i = 0; i < p->n; i++) p->at[i] = c->numbers.of[i].at;
  if (!p->n || !settled || !Due(s, risk, left)) return;
  ClassName(c, name);
  NumbersPlace(&c->numbers, name, c->numbers.side, p->at);
  p->probe = PETSC_TRUE;
  p->risk  = risk;
  c->search.risked += risk;
}

/* ---- after it ---- */
static void SpreadAdd(Spread *s, double x)
{
  const double apart = x - s->mean;

  if (s->n < MEMORY) s->n++;
  s->mean += apart / s->n;
  s->variance += (apart * (x - s->mean) - s->variance) / s->n;
}

static double Error(const Spread *s, int looks)
{
  return fmax(sqrt(s->variance), NOISE) * sqrt(1. / looks + 1. / s->n);
}

static void Find(Solve *s, Finding f, double apart)
{
  Search *q     = &s->class->search;
  Numbers after = s->class->numbers;
  char    name[CLASS_NAME];

  ClassName(s->class, name);
  NumbersLearn(&after, name, f, 0);
  s->lesson.found   = PETSC_TRUE;
  s->lesson.finding = f;
  s->lesson.gain    = (int)lrint(-THOUSAND * apart);
  s->lesson.numbers = s->class->numbers;
  q->looks = q->row = q->tries = 0;
  q->sum                       = 0;
  if (!Follow(q, &after)) return;
  q->moved  = (PetscBool)(f == FINDING_CHEAPER);
  q->before = Others(q)->mean;
  q->built = q->updated = (Spread){0};
}

/* One solve that something else has held up is no more than far. */
static double Bounded(const Spread *s, double x)
{
  return s->n < KNOWN ? x : fmin(fmax(x, s->mean - FAR), s->mean + FAR);
}

static void Conclude(Solve *s, const Spread *others)
{
  const Search *q     = &s->class->search;
  const double  apart = q->sum / q->looks, error = fmax(SURE * Error(others, q->looks), MARGIN);

  if (apart > error) Find(s, FINDING_DEARER, 0);
  else if (apart < -error && q->looks >= AGREEING) Find(s, FINDING_CHEAPER, apart);
  else if (q->looks >= LOOKS) Find(s, FINDING_UNCLEAR, 0);
}

/* Against other solves, with all that belongs to it. A preconditioner that is built where others are updated costs the next solve
   one as well. */
static void Cost(const Solve *s, Search *q)
{
  const double lost = s->share * s->total / q->seconds.mean - 1;

  SpreadAdd(&q->loss, fmax(lost, 0) * (Updates(q) && s->preconditioner == PRECONDITIONER_BUILT ? 2 : 1));
}

static void Beside(Solve *s, double takes)
{
  Search       *q      = &s->class->search;
  const Spread *others = Others(q);

  Cost(s, q);
  q->waited = 0;
  q->row    = (q->row + 1) % InRow(q);
  if (!s->answered) return Find(s, FINDING_DEARER, 0);
  if (++q->tries >= TRIES) return Find(s, FINDING_UNCLEAR, 0);
  if ((s->preconditioner == PRECONDITIONER_UPDATED) != Updates(q)) return;
  q->looks++;
  s->apart = takes - others->mean;
  q->sum += Bounded(others, takes) - others->mean;
  Conclude(s, others);
}

/* Once there are enough at a place that the numbers have gone to, it is known whether that was right. */
static void Usual(Solve *s, double takes)
{
  Search *q    = &s->class->search;
  Spread *mine = s->preconditioner == PRECONDITIONER_UPDATED ? &q->updated : &q->built;

  q->waited++;
  SpreadAdd(mine, Bounded(mine, takes));
  SpreadAdd(&q->seconds, s->share * s->total);
  if (!q->moved || Others(q)->n < CHECKED) return;
  if (Others(q)->mean - q->before > fmax(Error(Others(q), Others(q)->n), MARGIN)) Find(s, FINDING_BACK, 0);
  q->moved = PETSC_FALSE;
}

/* With a set-up: the share of it that one solve pays. Other ranks have not seen what was asked for. */
void ProbeLearn(Solve *s)
{
  const Run   *r      = s->run;
  const double rights = ExpectRights(s->class), seconds = s->tried_share * (s->setup / rights + s->solve + s->verify),
               takes = log(seconds) - ExpectForeseen(s, r->candidate, rights);
  PetscMPIInt  rank;

  MPI_Comm_rank(PetscObjectComm((PetscObject)s->ksp), &rank);
  if (rank || !r->place.n || !s->made || !(s->tried_share > 0) || !isfinite(takes) || !KeepTells(s)) return;
  s->probed = r->place.probe;
  s->apart  = NAN;
  if (r->place.probe) Beside(s, takes);
  else if (s->answered) Usual(s, takes);
}
