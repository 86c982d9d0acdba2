/* measure.c - the measures of an answer. */
#include "measure.h"
#include <math.h>

const char *const MeasureNames[MEASURES] = {"norm", "rows", "backward"};

/* ---- what is needed of the operator ---- */
typedef struct {
  PetscReal sum, diagonal; /* of absolute values */
} RowSize;

static RowSize SizeOf(const Rows *rows, PetscInt i)
{
  const Row row  = RowsGet(rows, i);
  RowSize   size = {0, 0};

  for (PetscInt k = 0; k < row.n; k++) {
    size.sum += PetscAbsScalar(row.val[k]);
    if (row.col[k] == i) size.diagonal = PetscAbsScalar(row.val[k]);
  }
  for (PetscInt k = 0; k < row.noff; k++) size.sum += PetscAbsScalar(row.offval[k]);
  if (!(size.diagonal > 0)) size.diagonal = size.sum > 0 ? size.sum : 1;
  return size;
}

static PetscErrorCode Fill(Mat A, Scales *s)
{
  double       most[3] = {0, 0, -INFINITY}; /* row sum, diagonal, and the least diagonal as a negative */
  PetscScalar *inverse;
  PetscInt     n;
  Rows         rows;

  PetscFunctionBegin;
  PetscCall(RowsOpen(A, &rows));
  PetscCall(VecGetLocalSize(s->rows, &n));
  PetscCall(VecGetArrayWrite(s->rows, &inverse));
  for (PetscInt i = 0; i < n; i++) {
    const RowSize size = SizeOf(&rows, i);
    inverse[i]         = 1 / size.diagonal;
    most[0]            = fmax(most[0], size.sum);
    most[1]            = fmax(most[1], size.diagonal);
    most[2]            = fmax(most[2], -size.diagonal);
  }
  PetscCall(VecRestoreArrayWrite(s->rows, &inverse));
  PetscCall(RowsClose(A, &rows));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, most, 3, MPI_DOUBLE, MPI_MAX, PetscObjectComm((PetscObject)A)));
  s->norm  = most[0];
  s->apart = most[1] / -most[2];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ScalesOpen(Mat A, Vec like, Scales *s)
{
  PetscObjectId    id;
  PetscObjectState state;

  PetscFunctionBegin;
  PetscCall(PetscObjectGetId((PetscObject)A, &id));
  PetscCall(PetscObjectStateGet((PetscObject)A, &state));
  if (s->rows && s->id == id && s->state == state) PetscFunctionReturn(PETSC_SUCCESS);
  if (s->id != id) PetscCall(ScalesFree(s));
  if (!s->rows) PetscCall(VecDuplicate(like, &s->rows));
  for (int i = 0; i < 2; i++)
    if (!s->work[i]) PetscCall(VecDuplicate(like, &s->work[i]));
  PetscCall(Fill(A, s));
  s->id    = id;
  s->state = state;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ScalesFree(Scales *s)
{
  PetscFunctionBegin;
  PetscCall(VecDestroy(&s->rows));
  PetscCall(VecDestroy(&s->work[0]));
  PetscCall(VecDestroy(&s->work[1]));
  *s = (Scales){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- measured ---- */
static PetscErrorCode Residual(const Judge *j, Vec x, Vec r)
{
  PetscFunctionBegin;
  if (x) {
    PetscCall(ProductMake(j->A, x, r));
    PetscCall(VecAYPX(r, -1, j->b));
  } else PetscCall(VecCopy(j->b, r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Backward(const Judge *j, Vec x, Vec r, PetscReal *value)
{
  PetscReal of_r, of_b, of_x = 0;

  PetscFunctionBegin;
  PetscCall(NormOf(r, NORM_INFINITY, &of_r));
  PetscCall(NormOf(j->b, NORM_INFINITY, &of_b));
  if (x) PetscCall(NormOf(x, NORM_INFINITY, &of_x));
  *value = of_r / (j->scales->norm * of_x + of_b);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* r is overwritten. */
static PetscErrorCode Measured(const Judge *j, Vec x, Vec r, PetscReal *value)
{
  PetscFunctionBegin;
  if (j->measure == MEASURE_ROWS) PetscCall(VecPointwiseMult(r, r, j->scales->rows));
  if (j->measure == MEASURE_BACKWARD) PetscCall(Backward(j, x, r, value));
  else PetscCall(NormOf(r, NORM_2, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JudgeAnswer(const Judge *j, Vec x, PetscReal *value)
{
  Vec own = NULL, *work = j->scales ? &j->scales->work[1] : &own;

  PetscFunctionBegin;
  if (!*work) PetscCall(VecDuplicate(j->b, work));
  PetscCall(Residual(j, x, *work));
  PetscCall(Measured(j, x, *work, value));
  PetscCall(VecDestroy(&own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JudgeAll(const Judge *j, Vec x, PetscReal values[MEASURES])
{
  static const Measure order[MEASURES] = {MEASURE_NORM, MEASURE_BACKWARD, MEASURE_ROWS}; /* the last one changes r */
  Judge                one             = *j;
  const Vec            r               = j->scales->work[1];

  PetscFunctionBegin;
  PetscCall(Residual(j, x, r));
  for (int i = 0; i < MEASURES; i++) {
    one.measure = order[i];
    PetscCall(Measured(&one, x, r, &values[order[i]]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* |b|_2 over |D^-1 b|_2, in times of what this is where b is the same in all rows. Collective. */
PetscErrorCode JudgeUneven(const Judge *j, PetscReal *times)
{
  const PetscScalar *b, *d;
  double             sums[4] = {0, 0, 0, 0};
  PetscInt           n;

  PetscFunctionBegin;
  if (!j->scales->work[0]) PetscCall(VecDuplicate(j->b, &j->scales->work[0]));
  PetscCall(MatGetDiagonal(j->P, j->scales->work[0]));
  PetscCall(VecGetLocalSize(j->b, &n));
  PetscCall(VecGetArrayRead(j->b, &b));
  PetscCall(VecGetArrayRead(j->scales->work[0], &d));
  for (PetscInt i = 0; i < n; i++) {
    if (d[i] == 0) continue;
    const double of_b = PetscAbsScalar(b[i]), of_d = PetscAbsScalar(d[i]);
    sums[0] += of_b * of_b;
    sums[1] += of_b / of_d * (of_b / of_d);
    sums[2] += 1 / of_d / of_d;
    sums[3] += 1;
  }
  PetscCall(VecRestoreArrayRead(j->scales->work[0], &d));
  PetscCall(VecRestoreArrayRead(j->b, &b));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 4, MPI_DOUBLE, MPI_SUM, PetscObjectComm((PetscObject)j->A)));
  *times = sums[1] > 0 ? sqrt(sums[0] / sums[1] * (sums[2] / sums[3])) : 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A preconditioner on the right may add what the operator does not see; an answer is given, and measured, without it. */
PetscErrorCode JudgeIterate(KSP ksp, void *judge, PetscReal *value)
{
  const Judge *j = (const Judge *)judge;
  MatNullSpace null;
  Vec          x;

  PetscFunctionBegin;
  PetscCall(KSPBuildSolution(ksp, j->scales->work[0], &x));
  PetscCall(MatGetNullSpace(j->A, &null));
  if (null && x == j->scales->work[0]) PetscCall(MatNullSpaceRemove(null, x));
  PetscCall(JudgeAnswer(j, x, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- for a program that measures solves of its own ---- */
typedef struct {
  Judge  judge; /* first: it is taken for it */
  Scales scales;
} Own;

/*@C
  MetasolveJudge - Prepares to measure answers of A x = b

  Collective

  Input Parameters:
+ A       - the operator, an assembled AIJ matrix; its values must not change meanwhile. It is referenced, and so is b
. b       - the right-hand side
- measure - 0 for |b - A x|_2, 1 for the same with each row divided by its diagonal, 2 for the backward error

  Output Parameter:
. judge - free it with `MetasolveJudgeDestroy()`

  Level: developer

.seealso: `MetasolveJudgement()`, `MetasolveLimit()`
@*/
PetscErrorCode MetasolveJudge(Mat A, Vec b, int measure, void **judge)
{
  Own *own;

  PetscFunctionBegin;
  PetscCheck(measure >= 0 && measure < MEASURES, PetscObjectComm((PetscObject)A), PETSC_ERR_ARG_OUTOFRANGE,
             "there is no measure %d", measure);
  PetscCall(PetscNew(&own));
  own->judge = (Judge){.measure = (Measure)measure, .A = A, .P = A, .b = b, .scales = &own->scales};
  PetscCall(PetscObjectReference((PetscObject)A));
  PetscCall(PetscObjectReference((PetscObject)b));
  PetscCall(ScalesOpen(A, b, &own->scales));
  *judge = own;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@C
  MetasolveJudgement - Measures an answer

  Collective

  Input Parameters:
+ judge - from `MetasolveJudge()`
- x     - the answer; NULL for zero

  Output Parameter:
. value - in the measure

  Level: developer
@*/
PetscErrorCode MetasolveJudgement(void *judge, Vec x, double *value)
{
  PetscFunctionBegin;
  PetscCall(JudgeAnswer((const Judge *)judge, x, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*@C
  MetasolveJudgeDestroy - Frees what `MetasolveJudge()` has made

  Collective

  Input Parameter:
. judge - NULL afterwards

  Level: developer
@*/
PetscErrorCode MetasolveJudgeDestroy(void **judge)
{
  Own *own = (Own *)*judge;

  PetscFunctionBegin;
  if (!own) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ScalesFree(&own->scales));
  PetscCall(MatDestroy(&own->judge.A));
  PetscCall(VecDestroy(&own->judge.b));
  PetscCall(PetscFree(*judge));
  PetscFunctionReturn(PETSC_SUCCESS);
}
