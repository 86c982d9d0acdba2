/*
   policy_load.c - the policy of a directory, which is read once: a program may attach it to many KSPs, one after the other.

   The first rank reads, so that all ranks take the same decisions even where they see different files. A policy is not changed any
   more, so all KSPs share it. One that nobody uses is kept until another one is read.
*/
#include "policy.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct { /* as the first rank sees it */
  char      name[PETSC_MAX_PATH_LEN + 16];
  PetscBool prior;
  long long bytes, modified; /* bytes below zero: it cannot be read, ... */
  int       error;           /* ... errno says why */
} File;

typedef struct _Loaded *Loaded;
struct _Loaded {
  File   file;
  Policy policy;
  int    users;
  Loaded next;
};
static Loaded    loaded     = NULL;
static PetscBool registered = PETSC_FALSE; /* what frees them in the end: PETSc has room for few such functions */

/* ---- files ---- */
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

/* A prior comes before a model; what is there and cannot be read is not passed over. */
static void Look(const char *dir, File *f)
{
  static const char *const names[] = {"prior.bin", "policy.txt"};
  struct stat              about;

  for (int i = 0; i < 2; i++) {
    *f = (File){.prior = (PetscBool)!i, .bytes = -1};
    snprintf(f->name, sizeof f->name, "%s/%s", dir, names[i]);
    f->error = stat(f->name, &about) ? errno : 0;
    if (f->error == ENOENT) continue;
    if (!f->error) {
      f->bytes    = about.st_size;
      f->modified = (long long)about.st_mtim.tv_sec * 1000000000 + about.st_mtim.tv_nsec;
    }
    return;
  }
}

/* ---- those that were read ---- */
static Loaded Known(const File *f)
{
  for (Loaded l = loaded; l; l = l->next)
    if (!strcmp(l->file.name, f->name) && l->file.bytes == f->bytes && l->file.modified == f->modified) return l;
  return NULL;
}

static void Forget(void)
{
  for (Loaded *at = &loaded; *at;) {
    Loaded l = *at;
    if (l->users) {
      at = &l->next;
      continue;
    }
    *at = l->next;
    PolicyFree(l->policy);
    free(l);
  }
}

static PetscErrorCode ForgetAll(void)
{
  PetscFunctionBegin;
  Forget();
  registered = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Keep(const File *f, Policy p, Loaded *kept)
{
  PetscFunctionBegin;
  Forget();
  *kept = calloc(1, sizeof **kept);
  PetscCheck(*kept, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the policy");
  **kept = (struct _Loaded){.file = *f, .policy = p, .next = loaded};
  loaded = *kept;
  if (!registered) PetscCall(PetscRegisterFinalize(ForgetAll));
  registered = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NULL, and why. */
static PetscErrorCode Read(MPI_Comm comm, File *f, Loaded *read, char *why, size_t whylen)
{
  char       *data  = NULL;
  size_t      bytes = 0;
  Policy      p;
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank && !f->error) {
    data     = PolicySlurp(f->name, &bytes);
    f->error = data ? 0 : errno;
    f->bytes = data ? (long long)bytes : -1;
  }
  PetscCallMPI(MPI_Bcast(f, sizeof *f, MPI_BYTE, 0, comm));
  if (f->bytes < 0) {
    snprintf(why, whylen, "cannot read %.300s (%s): give a model directory", f->name, strerror(f->error));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (rank) data = calloc((size_t)f->bytes + 1, 1);
  PetscCheck(data, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the policy");
  PetscCallMPI(MPI_Bcast(data, (int)f->bytes, MPI_CHAR, 0, comm));
  p = PolicyParse(f->prior, data, (size_t)f->bytes, why, whylen);
  free(data);
  if (p) PetscCall(Keep(f, p, read));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PolicyLoad(MPI_Comm comm, const char *dir, Policy *policy, char *why, size_t whylen)
{
  File        f;
  Loaded      l;
  PetscMPIInt rank, all;

  PetscFunctionBegin;
  *policy = NULL;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) Look(dir, &f);
  PetscCallMPI(MPI_Bcast(&f, sizeof f, MPI_BYTE, 0, comm));
  l   = Known(&f);
  all = l != NULL; /* a rank may have read it with others */
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MIN, comm));
  if (!all) {
    l = NULL;
    PetscCall(Read(comm, &f, &l, why, whylen));
  }
  if (!l) PetscFunctionReturn(PETSC_SUCCESS);
  l->users++;
  *policy = l->policy;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void PolicyRelease(Policy p)
{
  for (Loaded l = loaded; l; l = l->next)
    if (l->policy == p) l->users--;
}
