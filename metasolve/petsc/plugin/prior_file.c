/* prior_file.c - prior.bin, read once: words, then the arrays of the forest. metasolve/prior writes it. */
#include "policy.h"
#include "prior_data.h"
#include <stdlib.h>
#include <string.h>

#define PRIOR_VERSION 2
#define MOST_NODES    1000000
#define MOST_SETTINGS 16

static void ReadFeatures(Words *w)
{
  char word[64];

  WordsExpect(w, "features");
  if (!w->bad && (WordsCount(w, 0, 1 << 20) != METASOLVE_FEATURES_VERSION || WordsCount(w, 1, 1 << 20) != METASOLVE_FEATURES))
    WordsComplain(w, "the features of this version", "other features");
  for (int i = 0; i < METASOLVE_FEATURES && !w->bad; i++) {
    WordsName(w, word);
    if (strcmp(word, MetasolveFeatureNames[i])) WordsComplain(w, MetasolveFeatureNames[i], word);
  }
}

static void ReadGrowth(Words *w, Candidate *c)
{
  WordsExpect(w, "grows");
  if (!w->bad) c->grows[0] = WordsNumber(w);
  if (!w->bad) c->grows[1] = WordsNumber(w);
}

static void ReadOwn(Words *w, Candidate *c)
{
  WordsExpect(w, "own");
  if (!w->bad) c->owns = WordsCount(w, 0, MOST_OWN);
  for (int i = 0; i < c->owns && !w->bad; i++) {
    WordsExpect(w, "own");
    if (w->bad) return;
    WordsName(w, c->own[i].ksp);
    WordsName(w, c->own[i].pc);
    WordsName(w, c->own[i].package);
  }
}

/* serial or parallel. Only what a model may set. */
static void ReadSettings(Words *w, const char *word, Chosen *s)
{
  WordsExpect(w, word);
  if (!w->bad) s->n = WordsCount(w, 0, MOST_SETTINGS);
  if (w->bad || !s->n) return;
  s->pair = calloc((size_t)s->n, sizeof *s->pair);
  if (!s->pair) return WordsComplain(w, "enough memory", "none");
  for (int i = 0; i < s->n && !w->bad; i++) {
    WordsName(w, s->pair[i].name);
    WordsName(w, s->pair[i].value);
    if (!w->bad && !SettingAllowed(s->pair[i].name, s->pair[i].value)) WordsComplain(w, "a setting of a solver", s->pair[i].name);
  }
}

static void ReadCandidates(Words *w, Prior p)
{
  static const char *const natures[] = {"any", "symmetric", "saddle"}; /* as Nature has them */

  WordsExpect(w, "candidates");
  if (!w->bad) p->n = WordsCount(w, 1, PRIOR_CANDIDATES);
  for (int i = 0; i < p->n && !w->bad; i++) {
    Candidate *c = &p->candidate[i];
    WordsExpect(w, "candidate");
    if (w->bad) return;
    WordsName(w, c->name);
    c->nature = (Nature)WordsOneOf(w, 3, natures);
    ReadGrowth(w, c);
    ReadOwn(w, c);
    ReadSettings(w, "serial", &c->settings[0]);
    ReadSettings(w, "parallel", &c->settings[1]);
  }
}

/* ---- the arrays ---- */
static void *Take(Words *w, const char **from, size_t bytes)
{
  void *made = w->bad ? NULL : malloc(bytes + 1); /* there may be none */

  if (!made) {
    WordsComplain(w, "enough memory", "none");
    return NULL;
  }
  memcpy(made, *from, bytes);
  *from += bytes;
  return made;
}

/* A child comes after its node, or is a leaf: so each way down ends. */
static PetscBool Child(Prior p, int32_t child, int32_t node)
{
  return (PetscBool)(child < 0 ? -1 - (int64_t)child < p->leaves : child > node && child < p->nodes);
}

static PetscBool Sane(Prior p)
{
  for (int t = 0; t < p->trees; t++)
    if (!Child(p, p->root[t], -1)) return PETSC_FALSE;
  for (int i = 0; i < p->nodes; i++) {
    if (p->feature[i] < 0 || p->feature[i] >= METASOLVE_FEATURES) return PETSC_FALSE;
    if (!Child(p, p->left[i], i) || !Child(p, p->right[i], i)) return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

static void ReadForest(Words *w, Prior p, const char *end)
{
  size_t bytes, values;

  WordsExpect(w, "trees");
  if (!w->bad) p->trees = WordsCount(w, 1, MOST_NODES);
  WordsExpect(w, "nodes");
  if (!w->bad) p->nodes = WordsCount(w, 0, MOST_NODES);
  WordsExpect(w, "leaves");
  if (!w->bad) p->leaves = WordsCount(w, 1, MOST_NODES);
  WordsExpect(w, "data");
  if (w->bad) return;
  bytes            = (size_t)WordsCount(w, 0, 1 << 28);
  values           = (size_t)p->leaves * (size_t)p->n * 2 * sizeof *p->value;
  const char *from = w->rest;
  if (w->bad || bytes != 4 * ((size_t)p->trees + 4 * (size_t)p->nodes) + values || from + bytes != end)
    return WordsComplain(w, "as many numbers as were announced", "others");
  p->root      = Take(w, &from, 4 * (size_t)p->trees);
  p->feature   = Take(w, &from, 4 * (size_t)p->nodes);
  p->threshold = Take(w, &from, 4 * (size_t)p->nodes);
  p->left      = Take(w, &from, 4 * (size_t)p->nodes);
  p->right     = Take(w, &from, 4 * (size_t)p->nodes);
  p->value     = Take(w, &from, values);
  if (!w->bad && !Sane(p)) WordsComplain(w, "trees", "something else");
}

Prior PriorParse(char *data, size_t bytes, char *why, size_t whylen)
{
  Words       w = {NULL, why, whylen, 0, "prior.bin", "install metasolve again"};
  Prior       p = calloc(1, sizeof *p);
  const char *first;

  if (!p) return NULL;
  first = strtok_r(data, " \n", &w.rest);
  if (!first || strcmp(first, "metasolve-prior")) WordsComplain(&w, "metasolve-prior", first ? first : "nothing");
  if (!w.bad) (void)WordsCount(&w, PRIOR_VERSION, PRIOR_VERSION);
  ReadFeatures(&w);
  ReadCandidates(&w, p);
  ReadForest(&w, p, data + bytes);
  snprintf(p->mark, sizeof p->mark, "%.16s", data + bytes + strlen("sha256 "));
  if (!w.bad) return p;
  PriorFree(p);
  return NULL;
}

void PriorFree(Prior p)
{
  if (!p) return;
  for (int i = 0; i < p->n; i++) {
    free(p->candidate[i].settings[0].pair);
    free(p->candidate[i].settings[1].pair);
  }
  free(p->root);
  free(p->feature);
  free(p->threshold);
  free(p->left);
  free(p->right);
  free(p->value);
  free(p);
}
