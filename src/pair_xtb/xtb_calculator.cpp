#include "xtb_calculator.h"

#include "elements.h"
#include "units.h"

#include <xtb.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>

namespace mlff {

namespace {

  constexpr int last_element = 86;

  /// Electrons that the method treats: those outside the core of the element, for Zn, Cd, Hg and the p block outside the d shell too.
  int valence_electrons(int z)
  {
    if (z <= 2) return z;
    if (z <= 10) return z - 2;
    if (z <= 18) return z - 10;
    if (z <= 36) return z < 30 ? z - 18 : z - 28;
    if (z <= 54) return z < 48 ? z - 36 : z - 46;
    if (z <= 57) return z - 54;
    if (z <= 71) return 3;
    return z < 80 ? z - 68 : z - 78;
  }

  /// At least so many orbitals: s for hydrogen, s and p for the others.
  int orbitals(int z)
  {
    return z == 1 ? 1 : 4;
  }

  /// While it sets GFN-FF up libxtb leaves files where the program runs: here in a folder that goes away.
  class QuietFolder {
   public:
    QuietFolder()
    {
      const auto pattern = (std::filesystem::temp_directory_path() / "mlff-xtb-XXXXXX").string();
      std::vector<char> name(pattern.begin(), pattern.end());
      name.push_back('\0');
      if (!mkdtemp(name.data()))
        throw XtbError("cannot make a temporary folder like '" + pattern +
                       "'; set TMPDIR to a folder that can be written");
      folder = name.data();
      before = open(".", O_RDONLY | O_DIRECTORY);
      if (before < 0 || chdir(folder.c_str()) != 0) {
        restore();
        throw XtbError("cannot change to the temporary folder '" + folder.string() + "'");
      }
    }
    ~QuietFolder() { restore(); }
    QuietFolder(const QuietFolder &) = delete;
    QuietFolder &operator=(const QuietFolder &) = delete;

   private:
    std::filesystem::path folder;
    int before = -1;

    void restore()
    {
      if (before >= 0) {
        // the folder was open a moment ago; should it be gone, staying in the temporary one harms nobody
        [[maybe_unused]] const int status = fchdir(before);
        close(before);
      }
      std::error_code ignored;
      std::filesystem::remove_all(folder, ignored);
    }
  };

  /// A second BLAS thread makes molecules of some hundred orbitals slower.
  void one_blas_thread()
  {
    using Set = void (*)(int);
    if (const auto set = reinterpret_cast<Set>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads")))
      set(1);
  }

}    // namespace

struct XtbCalculator::Impl {
  XtbOptions options;
  std::vector<int> numbers;
  std::vector<double> bohr, gradient;
  xtb_TEnvironment environment = nullptr;
  xtb_TMolecule molecule = nullptr;
  xtb_TCalculator calculator = nullptr;
  xtb_TResults results = nullptr;

  ~Impl()
  {
    if (results) xtb_delResults(&results);
    if (calculator) xtb_delCalculator(&calculator);
    if (molecule) xtb_delMolecule(&molecule);
    if (environment) xtb_delEnvironment(&environment);
  }

  /// The library's messages as one line; empties its list.
  std::string message() const
  {
    std::array<char, 2048> buffer{};
    const int size = int(buffer.size()) - 1;
    xtb_getError(environment, buffer.data(), &size);
    std::string text(buffer.data());
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
  }

  void check(const std::string &what) const
  {
    if (xtb_checkEnvironment(environment)) throw XtbError(what + ": " + message());
  }

  void check_electrons() const
  {
    int valence = 0, room = 0, nuclear = 0;
    for (std::size_t i = 0; i < numbers.size(); i++) {
      if (numbers[i] < 1 || numbers[i] > last_element)
        throw XtbError(xtb_method_name(options.method) + " has no element " +
                       element_symbol(numbers[i]) + " (atomic number " +
                       std::to_string(numbers[i]) + ", atom " + std::to_string(i + 1) +
                       "); accepted: H to Rn");
      valence += valence_electrons(numbers[i]);
      room += 2 * orbitals(numbers[i]);
      nuclear += numbers[i];
    }
    const int electrons = valence - options.charge;
    if (electrons < 0 || electrons > room)
      throw XtbError("charge " + std::to_string(options.charge) + " leaves " +
                     std::to_string(electrons) + " valence electrons; accepted here: 0 to " +
                     std::to_string(room));
    // GFN-FF has no electrons to pair
    if (options.method == XtbMethod::gfnff) return;
    if (options.uhf < 0 || options.uhf > electrons || (electrons + options.uhf) / 2 > room / 2)
      throw XtbError(std::to_string(options.uhf) + " unpaired electrons do not fit " +
                     std::to_string(electrons) + " valence electrons");
    const int all = nuclear - options.charge;
    if ((all - options.uhf) % 2 != 0)
      throw XtbError("charge " + std::to_string(options.charge) + " leaves " + std::to_string(all) +
                     " electrons, which " + std::to_string(options.uhf) +
                     " unpaired electrons do not fit; use " + (all % 2 ? "an odd" : "an even") +
                     " uhf, or another charge");
  }

  void set_positions(std::span<const double> positions)
  {
    bohr.resize(positions.size());
    for (std::size_t k = 0; k < positions.size(); k++) {
      if (!std::isfinite(positions[k]))
        throw XtbError("the position of atom " + std::to_string(k / 3 + 1) + " is not finite");
      bohr[k] = positions[k] / bohr_in_angstrom;
    }
  }
};

XtbMethod xtb_method_of(const std::string &word)
{
  for (const auto method : {XtbMethod::gfn2, XtbMethod::gfn1, XtbMethod::gfnff})
    if (word == xtb_method_name(method)) return method;
  throw XtbError("unknown xTB method '" + word + "'; accepted: gfn2, gfn1, gfnff");
}

std::string xtb_method_name(XtbMethod method)
{
  return method == XtbMethod::gfn2 ? "gfn2" : method == XtbMethod::gfn1 ? "gfn1" : "gfnff";
}

std::string xtb_version()
{
  return MLFF_XTB_VERSION;
}

XtbCalculator::XtbCalculator(const XtbOptions &options, std::span<const int> numbers,
                             std::span<const double> positions) :
    impl(std::make_unique<Impl>())
{
  impl->options = options;
  impl->numbers.assign(numbers.begin(), numbers.end());
  impl->gradient.resize(3 * numbers.size());
  impl->check_electrons();
  impl->set_positions(positions);
  one_blas_thread();

  const int n = int(numbers.size());
  const double charge = options.charge;
  impl->environment = xtb_newEnvironment();
  xtb_setVerbosity(impl->environment, XTB_VERBOSITY_MUTED);
  impl->molecule = xtb_newMolecule(impl->environment, &n, impl->numbers.data(), impl->bohr.data(),
                                   &charge, &options.uhf, nullptr, nullptr);
  impl->check("libxtb refuses the molecule (are two atoms on one place?)");
  impl->calculator = xtb_newCalculator();
  {
    const QuietFolder quiet;
    xtb_setOutput(impl->environment, "output");
    const auto load = options.method == XtbMethod::gfn2 ? xtb_loadGFN2xTB
        : options.method == XtbMethod::gfn1             ? xtb_loadGFN1xTB
                                                        : xtb_loadGFNFF;
    load(impl->environment, impl->molecule, impl->calculator, nullptr);
    xtb_releaseOutput(impl->environment);
  }
  impl->check("libxtb cannot set " + xtb_method_name(options.method) + " up");
  xtb_setAccuracy(impl->environment, impl->calculator, options.accuracy);
  if (options.method != XtbMethod::gfnff) {
    xtb_setMaxIter(impl->environment, impl->calculator, options.max_iterations);
    xtb_setElectronicTemp(impl->environment, impl->calculator, options.electronic_temperature);
  }
  impl->check("libxtb refuses its settings");
}

XtbCalculator::~XtbCalculator() = default;

void XtbCalculator::forget()
{
  if (impl->results) xtb_delResults(&impl->results);
  impl->results = nullptr;
}

double XtbCalculator::evaluate(std::span<const double> positions, std::span<double> forces)
{
  const auto start = std::chrono::steady_clock::now();
  auto &m = *impl;
  if (positions.size() != m.gradient.size() || forces.size() != m.gradient.size())
    throw XtbError("expected " + std::to_string(m.gradient.size()) + " coordinates, found " +
                   std::to_string(positions.size()));
  m.set_positions(positions);
  xtb_updateMolecule(m.environment, m.molecule, m.bohr.data(), nullptr);
  m.check("libxtb refuses the positions (are two atoms on one place?)");

  double energy = 0.0;
  const auto single_point = [&] {
    if (!m.results) m.results = xtb_newResults();
    xtb_singlepoint(m.environment, m.molecule, m.calculator, m.results);
    m.check(xtb_method_name(m.options.method) + " failed");
    xtb_getEnergy(m.environment, m.results, &energy);
    xtb_getGradient(m.environment, m.results, m.gradient.data());
    m.check(xtb_method_name(m.options.method) + " gave no gradient");
    if (!std::isfinite(energy) || !std::all_of(m.gradient.begin(), m.gradient.end(), [](double g) {
          return std::isfinite(g);
        }))
      throw XtbError(xtb_method_name(m.options.method) +
                     " gave an energy or force that is not finite");
  };
  const bool fresh = !m.results;
  try {
    single_point();
  } catch (const XtbError &) {
    forget();
    if (fresh) throw;
    retries++;
    try {
      single_point();
    } catch (const XtbError &) {
      forget();
      throw;
    }
  }
  for (std::size_t k = 0; k < forces.size(); k++)
    forces[k] = -m.gradient[k] * (hartree_in_eV / bohr_in_angstrom);
  calls++;
  seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return energy * hartree_in_eV;
}

std::vector<double> XtbCalculator::charges() const
{
  std::vector<double> charges(impl->numbers.size());
  xtb_getCharges(impl->environment, impl->results, charges.data());
  impl->check("libxtb has no partial charges");
  return charges;
}

const std::vector<int> &XtbCalculator::numbers() const
{
  return impl->numbers;
}

}    // namespace mlff
