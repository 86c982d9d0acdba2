/* state_file.c - classes as words in a file, and back. Nothing of MPI or PETSc is called: it may happen at exit.
   metasolve/production/state.py reads and writes the same. */
#include "policy.h"
#include "state.h"
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define STATE_VERSION 4 /* of earlier ones the third is read: it has no numbers */
#define STATE_BEFORE  3
#define LONGEST       64 /* words are shorter */

/* ---- written ---- */
static void AddNumber(Text *t, double x)
{
  char word[64];

  TextPrint(word, sizeof word, "%.17g", x);
  TextAdd(t, " %s", word);
}

static void AddMean(Text *t, const Mean *m)
{
  TextAdd(t, " %d", m->n);
  AddNumber(t, m->mean);
}

/* Weights of this prior's parts; the covariance is symmetric. */
static void AddWeights(Text *t, const Posterior *o)
{
  TextAdd(t, "weights");
  for (int g = 0; g < PRIOR_PARTS; g++) AddNumber(t, o->weight[g]);
  TextAdd(t, "\nknown");
  for (int g = 0; g < PRIOR_PARTS; g++)
    for (int h = 0; h <= g; h++) AddNumber(t, o->known[g * PRIOR_PARTS + h]);
  TextAdd(t, "\n");
}

static void AddOffsets(Text *t, const Posterior *o, Prior p)
{
  int n = 0;

  for (int i = 0; i < POSTERIOR_OFFSETS; i++) n += o->seen[i] > 0;
  TextAdd(t, "offsets %d\n", n);
  for (int i = 0; i < POSTERIOR_OFFSETS; i++) {
    if (!o->seen[i]) continue;
    TextAdd(t, "%s %d", PosteriorName(p, i), o->seen[i]);
    AddNumber(t, o->mean[i]);
    AddNumber(t, o->variance[i]);
    TextAdd(t, "\n");
  }
}

static void AddMoved(Text *t, const Numbers *n)
{
  TextAdd(t, "numbers %d\n", n->n);
  if (!n->n) return;
  TextAdd(t, "%s %d %d %d %d %d %d %d\n", n->candidate, n->step, n->turn, n->side, n->gone, n->failed, n->gain, n->last);
  for (int i = 0; i < n->n; i++) {
    const Number *x = &n->of[i];
    TextAdd(t, "%s %d %d %d %d", x->name, x->at, x->good, x->low, x->high);
    AddNumber(t, x->own);
    AddNumber(t, x->each);
    TextAdd(t, " %d\n", x->log);
  }
}

static void AddClass(Text *t, Class c, Prior p)
{
  TextAdd(t, "class %s %lld %lld %d %d\n", *c->prefix ? c->prefix : "-", (long long)c->rows, (long long)c->block, c->density,
          c->ranks);
  TextAdd(t, "solves %lld %lld\naccount", (long long)c->solves, (long long)c->operators);
  AddNumber(t, c->all.own);
  AddNumber(t, c->all.taken);
  TextAdd(t, "\nown");
  AddMean(t, &c->own_setup);
  AddMean(t, &c->own_solve);
  AddNumber(t, c->own.answers);
  AddNumber(t, c->own.norm);
  AddNumber(t, c->own.rows);
  AddNumber(t, c->own.backward);
  TextAdd(t, "\nattempts");
  AddMean(t, &c->attempt);
  AddMean(t, &c->risk);
  TextAdd(t, "\n");
  AddWeights(t, &c->offsets);
  AddOffsets(t, &c->offsets, p);
  AddMoved(t, &c->numbers);
}

void StateWrite(Text *t, Prior p, Class all, char id[STATE_ID])
{
  char hex[SHA256_ROOM];
  int  n = 0;

  for (Class c = all; c; c = c->next) n++;
  TextAdd(t, "metasolve-state %d\nprior %s\nclasses %d\n", STATE_VERSION, PriorMark(p), n);
  for (Class c = all; c; c = c->next) AddClass(t, c, p);
  Sha256(t->data, t->used, hex);
  TextAdd(t, "sha256 %s\n", hex);
  snprintf(id, STATE_ID, "%.16s", hex);
}

/* ---- read ---- */
static void ReadMean(Words *w, Mean *m)
{
  m->n    = WordsCount(w, 0, 1 << 30);
  m->mean = WordsNumber(w);
}

static void ReadWeights(Words *w, Posterior *o)
{
  WordsExpect(w, "weights");
  for (int g = 0; g < PRIOR_PARTS && !w->bad; g++) o->weight[g] = WordsNumber(w);
  WordsExpect(w, "known");
  for (int g = 0; g < PRIOR_PARTS && !w->bad; g++)
    for (int h = 0; h <= g; h++) o->known[g * PRIOR_PARTS + h] = o->known[h * PRIOR_PARTS + g] = WordsNumber(w);
}

static void ReadOffsets(Words *w, Posterior *o, Prior p)
{
  char name[LONGEST];

  WordsExpect(w, "offsets");
  for (int n = w->bad ? 0 : WordsCount(w, 0, POSTERIOR_OFFSETS); n > 0 && !w->bad; n--) {
    WordsName(w, name);
    int          at   = PosteriorFind(p, name);
    const int    seen = WordsCount(w, 1, 1 << 30);
    const double mean = WordsNumber(w), variance = WordsNumber(w);
    if (variance < 0) WordsComplain(w, "a variance", "a negative one");
    if (w->bad || at < 0) continue; /* of a candidate that is no more */
    o->seen[at]     = seen;
    o->mean[at]     = mean;
    o->variance[at] = variance;
  }
}

static void ReadMoved(Words *w, Numbers *n)
{
  WordsExpect(w, "numbers");
  if (w->bad || !(n->n = WordsCount(w, 0, NUMBERS_MOST))) return;
  WordsName(w, n->candidate);
  n->step   = WordsCount(w, 0, 1 << 30);
  n->turn   = WordsCount(w, 0, 1 << 30);
  n->side   = WordsCount(w, -1, 1);
  n->gone   = WordsCount(w, 0, 1 << 30);
  n->failed = WordsCount(w, 0, 1 << 30);
  n->gain   = WordsCount(w, -(1 << 30), 1 << 30);
  n->last   = WordsCount(w, -(1 << 30), 1 << 30);
  for (int i = 0; i < n->n && !w->bad; i++) {
    Number *x = &n->of[i];
    WordsName(w, x->name);
    x->at   = WordsCount(w, -NUMBERS_FAR, NUMBERS_FAR);
    x->good = WordsCount(w, -NUMBERS_FAR, NUMBERS_FAR);
    x->low  = WordsCount(w, -NUMBERS_FAR, PetscMin(x->at, x->good));
    x->high = WordsCount(w, PetscMax(x->at, x->good), NUMBERS_FAR);
    x->own  = WordsNumber(w);
    x->each = WordsNumber(w);
    x->log  = (PetscBool)WordsCount(w, 0, 1);
    if (x->low == x->high) WordsComplain(w, "a range", "one place");
  }
}

static void ReadClass(Words *w, struct _Class *c, int version, Prior p)
{
  char prefix[LONGEST];

  WordsExpect(w, "class");
  if (w->bad) return;
  WordsName(w, prefix);
  snprintf(c->prefix, sizeof c->prefix, "%s", strcmp(prefix, "-") ? prefix : "");
  c->rows    = WordsCount(w, 1, INT_MAX);
  c->block   = WordsCount(w, 0, INT_MAX);
  c->density = WordsCount(w, -1, 64);
  c->ranks   = WordsCount(w, 1, 1 << 30);
  WordsExpect(w, "solves");
  c->solves    = (PetscInt)WordsCount(w, 0, 1 << 30);
  c->operators = (PetscInt)WordsCount(w, 0, 1 << 30);
  WordsExpect(w, "account");
  if (w->bad) return;
  c->all.own   = WordsNumber(w);
  c->all.taken = WordsNumber(w);
  WordsExpect(w, "own");
  if (w->bad) return;
  ReadMean(w, &c->own_setup);
  ReadMean(w, &c->own_solve);
  c->own.answers  = WordsNumber(w);
  c->own.norm     = WordsNumber(w);
  c->own.rows     = WordsNumber(w);
  c->own.backward = WordsNumber(w);
  WordsExpect(w, "attempts");
  if (w->bad) return;
  ReadMean(w, &c->attempt);
  ReadMean(w, &c->risk);
  ReadWeights(w, &c->offsets);
  ReadOffsets(w, &c->offsets, p);
  if (version > STATE_BEFORE) ReadMoved(w, &c->numbers);
}

/* In the order of the file, behind those that are there. */
static PetscBool Keep(Class *all, const struct _Class *read)
{
  Class *end = all;

  for (; *end; end = &(*end)->next)
    if (ClassAlike(*end, read)) return PETSC_FALSE;
  if (!(*end = malloc(sizeof *read))) return PETSC_FALSE;
  **end = *read;
  return PETSC_TRUE;
}

int StateParse(char *data, size_t bytes, Prior p, Class *all, char id[STATE_ID])
{
  char        why[256], mark[LONGEST] = "", digest[STATE_ID];
  Words       w     = {NULL, why, sizeof why, 0, "state", "forget it"};
  Class       found = NULL;
  const char *first;
  int         n = 0, version = 0;

  if (!PolicyIntact(data, bytes)) return 0;
  snprintf(digest, sizeof digest, "%.16s", data + bytes - 65);
  data[bytes - 72] = 0;
  first            = strtok_r(data, " \n", &w.rest);
  if (!first || strcmp(first, "metasolve-state")) w.bad = 1;
  if (!w.bad) version = WordsCount(&w, STATE_BEFORE, STATE_VERSION);
  WordsExpect(&w, "prior");
  if (!w.bad) WordsName(&w, mark);
  WordsExpect(&w, "classes");
  if (!w.bad) n = WordsCount(&w, 0, STATE_MOST_CLASSES);
  for (int i = 0; i < n && !w.bad; i++) {
    struct _Class c = {0};
    ReadClass(&w, &c, version, p);
    if (!w.bad && strcmp(mark, PriorMark(p))) { /* of what another prior had foreseen */
      c.offsets = (Posterior){0};
      c.numbers = (Numbers){0};
    }
    if (!w.bad && !Keep(&found, &c)) w.bad = 1;
  }
  if (w.bad || strtok_r(NULL, " \n", &w.rest)) {
    ClassFree(&found);
    return 0;
  }
  snprintf(id, STATE_ID, "%s", digest);
  while (*all) all = &(*all)->next;
  *all = found;
  return 1;
}
