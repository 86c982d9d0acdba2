/* policy.c - the meta-model in production: a forward pass of microseconds. */
#include "policy.h"
#include <math.h>
#include <string.h>

#define LONGEST 20 /* logarithm of the most seconds that are counted with */

static const double *Forward(const Network *p, const double x[], double work[2][MAX_WIDTH])
{
  const double *in = x;

  for (int l = 0; l < p->n; l++) {
    const Layer *y   = &p->layer[l];
    double      *out = work[l % 2];
    for (int i = 0; i < y->out; i++) {
      double s = y->b[i] + Dot((size_t)y->in, y->w + (size_t)i * (size_t)y->in, in);
      out[i] = y->activation == 1 ? tanh(s) : y->activation == 2 && s < 0 ? 0 : s;
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
    if (d2 < 80) sum += bell[0] * exp(-0.5 * d2);
  }
  return sum;
}

/* Whether the host is left alone; and how patiently, while it solves. */
static PetscBool Closed(const Gate *g, const double x[], double work[2][MAX_WIDTH], double *patience)
{
  *patience = 0;
  if (!g) return PETSC_FALSE;
  const double *y = Forward(&g->choice, x, work);
  *patience       = g->patience * exp(y[1] < LONGEST ? y[1] : LONGEST);
  return (PetscBool)(y[0] - HostTakes(g, x) > 0);
}

static void Value(const Setting *s, const double *z, PetscBool symmetric, char value[64])
{
  double t = z[s->offset], low = s->low, high = s->high;
  int    best = -1;

  switch (s->kind) {
  case FIXED:
    snprintf(value, 64, "%s", s->values[0]);
    return;
  case FLAG:
    snprintf(value, 64, "%d", t >= 0);
    return;
  case CHOICE:
    for (int i = 0; i < s->n; i++)
      if ((symmetric || !s->symmetric[i]) && (best < 0 || z[s->offset + i] > z[s->offset + best])) best = i;
    snprintf(value, 64, "%s", s->values[best]);
    return;
  default:
    break;
  }
  t = t < -1 ? 0 : t > 1 ? 1 : (t + 1) / 2;
  t = s->log ? exp(log(low) + t * (log(high) - log(low))) : low + t * (high - low);
  if (s->kind == INTEGER) t = floor(t + 0.5);
  t = t < low ? low : t > high ? high : t;
  if (s->kind == INTEGER) snprintf(value, 64, "%.0f", t);
  else snprintf(value, 64, "%.6g", t);
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

  d->why[0]   = 0;
  d->patience = 0;
  for (int i = 0; i < METASOLVE_FEATURES; i++) {
    if (!(features[i] >= p->low[i] && features[i] <= p->high[i])) {
      snprintf(d->why, sizeof d->why, "unfamiliar: %s is %.4g, trained on %.4g to %.4g", MetasolveFeatureNames[i], features[i], p->low[i], p->high[i]);
      return;
    }
    x[i] = (features[i] - p->mean[i]) / p->scale[i];
    e += p->expected[i + 1] * x[i];
  }
  d->expected = exp(e < LONGEST ? e : LONGEST);
  if (Closed(p->gate, x, work, &d->patience)) snprintf(d->why, sizeof d->why, "the program's own settings are expected to be faster");
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
