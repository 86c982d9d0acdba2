/* policy_file.c - policy.txt of a model directory, read once. metasolve/model/policy_file.py writes it. */
#include "policy.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define PRIOR_LEAST_ROWS 500  /* of the systems that are looked at at once ... */
#define PRIOR_LOOK       1e-4 /* ... and seconds of a look at a smaller one */
#define POLICY_VERSION   6    /* 5 is the same without constants */
#define DIGEST           72   /* bytes of the last line: "sha256 ", 64 digits, newline */

static void ReadFeatures(Words *w, Policy p)
{
  char word[64];

  WordsExpect(w, "features");
  if (!w->bad && WordsCount(w, 0, 1 << 20) != METASOLVE_FEATURES_VERSION)
    WordsComplain(w, "the features of this version (train again)", "other features");
  if (!w->bad && WordsCount(w, 1, 1 << 20) != METASOLVE_FEATURES)
    WordsComplain(w, "the features of this version (train again)", "other features");
  for (int i = 0; i < METASOLVE_FEATURES && !w->bad; i++) {
    WordsName(w, word);
    if (strcmp(word, MetasolveFeatureNames[i])) WordsComplain(w, MetasolveFeatureNames[i], word);
    p->mean[i]  = WordsNumber(w);
    p->scale[i] = WordsNumber(w);
    p->low[i]   = WordsNumber(w);
    p->high[i]  = WordsNumber(w);
    if (!(p->scale[i] > 0)) WordsComplain(w, "a positive scale", word);
  }
  WordsExpect(w, "expected");
  for (int i = 0; i <= METASOLVE_FEATURES && !w->bad; i++) p->expected[i] = WordsNumber(w);
}

static void ReadNetwork(Words *w, Network *p)
{
  static const char *const activations[] = {"linear", "tanh", "relu"};

  WordsExpect(w, "layers");
  int n    = w->bad ? 0 : WordsCount(w, 1, MAX_LAYERS);
  p->width = METASOLVE_FEATURES;
  for (int l = 0; l < n && !w->bad; l++) {
    Layer *y = &p->layer[l];
    WordsExpect(w, "dense");
    if (w->bad) return;
    y->in  = WordsCount(w, 1, MAX_WIDTH);
    y->out = WordsCount(w, 1, MAX_WIDTH);
    if (y->in != p->width) WordsComplain(w, "matching layer widths", "other widths");
    y->activation = WordsOneOf(w, 3, activations);
    y->w          = WordsNumbers(w, y->in * y->out);
    y->b          = WordsNumbers(w, y->out);
    p->n          = l + 1;
    p->width      = y->out;
  }
}

static void ReadSecond(Words *w, Policy p)
{
  WordsExpect(w, "second");
  if (!w->bad && WordsCount(w, 0, 1)) p->second = WordsNumbers(w, p->network.width);
}

static void ReadHost(Words *w, Gate *g)
{
  WordsExpect(w, "host");
  if (w->bad) return;
  g->n     = WordsCount(w, 0, MAX_WIDTH);
  g->k     = WordsCount(w, 0, METASOLVE_FEATURES);
  g->level = WordsNumber(w);
  for (int i = 0; i < g->k && !w->bad; i++) g->feature[i] = WordsCount(w, 0, METASOLVE_FEATURES - 1);
  for (int i = 0; i < g->k && !w->bad; i++) {
    g->length[i] = WordsNumber(w);
    if (!(g->length[i] > 0)) WordsComplain(w, "a positive length", "another number");
  }
  if (!w->bad) g->bell = WordsNumbers(w, g->n * (g->k + 1));
}

static void ReadGate(Words *w, Policy p)
{
  WordsExpect(w, "gate");
  if (w->bad || !WordsCount(w, 0, 1)) return;
  p->gate = calloc(1, sizeof *p->gate);
  if (!p->gate) return WordsComplain(w, "enough memory", "none");
  ReadNetwork(w, &p->gate->choice);
  if (!w->bad && p->gate->choice.width != 2) WordsComplain(w, "a gate with two outputs", "another number of them");
  ReadHost(w, p->gate);
  WordsExpect(w, "patience");
  if (!w->bad) p->gate->patience = WordsNumber(w);
}

/* The last line is `sha256 <digest of everything before it>`. */
PetscBool PolicyIntact(const char *data, size_t bytes)
{
  char        hex[65];
  const char *last = data + bytes - DIGEST;

  if (bytes <= DIGEST || strncmp(last, "sha256 ", 7)) return PETSC_FALSE;
  Sha256(data, bytes - DIGEST, hex);
  return (PetscBool)!strncmp(last + 7, hex, 64);
}

/* Up to the kind, which also says whether there is more to read: 1. */
static int ReadHeader(char *data, Words *w, Policy p)
{
  static const char *const kinds[] = {"policy", "default", "program", "constant"}; /* program: of whole runs */
  const char              *first   = strtok_r(data, " \n", &w->rest);
  char                     version[64], mine[64];
  int                      kind;

  if (!first || strcmp(first, "metasolve-policy")) WordsComplain(w, "metasolve-policy", first ? first : "nothing");
  if (!w->bad) (void)WordsCount(w, POLICY_VERSION - 1, POLICY_VERSION);
  WordsExpect(w, "petsc");
  if (!w->bad) WordsName(w, version);
  WordsExpect(w, "kind");
  kind = w->bad ? 0 : WordsOneOf(w, 4, kinds);
  if (w->bad) return 0;
  p->is_default  = (PetscBool)(kind == 1 || kind == 2);
  p->is_constant = (PetscBool)(kind == 3);
  if (kind == 2) return 0;
  snprintf(mine, sizeof mine, "%s", METASOLVE_PETSC);
  if (!strcmp(version, mine) || (p->is_constant && !strcmp(version, "-"))) return 1;
  const char *how = p->is_constant ? "pinned for" : "trained with", *what = p->is_constant ? "pin" : "train";
  snprintf(w->why, w->whylen, "%s PETSc %s, this is %s: %s again, option names and defaults differ", how, version, mine, what);
  TextPlain(w->why);
  w->bad = 1;
  return 0;
}

static void ReadLearned(Words *w, Policy p)
{
  WordsExpect(w, "least_rows");
  if (!w->bad) p->least_rows = WordsCount(w, 0, INT_MAX);
  WordsExpect(w, "look");
  if (!w->bad) p->look = WordsNumber(w);
  if (!w->bad) ReadFeatures(w, p);
  if (!w->bad) ReadNetwork(w, &p->network);
  if (!w->bad) ReadSecond(w, p);
  if (!w->bad) ReadGate(w, p);
}

static Policy Parse(char *data, char *why, size_t whylen)
{
  Words  w = {NULL, why, whylen, 0, "policy.txt", "make the model again"};
  Policy p = calloc(1, sizeof *p);

  if (!p) {
    WordsComplain(&w, "enough memory", "none");
    return NULL;
  }
  if (ReadHeader(data, &w, p)) {
    if (!p->is_constant) ReadLearned(&w, p);
    if (!w.bad) PolicyReadSettings(&w, p);
  }
  if (!w.bad) return p;
  PolicyFree(p);
  return NULL;
}

/* Without its last line, which is the digest. */
static Policy ParsePrior(char *data, size_t bytes, char *why, size_t whylen)
{
  Policy p = calloc(1, sizeof *p);

  if (!p) return NULL;
  p->prior      = PriorParse(data, bytes, why, whylen);
  p->least_rows = PRIOR_LEAST_ROWS;
  p->look       = PRIOR_LOOK;
  if (p->prior) return p;
  PolicyFree(p);
  return NULL;
}

Policy PolicyParse(PetscBool prior, char *data, size_t bytes, char *why, size_t whylen)
{
  if (PolicyIntact(data, bytes)) {
    data[bytes - DIGEST] = 0;
    return prior ? ParsePrior(data, bytes - DIGEST, why, whylen) : Parse(data, why, whylen);
  }
  if (prior) snprintf(why, whylen, "prior.bin is truncated or was changed (checksum): install metasolve again");
  else snprintf(why, whylen, "policy.txt is truncated or was changed (checksum): train again or restore the model directory");
  return NULL;
}

Prior PolicyPrior(Policy p)
{
  return p ? p->prior : NULL;
}

PetscBool PolicyIsDefault(Policy p)
{
  return p->is_default;
}

PetscBool PolicyIsConstant(Policy p)
{
  return p->is_constant;
}

PetscInt PolicyLeastRows(Policy p)
{
  return p->least_rows;
}

double PolicyLook(Policy p)
{
  return p->look;
}

static void NetworkFree(Network *p)
{
  for (int l = 0; l < MAX_LAYERS; l++) {
    free(p->layer[l].w);
    free(p->layer[l].b);
  }
}

void PolicyFree(Policy p)
{
  if (!p) return;
  PriorFree(p->prior);
  NetworkFree(&p->network);
  if (p->gate) {
    NetworkFree(&p->gate->choice);
    free(p->gate->bell);
  }
  free(p->gate);
  free(p->second);
  free(p);
}
