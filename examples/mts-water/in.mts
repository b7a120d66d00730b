# Liquid water with the student in the inner steps and the dear force in the outer ones, or with the
# dear force alone.
#
#   lmp -in in.mts -var outer 4 -var name mts-4
#   lmp -in in.mts -var method verlet -var outer 0.5 -var name verlet-0.5
#   lmp -in in.mts -var dear ipi -var teacher ./client.sh

variable        method index mts        # or verlet
variable        dear index mlff         # or ipi
variable        teacher index teacher.safetensors    # or the command of a client
variable        student index water-7net0-painn32
variable        outer index 4           # fs, the step of the dear force
variable        inner index 0.5         # fs, of the student
variable        ensemble index nve      # or langevin, nvt, npt
variable        temperature index 350   # K
variable        ps index 50
variable        start index start.data
variable        name index mts-4        # of the files that are written
variable        measure index yes       # no: nothing but dynamics, for timings
variable        keep index no           # yes: NAME.data is the last state

units           metal
atom_modify     map array
read_data       ${start}
neighbor        2.0 bin
neigh_modify    every 1 delay 0 check yes
comm_modify     cutoff 8.1              # of the distances
jump            SELF ${method}-${dear}

label           verlet-mlff
pair_style      mlff
pair_coeff      * * ${teacher} O H
jump            SELF dynamics

label           verlet-ipi
pair_style      ipi client ${teacher}
pair_coeff      * * O H
jump            SELF dynamics

label           mts-mlff
pair_style      hybrid/scaled 1.0 mlff 1.0 mlff -1.0 mlff
pair_coeff      * * mlff 1 ${student} O H
pair_coeff      * * mlff 2 ${teacher} O H
pair_coeff      * * mlff 3 ${student} O H
run_style       respa 2 $(round(v_outer/v_inner)) hybrid 1 2 2
jump            SELF dynamics

label           mts-ipi
pair_style      hybrid/scaled 1.0 mlff 1.0 ipi client ${teacher} -1.0 mlff
pair_coeff      * * mlff 1 ${student} O H
pair_coeff      * * ipi O H
pair_coeff      * * mlff 2 ${student} O H
run_style       respa 2 $(round(v_outer/v_inner)) hybrid 1 2 2

label           dynamics
timestep        $(0.001*v_outer)
if              "${ensemble} == nve" then "fix move all nve"
if              "${ensemble} == langevin" then &
                "fix move all nve" &
                "fix bath all langevin ${temperature} ${temperature} 0.1 4711"
if              "${ensemble} == nvt" then "fix move all nvt temp ${temperature} ${temperature} 0.1"
if              "${ensemble} == npt" then &
                "fix move all npt temp ${temperature} ${temperature} 0.1 iso 1 1 1.0"
variable        steps equal round(1000*v_ps/v_outer)
thermo_style    custom step time temp pe etotal press
thermo          $(ceil(v_steps/20))
if              "${measure} == no" then "jump SELF run"

# each element has lost its share of the three degrees of freedom of the centre of mass
group           oxygen type 1
group           hydrogen type 2
compute         oxygen oxygen temp
compute_modify  oxygen extra/dof 2.6643
compute         hydrogen hydrogen temp
compute_modify  hydrogen extra/dof 0.3357
variable        total equal etotal
variable        kinetic equal ke
variable        block equal round(100/v_outer)
fix             scalars all ave/time 1 ${block} ${block} v_total v_kinetic c_thermo_temp &
                c_oxygen c_hydrogen file ${name}.scalars format " %.8f" &
                title2 "# step total kinetic temperature O H"
variable        often equal round(20/v_outer)
variable        tenth equal floor(v_steps/10/v_often)
compute         pairs all rdf 120 1 1 cutoff 6.0
fix             pairs all ave/time ${often} ${tenth} $(v_often*v_tenth) c_pairs[*] &
                file ${name}.pairs mode vector
dump            path oxygen custom ${block} ${name}.path id xu yu zu
dump_modify     path sort id format float %.5f
label           run
run             ${steps}
if              "${keep} == yes" then "write_data ${name}.data nocoeff"
