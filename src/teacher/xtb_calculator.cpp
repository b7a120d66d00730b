// Calls of libxtb, and the checks around them.
#include "teacher/xtb_calculator.h"

#include "core/elements.h"
#include "core/units.h"
#include "structure/bonded_molecule.h"
#include "teacher/xtb_stack.h"

#include <xtb.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <iterator>
#include <map>
#include <mutex>
#include <tuple>

namespace mlff {

namespace {

  constexpr int last_element = 86;

  /// Electrons that the method treats: those outside the core of the element, for Zn, Cd, Hg and
  /// the p block outside the d shell too.
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

  /// Lower bound of the number of orbitals: s for hydrogen, s and p for the others.
  int orbitals(int z)
  {
    return z == 1 ? 1 : 4;
  }

  /// Upper bound of the number of orbitals: two s for hydrogen (GFN1-xTB), d from neon on.
  int most_orbitals(int z)
  {
    return z == 1 ? 2 : z < 10 ? 4 : 9;
  }

  const std::string folder_name = "mlff-xtb-";

  /// While it sets GFN-FF up libxtb leaves files where the program runs: here in a folder that goes
  /// away.
  class QuietFolder {
   public:
    QuietFolder()
    {
      static const bool cleaned [[maybe_unused]] = (remove_xtb_folders(0), true);
      std::error_code missing;
      const auto place = std::filesystem::temp_directory_path(missing);
      if (missing)
        throw XtbUnavailable("the folder for temporary files is not a folder (" +
                             missing.message() + "); set TMPDIR to one that can be written");
      const auto pattern = (place / (folder_name + std::to_string(getpid()) + "-XXXXXX")).string();
      std::vector<char> name(pattern.begin(), pattern.end());
      name.push_back('\0');
      if (!mkdtemp(name.data()))
        throw XtbUnavailable("cannot make a temporary folder like '" + pattern + "' (" +
                             std::strerror(errno) +
                             "); set TMPDIR to a folder that can be written");
      folder = name.data();
      before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      if (before < 0 || chdir(folder.c_str()) != 0) {
        const std::string why = std::strerror(errno);
        restore();
        throw XtbUnavailable("cannot change to the temporary folder '" + folder.string() + "' (" +
                             why + ")");
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
        // the folder was open a moment ago; should it be gone, staying in the temporary one harms
        // nobody
        [[maybe_unused]] const int status = fchdir(before);
        close(before);
      }
      std::error_code ignored;
      std::filesystem::remove_all(folder, ignored);
    }
  };

  using Load = void (*)(xtb_TEnvironment, xtb_TMolecule, xtb_TCalculator, char *);

  Load load_of(XtbMethod method)
  {
    return method == XtbMethod::gfn2 ? xtb_loadGFN2xTB
        : method == XtbMethod::gfn1  ? xtb_loadGFN1xTB
                                     : xtb_loadGFNFF;
  }

  /// The library's messages as one line; empties its list.
  std::string message_of(xtb_TEnvironment environment)
  {
    std::array<char, 2048> buffer{};
    const int size = int(buffer.size()) - 1;
    xtb_getError(environment, buffer.data(), &size);
    std::string text(buffer.data());
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
  }

  /// Tables of the method for given elements, in the case of GFN-FF of one molecule with its bonds.
  struct Tables {
    xtb_TCalculator calculator = xtb_newCalculator();
    Tables() = default;
    ~Tables() { xtb_delCalculator(&calculator); }
    Tables(const Tables &) = delete;
    Tables &operator=(const Tables &) = delete;

    /// Returns what the library says against the molecule, or an empty text.
    std::string load(XtbMethod method, xtb_TMolecule molecule)
    {
      // libxtb never closes a file that it was told to write to, so that all calculators of a
      // process share one such environment
      static const xtb_TEnvironment environment = [] {
        auto *const made = xtb_newEnvironment();
        xtb_setVerbosity(made, XTB_VERBOSITY_MUTED);
        xtb_setOutput(made, "/dev/null");
        if (xtb_checkEnvironment(made))
          throw XtbUnavailable("libxtb cannot write to '/dev/null': " + message_of(made));
        return made;
      }();
      const QuietFolder quiet;
      load_of(method)(environment, molecule, calculator, nullptr);
      return xtb_checkEnvironment(environment) ? message_of(environment) : "";
    }
  };

  /// Whether libxtb has tables for H2. If not even for that, the molecule is not at fault.
  bool can_load_hydrogen(XtbMethod method)
  {
    const int n = 2, numbers[2] = {1, 1}, uhf = 0;
    const double positions[6] = {0, 0, 0, 1.4, 0, 0}, charge = 0.0;
    auto *environment = xtb_newEnvironment();
    xtb_setVerbosity(environment, XTB_VERBOSITY_MUTED);
    auto *molecule =
        xtb_newMolecule(environment, &n, numbers, positions, &charge, &uhf, nullptr, nullptr);
    bool can = !xtb_checkEnvironment(environment);
    if (can)
      call_with_stack(
          xtb_stack_size(4),
          [&] {
            can = Tables().load(method, molecule).empty();
          },
          XtbThread::apart);
    xtb_delMolecule(&molecule);
    xtb_delEnvironment(&environment);
    return can;
  }

  /// Key of tables of GFN2-xTB and GFN1-xTB: all that they depend on, with the settings that libxtb
  /// keeps with them.
  using TablesKey = std::tuple<XtbMethod, int, int, double, double, int, std::vector<int>>;

  std::mutex tables_mutex;
  std::map<TablesKey, std::weak_ptr<Tables>> tables_in_use;

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
  std::vector<double> bohr, gradient, reference;
  XtbBonds bonds;
  std::size_t stack_size = 0;
  xtb_TEnvironment environment = nullptr;
  xtb_TMolecule molecule = nullptr;
  std::shared_ptr<Tables> tables;
  xtb_TResults results = nullptr;

  ~Impl()
  {
    if (results) xtb_delResults(&results);
    if (molecule) xtb_delMolecule(&molecule);
    if (environment) xtb_delEnvironment(&environment);
  }

  void check(const std::string &what) const
  {
    if (xtb_checkEnvironment(environment)) throw XtbError(what + ": " + message_of(environment));
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

  /// Remedies where charges do not converge.
  std::string advice() const
  {
    if (options.method == XtbMethod::gfnff) return "";
    return "; a higher electronic temperature (etemp) or more iterations may help, or, for a state "
           "that "
           "converges only from that of a geometry "
           "nearby, a path of small steps from there within one run";
  }

  void make_tables()
  {
    const auto &o = options;
    const TablesKey key(o.method, o.charge, o.uhf, o.accuracy, o.electronic_temperature,
                        o.max_iterations, numbers);
    const bool shared = o.method != XtbMethod::gfnff;
    const std::lock_guard lock(tables_mutex);
    if (shared)
      if (const auto found = tables_in_use.find(key); found != tables_in_use.end())
        tables = found->second.lock();
    if (tables) return;
    std::erase_if(tables_in_use, [](const auto &entry) {
      return entry.second.expired();
    });
    tables = std::make_shared<Tables>();
    std::string complaint;
    // programs look whether a molecule can be set up, and fork then
    call_with_stack(
        stack_size,
        [&] {
          complaint = tables->load(o.method, molecule);
        },
        XtbThread::apart);
    if (!complaint.empty()) {
      const std::string text =
          "libxtb cannot set " + xtb_method_name(o.method) + " up: " + complaint;
      if (!can_load_hydrogen(o.method)) throw XtbUnavailable(text);
      throw XtbError(text);
    }
    xtb_setAccuracy(environment, tables->calculator, o.accuracy);
    if (o.method != XtbMethod::gfnff) {
      xtb_setMaxIter(environment, tables->calculator, o.max_iterations);
      xtb_setElectronicTemp(environment, tables->calculator, o.electronic_temperature);
    }
    check("libxtb refuses its settings");
    if (shared) tables_in_use[key] = tables;
  }
};

void remove_xtb_folders(int pid)
{
  namespace fs = std::filesystem;
  std::error_code ignored;
  for (fs::directory_iterator entry(fs::temp_directory_path(ignored), ignored), end;
       !ignored && entry != end; entry.increment(ignored)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(folder_name)) continue;
    const int owner = std::atoi(name.c_str() + folder_name.size());
    if (owner <= 0 || (pid != 0 && owner != pid)) continue;
    if (pid == 0) {
      struct stat status {};
      if (stat(entry->path().c_str(), &status) != 0 || status.st_uid != geteuid() ||
          std::time(nullptr) - status.st_mtime < 3600)
        continue;
      if (kill(owner, 0) == 0 || errno != ESRCH) continue;
    }
    std::error_code unable;
    fs::remove_all(entry->path(), unable);
  }
}

XtbBonds xtb_bonds(std::span<const int> numbers, std::span<const double> positions)
{
  auto bonds = bonds_of({numbers.begin(), numbers.end()},
                        std::vector<double>(positions.begin(), positions.end()));
  std::sort(bonds.begin(), bonds.end());
  return bonds;
}

/// Whether a bond is no longer one.
static bool is_broken(const std::pair<int, int> &bond, std::span<const int> numbers,
                      std::span<const double> positions)
{
  const double *a = &positions[3 * std::size_t(bond.first)],
               *b = &positions[3 * std::size_t(bond.second)];
  const double radii = covalent_radius(numbers[bond.first]) + covalent_radius(numbers[bond.second]);
  return !(std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]) < bond_held * radii);
}

bool bonds_fit(const XtbBonds &bonds, const XtbBonds &now, std::span<const int> numbers,
               std::span<const double> positions)
{
  return std::includes(bonds.begin(), bonds.end(), now.begin(), now.end()) &&
      std::none_of(bonds.begin(), bonds.end(), [&](const auto &bond) {
           return is_broken(bond, numbers, positions);
         });
}

/// "broken: C2-O3, C2-H7 and 4 more", or nothing.
static std::string list_of(const char *what, const XtbBonds &pairs, std::span<const int> numbers,
                           std::span<const long> ids)
{
  constexpr int most_named = 3;
  const auto name = [&](int atom) {
    return element_symbol(numbers[atom]) + std::to_string(ids.empty() ? atom + 1 : ids[atom]);
  };
  std::string text;
  for (int k = 0; k < int(pairs.size()) && k < most_named; k++)
    text +=
        (k ? ", " : std::string(what) + ": ") + name(pairs[k].first) + "-" + name(pairs[k].second);
  if (int(pairs.size()) > most_named)
    text += " and " + std::to_string(int(pairs.size()) - most_named) + " more";
  return text;
}

std::string bond_changes(const XtbBonds &bonds, std::span<const int> numbers,
                         std::span<const double> positions, std::span<const long> ids)
{
  const XtbBonds now = xtb_bonds(numbers, positions);
  XtbBonds broken, made;
  std::copy_if(bonds.begin(), bonds.end(), std::back_inserter(broken), [&](const auto &bond) {
    return is_broken(bond, numbers, positions);
  });
  std::set_difference(now.begin(), now.end(), bonds.begin(), bonds.end(), std::back_inserter(made));
  const std::string a = list_of("broken", broken, numbers, ids),
                    b = list_of("new", made, numbers, ids);
  return a.empty() || b.empty() ? a + b : a + "; " + b;
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
  impl->reference.assign(positions.begin(), positions.end());
  impl->bonds = xtb_bonds(numbers, positions);
  int n_orbitals = 0;
  if (options.method != XtbMethod::gfnff)
    for (const int z : numbers) n_orbitals += most_orbitals(z);
  impl->stack_size = xtb_stack_size(n_orbitals);
  one_blas_thread();

  const int n = int(numbers.size());
  const double charge = options.charge;
  impl->environment = xtb_newEnvironment();
  xtb_setVerbosity(impl->environment, XTB_VERBOSITY_MUTED);
  impl->molecule = xtb_newMolecule(impl->environment, &n, impl->numbers.data(), impl->bohr.data(),
                                   &charge, &options.uhf, nullptr, nullptr);
  impl->check("libxtb refuses the molecule (are two atoms at the same position?)");
  impl->make_tables();
}

XtbCalculator::~XtbCalculator() = default;

void XtbCalculator::forget()
{
  if (impl->results) xtb_delResults(&impl->results);
  impl->results = nullptr;
}

double XtbCalculator::evaluate(std::span<const double> positions, std::span<double> forces,
                               XtbStart start_from)
{
  const auto start = std::chrono::steady_clock::now();
  auto &m = *impl;
  if (positions.size() != m.gradient.size() || forces.size() != m.gradient.size())
    throw XtbError("expected " + std::to_string(m.gradient.size()) + " coordinates, found " +
                   std::to_string(positions.size()));
  m.set_positions(positions);
  xtb_updateMolecule(m.environment, m.molecule, m.bohr.data(), nullptr);
  m.check("libxtb refuses the positions (are two atoms at the same position?)");

  double energy = 0.0;
  const auto single_point = [&] {
    if (!m.results) m.results = xtb_newResults();
    call_with_stack(m.stack_size, [&] {
      xtb_singlepoint(m.environment, m.molecule, m.tables->calculator, m.results);
    });
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
  const bool two_ways = m.results != nullptr;
  // put aside while the evaluation starts anew
  xtb_TResults last = nullptr;
  if (start_from == XtbStart::anew) std::swap(last, m.results);
  try {
    single_point();
  } catch (const XtbError &error) {
    forget();
    std::swap(last, m.results);
    if (!two_ways) throw XtbError(error.what() + m.advice());
    retries++;
    try {
      single_point();
    } catch (const XtbError &again) {
      forget();
      throw XtbError(again.what() + m.advice());
    }
  }
  if (last) xtb_delResults(&last);
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

const XtbOptions &XtbCalculator::options() const
{
  return impl->options;
}

const std::vector<double> &XtbCalculator::reference() const
{
  return impl->reference;
}

const XtbBonds &XtbCalculator::bonds() const
{
  return impl->bonds;
}

}    // namespace mlff
