// The repulsive core in the metadata of potential files.
#pragma once

#include "potential/metadata.h"
#include "potential/repulsion/repulsive_core.h"

namespace mlff {

/// Metadata `core`, {"zbl": {"H-H": {"inner": 0.25, "outer": 0.43}, ...}}: an entry for each pair
/// of elements. Throws PotentialError.
RepulsiveCore read_core(const MetadataReader &metadata, const std::vector<int> &elements);

/// The same for writing, and for mlff info, where the keys of radii end in `unit`.
nlohmann::ordered_json core_json(const Potential &potential, const std::string &unit = "");

}    // namespace mlff
