/* numbers.c - which numbers a candidate has, and where they go. metasolve/production/numbers.py does the same. */
#include "numbers.h"
#include <math.h>
#include <string.h>

#define ROUNDING 1e-9

/* A number exists where its owner has this value. Named: only where the candidate gives it as well, for others do without. */
static const struct {
  const char *owner, *value, *name;
  int         named, log; /* 1: it is so */
  double      usual, each, low, high;
} known[] = {
  {"pc_type",              "sor",   "pc_sor_omega",                                     0, 0, 1,    0.2,  0.2,  1.8 },
  {"pc_type",              "hypre", "pc_hypre_boomeramg_strong_threshold",              0, 0, 0.25, 0.1,  0.05, 0.95},
  {"pc_type",              "hypre", "pc_hypre_boomeramg_agg_nl",                        0, 0, 0,    1,    0,    2   },
  {"pc_type",              "gamg",  "pc_gamg_threshold",                                0, 0, 0,    0.02, 0,    0.2 },
  {"pc_type",              "gamg",  "mg_levels_ksp_max_it",                             0, 0, 2,    1,    1,    6   },
  {"pc_type",              "icc",   "pc_factor_levels",                                 1, 0, 0,    1,    0,    8   },
  {"pc_type",              "ilu",   "pc_factor_levels",                                 1, 0, 0,    1,    0,    8   },
  {"sub_pc_type",          "icc",   "sub_pc_factor_levels",                             1, 0, 0,    1,    0,    8   },
  {"sub_pc_type",          "ilu",   "sub_pc_factor_levels",                             1, 0, 0,    1,    0,    8   },
  {"pc_type",              "asm",   "pc_asm_overlap",                                   0, 0, 1,    1,    0,    4   },
  {"ksp_type",             "gmres", "ksp_gmres_restart",                                1, 1, 30,   1.5,  10,   500 },
  {"fieldsplit_0_pc_type", "hypre", "fieldsplit_0_pc_hypre_boomeramg_strong_threshold", 0, 0, 0.25, 0.1,  0.05, 0.95},
};

double NumberValue(const Number *x, int at)
{
  return x->log ? rint(x->own * pow(x->each, at)) : x->own + x->each * at;
}

/* Steps from its own value to another one. */
static double Steps(const Number *x, double value)
{
  return x->log ? log(value / x->own) / log(x->each) : (value - x->own) / x->each;
}

PetscBool NumbersSame(const Numbers *a, const Numbers *b)
{
  if (a->n != b->n || strcmp(a->candidate, b->candidate)) return PETSC_FALSE;
  for (int i = 0; i < a->n; i++) {
    const Number *x = &a->of[i], *y = &b->of[i];
    if (strcmp(x->name, y->name) || x->low != y->low || x->high != y->high || x->log != y->log) return PETSC_FALSE;
    if (x->own != y->own || x->each != y->each) return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

/* FNV-1a, then the finaliser of SplitMix64. */
static uint64_t Drawn(const char *class, int turn)
{
  uint64_t x = UINT64_C(0xcbf29ce484222325);

  for (; *class; class ++) x = (x ^ (unsigned char)*class) * UINT64_C(0x100000001b3);
  x += UINT64_C(0x9e3779b97f4a7c15) * ((uint64_t)turn + 1);
  x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
  return x ^ (x >> 31);
}

/* Nothing leaves its range. */
void NumbersPlace(const Numbers *n, const char *class, int side, int at[])
{
  const uint64_t drawn = Drawn(class, n->turn);

  for (int i = 0; i < n->n; i++) {
    const Number *x = &n->of[i];
    at[i]           = PetscMin(PetscMax(x->at + (drawn >> i & 1 ? side : -side), x->low), x->high);
  }
}

/* Is there anywhere to go on this side? */
static PetscBool Open(const Numbers *n, const char *class, int side)
{
  int to[NUMBERS_MOST];

  NumbersPlace(n, class, side, to);
  for (int i = 0; i < n->n; i++)
    if (to[i] != n->of[i].at) return PETSC_TRUE;
  return PETSC_FALSE;
}

void NumbersBegin(Numbers *n, const char *class, const char *candidate, const Settings *s)
{
  *n = (Numbers){.step = n->step};
  snprintf(n->candidate, sizeof n->candidate, "%s", candidate);
  for (size_t i = 0; i < sizeof known / sizeof *known && n->n < NUMBERS_MOST; i++) {
    const char *given = SettingsGet(s, known[i].name);
    Number     *x     = &n->of[n->n];
    if (strcmp(SettingsGet(s, known[i].owner), known[i].value) || (known[i].named && !*given)) continue;
    *x = (Number){.own = *given ? TextToNumber(given, NULL) : known[i].usual, .each = known[i].each, .log = known[i].log};
    if (!(x->own >= known[i].low && x->own <= known[i].high)) continue;
    snprintf(x->name, sizeof x->name, "%s", known[i].name);
    x->low  = (int)ceil(Steps(x, known[i].low) - ROUNDING);
    x->high = (int)floor(Steps(x, known[i].high) + ROUNDING);
    n->n += x->low < x->high;
  }
  n->side = Open(n, class, 1) ? 1 : -1;
}

static void Turn(Numbers *n, const char *class, PetscBool good)
{
  n->failed = good ? 0 : n->failed + 1;
  n->turn++;
  n->gone = 0;
  n->side = Open(n, class, 1) ? 1 : -1;
}

void NumbersLearn(Numbers *n, const char *class, Finding f, int gain)
{
  int to[NUMBERS_MOST];

  NumbersPlace(n, class, n->side, to);
  n->step++;
  if (f == FINDING_BACK) {
    for (int i = 0; i < n->n; i++) n->of[i].at = n->of[i].good;
    n->gain -= n->last;
    n->last = 0;
    Turn(n, class, PETSC_FALSE);
  } else if (f == FINDING_CHEAPER) {
    for (int i = 0; i < n->n; i++) {
      n->of[i].good = n->of[i].at;
      n->of[i].at   = to[i];
    }
    n->last = gain;
    n->gain += gain;
    n->failed = 0;
    n->gone++;
    if (!Open(n, class, n->side)) Turn(n, class, PETSC_TRUE);
  } else if (n->side > 0 && !n->gone && Open(n, class, -1)) n->side = -1;
  else Turn(n, class, (PetscBool)(n->gone > 0));
}

void NumbersSet(const Numbers *n, const int at[], Settings *s)
{
  for (int i = 0; i < n->n; i++) {
    int k = 0;
    if (!at[i]) continue;
    while (k < s->n && strcmp(s->name[k], n->of[i].name)) k++;
    if (k == s->n && s->n == METASOLVE_MAX_SETTINGS) return;
    if (k == s->n) s->n++;
    snprintf(s->name[k], sizeof s->name[k], "%s", n->of[i].name);
    TextPrint(s->value[k], sizeof s->value[k], "%.9g", NumberValue(&n->of[i], at[i]));
  }
}
