// mlff make-sampler: what is refused, and the order of the stages.
#include "make_sampler/make_sampler.h"

#include "core/units.h"
#include "data/input_record.h"
#include "data/output_file.h"
#include "make_sampler/sampler_maker.h"
#include "potential/model_kind.h"
#include "workflow/lammps_run.h"

#include <cmath>
#include <numeric>

namespace mlff {

using Json = nlohmann::ordered_json;

namespace {

  constexpr int conformers = 20;

  /// Atoms up to which the network of one molecule is the standard student.
  constexpr int most_atoms_of_one_molecule = 30;

  /// Share of the time that a cheap teacher has.
  constexpr double share_of_first = 0.3;

}    // namespace

SamplerMaker::SamplerMaker(const MakeSamplerOptions &given) :
    options(given), folder(options.output, "mlff make-sampler")
{
  if (options.smiles.find('.') != std::string::npos)
    throw FileError("SMILES '" + options.smiles +
                    "' has several parts; accepted: one molecule, whose atoms stay together");
  options.lammps = lammps_program(options.lammps);
  options.teacher.lammps = options.lammps;
  make_start();
  kind = &student_kind();
  const double rounds = 1.0 - share_of_check;
  parts = {{options.teacher, "label_seconds", rounds, options.labels}};
  if (!options.first_teacher.empty()) {
    TeacherSettings first;
    first.kind = "xtb";
    first.values["method"] = options.first_teacher;
    first.lammps = options.lammps;
    parts.front().share = rounds * (1.0 - share_of_first);
    parts.insert(parts.begin(), {first, "first_label_seconds", rounds * share_of_first, 0});
  }
  check_teachers();
}

void SamplerMaker::make_start()
{
  molecule = make_molecule(options.smiles, conformers, options.seed);
  if (molecule.n_atoms() < 2)
    throw FileError("SMILES '" + options.smiles + "' is a single atom, which has no places");
  if (options.charge && *options.charge != molecule.charge) {
    const double shift = double(*options.charge - molecule.charge) / molecule.n_atoms();
    for (double &q : molecule.partial_charges) q += shift;
    molecule.charge = *options.charge;
    const int electrons =
        std::accumulate(molecule.numbers.begin(), molecule.numbers.end(), 0) - molecule.charge;
    molecule.unpaired_electrons = electrons % 2;
  }
  start = molecule.frame(molecule.conformers.front());
}

const ModelKind &SamplerMaker::student_kind() const
{
  if (options.student != "auto") return model_kind(options.student);
  // the model of one molecule is the fastest by far
  const bool small = molecule.n_atoms() <= most_atoms_of_one_molecule;
  for (const ModelKind *one : model_kinds())
    if (one->one_molecule == small && !one->gradients.empty()) return *one;
  return *model_kinds().front();
}

void SamplerMaker::check_teachers()
{
  for (const Part &part : parts) {
    try {
      const auto teacher = make_teacher(part.teacher);
      teacher->check(start);
      if (&part == &parts.back() &&
          teacher
              ->lammps_commands(elements_of_types(molecule), molecule.charge,
                                molecule.unpaired_electrons)
              .empty())
        throw TeacherError("the teacher has no force that LAMMPS could use");
    } catch (const TeacherError &error) {
      throw FileError("SMILES '" + options.smiles + "': " + error.what());
    }
  }
}

Json SamplerMaker::settings() const
{
  Json s = {{"smiles", options.smiles},   {"temperature", options.temperature},
            {"minutes", options.minutes}, {"acceptance", options.acceptance},
            {"labels", options.labels},   {"student", kind->name},
            {"charge", molecule.charge}};
  if (!options.first_teacher.empty()) s["first_teacher"] = options.first_teacher;
  s.update(make_teacher(options.teacher)->provenance()["settings"]);
  s["seed"] = options.seed;
  return s;
}

void SamplerMaker::run()
{
  InputRecord inputs;
  inputs.add_provenance(make_teacher(options.teacher)->provenance(), "teacher");
  folder.begin(settings(), inputs, options.command,
               {{"seconds", Json::object()}, {"rounds", Json::array()}});
  one_thread_each();
  run_rounds();
  folder.stage("lengths", "how far the student goes", [this] {
    choose_lengths();
  });
  folder.stage("check", "check of the sampler", [this] {
    check();
  });
  folder.stage("result", "result", [this] {
    write_result();
  });
  tell();
}

void make_sampler(const MakeSamplerOptions &options)
{
  SamplerMaker(options).run();
}

}    // namespace mlff
