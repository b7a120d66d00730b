"""Numbers that a build computes, found through LAMMPS inputs and the program mlff alone."""
