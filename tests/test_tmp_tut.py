import pytest
@pytest.mark.parametrize("n",["snes/ex19","snes/ex5f90","ts/ex13","ksp/ex56","ksp/ex29","ksp/ex50","ksp/ex5f","ksp/ex11f"])
def test_t(tutorial, run_program, n):
    d=run_program(tutorial(n)); print(n,d.returncode,d.stdout[:60],d.stderr[:200])
