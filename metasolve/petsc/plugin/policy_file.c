/* policy_file.c - policy.txt of a model directory, read once. metasolve/model/policy_file.py writes it. */
#include "policy.h"
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define POLICY_VERSION 5

typedef struct { /* whitespace-separated words; the first complaint stays */
  char *rest, *why;
  size_t whylen;
  int    bad;
} Words;

static void Complain(Words *w, const char *what, const char *got)
{
  if (!w->bad) snprintf(w->why, w->whylen, "policy.txt: expected %s, found '%.40s'", what, got);
  w->bad = 1;
}

static const char *Word(Words *w)
{
  const char *word = strtok_r(NULL, " \n", &w->rest);

  if (word) return word;
  Complain(w, "more", "end of file");
  return "";
}

static void Expect(Words *w, const char *word)
{
  const char *got = w->bad ? "" : Word(w);

  if (strcmp(got, word)) Complain(w, word, got);
}

static double Number(Words *w)
{
  const char *word = Word(w);
  char       *end;
  double      x = strtod(word, &end);

  if (end == word || *end || !isfinite(x)) Complain(w, "a number", word);
  return x;
}

static int Count(Words *w, int low, int high)
{
  double x = Number(w);

  if (x == floor(x) && x >= low && x <= high) return (int)x;
  Complain(w, "a count in range", "another number");
  return low;
}

static void Name(Words *w, char name[64])
{
  const char *word = Word(w);

  if (strlen(word) >= 64) Complain(w, "a name below 64 characters", word);
  snprintf(name, 64, "%.63s", word);
}

static int OneOf(Words *w, int n, const char *const names[])
{
  const char *word = Word(w);

  for (int i = 0; i < n; i++)
    if (!strcmp(word, names[i])) return i;
  Complain(w, names[0], word);
  return 0;
}

static void ReadFeatures(Words *w, Policy p)
{
  char word[64];

  Expect(w, "features");
  if (!w->bad && Count(w, 0, 1 << 20) != METASOLVE_FEATURES_VERSION) Complain(w, "the features of this version (train again)", "other features");
  if (!w->bad && Count(w, 1, 1 << 20) != METASOLVE_FEATURES) Complain(w, "the features of this version (train again)", "other features");
  for (int i = 0; i < METASOLVE_FEATURES && !w->bad; i++) {
    Name(w, word);
    if (strcmp(word, MetasolveFeatureNames[i])) Complain(w, MetasolveFeatureNames[i], word);
    p->mean[i]  = Number(w);
    p->scale[i] = Number(w);
    p->low[i]   = Number(w);
    p->high[i]  = Number(w);
    if (!(p->scale[i] > 0)) Complain(w, "a positive scale", word);
  }
  Expect(w, "expected");
  for (int i = 0; i <= METASOLVE_FEATURES && !w->bad; i++) p->expected[i] = Number(w);
}

static double *Numbers(Words *w, int n)
{
  double *x = calloc((size_t)n, sizeof(double));

  if (!x) Complain(w, "enough memory", "none");
  for (int i = 0; i < n && !w->bad; i++) x[i] = Number(w);
  return x;
}

static void ReadNetwork(Words *w, Network *p)
{
  static const char *const activations[] = {"linear", "tanh", "relu"};

  Expect(w, "layers");
  int n    = w->bad ? 0 : Count(w, 1, MAX_LAYERS);
  p->width = METASOLVE_FEATURES;
  for (int l = 0; l < n && !w->bad; l++) {
    Layer *y = &p->layer[l];
    Expect(w, "dense");
    if (w->bad) return;
    y->in  = Count(w, 1, MAX_WIDTH);
    y->out = Count(w, 1, MAX_WIDTH);
    if (y->in != p->width) Complain(w, "matching layer widths", "other widths");
    y->activation = OneOf(w, 3, activations);
    y->w          = Numbers(w, y->in * y->out);
    y->b          = Numbers(w, y->out);
    p->n          = l + 1;
    p->width      = y->out;
  }
}

static void ReadSecond(Words *w, Policy p)
{
  Expect(w, "second");
  if (!w->bad && Count(w, 0, 1)) p->second = Numbers(w, p->network.width);
}

static void ReadHost(Words *w, Gate *g)
{
  Expect(w, "host");
  if (w->bad) return;
  g->n     = Count(w, 0, MAX_WIDTH);
  g->k     = Count(w, 0, METASOLVE_FEATURES);
  g->level = Number(w);
  for (int i = 0; i < g->k && !w->bad; i++) g->feature[i] = Count(w, 0, METASOLVE_FEATURES - 1);
  for (int i = 0; i < g->k && !w->bad; i++) {
    g->length[i] = Number(w);
    if (!(g->length[i] > 0)) Complain(w, "a positive length", "another number");
  }
  if (!w->bad) g->bell = Numbers(w, g->n * (g->k + 1));
}

static void ReadGate(Words *w, Policy p)
{
  Expect(w, "gate");
  if (w->bad || !Count(w, 0, 1)) return;
  p->gate = calloc(1, sizeof *p->gate);
  if (!p->gate) return Complain(w, "enough memory", "none");
  ReadNetwork(w, &p->gate->choice);
  if (!w->bad && p->gate->choice.width != 2) Complain(w, "a gate with two outputs", "another number of them");
  ReadHost(w, p->gate);
  Expect(w, "patience");
  if (!w->bad) p->gate->patience = Number(w);
}

static void ReadWhen(Words *w, Policy p, Setting *s, int index)
{
  char parent[64];

  Expect(w, "when");
  if (w->bad) return;
  Name(w, parent);
  s->nwhen  = Count(w, 0, MAX_VALUES);
  s->parent = -1;
  for (int i = 0; i < index; i++)
    if (!strcmp(p->setting[i].name, parent)) s->parent = i;
  if (strcmp(parent, "-") && s->parent < 0) Complain(w, "a setting named before", parent);
  for (int i = 0; i < s->nwhen && !w->bad; i++) Name(w, s->when[i]);
}

static void ReadSymmetric(Words *w, Setting *s)
{
  char word[64];

  Expect(w, "symmetric");
  for (int i = w->bad ? 0 : Count(w, 0, s->n - 1); i > 0 && !w->bad; i--) {
    Name(w, word);
    for (int v = 0; v < s->n; v++)
      if (!strcmp(s->values[v], word)) s->symmetric[v] = PETSC_TRUE;
  }
}

static void ReadSettings(Words *w, Policy p)
{
  static const char *const kinds[] = {"choice", "real", "integer", "flag", "fixed"}, *const scales[] = {"linear", "log"};

  Expect(w, "settings");
  int n = w->bad ? 0 : Count(w, 0, METASOLVE_MAX_SETTINGS);
  for (int i = 0; i < n && !w->bad; i++) {
    Setting *s = &p->setting[i];
    s->kind    = (Kind)OneOf(w, 5, kinds);
    Name(w, s->name);
    if (s->kind == FIXED) Name(w, s->values[0]);
    else s->offset = Count(w, 0, MAX_WIDTH);
    if (s->kind == CHOICE) {
      s->n = Count(w, 1, MAX_VALUES);
      for (int v = 0; v < s->n && !w->bad; v++) Name(w, s->values[v]);
      ReadSymmetric(w, s);
    }
    if (s->kind == REAL || s->kind == INTEGER) {
      s->log  = OneOf(w, 2, scales);
      s->low  = Number(w);
      s->high = Number(w);
      if (!(s->low <= s->high) || (s->log && s->low <= 0)) Complain(w, "low <= high", s->name);
    }
    if (s->kind != FIXED && s->offset + PetscMax(s->n, 1) > p->network.width) Complain(w, "an offset inside the last layer", s->name);
    ReadWhen(w, p, s, i);
    p->nsettings = i + 1;
  }
}

/* The last line is `sha256 <digest of everything before it>`. */
static PetscBool Intact(const char *data, size_t bytes)
{
  char        hex[65];
  const char *last = data + bytes - 72; /* "sha256 " + 64 + newline */

  if (bytes < 73 || strncmp(last, "sha256 ", 7) || last[-1] != '\n') return PETSC_FALSE;
  Sha256(data, bytes - 72, hex);
  return (PetscBool)!strncmp(last + 7, hex, 64);
}

static Policy Parse(char *data, char *why, size_t whylen)
{
  static const char *const kinds[] = {"policy", "default", "program"}; /* program: of whole runs, no solve is its business */
  Words  w = {NULL, why, whylen, 0};
  Policy p = calloc(1, sizeof *p);
  char   version[64], mine[64];

  snprintf(mine, sizeof mine, "%d.%d.%d", PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR, PETSC_VERSION_SUBMINOR);
  if (!p || strcmp(strtok_r(data, " \n", &w.rest), "metasolve-policy")) Complain(&w, "metasolve-policy", "something else");
  if (!w.bad && Count(&w, 0, 1 << 20) != POLICY_VERSION) Complain(&w, "a policy of this version (train again)", "another");
  Expect(&w, "petsc");
  if (!w.bad) Name(&w, version);
  Expect(&w, "kind");
  int kind = w.bad ? 0 : OneOf(&w, 3, kinds);
  if (!w.bad) p->is_default = (PetscBool)(kind > 0);
  if (!w.bad && kind == 2) return p;
  if (!w.bad && strcmp(version, mine)) {
    snprintf(why, whylen, "trained with PETSc %s, this is %s: train again, option names and defaults differ", version, mine);
    w.bad = 1;
  }
  Expect(&w, "least_rows");
  if (!w.bad) p->least_rows = Count(&w, 0, INT_MAX);
  Expect(&w, "look");
  if (!w.bad) p->look = Number(&w);
  if (!w.bad) ReadFeatures(&w, p);
  if (!w.bad) ReadNetwork(&w, &p->network);
  if (!w.bad) ReadSecond(&w, p);
  if (!w.bad) ReadGate(&w, p);
  if (!w.bad) ReadSettings(&w, p);
  if (!w.bad) return p;
  PolicyFree(p);
  return NULL;
}

/* NULL and errno when it cannot be read. */
static char *Slurp(const char *path, size_t *bytes)
{
  FILE *f    = fopen(path, "rb");
  char *data = NULL;
  long  n    = -1;

  if (!f) return NULL;
  if (!fseek(f, 0, SEEK_END)) n = ftell(f);
  rewind(f);
  if (n >= 0 && n < 1 << 28 && (data = malloc((size_t)n + 1))) {
    *bytes       = fread(data, 1, (size_t)n, f);
    data[*bytes] = 0;
  }
  fclose(f);
  return data;
}

/* Collective. Rank 0 reads, so that all ranks take the same decisions even where they see different files. */
PetscErrorCode PolicyLoad(MPI_Comm comm, const char *dir, Policy *policy, char *why, size_t whylen)
{
  char        path[PETSC_MAX_PATH_LEN + 16], *data = NULL;
  size_t      bytes = 0;
  long long   n     = -1;
  int         err   = 0;
  PetscMPIInt rank;

  PetscFunctionBegin;
  *policy = NULL;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  snprintf(path, sizeof path, "%s/policy.txt", dir);
  if (!rank && (data = Slurp(path, &bytes))) n = (long long)bytes;
  err = errno;
  PetscCallMPI(MPI_Bcast(&n, 1, MPI_LONG_LONG, 0, comm));
  PetscCallMPI(MPI_Bcast(&err, 1, MPI_INT, 0, comm));
  if (n < 0) {
    snprintf(why, whylen, "cannot read %.300s (%s)", path, strerror(err));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (rank) data = calloc((size_t)n + 1, 1);
  PetscCheck(data, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the policy");
  PetscCallMPI(MPI_Bcast(data, (int)n, MPI_CHAR, 0, comm));
  if (Intact(data, (size_t)n)) {
    data[(size_t)n - 72] = 0;
    *policy              = Parse(data, why, whylen);
  } else snprintf(why, whylen, "policy.txt is truncated or was changed (checksum): train again or restore the model directory");
  free(data);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool PolicyIsDefault(Policy p)
{
  return p->is_default;
}

PetscBool PolicyIsConstant(Policy p)
{
  (void)p;
  return PETSC_FALSE;
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
  NetworkFree(&p->network);
  if (p->gate) {
    NetworkFree(&p->gate->choice);
    free(p->gate->bell);
  }
  free(p->gate);
  free(p->second);
  free(p);
}
