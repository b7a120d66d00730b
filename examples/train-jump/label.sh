#!/bin/bash
# Data of malonaldehyde-gfn2-jump8, aspirin-gfn2-jump8 and druglike-gfn2-jump8 in the folder given (default: this one), ethanol's excepted.
# What is there already is not made again.
# A line: name, training trajectories at each of 300, 400 and 500 K, windows of a training trajectory, Langevin steps before the first, SMILES.
set -e
cd "${1:-.}"
while read -r name trajectories windows warmup smiles; do
  sample=(mlff label --molecule "$smiles" --sampling nve --rotation --between 60 --warmup "$warmup" --jobs 1)
  "${sample[@]}" --temperature 300 400 500 --trajectories "$trajectories" --windows "$windows" --seed 1 -o "$name-train" < /dev/null
  "${sample[@]}" --temperature 300 --windows 2 --window 200 --seed 2001 -o "$name-test" < /dev/null
done <<END
malonaldehyde 2 8 1000 O=C/C=C\\O
water 1 8 500 O
ammonia 1 8 500 N
methane 1 8 500 C
benzene 1 5 400 c1ccccc1
glycine 2 4 400 NCC(=O)O
aspirin 2 4 400 CC(=O)Oc1ccccc1C(=O)O
alanine 1 5 400 C[C@@H](C(=O)O)N
hexane 1 5 400 CCCCCC
naphthalene 1 3 300 c1ccc2ccccc2c1
adenine 1 3 300 Nc1ncnc2[nH]cnc12
guanine 1 3 300 Nc1nc2[nH]cnc2c(=O)[nH]1
paracetamol 1 3 300 CC(=O)Nc1ccc(O)cc1
caffeine 1 3 300 Cn1cnc2c1c(=O)n(C)c(=O)n2C
anthracene 1 2 300 c1ccc2cc3ccccc3cc2c1
water-cluster 1 3 300 O.O.O.O.O.O.O.O.O.O
ibuprofen 1 3 300 CC(C)Cc1ccc(cc1)[C@H](C)C(=O)O
END
# methane turns fast, and in many ways: more windows, shorter ones
mlff label --molecule C --sampling nve --rotation --warmup 500 --jobs 1 --temperature 300 400 500 --trajectories 3 --windows 30 --window 100 --seed 51 -o methane-more
# as above, for those with the largest errors after a first training
while read -r name trajectories windows warmup window smiles; do
  mlff label --molecule "$smiles" --sampling nve --rotation --between 60 --warmup "$warmup" --jobs 1 --temperature 300 400 500 --trajectories "$trajectories" --windows "$windows" --window "$window" \
    --seed 11 -o "$name-more2" < /dev/null
done <<END
methane 4 4 300 200 C
glycine 2 4 400 400 NCC(=O)O
alanine 2 5 400 400 C[C@@H](C(=O)O)N
hexane 2 5 400 400 CCCCCC
ibuprofen 1 4 300 400 CC(C)Cc1ccc(cc1)[C@H](C)C(=O)O
water-cluster 1 4 300 400 O.O.O.O.O.O.O.O.O.O
END
# more conformers of those whose energies were biased after that
while read -r name trajectories warmup smiles; do
  mlff label --molecule "$smiles" --sampling nve --rotation --between 60 --warmup "$warmup" --jobs 1 --temperature 300 400 --trajectories "$trajectories" --windows 2 --window 200 \
    --seed 31 -o "$name-more3" < /dev/null
done <<END
ibuprofen 4 300 CC(C)Cc1ccc(cc1)[C@H](C)C(=O)O
glycine 6 400 NCC(=O)O
paracetamol 3 300 CC(=O)Nc1ccc(O)cc1
caffeine 3 300 Cn1cnc2c1c(=O)n(C)c(=O)n2C
guanine 2 300 Nc1nc2[nH]cnc2c(=O)[nH]1
END
