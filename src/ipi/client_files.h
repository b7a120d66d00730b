// What a client reads when it starts: a structure, and input files with placeholders.
#pragma once

#include "structure/structure.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace mlff {

/// Words in braces, as in {address}, and what stands for them.
using Placeholders = std::map<std::string, std::string>;

/// Writes a structure as extended XYZ: species, positions, cell, periodic directions, and as far as
/// they are given charge and multiplicity (keys charge and spin). Throws ClientError.
void write_start_structure(const std::filesystem::path &path, const Structure &structure);

/// The placeholders that a structure gives: structure (its file), charge, multiplicity, unpaired,
/// atoms, coordinates, cell (three lines), cell_a, cell_b, cell_c.
Placeholders placeholders_of(const Structure &structure, const std::filesystem::path &file);

/// The text with the known placeholders replaced; all other braces stay.
std::string filled(std::string text, const Placeholders &values);

/// Throws ClientError for a word in braces that looks like a placeholder and is none.
void check_placeholders(const std::string &command);

/// Copies files into a folder, with placeholders replaced. Throws ClientError.
void copy_filled(const std::vector<std::string> &files, const std::filesystem::path &folder,
                 const Placeholders &values);

}    // namespace mlff
