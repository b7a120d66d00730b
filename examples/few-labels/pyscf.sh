# PySCF as a client of mlff, for scripts that source this file: `client` is the command without the
# calculator, `python` an interpreter that has it. PYTHON names one that has pyscf, ase and
# matplotlib; without it an environment is made in the folder `venv`. The script has a function
# `fail`.
pyscf=2.14.0 ase=3.29.0
python=${PYTHON:-}
if [ -z "$python" ]; then
  python=$PWD/venv/bin/python
  if [ ! -e venv/ready ]; then
    echo "installing pyscf $pyscf and ase $ase in $PWD/venv" >&2
    python3 -m venv venv && venv/bin/pip install -q "pyscf==$pyscf" "ase==$ase" &&
      touch venv/ready ||
      fail "no environment in $PWD/venv; install pyscf and ase yourself and set PYTHON"
  fi
fi
# Without these PySCF gives large arrays back to the system and takes them again, a third of its
# time.
export MALLOC_MMAP_THRESHOLD_=1000000000 MALLOC_TRIM_THRESHOLD_=2000000000
client="PYTHONPATH=. $python $(command -v mlff-ase-client)"
