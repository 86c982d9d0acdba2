/* permit.c - may a model's settings be set up here? Not where that would need too much memory, or too long. */
#include "runner.h"
#include "spare.h"
#include <math.h>
#include <string.h>

#define ABANDONED    4    /* inner solvers left behind after errors; no more are risked */
#define FACTOR_BYTES 16.0 /* of a factor's entry, with its index */

static PetscBool Factorises(const Settings *s, const char *name)
{
  const char *type = SettingsGet(s, name);

  return (PetscBool)(!strcmp(type, "lu") || !strcmp(type, "cholesky"));
}

static PetscBool Factors(const Settings *s)
{
  return (PetscBool)(Factorises(s, "pc_type") || Factorises(s, "sub_pc_type"));
}

/* Bytes of a factor of the whole matrix: of a three-dimensional grid in nested dissection, or in the order it is in. */
static double FactorBytes(const Settings *s, PetscInt rows)
{
  const double natural = !strcmp(SettingsGet(s, "pc_factor_mat_ordering_type"), "natural") ? 5. / 3 : 4. / 3;

  return !Factorises(s, "pc_type") ? 0 : FACTOR_BYTES * 8 * pow((double)rows, natural);
}

/* On several ranks a factorisation is of a library, and adds up in the order in which its messages come. */
static PetscBool Unequal(const Solve *s)
{
  const Settings *chosen = &s->run->decision.settings;

  return (PetscBool)(ClockCounts() && s->op.several && (Factorises(chosen, "pc_type") || Factorises(chosen, "mg_coarse_pc_type")));
}

static const Overrun *OverrunOf(const Runner *r, const char *type)
{
  for (int i = 0; i < r->overruns; i++)
    if (!strcmp(r->overrun[i].type, type)) return &r->overrun[i];
  return NULL;
}

/* Seconds that a set-up would take here, from one that overran elsewhere. A factorisation grows with the square of the rows. */
static double SetUpSeconds(const Overrun *o, const Solve *s)
{
  const PetscBool factor = (PetscBool)(!strcmp(o->type, PCLU) || !strcmp(o->type, PCCHOLESKY));

  return o->seconds * pow((double)s->op.rows / (double)o->rows, factor ? 2 : 1);
}

static PetscBool SlowSetUp(const Solve *s)
{
  const Overrun *o = OverrunOf(s->run->runner, SettingsGet(&s->run->decision.settings, "pc_type"));

  return (PetscBool)(o && SetUpSeconds(o, s) > fmax(s->budget, SHORTEST_WALL));
}

PetscBool PermitMore(const Solve *s)
{
  return (PetscBool)(s->run->runner->abandoned < ABANDONED);
}

PetscErrorCode PermitAttempt(Solve *s, Why *why)
{
  const Settings *chosen = &s->run->decision.settings;
  const Runner   *r      = s->run->runner;

  PetscFunctionBegin;
  if (!PermitMore(s)) *why = WHY_ABANDONED;
  else if (Unequal(s)) *why = WHY_UNEQUAL;
  else if (r->trial || s->preconditioner == PRECONDITIONER_KEPT ||
           InnerReady(&s->run->inner, chosen, &s->op, ContractNorm(&s->contract)))
    PetscFunctionReturn(PETSC_SUCCESS);
  else if (SlowSetUp(s)) *why = WHY_SLOW_SETUP;
  else if (Factors(chosen) && FactorBytes(chosen, s->op.rows) > MemoryFree() / 2) *why = WHY_MEMORY;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void PermitNote(Solve *s, double seconds)
{
  Runner     *r    = s->run->runner;
  const char *type = SettingsGet(&s->run->inner.settings, "pc_type");
  Overrun    *o    = (Overrun *)OverrunOf(r, type);

  if (SolveProbes(s)) return; /* that of the numbers where they are may be faster */
  if (seconds <= fmax(s->budget, SHORTEST_WALL) || (o && seconds <= SetUpSeconds(o, s))) return;
  if (!o && r->overruns == METASOLVE_TYPES) return;
  if (!o) o = &r->overrun[r->overruns++];
  snprintf(o->type, sizeof o->type, "%s", type);
  o->rows    = s->op.rows;
  o->seconds = seconds;
}
