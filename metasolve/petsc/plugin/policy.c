/* policy.c - the meta-model in production: a forward pass of microseconds. */
#include "policy.h"
#include <math.h>
#include <string.h>

#define LONGEST 20 /* logarithm of the most seconds that are counted with */

/* Comparisons here are quiet: with NaN an ordered one raises an exception, for which a program may have set a trap. */
static const double *Forward(const Network *p, const double x[], double work[2][MAX_WIDTH])
{
  const double *in = x;

  for (int l = 0; l < p->n; l++) {
    const Layer *y   = &p->layer[l];
    double      *out = work[l % 2];
    for (int i = 0; i < y->out; i++) {
      double s = y->b[i] + Dot((size_t)y->in, y->w + (size_t)i * (size_t)y->in, in);
      out[i]   = y->activation == 1 ? tanh(s) : y->activation == 2 && isless(s, 0) ? 0 : s;
    }
    in = out;
  }
  return in;
}

/* What the host takes: the mean of a Gaussian process. */
static double HostTakes(const Gate *g, const double x[])
{
  double at[METASOLVE_FEATURES], sum = g->level;

  for (int k = 0; k < g->k; k++) at[k] = x[g->feature[k]] / g->length[k];
  for (const double *bell = g->bell; bell < g->bell + g->n * (g->k + 1); bell += g->k + 1) {
    double d2 = 0;
    for (int k = 0; k < g->k; k++) d2 += (at[k] - bell[k + 1]) * (at[k] - bell[k + 1]);
    if (isless(d2, 80)) sum += bell[0] * exp(-0.5 * d2);
  }
  return sum;
}

/* Whether the host is left alone; and how patiently, while it solves. */
static PetscBool Closed(const Gate *g, const double x[], double work[2][MAX_WIDTH], double *patience)
{
  *patience = 0;
  if (!g) return PETSC_FALSE;
  const double *y = Forward(&g->choice, x, work);
  *patience       = g->patience * exp(isless(y[1], LONGEST) ? y[1] : LONGEST);
  return (PetscBool)isgreater(y[0] - HostTakes(g, x), 0);
}

/* The word with the largest z, the first of equals. */
static const char *Word(const Setting *s, const double *z, PetscBool symmetric)
{
  int best = -1;

  for (int i = 0; i < s->n; i++)
    if ((symmetric || !s->symmetric[i]) && (best < 0 || isgreater(z[s->offset + i], z[s->offset + best]))) best = i;
  return s->values[PetscMax(best, 0)];
}

static void Number(const Setting *s, double t, char value[64])
{
  const double low = s->low, high = s->high;

  t = isless(t, -1) ? 0 : isgreater(t, 1) ? 1 : isnan(t) ? 0.5 : (t + 1) / 2;
  t = s->log ? exp(log(low) + t * (log(high) - log(low))) : low + t * (high - low);
  if (s->kind == INTEGER) t = floor(t + 0.5);
  t = t < low ? low : t > high ? high : t;
  TextPrint(value, 64, s->kind == INTEGER ? "%.0f" : "%.6g", t);
}

static void Value(const Setting *s, const double *z, PetscBool symmetric, char value[64])
{
  if (s->kind == FIXED) snprintf(value, 64, "%s", s->values[0]);
  else if (s->kind == FLAG) snprintf(value, 64, "%d", isgreaterequal(z[s->offset], 0));
  else if (s->kind == CHOICE) snprintf(value, 64, "%s", Word(s, z, symmetric));
  else Number(s, z[s->offset], value);
}

static PetscBool IsActive(Policy p, int i, const PetscBool active[], char values[][64])
{
  const Setting *s = &p->setting[i];

  if (s->parent < 0) return PETSC_TRUE;
  if (!active[s->parent]) return PETSC_FALSE;
  for (int k = 0; k < s->nwhen; k++)
    if (!strcmp(s->when[k], values[s->parent])) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* The settings that coordinates z stand for. */
static void Decode(Policy p, const double z[], PetscBool symmetric, Settings *settings)
{
  static char values[METASOLVE_MAX_SETTINGS][64];
  PetscBool   active[METASOLVE_MAX_SETTINGS];

  settings->n = 0;
  for (int i = 0; i < p->nsettings; i++) {
    active[i] = IsActive(p, i, active, values);
    if (!active[i]) continue;
    Value(&p->setting[i], z, symmetric, values[i]);
    snprintf(settings->name[settings->n], 64, "%s", p->setting[i].name);
    snprintf(settings->value[settings->n++], 64, "%s", values[i]);
  }
}

const char *SettingsGet(const Settings *s, const char *name)
{
  for (int i = 0; i < s->n; i++)
    if (!strcmp(s->name[i], name)) return s->value[i];
  return "";
}

PetscBool SettingsSame(const Settings *a, const Settings *b)
{
  PetscBool same = (PetscBool)(a->n == b->n);

  for (int i = 0; same && i < a->n; i++) same = (PetscBool)(!strcmp(a->name[i], b->name[i]) && !strcmp(a->value[i], b->value[i]));
  return same;
}

void PolicyDecide(Policy p, const double features[], Decision *d)
{
  static double work[2][MAX_WIDTH];
  double        x[METASOLVE_FEATURES], e = p->expected[0];

  d->why       = WHY_NOT;
  d->detail[0] = 0;
  d->patience  = 0;
  if (p->is_constant) {
    d->expected  = 0;
    d->foreseen  = 0;
    d->symmetric = PETSC_FALSE;
    Decode(p, NULL, PETSC_FALSE, &d->settings);
    return;
  }
  for (int i = 0; i < METASOLVE_FEATURES; i++) {
    const double f = features[i];
    if (!isfinite(f) || f < p->low[i] || f > p->high[i]) {
      d->why = WHY_UNFAMILIAR;
      TextPrint(d->detail, sizeof d->detail, "unfamiliar: %s is %.4g, trained on %.4g to %.4g", MetasolveFeatureNames[i], f,
                p->low[i], p->high[i]);
      return;
    }
    x[i] = (f - p->mean[i]) / p->scale[i];
    e += p->expected[i + 1] * x[i];
  }
  d->expected = d->foreseen = isless(e, LONGEST) ? exp(e) : 0;
  if (Closed(p->gate, x, work, &d->patience)) d->why = WHY_NO_GAIN;
  d->symmetric = (PetscBool)(features[METASOLVE_LOG_ASYMMETRY] <= -8 && features[METASOLVE_NEGATIVE_DIAGONAL] <= 0);
  Decode(p, Forward(&p->network, x, work), d->symmetric, &d->settings);
}

PetscBool PolicySecond(Policy p, Decision *d)
{
  Settings second;

  if (!p || !p->second) return PETSC_FALSE;
  Decode(p, p->second, d->symmetric, &second);
  if (SettingsSame(&second, &d->settings)) return PETSC_FALSE;
  d->settings = second;
  return PETSC_TRUE;
}
