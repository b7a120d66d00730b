// Offers every style of the package to a LAMMPS that has opened the plugin. The list of styles is
// that of the style headers, as in LAMMPS: each is included twice, once for its class and once for
// its line with the name.
#include "lammps_plugin/plugin_interface.h"

#include "command.h"
#include "compute.h"
#include "fix.h"
#include "pair.h"

#include "engine/version.h"

#include <mlff_style_headers.h>

#include <string>

namespace LAMMPS_NS {
namespace {

  using mlff::PluginStyle;

  // LAMMPS calls the function as one that returns a pointer to the base class

  template <class Base, class Style> void *of_lammps(void *lammps)
  {
    return static_cast<Base *>(new Style(static_cast<LAMMPS *>(lammps)));
  }

  template <class Base, class Style> void *of_words(void *lammps, int n_words, char **words)
  {
    return static_cast<Base *>(new Style(static_cast<LAMMPS *>(lammps), n_words, words));
  }

  struct Offer {
    void *lammps, *handle;
    mlff::RegisterStyle take;

    PluginStyle style(const char *kind, const char *name) const
    {
      static const std::string info = "mlff " + mlff::version_with_commit();
      PluginStyle style{};
      style.version = MLFF_PLUGIN_LAMMPS;
      style.style = kind;
      style.name = name;
      style.info = info.c_str();
      style.author = "the developers of mlff";
      style.handle = handle;
      return style;
    }
    void operator()(const char *kind, const char *name, void *(*make)(void *) ) const
    {
      PluginStyle offered = style(kind, name);
      offered.make.of_lammps = make;
      take(&offered, lammps);
    }
    void operator()(const char *kind, const char *name, void *(*make)(void *, int, char **) ) const
    {
      PluginStyle offered = style(kind, name);
      offered.make.of_words = make;
      take(&offered, lammps);
    }
  };

}    // namespace
}    // namespace LAMMPS_NS

using namespace LAMMPS_NS;

extern "C" void mlff_offer_styles(void *lammps, void *handle, mlff::RegisterStyle take)
{
  const Offer offer{lammps, handle, take};
#define PAIR_CLASS
#define PairStyle(key, Class) offer("pair", #key, &of_lammps<Pair, Class>)
#define FIX_CLASS
#define FixStyle(key, Class) offer("fix", #key, &of_words<Fix, Class>)
#define COMPUTE_CLASS
#define ComputeStyle(key, Class) offer("compute", #key, &of_words<Compute, Class>)
#define COMMAND_CLASS
#define CommandStyle(key, Class) offer("command", #key, &of_lammps<Command, Class>)
#include <mlff_style_headers.h>
}
