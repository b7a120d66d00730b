// Pictures, which Python scripts draw.
#pragma once

#include <string>
#include <vector>

namespace mlff {

/// The Python that the environment names in MLFF_PYTHON, else that of the build if it is still
/// there, else python3.
std::string python_program();

/// Runs a script that ships (tools/scripts) with these files as its arguments by that Python. False
/// where it fails, as without Matplotlib.
bool run_plot_script(const std::string &script, const std::vector<std::string> &files);

/// Runs a script whose last file is the picture that it draws. Logs the place of the picture, or
/// warns that there is none and the numbers alone are in `numbers`.
void draw_picture(const std::string &script, const std::vector<std::string> &files,
                  const std::string &numbers);

}    // namespace mlff
