/* policy.h - the meta-model in memory: what policy_file.c reads and policy.c decides with. */
#pragma once
#include "prior.h"

#define MAX_LAYERS 8
#define MAX_VALUES 32
#define MAX_WIDTH  4096

typedef enum {
  CHOICE,
  REAL,
  INTEGER,
  FLAG,
  FIXED
} Kind;
typedef struct {
  Kind      kind;
  int       offset, n, parent, nwhen; /* n: values of a choice; parent: index of a setting or -1 */
  int       log;
  double    low, high;
  PetscBool symmetric[MAX_VALUES]; /* words for operators only that are symmetric with a positive diagonal */
  char      name[64], values[MAX_VALUES][64], when[MAX_VALUES][64];
} Setting;
typedef struct {
  int     in, out, activation; /* 0 linear, 1 tanh, 2 relu */
  double *w, *b;
} Layer;
typedef struct {
  int   n, width;
  Layer layer[MAX_LAYERS];
} Network;
typedef struct { /* a choice is expected to take exp(choice(x)[0] - host(x)) times what the host takes, exp(choice(x)[1]) seconds */
  Network choice;
  int     n, k, feature[METASOLVE_FEATURES]; /* host: n bells in k features; each its weight and centre */
  double  level, length[METASOLVE_FEATURES], *bell, patience;
} Gate;
struct _Policy {
  Prior     prior; /* NULL: a model of one workload */
  PetscBool is_default, is_constant;
  PetscInt  least_rows;
  double    look; /* seconds */
  double    mean[METASOLVE_FEATURES], scale[METASOLVE_FEATURES], low[METASOLVE_FEATURES], high[METASOLVE_FEATURES];
  double    expected[METASOLVE_FEATURES + 1];
  int       nsettings;
  Network   network;
  double   *second; /* what the network's output would be for the second choice; NULL: there is none */
  Gate     *gate;   /* NULL: every choice is used */
  Setting   setting[METASOLVE_MAX_SETTINGS];
};

PetscBool SettingInRange(const char *name, Kind, double low, double high); /* may a number in between be chosen? */

char     *PolicySlurp(const char *path, size_t *bytes); /* a file, with a zero behind it; NULL and errno: none */
PetscBool PolicyIntact(const char *data, size_t bytes); /* is its last line the digest of what is before? */
Policy    PolicyParse(PetscBool prior, char *data, size_t bytes, char *why, size_t whylen); /* NULL, and why */
void      PolicyFree(Policy);

/* ---- words.c ---- */
typedef struct { /* whitespace-separated words */
  char       *rest, *why;
  size_t      whylen;
  int         bad;
  const char *file, *remedy; /* of which the words are, and what to do where they are wrong */
} Words;
void        WordsComplain(Words *, const char *what, const char *got);
const char *WordsNext(Words *);
void        WordsExpect(Words *, const char *word);
double      WordsNumber(Words *);
double     *WordsNumbers(Words *, int n);
int         WordsCount(Words *, int low, int high);
void        WordsName(Words *, char name[64]);
int         WordsOneOf(Words *, int n, const char *const names[]);

/* ---- policy_settings.c ---- */
void PolicyReadSettings(Words *, Policy);
