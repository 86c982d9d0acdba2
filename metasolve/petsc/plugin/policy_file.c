/* policy_file.c - policy.txt of a model directory, read once. metasolve/model/policy_file.py writes it. */
#include "policy.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PRIOR_LEAST_ROWS 500  /* of the systems that are looked at at once ... */
#define PRIOR_LOOK       1e-4 /* ... and seconds of a look at a smaller one */
#define POLICY_VERSION   6    /* 5 is the same without constants */

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
  const char *last = data + bytes - 72; /* "sha256 " + 64 + newline */

  if (bytes < 73 || strncmp(last, "sha256 ", 7)) return PETSC_FALSE;
  Sha256(data, bytes - 72, hex);
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

/* NULL and errno when it cannot be read. */
char *PolicySlurp(const char *path, size_t *bytes)
{
  FILE       *f;
  char       *data = NULL;
  struct stat about;

  if (stat(path, &about)) return NULL;
  errno = S_ISDIR(about.st_mode) ? EISDIR : EFBIG;
  if (!S_ISREG(about.st_mode) || about.st_size >= 1 << 28 || !(f = fopen(path, "rb"))) return NULL;
  if ((data = malloc((size_t)about.st_size + 1))) {
    *bytes       = fread(data, 1, (size_t)about.st_size, f);
    data[*bytes] = 0;
  }
  fclose(f);
  return data;
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

/* Collective. Rank 0 reads, so that all ranks take the same decisions even where they see different files. */
PetscErrorCode PolicyLoad(MPI_Comm comm, const char *dir, Policy *policy, char *why, size_t whylen)
{
  char        path[PETSC_MAX_PATH_LEN + 16], *data = NULL;
  size_t      bytes = 0;
  long long   n     = -1;
  int         err   = 0, prior;
  PetscMPIInt rank;

  PetscFunctionBegin;
  *policy = NULL;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  snprintf(path, sizeof path, "%s/prior.bin", dir);
  if (!rank && (data = PolicySlurp(path, &bytes))) n = (long long)bytes;
  prior = n >= 0;
  snprintf(path, sizeof path, "%s/policy.txt", dir);
  if (!rank && !data && (data = PolicySlurp(path, &bytes))) n = (long long)bytes;
  err = errno;
  PetscCallMPI(MPI_Bcast(&prior, 1, MPI_INT, 0, comm));
  PetscCallMPI(MPI_Bcast(&n, 1, MPI_LONG_LONG, 0, comm));
  PetscCallMPI(MPI_Bcast(&err, 1, MPI_INT, 0, comm));
  if (n < 0) {
    snprintf(why, whylen, "cannot read %.300s (%s): give a model directory", path, strerror(err));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (rank) data = calloc((size_t)n + 1, 1);
  PetscCheck(data, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the policy");
  PetscCallMPI(MPI_Bcast(data, (int)n, MPI_CHAR, 0, comm));
  if (PolicyIntact(data, (size_t)n)) {
    data[(size_t)n - 72] = 0;
    *policy              = prior ? ParsePrior(data, (size_t)n - 72, why, whylen) : Parse(data, why, whylen);
  } else if (prior) snprintf(why, whylen, "prior.bin is truncated or was changed (checksum): install metasolve again");
  else snprintf(why, whylen, "policy.txt is truncated or was changed (checksum): train again or restore the model directory");
  free(data);
  PetscFunctionReturn(PETSC_SUCCESS);
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
