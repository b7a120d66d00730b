# A crystal of silicon with a student in the inner steps and the dear force in the outer ones, or
# with the dear force alone.
#
#   lmp -in in.mts -var outer 8 -var name mts-8
#   lmp -in in.mts -var method verlet -var outer 0.5 -var name verlet-0.5

variable        method index mts        # or verlet
variable        teacher index silicon-mlearn-painn64
variable        student index student-1.safetensors
variable        outer index 8           # fs, the step of the dear force
variable        inner index 2           # fs, of the student
variable        ps index 50
variable        start index start.data
variable        name index mts-8        # of the files that are written
variable        measure index yes       # no: nothing but dynamics, for timings

units           metal
atom_modify     map array
read_data       ${start}
neighbor        2.0 bin
neigh_modify    every 1 delay 0 check yes
comm_modify     cutoff 8.1              # of the distances
jump            SELF ${method}

label           verlet
pair_style      mlff
pair_coeff      * * ${teacher} Si
jump            SELF dynamics

label           mts
pair_style      hybrid/scaled 1.0 mlff 1.0 mlff -1.0 mlff
pair_coeff      * * mlff 1 ${student} Si
pair_coeff      * * mlff 2 ${teacher} Si
pair_coeff      * * mlff 3 ${student} Si
run_style       respa 2 $(round(v_outer/v_inner)) hybrid 1 2 2

label           dynamics
timestep        $(0.001*v_outer)
fix             move all nve
variable        steps equal round(1000*v_ps/v_outer)
thermo_style    custom step time temp pe etotal press
thermo          $(ceil(v_steps/20))
if              "${measure} == no" then "jump SELF run"

compute         silicon all temp
variable        total equal etotal
variable        kinetic equal ke
variable        block equal round(100/v_outer)
fix             scalars all ave/time 1 ${block} ${block} v_total v_kinetic c_thermo_temp c_silicon &
                file ${name}.scalars format " %.8f" title2 "# step total kinetic temperature Si"
variable        often equal round(40/v_outer)
variable        tenth equal floor(v_steps/10/v_often)
compute         pairs all rdf 120 1 1 cutoff 5.4
fix             pairs all ave/time ${often} ${tenth} $(v_often*v_tenth) c_pairs[*] &
                file ${name}.pairs mode vector
dump            path all custom ${block} ${name}.path id xu yu zu
dump_modify     path sort id format float %.5f
label           run
run             ${steps}
