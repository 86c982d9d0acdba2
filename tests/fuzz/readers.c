/*
   readers.c - the plug-in's readers of model directories, under mutated files: readers WHAT EXAMPLE SCRATCH COUNT SEED

   WHAT is policy.txt, guess.bin or newton.bin, EXAMPLE a valid one, SCRATCH a directory for its mutations; every other one gets
   its checksum back, so that what is behind the checksum is reached. What is read is used. The address and the undefined-behaviour
   sanitizer are the judges. With COUNT 0 the file in directory EXAMPLE itself is read and why it is refused is printed. WHAT
   settings reads lines of a name and a value instead, and prints whether a model may choose it.
*/
#include "../../metasolve/petsc/plugin/basis_file.c" /* for its checksum */
#include "../../metasolve/petsc/plugin/policy.h"
#include <errno.h>
#include <fenv.h>
#include <locale.h>

size_t __sanitizer_get_current_allocated_bytes(void);
#define ROWS 12
#define WARM 100 /* files, until all that is kept is there */

static uint64_t state;
static uint64_t Random(uint64_t below)
{
  state = state * 6364136223846793005u + 1442695040888963407u;
  uint64_t x = state ^ state >> 29;
  return below ? (x * 0x9e3779b97f4a7c15u >> 16) % below : 0;
}

/* ---- mutations ---- */
#define LONG64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
static const char *const words[] = {
  "-1", "0", "1", "2", "99999999999999999999", "1e999", "-1e308", "1e308", "nan", "inf", "0.5", "4096", "4097", "%s%n", "python",
  "ksp_view", LONG64 LONG64, "policy", "constant", "default", "settings", "flag", "choice", "when", "-",
};
#define WORDS (sizeof words / sizeof *words)

static size_t Replace(char *data, size_t n, size_t room, size_t at, size_t length, const char *with, size_t m)
{
  char copy[256];

  at     = PetscMin(at, n);
  length = PetscMin(length, n - at);
  if (n - length + m > room || m > sizeof copy) return n;
  memcpy(copy, with, m); /* it may be a part of data */
  memmove(data + at + m, data + at + length, n - at - length);
  memcpy(data + at, copy, m);
  return n - length + m;
}

static size_t WordAt(const char *data, size_t n, size_t *at)
{
  size_t end;

  while (*at > 0 && data[*at - 1] != ' ' && data[*at - 1] != '\n') --*at;
  for (end = *at; end < n && data[end] != ' ' && data[end] != '\n'; end++) { }
  return end - *at;
}

static size_t MutateText(char *data, size_t n, size_t room)
{
  size_t      at = (size_t)Random(n), length = WordAt(data, n, &at);
  const char *word = words[Random(WORDS)];

  switch (Random(12)) {
  case 1:
    return Replace(data, n, room, at, length + 1, "", 0);
  case 2:
    return Replace(data, n, room, at, (size_t)Random(200), "", 0);
  case 3:
    return Replace(data, n, room, (size_t)Random(n), 0, data + PetscMin(at, n), PetscMin((size_t)Random(100), n - PetscMin(at, n)));
  case 4:
    if (n) data[PetscMin(at, n - 1)] = (char)Random(256);
    return n;
  default:
    return Replace(data, n, room, at, length, word, strlen(word));
  }
}

static size_t MutateBinary(char *data, size_t n, size_t head)
{
  static const uint64_t extreme[] = {0, 1, 2, 3, (uint64_t)-1, (uint64_t)1 << 63, ((uint64_t)1 << 63) - 1, (uint64_t)1 << 31,
      4096, 1024, 0x7ff8000000000000u, 0x7ff0000000000000u, 0x7fefffffffffffffu};
  size_t at = 8 * (size_t)Random((Random(2) ? head : n) / 8);
  uint64_t word;

  if (at + 8 > n) return n;
  switch (Random(6)) {
  case 0:
    return (size_t)Random(n + 1);
  case 1:
    data[at + Random(8)] ^= (char)(1 << Random(8));
    return n;
  case 2:
    memcpy(&word, data + at, 8);
    word += Random(2) ? 1 : (uint64_t)-1;
    memcpy(data + at, &word, 8);
    return n;
  default:
    memcpy(data + at, &extreme[Random(sizeof extreme / sizeof *extreme)], 8);
    return n;
  }
}

static size_t Seal(PetscBool text, char *data, size_t n, size_t room)
{
  char     hex[65];
  uint64_t sum;

  if (text) {
    if (n + 73 > room) return n;
    if (!n || data[n - 1] != '\n') data[n++] = '\n';
    Sha256(data, n, hex);
    return n + (size_t)snprintf(data + n, 73, "sha256 %s\n", hex);
  }
  if (n < FIRST) return n;
  sum = Mixed((const uint64_t *)(void *)(data + FIRST), (n - FIRST) / 8, 0);
  memcpy(data + 16, &sum, 8);
  return n;
}

/* ---- use of what was read ---- */
static Mat A;
static Vec b, x;

static PetscErrorCode Make(void)
{
  PetscFunctionBegin;
  PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, ROWS, ROWS, 3, NULL, &A));
  for (PetscInt i = 0; i < ROWS; i++)
    for (PetscInt j = PetscMax(i - 1, 0); j <= PetscMin(i + 1, ROWS - 1); j++)
      PetscCall(MatSetValue(A, i, j, i == j ? 2.5 : -1, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatCreateVecs(A, &x, &b));
  PetscCall(VecSet(b, 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Decide(Policy p)
{
  double   features[METASOLVE_FEATURES];
  Decision d;

  memset(&d, 0, sizeof d);
  for (int i = 0; i < METASOLVE_FEATURES; i++) features[i] = 0;
  PolicyDecide(p, PolicyIsConstant(p) ? NULL : features, &d);
  (void)PolicySecond(p, &d);
  feclearexcept(FE_ALL_EXCEPT);
  feenableexcept(FE_INVALID); /* no comparison with NaN may trap */
  features[3] = (double)NAN;
  if (!PolicyIsDefault(p)) PolicyDecide(p, features, &d);
  fedisableexcept(FE_INVALID);
}

static PetscErrorCode Read(const char *what, const char *dir, char *why, size_t whylen)
{
  Policy      p = NULL;
  Guess       g = NULL;
  NewtonGuess s = NULL;
  Grid        grid = {{0, 0, 0}, 0, {0, 0, 0}, {0, 0, 0}, PETSC_FALSE};
  PetscBool   yes;

  PetscFunctionBegin;
  *why = 0;
  if (!strcmp(what, "policy.txt")) {
    PetscCall(PolicyLoad(PETSC_COMM_WORLD, dir, &p, why, whylen));
    if (p) Decide(p);
  } else if (!strcmp(what, "guess.bin")) {
    PetscCall(GuessLoad(PETSC_COMM_WORLD, dir, &g, why, whylen));
    if (g) PetscCall(GuessFits(g, A, &yes));
    if (g && yes) PetscCall(GuessMake(g, A, b, x, &yes));
  } else {
    PetscCall(NewtonGuessLoad(PETSC_COMM_WORLD, dir, &s, why, whylen));
    if (s) PetscCall(NewtonGuessMake(s, &grid, x, &yes));
  }
  PetscCheck(p || g || s || *why, PETSC_COMM_SELF, PETSC_ERR_PLIB, "refused without a reason");
  for (const char *c = why; *c; c++)
    PetscCheck(*c >= ' ' && *c < 127, PETSC_COMM_SELF, PETSC_ERR_PLIB, "a reason that is not one line of text");
  PolicyRelease(p);
  NewtonGuessFree(s);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fuzz(const char *what, const char *example, const char *dir, long count)
{
  static char data[1 << 20], good[1 << 20], path[PETSC_MAX_PATH_LEN], why[512];
  PetscBool   text = (PetscBool)!strcmp(what, "policy.txt");
  size_t      bytes, n, before = 0;
  long        refused = 0;
  FILE       *f = fopen(example, "rb");

  PetscFunctionBegin;
  PetscCheck(f, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "cannot read %s", example);
  bytes = fread(good, 1, sizeof good - 4096, f);
  fclose(f);
  if (text) bytes -= 72;
  snprintf(path, sizeof path, "%s/%s", dir, what);
  for (long i = 0; i <= count; i++) { /* what was read last is kept: where memory is counted, it is the example itself */
    const PetscBool itself = (PetscBool)(i == 0 || i == WARM || i == count);
    memcpy(data, good, n = bytes);
    for (uint64_t times = itself ? 0 : 1 + Random(3) / 2; times; times--)
      n = text ? MutateText(data, n, sizeof good - 4096) : MutateBinary(data, n, 128);
    if (itself || Random(8)) n = Seal(text, data, n, sizeof data);
    PetscCheck((f = fopen(path, "wb")) && fwrite(data, 1, n, f) == n && !fclose(f), PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE,
        "cannot write %s", path);
    PetscCall(Read(what, dir, why, sizeof why));
    if (i == WARM) before = __sanitizer_get_current_allocated_bytes();
    refused += *why != 0;
    PetscCheck(!itself || !*why, PETSC_COMM_SELF, PETSC_ERR_PLIB, "the example itself is refused: %s", why);
  }
  bytes = __sanitizer_get_current_allocated_bytes();
  printf("%ld of %ld refused\n", refused, count);
  if (strcmp(what, "guess.bin")) { /* which are kept */
    PetscCheck(count < 1000 || bytes < before + 1024, PETSC_COMM_SELF, PETSC_ERR_MEM, "%zu bytes leak", bytes - before);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void AnswerLines(void)
{
  char line[512];

  while (fgets(line, sizeof line, stdin)) {
    char *end, *name = strtok_r(line, " \n", &end), *value = strtok_r(NULL, "\n", &end);
    printf("%d\n", SettingAllowed(name, value ? value : ""));
  }
}

int main(int argc, char **argv)
{
  char why[512];

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCheck(argc == 6, PETSC_COMM_SELF, PETSC_ERR_USER, "readers WHAT EXAMPLE SCRATCH COUNT SEED");
  setlocale(LC_ALL, "");
  state = strtoull(argv[5], NULL, 10);
  PetscCall(Make());
  if (!strcmp(argv[1], "settings")) AnswerLines();
  else if (strcmp(argv[4], "0")) PetscCall(Fuzz(argv[1], argv[2], argv[3], strtol(argv[4], NULL, 10)));
  else {
    PetscCall(Read(argv[1], argv[2], why, sizeof why)); /* of a directory */
    printf("%s\n", *why ? why : "read");
  }
  PetscCall(MatDestroy(&A));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&x));
  PetscCall(PetscFinalize());
  return 0;
}
