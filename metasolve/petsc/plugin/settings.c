/* settings.c - whether a setting may be chosen by a model: settings.def says. metasolve/petsc/settings.py says the same. */
#include "policy.h"
#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

typedef struct {
  const char *name, *words; /* words: of a choice */
  Kind        kind;
  double      low, high;
  int         most; /* numbers in a list of them; 0: it is no list */
} Allowed;

#define NESTED(prefix)
#define CHOICE(name, words)          {name, words, CHOICE, 0, 0, 0},
#define INTEGER(name, low, high)     {name, "", INTEGER, low, high, 0},
#define REAL(name, low, high)        {name, "", REAL, low, high, 0},
#define REALS(name, low, high, most) {name, "", REAL, low, high, most},
#define FLAG(name)                   {name, "", FLAG, 0, 0, 0},
static const Allowed table[] = {
#include "settings.def"
};
#undef NESTED
#undef CHOICE
#undef INTEGER
#undef REAL
#undef REALS
#undef FLAG
#define NESTED(prefix) prefix,
#define CHOICE(name, words)
#define INTEGER(name, low, high)
#define REAL(name, low, high)
#define REALS(name, low, high, most)
#define FLAG(name)
static const char *const nested[] = {
#include "settings.def"
};

/* What follows a prefix of a nested solver; NULL where none is in front. */
static const char *Inside(const char *name)
{
  for (size_t i = 0; i < sizeof nested / sizeof *nested; i++) {
    size_t n = strlen(nested[i]);
    if (strncmp(name, nested[i], n)) continue;
    name += n;
    if (!strcmp(nested[i], "mg_levels_") && isdigit((unsigned char)*name)) {
      const char *end = name + strspn(name, "0123456789");
      if (*end == '_') name = end + 1;
    }
    return name;
  }
  return NULL;
}

static const Allowed *Find(const char *name)
{
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (!strcmp(name, table[i].name)) return &table[i];
  return NULL;
}

/* PETSc compares the words of its enumerations without regard to case. Those behind a | are for nested solvers. */
static PetscBool IsWord(const char *words, const char *value, PetscBool inner)
{
  const size_t n = strlen(value);

  for (size_t length; *words; words += length) {
    while (*words == ' ') words++;
    if (*words == '|' && !inner) return PETSC_FALSE;
    length = strcspn(words, " ");
    if (n && length == n && *words != '|' && !strncasecmp(words, value, n)) return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

static PetscBool Inbetween(const Allowed *a, double x)
{
  return (PetscBool)(isfinite(x) && x >= a->low && x <= a->high && (a->kind != INTEGER || x == floor(x)));
}

static PetscBool AreNumbers(const Allowed *a, const char *value)
{
  int   n = 0;
  char *end;

  for (;; value = end + 1, n++) {
    if (!isdigit((unsigned char)*value) && !strchr("+-.", *value)) return PETSC_FALSE; /* no blanks, nan, inf */
    double x = TextToNumber(value, &end);
    if (end == value || !Inbetween(a, x) || memchr(value, 'x', (size_t)(end - value)) || memchr(value, 'X', (size_t)(end - value)))
      return PETSC_FALSE;
    if (!*end) return (PetscBool)(n < PetscMax(a->most, 1));
    if (*end != ',') return PETSC_FALSE;
  }
}

PetscBool SettingAllowed(const char *name, const char *value)
{
  const char    *inside = name;
  PetscBool      inner  = PETSC_FALSE;
  const Allowed *a;

  for (const char *next; (next = Inside(inside)); inner = PETSC_TRUE) inside = next;
  if (!(a = Find(inside))) return PETSC_FALSE;
  if (!value) return PETSC_TRUE;
  if (a->kind == CHOICE) return IsWord(a->words, value, inner);
  if (a->kind == FLAG) return (PetscBool)(!strcmp(value, "0") || !strcmp(value, "1"));
  return AreNumbers(a, value);
}

PetscBool SettingInRange(const char *name, Kind kind, double low, double high)
{
  const char    *inside = name;
  const Allowed *a;

  for (const char *next; (next = Inside(inside));) inside = next;
  a = Find(inside);
  return (PetscBool)(a && (a->kind == kind || a->kind == REAL) && a->kind != CHOICE && Inbetween(a, low) && Inbetween(a, high));
}
