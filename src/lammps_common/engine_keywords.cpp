// Values of keywords for an engine, with errors that name the style.
#include "lammps_common/engine_keywords.h"

#include "error.h"
#include "utils.h"

using namespace LAMMPS_NS;

/* ---------------------------------------------------------------------- */

void LAMMPS_NS::set_engine_keyword(LAMMPS *lmp, mlff::EngineOptions &options,
                                   const std::string &who, const std::string &command,
                                   const std::string &word, const std::string &value, int iarg)
{
  Error *error = lmp->error;
  if (word == "threads") utils::inumeric(FLERR, value, false, lmp);
  try {
    options.set(word, value);
  } catch (mlff::OptionError &e) {
    if (e.number)
      error->all(FLERR, iarg, "{} {} is {}; accepted: {}", who, word, value, e.accepted);
    error->all(FLERR, iarg, "Unknown {} {} '{}'; accepted: {}{}", command, word, value, e.accepted,
               word == "engine" ? fmt::format(" (this build has no engine '{}')", value) : "");
  }
}
