export OMP_NUM_THREADS=1 PYTHONPATH=/tmp/lead/main PATH=/work/main/.venv/bin:$PATH
cd /tmp/fresh; rm -rf build/demo/recording build/demo/unseen
M="taskset -c 0 python -c 'import sys;from metasolve.cli.main import main;main(sys.argv[1:])'"
for x in "recording train" "unseen unseen"; do set -- $x
taskset -c 0 /work/main/.venv/bin/python -c "import sys;from metasolve.cli.main import main;main(sys.argv[1:])" record -o build/demo/$1 -- solvers/convection_diffusion/convection_diffusion -list build/demo/$2.txt > /dev/null
done
