// A piece of work in a process of its own.
#pragma once

#include "workflow/run_folder.h"

#include <nlohmann/json.hpp>

#include <functional>
#include <string>

namespace mlff {

/// Runs work in a process of its own, so that threads of one piece never meet those of another, and
/// returns its result; null, which only a signal leads to, is an error. Its output goes to a log in
/// the folder, which is gone in the end. `title`: of the work, for messages and file names;
/// `progress`: share that is done, asked in this process. Throws FileError with what the log says.
nlohmann::ordered_json in_a_process(const RunFolder &folder, const std::string &title,
                                    const std::function<nlohmann::ordered_json()> &work,
                                    const std::function<double()> &progress = {});

/// Starts this program again, with the same words, where OMP_NUM_THREADS is not 1: OpenMP reads it
/// only once. Threads of libxtb add up in any order, so that labels of several would differ in
/// their last digits from run to run, and they wait for each other where other work goes on.
void restart_with_one_thread();

/// The step in the last line of the log of a training.
double step_of_log(const std::filesystem::path &log);

}    // namespace mlff
