// Methods of libxtb, and the commands of LAMMPS for them.
#include "teacher/xtb_method.h"

#include <sstream>

namespace mlff {

std::string xtb_method_name(XtbMethod method)
{
  return word_of(xtb_method_words, method);
}

XtbMethod xtb_method_of(const std::string &name)
{
  try {
    return value_of(xtb_method_words, "xTB method", name);
  } catch (const OptionError &error) {
    throw XtbError(error.what());
  }
}

std::string xtb_lammps_commands(const XtbOptions &options, const std::string &elements)
{
  std::ostringstream text;
  text.precision(12);
  text << "pair_style      xtb method " << xtb_method_name(options.method) << " charge "
       << options.charge << " uhf " << options.uhf << " accuracy " << options.accuracy;
  const XtbOptions standard;
  if (options.electronic_temperature != standard.electronic_temperature)
    text << " etemp " << options.electronic_temperature;
  text << "\npair_coeff      * * " << elements << "\n";
  return text.str();
}

}    // namespace mlff
