// xTB as a teacher of molecules.
#include "teacher/xtb_teacher.h"

#include "core/words.h"
#include "teacher/xtb_process.h"

#include <cmath>
#include <deque>
#include <exception>

namespace mlff {

using Json = nlohmann::ordered_json;

namespace {

  /// Charge or unpaired electrons: what was asked for, or what the structure says, or 0. `zero` is
  /// the number by which the structure says 0.
  int state_of(const Json &asked, const std::optional<double> &found, int zero,
               const std::string &option, const std::string &what)
  {
    if (found &&
        (*found != std::floor(*found) || std::abs(*found) > 1e6 || (zero == 1 && *found < 1.0)))
      throw TeacherError("the frame has " +
                         (zero == 1
                              ? "a multiplicity (spin) of " + readable(*found) +
                                  "; accepted: 1 for a singlet, 2 for a doublet, and so on"
                              : "a charge of " + readable(*found) + "; accepted: a whole number"));
    const int of_structure = found ? int(*found) - zero : 0;
    if (asked.is_null()) return of_structure;
    if (found && asked != of_structure)
      throw TeacherError(what + " of the frame is " + std::to_string(of_structure) + ", but " +
                         option + " is " + asked.dump() +
                         "; accepted: the same, or frames without it");
    return asked;
  }

  /// Runs a calculation and passes its errors on as those of a teacher.
  template <class Work> auto translated(const Work &work)
  {
    try {
      return work();
    } catch (const XtbUnavailable &error) {
      throw TeacherUnavailable(error.what());
    } catch (const XtbError &error) {
      throw TeacherError(error.what());
    }
  }

  class XtbTeacher : public Teacher {
   public:
    explicit XtbTeacher(const TeacherSettings &settings) :
        charge(settings.value("charge")), uhf(settings.value("uhf")), options(options_of(settings)),
        process(options)
    {
    }

    void check(const Structure &structure) const override
    {
      if (structure.periodic[0] || structure.periodic[1] || structure.periodic[2])
        throw TeacherError("xTB labels molecules, this frame is periodic; the calculator "
                           "tblite.ase:TBLite labels it with GFN2 and GFN1 "
                           "(doc/guide/teachers_ipi.md)");
    }

    Labels label(const Structure &structure) override
    {
      if (calculator) return label_conformation(structure);
      if (announced.empty()) expect(structure);
      const std::exception_ptr refused = announced.front();
      announced.pop_front();
      if (refused) std::rethrow_exception(refused);
      Structure labelled;
      translated([&] {
        process.receive(labelled);
      });
      return labels_of(*labelled.energy, std::move(labelled.forces), options_for(structure));
    }

    void expect(const Structure &structure) override
    {
      std::exception_ptr refused;
      try {
        check(structure);
        const XtbOptions asked = options_for(structure);
        translated([&] {
          process.send(structure, asked.charge, asked.uhf);
        });
      } catch (const TeacherError &) {
        refused = std::current_exception();
      }
      announced.push_back(refused);
    }

    void meet(const Structure &structure) override
    {
      const XtbOptions asked = options_for(structure);
      process.meet(structure, asked.charge, asked.uhf);
    }

    void set_reference(const Structure &structure) override
    {
      calculator = translated([&] {
        return std::make_unique<XtbCalculator>(options_for(structure), structure.numbers,
                                               structure.positions);
      });
    }

    bool depends_on_reference() const override { return options.method == XtbMethod::gfnff; }

    Json provenance() const override
    {
      Json settings = {{"method", xtb_method_name(options.method)}, {"accuracy", options.accuracy}};
      if (!charge.is_null()) settings["charge"] = charge;
      if (!uhf.is_null()) settings["uhf"] = uhf;
      if (options.electronic_temperature != XtbOptions().electronic_temperature)
        settings["etemp"] = options.electronic_temperature;
      return {{"settings", settings},
              {"versions", {{"xtb_version", xtb_version()}}},
              {"files", Json::array()}};
    }

    std::string citation() const override
    {
      switch (options.method) {
        case XtbMethod::gfn2:
          return "C. Bannwarth, S. Ehlert, S. Grimme, J. Chem. Theory Comput. 15 (2019) 1652 "
                 "(GFN2-xTB)";
        case XtbMethod::gfn1:
          return "S. Grimme, C. Bannwarth, P. Shushkov, J. Chem. Theory Comput. 13 (2017) 1989 "
                 "(GFN1-xTB)";
        case XtbMethod::gfnff:
          return "S. Spicher, S. Grimme, Angew. Chem. Int. Ed. 59 (2020) 15665 (GFN-FF)";
      }
      return "";
    }

    std::string lammps_commands(const std::string &elements, int system_charge,
                                int unpaired_electrons) const override
    {
      XtbOptions asked = options;
      asked.charge = system_charge;
      asked.uhf = unpaired_electrons;
      return xtb_lammps_commands(asked, elements);
    }

   private:
    Json charge, uhf;      // defaults for structures without charge or spin of their own; null: 0
    XtbOptions options;    // without these two
    XtbProcess process;
    std::deque<std::exception_ptr>
        announced;    // null for a structure under way, else why it was not sent
    std::unique_ptr<XtbCalculator> calculator;    // calculator of the reference

    static XtbOptions options_of(const TeacherSettings &settings)
    {
      XtbOptions options;
      options.method = translated([&] {
        return xtb_method_of(settings.value("method").get<std::string>());
      });
      options.accuracy = settings.value("accuracy");
      options.electronic_temperature = settings.value("etemp");
      return options;
    }

    XtbOptions options_for(const Structure &structure) const
    {
      XtbOptions asked = options;
      asked.charge = state_of(charge, structure.charge, 0, "--charge", "the charge");
      asked.uhf = state_of(uhf, structure.multiplicity, 1, "--uhf",
                           "the number of unpaired electrons (spin - 1)");
      return asked;
    }

    static Labels labels_of(double energy, std::vector<double> forces, const XtbOptions &state)
    {
      Labels labels;
      labels.energy = energy;
      labels.forces = std::move(forces);
      labels.charge = state.charge;
      labels.multiplicity = state.uhf + 1;
      return labels;
    }

    Labels label_conformation(const Structure &structure)
    {
      if (structure.numbers != calculator->numbers())
        throw TeacherError(
            "the atoms are not those of the molecule that the teacher is set up for");
      std::vector<double> forces(structure.positions.size());
      const double energy = translated([&] {
        return calculator->evaluate(structure.positions, forces);
      });
      return labels_of(energy, std::move(forces), calculator->options());
    }
  };

}    // namespace

const TeacherKind &xtb_teacher_kind()
{
  using Type = TeacherSetting::Type;
  static const TeacherKind kind = {
      "xtb",
      {{.key = "method",
        .option = "--method",
        .type = Type::word,
        .standard = xtb_method_name(XtbOptions().method),
        .accepted = words_in(xtb_method_words),
        .help = "xTB method of the forces"},
       {.key = "accuracy",
        .option = "--accuracy",
        .type = Type::number,
        .standard = XtbOptions().accuracy,
        .least = least_xtb_accuracy,
        .most = largest_xtb_accuracy,
        .help = "of xTB, smaller is tighter"},
       {.key = "etemp",
        .option = "--etemp",
        .type = Type::number,
        .standard = XtbOptions().electronic_temperature,
        .least = 0.0,
        .above_least = true,
        .help = "electronic temperature of xTB, K: higher where charges do not converge"},
       {.key = "charge",
        .option = "--charge",
        .type = Type::whole,
        .least = -100.0,
        .help = "of structures, e (default: their key charge, else 0)"},
       {.key = "uhf",
        .option = "--uhf",
        .type = Type::whole,
        .least = 0.0,
        .help = "unpaired electrons of structures (default: their key spin, the multiplicity, less "
                "1, else 0)"}},
      [](const TeacherSettings &settings) -> std::unique_ptr<Teacher> {
        return std::make_unique<XtbTeacher>(settings);
      }};
  return kind;
}

}    // namespace mlff
