# mlff_lammps_version(HEADER): sets MLFF_LAMMPS_VERSION ("4 Jul 2026") and MLFF_LAMMPS_NUMBER (20260704), as LAMMPS' version.h has it.
# mlff_lammps_release(RELEASE): the same from the version of the Python package lammps: 2025.7.22.4.0.
set(lammps_months Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec)

macro(mlff_lammps_version header)
  file(STRINGS ${header} line REGEX "^#define LAMMPS_VERSION ")
  if(NOT "${line}" MATCHES "\"([0-9]+) ([A-Z][a-z][a-z]) ([0-9]+)\"")
    message(FATAL_ERROR "${header} has no version of LAMMPS, such as \"4 Jul 2026\"; found: ${line}")
  endif()
  set(MLFF_LAMMPS_VERSION "${CMAKE_MATCH_1} ${CMAKE_MATCH_2} ${CMAKE_MATCH_3}")
  list(FIND lammps_months "${CMAKE_MATCH_2}" month)
  math(EXPR MLFF_LAMMPS_NUMBER "${CMAKE_MATCH_3} * 10000 + (${month} + 1) * 100 + ${CMAKE_MATCH_1}")
endmacro()

macro(mlff_lammps_release release)
  if(NOT "${release}" MATCHES "^([0-9]+)\\.([0-9]+)\\.([0-9]+)")
    message(FATAL_ERROR "The Python package lammps has the version '${release}'; expected one such as 2025.7.22.4.0.")
  endif()
  math(EXPR MLFF_LAMMPS_NUMBER "${CMAKE_MATCH_1} * 10000 + ${CMAKE_MATCH_2} * 100 + ${CMAKE_MATCH_3}")
  set(MLFF_LAMMPS_VERSION ${CMAKE_MATCH_3})
  math(EXPR month "${CMAKE_MATCH_2} - 1")
  list(GET lammps_months ${month} name)
  string(APPEND MLFF_LAMMPS_VERSION " ${name} ${CMAKE_MATCH_1}")
endmacro()
