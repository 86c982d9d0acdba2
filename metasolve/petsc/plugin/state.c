/* state.c - classes as words in a file, and back. The writing calls nothing of MPI or PETSc: it may happen at exit. */
#define _GNU_SOURCE
#include "state.h"
#include "policy.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define STATE_VERSION 2
#define MOST_CLASSES  256
#define LONGEST       64 /* words are shorter */
#define OWN           "own"

/* ---- written ---- */
static void AddNumber(Text *t, double x)
{
  char word[64];

  TextPrint(word, sizeof word, "%.9g", x);
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
  int n = o->seen[POSTERIOR_OWN] > 0;

  for (int i = 0; i < PriorCount(p); i++) n += o->seen[i] > 0;
  TextAdd(t, "offsets %d\n", n);
  for (int i = 0; i <= POSTERIOR_OWN; i++) {
    if (!o->seen[i]) continue;
    TextAdd(t, "%s %d", i == POSTERIOR_OWN ? OWN : PriorName(p, i), o->seen[i]);
    AddNumber(t, o->mean[i]);
    AddNumber(t, o->variance[i]);
    TextAdd(t, "\n");
  }
}

static PetscBool Writable(const char *prefix) /* one word, which can be read again */
{
  if (strlen(prefix) >= LONGEST) return PETSC_FALSE;
  for (const char *c = prefix; *c; c++)
    if (isspace((unsigned char)*c)) return PETSC_FALSE;
  return PETSC_TRUE;
}

static void AddClass(Text *t, Class c, Prior p)
{
  TextAdd(t, "class %s %lld %lld %d %d\n", *c->prefix ? c->prefix : "-", (long long)c->rows, (long long)c->block, c->density,
          c->ranks);
  TextAdd(t, "solves %lld %lld\nown", (long long)c->solves, (long long)c->operators);
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
}

static void Write(Text *t, Prior p, Class all)
{
  char hex[65];
  int  n = 0;

  for (Class c = all; c; c = c->next) n += c->solves && Writable(c->prefix) && n < MOST_CLASSES;
  TextAdd(t, "metasolve-state %d\nprior %s\nclasses %d\n", STATE_VERSION, PriorMark(p), n);
  for (Class c = all; c && n; c = c->next)
    if (c->solves && Writable(c->prefix) && n-- > 0) AddClass(t, c, p);
  Sha256(t->data, t->used, hex);
  TextAdd(t, "sha256 %s\n", hex);
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
  for (int n = w->bad ? 0 : WordsCount(w, 0, PRIOR_CANDIDATES + 1); n > 0 && !w->bad; n--) {
    WordsName(w, name);
    int          at   = strcmp(name, OWN) ? PriorFind(p, name) : POSTERIOR_OWN;
    const int    seen = WordsCount(w, 0, 1 << 30);
    const double mean = WordsNumber(w), variance = WordsNumber(w);
    if (w->bad || at < 0 || !(variance >= 0)) continue; /* of a candidate that is no more */
    o->seen[at]     = seen;
    o->mean[at]     = mean;
    o->variance[at] = variance;
  }
}

static void ReadClass(Words *w, struct _Class *c, Prior p)
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
}

/* What another run has seen more of is taken over; offsets and weights only together. */
static void Merge(struct _Class *into, const struct _Class *from)
{
  if (PosteriorSeen(&from->offsets) > PosteriorSeen(&into->offsets)) into->offsets = from->offsets;
  if (from->own_solve.n > into->own_solve.n) into->own_solve = from->own_solve;
  if (from->own_setup.n > into->own_setup.n) into->own_setup = from->own_setup;
  if (from->attempt.n > into->attempt.n) into->attempt = from->attempt;
  if (from->risk.n > into->risk.n) into->risk = from->risk;
  if (from->own.answers > into->own.answers) into->own = from->own;
  if (from->solves > into->solves) {
    into->solves    = from->solves;
    into->operators = from->operators;
  }
}

static void Take(Class *all, const struct _Class *read)
{
  Class c = *all;

  while (c && !ClassAlike(c, read)) c = c->next;
  if (c) Merge(c, read);
  else if ((c = malloc(sizeof *c))) {
    *c      = *read;
    c->next = *all;
    *all    = c;
  }
}

static void Parse(char *data, size_t bytes, Prior p, Class *all)
{
  char           why[256];
  Words          w    = {NULL, why, sizeof why, 0, "state", "forget it"};
  struct _Class *read = calloc(MOST_CLASSES, sizeof *read);
  const char    *first;
  char           mark[64];
  int            n = 0;

  if (!read || !PolicyIntact(data, bytes)) return free(read);
  data[bytes - 72] = 0;
  first            = strtok_r(data, " \n", &w.rest);
  if (!first || strcmp(first, "metasolve-state")) w.bad = 1;
  if (!w.bad) (void)WordsCount(&w, STATE_VERSION, STATE_VERSION);
  WordsExpect(&w, "prior");
  if (!w.bad) WordsName(&w, mark);
  WordsExpect(&w, "classes");
  if (!w.bad) n = WordsCount(&w, 0, MOST_CLASSES);
  for (int i = 0; i < n && !w.bad; i++) ReadClass(&w, &read[i], p);
  for (int i = 0; i < n && !w.bad && strcmp(mark, PriorMark(p)); i++) read[i].offsets = (Posterior){0}; /* from another prior */
  for (int i = 0; i < n && !w.bad; i++) Take(all, &read[i]);
  free(read);
}

PetscErrorCode StateLoad(MPI_Comm comm, const char *path, Prior p, Class *all)
{
  char       *data  = NULL;
  size_t      bytes = 0;
  int         n;
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) data = PolicySlurp(path, &bytes);
  n = (int)bytes;
  PetscCallMPI(MPI_Bcast(&n, 1, MPI_INT, 0, comm));
  if (rank) data = malloc((size_t)n + 1);
  if (n && data) {
    PetscCallMPI(MPI_Bcast(data, n, MPI_CHAR, 0, comm));
    Parse(data, (size_t)n, p, all);
  }
  free(data);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The whole of it beside the file, and then in its place. */
static int Replace(const char *path, const Text *t)
{
  char    beside[PETSC_MAX_PATH_LEN + 32];
  int     fd, error = 0;
  ssize_t n;

  snprintf(beside, sizeof beside, "%s.%ld", path, (long)getpid());
  if ((fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) < 0) return errno;
  n = write(fd, t->data, t->used);
  if (n != (ssize_t)t->used) error = errno ? errno : ENOSPC;
  if (close(fd) && !error) error = errno;
  if (!error && rename(beside, path)) error = errno;
  if (error) (void)unlink(beside);
  return error;
}

int StateSave(const char *path, Prior p, Class *all)
{
  char   lock[PETSC_MAX_PATH_LEN + 32], *data;
  Text   t     = {0};
  size_t bytes = 0;
  int    fd, error;

  snprintf(lock, sizeof lock, "%s.lock", path);
  fd = open(lock, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return errno;
  while (flock(fd, LOCK_EX) && errno == EINTR) continue;
  if ((data = PolicySlurp(path, &bytes)) && bytes) Parse(data, bytes, p, all); /* new classes of others come in front */
  free(data);
  Write(&t, p, *all);
  error = t.data ? Replace(path, &t) : ENOMEM;
  TextFree(&t);
  close(fd);
  return error;
}
