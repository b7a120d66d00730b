// What LAMMPS' command plugin and a plugin say to each other. LAMMPS does not install its header of
// this, so the same structure stands here; its layout has not changed since plugins began.
#pragma once

namespace mlff {

/// A style that a plugin offers. LAMMPS copies the structure, but not the texts.
struct PluginStyle {
  const char *version;    ///< of the LAMMPS that the plugin was built for
  const char *style;      ///< pair, fix, compute or command
  const char *name;
  const char *info;
  const char *author;
  union {
    void *(*of_lammps)(void *lammps);                              ///< pair, command
    void *(*of_words)(void *lammps, int n_words, char **words);    ///< fix, compute
  } make;
  void *handle;    ///< of the opened library, as LAMMPS gave it to the plugin
};

/// Function of LAMMPS that takes a style.
using RegisterStyle = void (*)(PluginStyle *style, void *lammps);

/// Function of the library of styles that offers all of them to LAMMPS.
using OfferStyles = void (*)(void *lammps, void *handle, RegisterStyle take);
inline constexpr const char *offer_styles_name = "mlff_offer_styles";

}    // namespace mlff
