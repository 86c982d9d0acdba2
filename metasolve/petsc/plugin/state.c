/* state.c - lessons are added to what is kept. The writing calls nothing of MPI or PETSc: it may happen at exit. */
#define _GNU_SOURCE
#include "state.h"
#include "policy.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define LONGEST 64 /* words of the file are shorter */

/* It is begun anew, which nobody should find out by chance. */
static void Complain(const char *path, const char *why)
{
  fprintf(stderr,
          "metasolve: the state %s %s: this run begins without it; metasolve history lists earlier ones, and metasolve rollback "
          "brings one back\n",
          path, why);
}

PetscErrorCode StateLoad(MPI_Comm comm, const char *path, Prior p, Class *all, char id[STATE_ID])
{
  char       *data  = NULL;
  size_t      bytes = 0;
  int         n;
  PetscMPIInt rank;

  PetscFunctionBegin;
  id[0] = 0;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank && !(data = PolicySlurp(path, &bytes)) && errno != ENOENT) Complain(path, "cannot be read");
  n = (int)bytes;
  PetscCallMPI(MPI_Bcast(&n, 1, MPI_INT, 0, comm));
  if (rank) data = malloc((size_t)n + 1);
  if (n && data) {
    PetscCallMPI(MPI_Bcast(data, n, MPI_CHAR, 0, comm));
    if (!StateParse(data, (size_t)n, p, all, id) && !rank) Complain(path, "is damaged, or of another version");
  } else if (data && !rank) Complain(path, "is empty");
  free(data);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- lessons ---- */
static PetscBool Writable(const char *prefix) /* one word, which can be read again */
{
  if (strlen(prefix) >= LONGEST) return PETSC_FALSE;
  for (const char *c = prefix; *c; c++)
    if (isspace((unsigned char)*c)) return PETSC_FALSE;
  return PETSC_TRUE;
}

PetscBool StateLearn(State *s, Class c, const Lesson *l)
{
  if (!s->path[0] || !Writable(c->prefix)) return PETSC_FALSE;
  if (s->n == s->room) {
    const size_t room = s->room ? 2 * s->room : 64;
    void        *more = realloc(s->learned, room * sizeof *s->learned);
    if (!more) return PETSC_FALSE;
    s->learned = more;
    s->room    = room;
  }
  s->learned[s->n].class    = c;
  s->learned[s->n++].lesson = *l;
  return PETSC_TRUE;
}

/* The class of `kept` that is like c, made if there is none; NULL: there are too many. */
static Class Find(Class *kept, Class c)
{
  struct _Class new = {.rows = c->rows, .block = c->block, .density = c->density, .ranks = c->ranks};
  Class *end        = kept, made;
  int    n          = 0;

  for (; *end; end = &(*end)->next, n++)
    if (ClassAlike(*end, c)) return *end;
  if (n >= STATE_MOST_CLASSES) return NULL;
  snprintf(new.prefix, sizeof new.prefix, "%s", c->prefix);
  ClassBegin(&new, *kept);
  if (!(made = malloc(sizeof new))) return NULL;
  *made = new;
  *end  = made;
  return made;
}

/* What is kept is what is known from now on: this run's lessons are in it, and those of others. */
static void TakeOver(Class *all, Class kept)
{
  while (kept) {
    Class next = kept->next, c = *all;
    while (c && !ClassAlike(c, kept)) c = c->next;
    if (!c) {
      kept->next = *all;
      *all       = kept;
    } else {
      c->solves    = kept->solves;
      c->operators = kept->operators;
      c->all       = kept->all;
      c->own       = kept->own;
      c->own_setup = kept->own_setup;
      c->own_solve = kept->own_solve;
      c->attempt   = kept->attempt;
      c->risk      = kept->risk;
      c->offsets   = kept->offsets;
      c->numbers   = kept->numbers;
      free(kept);
    }
    kept = next;
  }
}

/* ---- written ---- */
static void Beside(const State *s, char path[PETSC_MAX_PATH_LEN + 32])
{
  snprintf(path, PETSC_MAX_PATH_LEN + 32, "%s.new", s->path); /* nobody else writes meanwhile */
}

static int WriteBeside(const State *s, const Text *t)
{
  char      beside[PETSC_MAX_PATH_LEN + 32];
  int       fd, error = 0;
  ssize_t   n;
  SizeLimit limit;

  if (!t->data) return ENOMEM;
  Beside(s, beside);
  if ((fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) < 0) return errno;
  errno = 0;
  SizeLimitLift(&limit);
  n = write(fd, t->data, t->used);
  if (n != (ssize_t)t->used) error = errno ? errno : ENOSPC;
  SizeLimitSettle(&limit);
  if (close(fd) && !error) error = errno;
  return error;
}

int StateBegin(State *s, Prior p)
{
  char   lock[PETSC_MAX_PATH_LEN + 32], *data;
  Text   t     = {0};
  size_t bytes = 0;
  int    error;

  snprintf(lock, sizeof lock, "%s.lock", s->path);
  s->lock = open(lock, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (s->lock < 0) return errno;
  while (flock(s->lock, LOCK_EX) && errno == EINTR) continue;
  s->before[0] = 0;
  if ((data = PolicySlurp(s->path, &bytes)) && bytes) (void)StateParse(data, bytes, p, &s->next, s->before);
  free(data);
  for (size_t i = 0; i < s->n; i++) {
    Class c = Find(&s->next, s->learned[i].class);
    if (c) ClassLearn(c, &s->learned[i].lesson);
  }
  StateWrite(&t, p, s->next, s->id);
  error = WriteBeside(s, &t);
  TextFree(&t);
  if (error) StateGiveUp(s);
  return error;
}

/* Where it cannot take its place it stays beside: the journal has told of it. */
int StateEnd(State *s, Class *all)
{
  char beside[PETSC_MAX_PATH_LEN + 32];
  int  error;

  Beside(s, beside);
  if (!s->written++ && s->before[0]) StatePast(s->path, s->before);
  error = rename(beside, s->path) ? errno : 0;
  s->n  = 0;
  TakeOver(all, s->next);
  s->next = NULL;
  close(s->lock);
  return error;
}

void StateGiveUp(State *s)
{
  char beside[PETSC_MAX_PATH_LEN + 32];

  Beside(s, beside);
  (void)unlink(beside);
  ClassFree(&s->next);
  close(s->lock);
}
