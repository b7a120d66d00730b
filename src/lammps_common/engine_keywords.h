// Keywords of styles that choose and set an engine.

#ifndef LMP_ENGINE_KEYWORDS_H
#define LMP_ENGINE_KEYWORDS_H

#include "core/engine_options.h"
#include "pointers.h"

#include <string>

namespace LAMMPS_NS {

/* ----------------------------------------------------------------------
   Sets an option of an engine from a keyword of a style and its value, which
   is word `iarg` of the command. Ends with an error for a value that is not
   accepted; messages call the style `who` ("Pair style mlff") and its command
   `command` ("pair_style mlff").
------------------------------------------------------------------------- */

void set_engine_keyword(LAMMPS *lmp, mlff::EngineOptions &options, const std::string &who,
                        const std::string &command, const std::string &word,
                        const std::string &value, int iarg);

}    // namespace LAMMPS_NS

#endif
