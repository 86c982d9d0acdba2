/* class.c - what is known of operators that are alike. */
#include "class.h"
#include "environment.h"
#include "nested.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY     12  /* solves that a running mean remembers */
#define COLD       2   /* times the second measurement: a first one that tells nothing */
#define PRIOR      0.1 /* share of attempts taken to fail before any was made */
#define BELIEVED   16  /* answers of a model before own settings are measured, where they were predicted ... */
#define DOUBTED    4   /* ... and where nothing is known of them; then four times as many, and so on */
#define CLEAR      2   /* times the answers: where only a prior says that own settings take longer, so much more patience, ... */
#define LONGEST    4   /* ... up to so many times: a prior may be wrong by more */
#define GROWN      16  /* times, that systems may have grown since own settings were measured */
#define MOST_APART 4   /* what a prediction may say of a system beside the mean of its class */
#define SLOPE      0.8 /* by how much own solves differ where predictions differ by one, in logarithms, before any was seen ... */
#define STEEPEST   1.5 /* from one mesh to the next, where it is 1 before any was seen; ... */
#define SURE       1   /* ... and how sure that is: as sure as one measurement makes it where predictions differ by one */

void MeanAdd(Mean *m, double x)
{
  if (m->n < MEMORY) m->n++;
  m->mean += (x - m->mean) / m->n;
}

/* Seconds. The first one of a process has much to find and to load: if the second one is far below, it was that. */
static void TimeAdd(Mean *m, double x)
{
  if (m->n == 1 && x < m->mean / COLD) *m = (Mean){0};
  MeanAdd(m, x);
}

static void TrendAdd(Trend *t, double x, double y)
{
  const double apart = x - t->x;

  if (t->n < MEMORY) t->n++;
  t->x += apart / t->n;
  t->y += (y - t->y) / t->n;
  t->xx += (apart * (x - t->x) - t->xx) / t->n;
  t->xy += (apart * (y - t->y) - t->xy) / t->n;
}

static double Slope(const Trend *t, double usual, double most)
{
  return fmin(fmax((t->n * t->xy + SURE * usual) / (t->n * t->xx + SURE), 0), most);
}

/* What own takes at x, in multiples of the mean over the solves so far. */
static double TrendAt(const Trend *t, double x)
{
  const double slope = Slope(t, SLOPE, 1);

  return exp(slope * (x - t->x) - slope * slope * t->xx / 2);
}

/* Some libraries number the prefixes of their solvers, or put an address into them: each run of digits is one. */
static void Alike(const char *prefix, char alike[], size_t room)
{
  size_t n = (size_t)snprintf(alike, room, "%s", PetscDefined(USE_COMPLEX) ? "complex:" : "");

  for (const char *c = prefix; *c && n + 1 < room; c++) {
    const PetscBool digit = (PetscBool)isdigit((unsigned char)*c);
    if (!digit || !n || alike[n - 1] != '0') alike[n++] = digit ? '0' : *c;
  }
  alike[n] = 0;
}

/* Entries of a row, as a power of two: on the first rank, whose class counts. */
static PetscErrorCode Density(const Operator *o, int *density)
{
  PetscInt rows;
  double   entries;

  PetscFunctionBegin;
  *density = 0;
  if (!o->readable) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NestedEntries(o->given, MAT_LOCAL, &entries));
  PetscCall(MatGetLocalSize(o->given, &rows, NULL));
  if (rows) *density = (int)round(log2(fmax(entries / (double)rows, 1)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool ClassNear(const struct _Class *a, const struct _Class *b)
{
  return (PetscBool)(a->rows == b->rows && a->block == b->block && a->ranks == b->ranks && !strcmp(a->prefix, b->prefix));
}

PetscBool ClassAlike(const struct _Class *a, const struct _Class *b)
{
  return (PetscBool)(a->density == b->density && ClassNear(a, b));
}

static double Apart(const struct _Class *a, const struct _Class *b)
{
  return fabs(log((double)a->rows / (double)b->rows)) + abs(a->density - b->density);
}

/* A mesh is refined, and its systems are of another class: what is known of the nearest holds until something is known of it. */
void ClassBegin(struct _Class *new, Class all)
{
  Class near = NULL;

  PetscInt measured = 0;

  new->risk = (Mean){.n = 1, .mean = PRIOR};
  for (Class c = all; c; c = c->next) {
    if (c->block != new->block || c->ranks != new->ranks || strcmp(c->prefix, new->prefix)) continue;
    if (!near || Apart(c, new) < Apart(near, new)) near = c;
    if (c->own_solve.n) measured = PetscMax(measured, c->rows);
  }
  if (!near) return;
  new->unsure      = (PetscBool)(measured < new->rows / GROWN);
  new->refined     = (PetscBool)(measured && measured < new->rows);
  new->offsets     = near->offsets;
  new->numbers     = near->numbers;
  new->meshes      = near->meshes;
  new->own         = near->own;
  new->own.answers = fmin(near->own.answers, 1);
  new->looks       = near->own.answers > 0 ? CLASS_LOOKS - 1 : 0;
  new->told        = near->told;
  new->accepted    = near->accepted;
  new->blurred     = near->blurred;
  new->risk        = near->risk;
  new->risk.n      = PetscMin(near->risk.n, 1);
  PosteriorDoubt(&new->offsets);
}

PetscErrorCode ClassFind(Class *all, KSP ksp, const Operator *o, Class *found)
{
  const char   *prefix = ((PetscObject)ksp)->prefix;
  struct _Class key    = {.rows = 1};
  PetscMPIInt   ranks;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)ksp), &ranks));
  Alike(prefix ? prefix : "", key.prefix, sizeof key.prefix);
  while (key.rows < o->rows && key.rows < CLASS_ROWS) key.rows *= 2;
  if (o->given) PetscCall(MatGetBlockSize(o->given, &key.block));
  key.ranks = ranks;
  PetscCall(Density(o, &key.density));
  for (Class c = *all; c; c = c->next) {
    if (!ClassAlike(c, &key)) continue;
    *found = c;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  key.next = *all;
  ClassBegin(&key, *all);
  *all = malloc(sizeof key);
  PetscCheck(*all, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for a class of operators");
  **all  = key;
  *found = *all;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void ClassName(const struct _Class *c, char name[CLASS_NAME])
{
  snprintf(name, CLASS_NAME, "%s %lld %lld %d %d", *c->prefix ? c->prefix : "-", (long long)c->rows, (long long)c->block,
           c->density, c->ranks);
}

PetscBool ClassIsOff(Class c)
{
  const char *names = EnvironmentAsked()->off_classes;
  char        name[CLASS_NAME];

  if (c->turned == CLASS_UNKNOWN) {
    ClassName(c, name);
    c->turned = names && TextAmong(names, ';', name) ? CLASS_OFF : CLASS_ON;
  }
  return (PetscBool)(c->turned == CLASS_OFF);
}

void ClassFree(Class *all)
{
  while (*all) {
    Class next = (*all)->next;
    free(*all);
    *all = next;
  }
}

double ClassOwnSeen(Class c, double foreseen)
{
  const Trend *t = &c->meshes;

  return t->n && foreseen > 0 ? exp(t->y + Slope(t, 1, STEEPEST) * (log(foreseen) - t->x)) : INFINITY;
}

double ClassOwn(Class c, const Decision *d, PetscBool setup, double guess)
{
  const double own = c->own_solve.mean + (setup ? c->own_setup.mean : 0);

  if (!c->own_solve.n) return d && d->expected > 0 ? fmin(d->expected, ClassOwnSeen(c, d->foreseen)) : guess;
  if (!d || !(d->foreseen > 0) || !c->own_trend.n) return own;
  return own * fmin(fmax(TrendAt(&c->own_trend, log(d->foreseen)), 1. / MOST_APART), MOST_APART);
}

void ClassMeasured(Class c, const Decision *d, double setup, double solve, Lesson *l)
{
  l->own_solve = solve;
  l->own_setup = setup;
  if (d && d->foreseen > 0 && solve > 0) {
    TrendAdd(&c->own_trend, log(d->foreseen), log(solve + setup));
    if (setup > 0 || !c->own_setup.n) TrendAdd(&c->meshes, log(d->foreseen), log(solve + setup));
  }
  c->since = 0;
  if (c->patience && c->patience < PETSC_MAX_INT / 4) c->patience *= 4;
}

/* The first measurement may cost more than all answers before it: the longer own settings seem to take, the later. */
PetscBool ClassMeasureDue(Class c, PetscBool predicted, double own)
{
  const double times = c->attempt.n && !c->own_solve.n ? own / c->attempt.mean / CLEAR : 1;

  if (!c->patience) c->patience = predicted ? BELIEVED : DOUBTED;
  return (PetscBool)((double)c->since >= (double)c->patience * fmin(fmax(times, 1), LONGEST));
}

double ClassLoss(Class c, double own, double budget)
{
  return c->risk.mean * budget + (c->attempt.n ? fmax(c->attempt.mean - own, 0) : 0);
}

void ClassFailed(Class c, Lesson *l)
{
  l->tried = -1;
  if (++c->failures >= CLASS_FAILURES) c->pause = 8 << (c->failures - CLASS_FAILURES < 10 ? c->failures - CLASS_FAILURES : 10);
}

void ClassAnswered(Class c, double seconds, Lesson *l)
{
  l->tried   = 1;
  l->attempt = seconds;
  c->since++;
  c->failures = 0;
}

void LessonSee(Lesson *l, Observation o)
{
  if (isfinite(o.apart)) l->seen[l->n++] = o;
}

/* As the journal has it. */
static void Round(Lesson *l)
{
  double *all[] = {&l->account.own, &l->account.taken, &l->own_setup,    &l->own_solve,
                   &l->attempt,     &l->attains.norm,  &l->attains.rows, &l->attains.backward};

  for (size_t i = 0; i < sizeof all / sizeof *all; i++) *all[i] = TextRounded(*all[i]);
  for (int i = 0; i < l->n; i++) {
    l->seen[i].apart  = TextRounded(l->seen[i].apart);
    l->seen[i].spread = TextRounded(l->seen[i].spread);
  }
}

/* Of runs that end at once, the one with more findings has the numbers. */
static void LearnNumbers(Class c, const Lesson *l)
{
  char name[CLASS_NAME];

  if (l->numbers.step < c->numbers.step) return;
  ClassName(c, name);
  c->numbers = l->numbers;
  NumbersLearn(&c->numbers, name, l->finding, l->gain);
}

/* metasolve/production/replay.py does the same, to the last bit. */
void ClassLearn(Class c, Lesson *l)
{
  Round(l);
  c->solves++;
  if (l->fresh) c->operators++;
  AccountAdd(&c->all, l->account.own, l->account.taken);
  if (l->own_solve > 0) TimeAdd(&c->own_solve, l->own_solve);
  if (l->own_setup > 0) TimeAdd(&c->own_setup, l->own_setup);
  if (l->tried) MeanAdd(&c->risk, l->tried < 0);
  if (l->tried > 0) TimeAdd(&c->attempt, l->attempt);
  if (l->attains.answers > 0) AttainedAdd(&c->own, &l->attains);
  for (int i = 0; i < l->n; i++) PosteriorSee(&c->offsets, &l->seen[i]);
  if (l->found) LearnNumbers(c, l);
}

void ClassMissed(Class c)
{
  if (++c->misses >= CLASS_FAILURES) c->rest = 8 << (c->misses - CLASS_FAILURES < 10 ? c->misses - CLASS_FAILURES : 10);
}
