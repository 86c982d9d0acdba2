/* expect.c - what a solve would take, by what was foreseen and what was seen since. */
#include "expect.h"
#include <math.h>
#include <string.h>

#define EIGENSOLVES 16 /* solves with an operator that are expected of an eigensolver */

/* SLEPc's spectral transformations: an eigensolver solves with each operator again and again. */
static PetscBool Spectral(Class c)
{
  const size_t n = strlen(c->prefix);

  return (PetscBool)(n >= 3 && !strcmp(c->prefix + n - 3, "st_"));
}

/* Solves for each operator of the class; of its first operator more may come. */
double ExpectRights(Class c)
{
  const double known = c->operators ? (double)c->solves / (double)c->operators : 0;

  return fmax(known, c->operators < 2 && Spectral(c) ? EIGENSOLVES : 1);
}

/* ln seconds of a solve that pays its share of a set-up. */
static double Takes(const Forecast *f, int candidate, double rights)
{
  const double solve = exp(f->solve[candidate]), setup = fmax(exp(f->total[candidate]) - solve, 0);

  return log(setup / rights + solve);
}

double ExpectForeseen(const Solve *s, int candidate, double rights)
{
  return Takes(&s->run->forecast, candidate, rights);
}

/* What was foreseen, shared by the operators that one set-up is expected to serve, too. */
double ExpectLasting(const Solve *s, int candidate, double rights)
{
  return Takes(&s->run->forecast, candidate, rights * KeepServes(s->class));
}

/* The candidate that the program's own settings are, or the usual one. */
int ExpectOwnAs(const Solve *s)
{
  const int own = s->run->own_candidate;

  return own < 0 ? PriorUsual(PolicyPrior(s->run->policy), (PetscBool)(s->contract.kind == CONTRACT_DIRECT)) : own;
}

/* The forest has only seen conjugate gradients fail where an operator is not symmetric: a program that uses them knows why. */
static PetscBool OwnIsForeseen(const Solve *s)
{
  const Run *r = s->run;

  return (PetscBool)(r->own_candidate >= 0 && PriorPossible(PolicyPrior(r->policy), r->own_candidate, s->op.several, r->nature));
}

Whose WhoseOwn(const Solve *s)
{
  return (Whose){POSTERIOR_OWN, ExpectOwnAs(s), OwnIsForeseen(s)};
}

Whose WhoseCandidate(int candidate)
{
  return (Whose){candidate, candidate, PETSC_TRUE};
}

/* The one that was tried: whose offset, and whom the forest foresees. */
Whose WhoseTried(const Solve *s)
{
  const int i = s->run->candidate;

  return (Whose){i, i == POSTERIOR_LASTING ? ExpectOwnAs(s) : i, PETSC_TRUE};
}

/* ln seconds of own settings that have solved before the forest was asked. */
static double Before(const Solve *s)
{
  const Class c = s->class;

  if (!c->own_solve.n || c->offsets.seen[POSTERIOR_OWN]) return INFINITY;
  return log(c->own_solve.mean + (s->run->own_ready ? 0 : c->own_setup.mean));
}

/* What the program's own settings are expected to take. A set-up that did not wait is paid already. What candidates were seen to
   take tells of own settings as well, but not against what own settings have taken themselves. */
double ExpectOwn(const Solve *s, double rights)
{
  const Forecast *f    = &s->run->forecast;
  const double    mean = PosteriorMean(&s->class->offsets, f, WhoseOwn(s)),
                  own  = (s->run->own_ready ? f->solve[ExpectOwnAs(s)] : Takes(f, ExpectOwnAs(s), rights)) + mean;

  return fmin(fmin(own, Before(s)), log(ClassOwnSeen(s->class, exp(f->total[ExpectOwnAs(s)]))));
}

/* What pays only over several operators must not lose with the first one. */
double ExpectCandidate(const Solve *s, int candidate, double rights, double own)
{
  const Forecast *f    = &s->run->forecast;
  const double    mean = PosteriorMean(&s->class->offsets, f, WhoseCandidate(candidate)), once = Takes(f, candidate, rights) + mean;

  return isless(once, own) ? ExpectLasting(s, candidate, rights) + mean : once;
}

/* The program's own settings, whose preconditioner may serve several operators in the inner solver. */
Whose WhoseLasting(const Solve *s)
{
  const PetscBool seen = (PetscBool)(s->class->offsets.seen[POSTERIOR_LASTING] > 0);

  return (Whose){seen ? POSTERIOR_LASTING : POSTERIOR_OWN, ExpectOwnAs(s), PETSC_TRUE};
}
