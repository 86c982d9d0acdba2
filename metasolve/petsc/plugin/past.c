/*
   past.c - the states that runs of a program have found, kept beside the last one. Nothing of MPI or PETSc is called: it may be at
   exit.
*/
#define _GNU_SOURCE
#include "state.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST  96 /* states that are kept: */
#define LATER 32 /* the last ones, and of those before mostly one a day */
#define DAY   86400
#define TAIL  ".state"

typedef struct {
  time_t when;
  char   name[64];
} Entry;

static int Earlier(const void *a, const void *b)
{
  const Entry *x = (const Entry *)a, *y = (const Entry *)b;

  return x->when < y->when ? -1 : x->when > y->when ? 1 : strcmp(x->name, y->name);
}

/* ID.state: what else lies there is somebody's who wants to keep it. */
static PetscBool IsState(const char *name)
{
  return (PetscBool)(strlen(name) == STATE_ID - 1 + strlen(TAIL) && !strcmp(name + STATE_ID - 1, TAIL));
}

static int List(DIR *dir, Entry entries[], int room)
{
  struct dirent *found;
  struct stat    told;
  int            n = 0;

  while (n < room && (found = readdir(dir))) {
    if (!IsState(found->d_name) || fstatat(dirfd(dir), found->d_name, &told, AT_SYMLINK_NOFOLLOW)) continue;
    entries[n].when = told.st_mtime;
    memcpy(entries[n].name, found->d_name, strlen(found->d_name) + 1); /* of a known length */
    n++;
  }
  qsort(entries, (size_t)n, sizeof *entries, Earlier);
  return n;
}

/* One goes for the one that has come. */
static void Thin(const char *folder)
{
  Entry entries[2 * MOST] = {{0}};
  DIR  *dir               = opendir(folder);
  int   n, out = 0;

  if (!dir) return;
  n = List(dir, entries, 2 * MOST);
  for (int i = 0; i < n - LATER; i++) {
    if (entries[i].when / DAY != entries[i + 1].when / DAY) continue;
    out = i;
    break;
  }
  if (n > MOST) (void)unlinkat(dirfd(dir), entries[out].name, 0);
  closedir(dir);
}

/* What cannot be kept (no folder, a file system without links) is not: that is no reason to stop. */
void StatePast(const char *path, const char *id)
{
  char         folder[PETSC_MAX_PATH_LEN + 8], name[PETSC_MAX_PATH_LEN + 64];
  const size_t n = strlen(path), tail = strlen(TAIL);

  if (n <= tail || strcmp(path + n - tail, TAIL)) return;
  snprintf(folder, sizeof folder, "%ss", path); /* PROGRAM.states */
  if (mkdir(folder, 0777) && errno != EEXIST) return;
  snprintf(name, sizeof name, "%s/%s" TAIL, folder, id);
  if (!link(path, name)) Thin(folder);
}
