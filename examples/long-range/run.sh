#!/bin/sh
# Pulls the ions apart with the student that has a long-range block, then finds the force between them by three models: ./run.sh [lmp]
set -e
lmp=${1:-../../build/bin/lmp}
rm -f pull.dump
"$lmp" -in in.pull -log log.pull
for style in fmm local gfn2; do "$lmp" -in in.force -var style $style -log none; done
python3 plot.py long-range.png        # needs matplotlib
