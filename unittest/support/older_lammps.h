// Before the sources of LAMMPS' harness, where they are newer than the LAMMPS that they test: what
// they ask about GPUs did not exist then.
#pragma once

#define has_kokkos_gpu_device has_gpu_device
#define gpu_defer_device_clear(yes) has_gpu_device()
