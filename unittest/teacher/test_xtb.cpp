// Calculators of libxtb: what they cost, which molecule they belong to, and the process that they
// run in.
#include "support/folder_fixture.h"
#include "teacher/xtb_pool.h"
#include "teacher/xtb_process.h"
#include "teacher/xtb_stack.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <random>

#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace mlff;

namespace {

Structure structure(std::vector<int> numbers, std::vector<double> positions)
{
  Structure s;
  s.numbers = std::move(numbers);
  s.positions = std::move(positions);
  return s;
}

/// Two isomers with their elements in one order.
Structure ethanol()
{
  return structure({6, 6, 8, 1, 1, 1, 1, 1, 1},
                   {-0.88, 0.18,  0.02, 0.47,  -0.51, -0.03, 1.45,  0.33,  0.05,
                    -1.43, -0.13, 0.91, -1.01, 1.24,  0.06,  -1.46, -0.08, -0.88,
                    0.56,  -1.16, 0.86, 0.61,  -1.12, -0.93, 1.36,  0.95,  0.78});
}

Structure ether()
{
  return structure({6, 6, 8, 1, 1, 1, 1, 1, 1},
                   {-1.17, -0.20, 0.02, 1.18,  -0.19, -0.01, 0.0,   0.58,  0.03,
                    -2.02, 0.49,  0.05, -1.22, -0.86, 0.90,  -1.25, -0.80, -0.90,
                    2.03,  0.48,  0.02, 1.22,  -0.85, -0.90, 1.25,  -0.83, 0.88});
}

Structure water()
{
  return structure({8, 1, 1}, {0.0, 0.0, 0.1, 0.78, 0.02, -0.47, -0.74, 0.05, -0.49});
}

/// GFN-FF's bond orders of this one depend on the positions that they are made from.
Structure formamide()
{
  return structure({6, 7, 8, 1, 1, 1},
                   {0.0, 0.42, 0.0, 1.2, -0.25, 0.1, -1.1, -0.2, 0.0, 0.0, 1.5, 0.05, 1.2, -1.25,
                    -0.2, 2.05, 0.25, -0.15});
}

Structure waters(int side)
{
  Structure s;
  for (int k = 0; k < side * side * side; k++) {
    const auto one = water();
    s.numbers.insert(s.numbers.end(), one.numbers.begin(), one.numbers.end());
    const double shift[3] = {3.1 * (k % side), 3.1 * (k / side % side), 3.1 * (k / side / side)};
    for (int m = 0; m < 9; m++) s.positions.push_back(one.positions[m] + shift[m % 3]);
  }
  return s;
}

Structure rattled(Structure s, double size, unsigned seed)
{
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal(0.0, size);
  for (double &x : s.positions) x += normal(generator);
  return s;
}

/// Energy (eV) by a calculator that was made from other positions of the molecule.
double energy_of(const Structure &s, const Structure &reference, const XtbOptions &options)
{
  XtbCalculator calculator(options, reference.numbers, reference.positions);
  std::vector<double> forces(s.positions.size());
  return calculator.evaluate(s.positions, forces);
}

double energy_of(const Structure &s, const XtbOptions &options)
{
  return energy_of(s, s, options);
}

double energy_of(XtbPool &pool, const Structure &s)
{
  std::vector<double> forces(s.positions.size());
  return pool.evaluate(s.numbers, 0, 0, s.positions, forces);
}

int open_files()
{
  int n = 0;
  for ([[maybe_unused]] const auto &entry : std::filesystem::directory_iterator("/proc/self/fd"))
    n++;
  return n;
}

/// Resident memory in MB.
double memory()
{
  long total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return double(resident) * double(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

class XtbMethods : public testing::TestWithParam<XtbMethod> {};
INSTANTIATE_TEST_SUITE_P(All, XtbMethods,
                         testing::Values(XtbMethod::gfn2, XtbMethod::gfn1, XtbMethod::gfnff),
                         [](const auto &info) {
                           return xtb_method_name(info.param);
                         });

TEST_P(XtbMethods, CalculatorsKeepNoFileOpen)
{
  energy_of(water(), {GetParam()});
  const int before = open_files();
  std::vector<std::unique_ptr<XtbCalculator>> kept;
  for (int k = 0; k < 20; k++) {
    const auto s = k % 2 ? water() : ethanol();
    kept.push_back(std::make_unique<XtbCalculator>(XtbOptions{GetParam()}, s.numbers, s.positions));
  }
  EXPECT_EQ(open_files(), before);
}

TEST_P(XtbMethods, ManyCalculatorsInLittleMemoryEachWithItsOwnEnergy)
{
  const XtbOptions options{GetParam()};
  std::vector<std::unique_ptr<XtbCalculator>> kept;
  std::vector<double> energies;
  double before = 0.0;
  for (int k = 0; k < 60; k++) {
    const auto s = rattled(water(), 0.03, k);
    kept.push_back(std::make_unique<XtbCalculator>(options, s.numbers, s.positions));
    std::vector<double> forces(9);
    energies.push_back(kept.back()->evaluate(s.positions, forces));
    if (k == 9) before = memory();
  }
  EXPECT_LT(memory() - before, 60.0);
  for (int k = 0; k < 60; k += 10)
    EXPECT_NEAR(energies[k], energy_of(rattled(water(), 0.03, k), options), 1e-9);
  // charge is no matter of the shared tables
  XtbOptions ion = options;
  ion.charge = 2;
  XtbCalculator charged(ion, water().numbers, water().positions);
  std::vector<double> forces(9);
  EXPECT_GT(charged.evaluate(water().positions, forces), energies[0] + 1.0);
}

TEST_P(XtbMethods, PoolGivesEachIsomerItsOwnEnergy)
{
  const XtbOptions options{GetParam()};
  XtbPool pool(options);
  const std::vector<Structure> known = {ethanol(), ether(), water()};
  std::vector<double> alone;
  for (const auto &s : known) alone.push_back(energy_of(s, options));
  ASSERT_GT(std::abs(alone[0] - alone[1]), 0.1);
  for (const int k : {0, 1, 2, 1, 0, 0, 1, 2})
    EXPECT_NEAR(energy_of(pool, known[k]), alone[k], 1e-7) << k;
}

TEST(XtbPool, KeepsTheForceFieldOfAMoleculeWhateverElseComes)
{
  const XtbOptions options{XtbMethod::gfnff};
  XtbPool pool(options);
  const auto first = formamide();
  std::vector<Structure> later;
  for (int k = 0; k < 5; k++) later.push_back(rattled(first, 0.05, k));
  energy_of(pool, first);
  // more molecules than calculators are kept
  for (int n = 1; n <= 70; n++) {
    Structure chain;
    for (int k = 0; k < n; k++) {
      chain.numbers.push_back(2);
      chain.positions.insert(chain.positions.end(), {2.8 * k, 0.1 * (k % 2), 0.0});
    }
    energy_of(pool, chain);
  }
  EXPECT_LE(pool.size(), 64u);
  double largest = 0.0;
  for (const auto &s : later) {
    const double energy = energy_of(pool, s);
    EXPECT_NEAR(energy, energy_of(s, first, options), 1e-9);
    largest = std::max(largest, std::abs(energy - energy_of(s, options)));
  }
  EXPECT_GT(largest, 1e-6);    // else the test would see nothing
  // a long bond is still one, a broken one makes another molecule
  auto stretched = ethanol();
  energy_of(pool, stretched);
  for (int a = 0; a < 3; a++)
    stretched.positions[24 + a] += 0.2 * (stretched.positions[24 + a] - stretched.positions[6 + a]);
  EXPECT_NEAR(energy_of(pool, stretched), energy_of(stretched, ethanol(), options), 1e-9);
  for (int a = 0; a < 3; a++)
    stretched.positions[24 + a] += 2.0 * (stretched.positions[24 + a] - stretched.positions[6 + a]);
  EXPECT_NEAR(energy_of(pool, stretched), energy_of(stretched, options), 1e-9);
}

TEST(XtbPool, AFailedStructureIsNoReference)
{
  XtbPool pool({XtbMethod::gfnff});
  auto bad = formamide();
  for (int a = 0; a < 3; a++)
    // two hydrogens on one place, nitrogen bonded to both
    bad.positions[15 + a] = bad.positions[12 + a];
  EXPECT_THROW(energy_of(pool, bad), XtbError);
  auto good = bad;
  good.positions[15] += 0.5;
  EXPECT_NEAR(energy_of(pool, good), energy_of(good, {XtbMethod::gfnff}), 1e-9);
}

TEST(XtbBonds, ChangesAreNamed)
{
  const auto a = ethanol(), b = ether();
  const auto bonds = xtb_bonds(a.numbers, a.positions);
  EXPECT_EQ(bonds.size(), 8u);
  EXPECT_EQ(bond_changes(bonds, a.numbers, a.positions), "");
  EXPECT_EQ(bond_changes(bonds, a.numbers, rattled(a, 0.05, 1).positions), "");
  const auto changes = bond_changes(bonds, b.numbers, b.positions);
  for (const char *words : {"broken: C1-C2", "new: C1-O3"})
    EXPECT_NE(changes.find(words), std::string::npos) << changes;
  const std::vector<long> ids = {11, 12, 13, 14, 15, 16, 17, 18, 19};
  EXPECT_NE(bond_changes(bonds, b.numbers, b.positions, ids).find("broken: C11-C12"),
            std::string::npos);
}

struct OnThread {
  const Structure &structure;
  XtbOptions options;
  double energy = 0.0;
  std::string error;
};

void *evaluate_on_thread(void *argument)
{
  auto &task = *static_cast<OnThread *>(argument);
  try {
    task.energy = energy_of(task.structure, task.options);
  } catch (const XtbError &error) {
    task.error = error.what();
  }
  return nullptr;
}

TEST(XtbStack, SmallStacksAreNoLimit)
{
  // 81 atoms: a matrix of 162 orbitals, 0.2 MB
  const auto s = waters(3);
  for (const auto method : {XtbMethod::gfn2, XtbMethod::gfnff}) {
    OnThread task{s, {method}, 0.0, ""};
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 192 * 1024);
    pthread_t thread;
    ASSERT_EQ(pthread_create(&thread, &attributes, evaluate_on_thread, &task), 0);
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&attributes);
    EXPECT_EQ(task.error, "");
    EXPECT_NEAR(task.energy, energy_of(s, {method}), 1e-7);
  }
  EXPECT_THROW(call_with_stack(std::size_t(1) << 60,
                               [] {
                               }),
               XtbError);
  EXPECT_THROW(call_with_stack(std::size_t(16) << 20,
                               [] {
                                 throw std::out_of_range("from there");
                               }),
               std::out_of_range);
}

TEST(XtbStack, NamesTheVariableThatMakesStacksOfThreadsTooSmall)
{
  if (!std::getenv("OMP_NUM_THREADS") || std::atoi(std::getenv("OMP_NUM_THREADS")) < 2)
    GTEST_SKIP() << "needs OMP_NUM_THREADS=2";
  // read by libgomp long ago: here it only says what a user set
  setenv("OMP_STACKSIZE", "64k", 1);
  std::string message;
  try {
    energy_of(waters(3), {XtbMethod::gfn2});
  } catch (const XtbError &error) {
    message = error.what();
  }
  unsetenv("OMP_STACKSIZE");
  for (const char *words : {"OMP_STACKSIZE=64k", "too small", "OMP_NUM_THREADS=1"})
    EXPECT_NE(message.find(words), std::string::npos) << message;
}

TEST(XtbCalculator, ASecondStartIsTheOtherOne)
{
  const auto a = ethanol(), b = ether();
  XtbCalculator calculator({}, a.numbers, a.positions);
  std::vector<double> forces(27), again(27);
  calculator.evaluate(a.positions, forces);
  const double anew = calculator.evaluate(b.positions, forces, XtbStart::anew);
  // The evaluation before has no influence.
  XtbCalculator alone({}, b.numbers, b.positions);
  EXPECT_NEAR(anew, alone.evaluate(b.positions, again), 1e-9);
  for (int k = 0; k < 27; k++) EXPECT_NEAR(forces[k], again[k], 1e-8);
  EXPECT_EQ(calculator.retries, 0);
}

class XtbTemporary : public mlff_test::FolderTest {
 protected:
  void SetUp() override
  {
    FolderTest::SetUp();
    setenv("TMPDIR", folder.c_str(), 1);
  }
  void TearDown() override
  {
    unsetenv("TMPDIR");
    FolderTest::TearDown();
  }
};

TEST_F(XtbTemporary, FoldersOfProcessesThatAreGoneAreRemoved)
{
  const pid_t gone = fork();
  if (gone == 0) _exit(0);
  waitpid(gone, nullptr, 0);
  const auto left = folder / ("mlff-xtb-" + std::to_string(gone) + "-abcdef"),
             fresh = folder / ("mlff-xtb-" + std::to_string(gone) + "-ghijkl"),
             own = folder / ("mlff-xtb-" + std::to_string(getpid()) + "-abcdef"),
             other = folder / "mlff-xtb-notes";
  for (const auto &one : {left, fresh, own, other}) std::filesystem::create_directories(one);
  const auto old = std::filesystem::file_time_type::clock::now() - std::chrono::hours(2);
  for (const auto &one : {left, own, other}) std::filesystem::last_write_time(one, old);
  remove_xtb_folders(0);
  EXPECT_FALSE(std::filesystem::exists(left));
  EXPECT_TRUE(std::filesystem::exists(fresh));
  EXPECT_TRUE(std::filesystem::exists(own));
  EXPECT_TRUE(std::filesystem::exists(other));
  remove_xtb_folders(gone);
  EXPECT_FALSE(std::filesystem::exists(fresh));
  energy_of(water(), {XtbMethod::gfnff});
  std::filesystem::remove_all(own);
  std::filesystem::remove_all(other);
  EXPECT_TRUE(std::filesystem::is_empty(folder));
}

TEST_F(XtbTemporary, NoPlaceForFilesIsNoFaultOfTheMolecule)
{
  setenv("TMPDIR", file("none").c_str(), 1);
  EXPECT_THROW(energy_of(water(), {XtbMethod::gfnff}), XtbUnavailable);
  XtbProcess process({XtbMethod::gfnff});
  auto s = water();
  process.send(s, 0, 0);
  EXPECT_THROW(process.receive(s), XtbUnavailable);
}

TEST(XtbProcess, EqualsTheSameInThisProcess)
{
  XtbProcess process({XtbMethod::gfnff});
  XtbPool pool({XtbMethod::gfnff});
  std::vector<Structure> all;
  for (int k = 0; k < 40; k++)
    all.push_back(rattled(k % 3 == 0 ? ethanol() : k % 3 == 1 ? ether() : waters(2), 0.03, k));
  std::size_t sent = 0;
  for (auto &s : all) {
    for (; sent < all.size() && &all[sent] < &s + 8; sent++) process.send(all[sent], 0, 0);
    process.receive(s);
    std::vector<double> forces(s.positions.size());
    // threads of libxtb add up in any order
    EXPECT_NEAR(*s.energy, pool.evaluate(s.numbers, 0, 0, s.positions, forces), 1e-9);
    for (std::size_t k = 0; k < forces.size(); k++) EXPECT_NEAR(s.forces[k], forces[k], 1e-8);
  }
}

TEST(XtbProcess, ACrashIsAnErrorOfOneStructure)
{
  XtbProcess process({XtbMethod::gfnff});
  auto a = ethanol(), b = rattled(formamide(), 0.05, 1), c = rattled(formamide(), 0.05, 2);
  EXPECT_EQ(process.pid(), 0);
  const auto energy = [&](Structure &s) {
    process.receive(s);
    return *s.energy;
  };
  process.send(a, 0, 0);
  process.send(b, 0, 0);
  EXPECT_NEAR(energy(a), energy_of(a, {XtbMethod::gfnff}), 1e-9);
  const double known = energy(b);
  // stopped first, so that it does not finish before it is killed
  kill(process.pid(), SIGSTOP);
  process.send(a, 0, 0);
  process.send(c, 0, 0);
  kill(process.pid(), SIGKILL);
  kill(process.pid(), SIGCONT);
  std::string message;
  try {
    process.receive(a);
  } catch (const XtbUnavailable &) {
    FAIL() << "a crash is no end of all calculations";
  } catch (const XtbError &error) {
    message = error.what();
  }
  EXPECT_NE(message.find("libxtb ended its process by signal 9 (Killed"), std::string::npos)
      << message;
  // the next one goes to a new process, which knows the molecules of the first
  EXPECT_NEAR(energy(c), energy_of(c, b, {XtbMethod::gfnff}), 1e-9);
  process.send(b, 0, 0);
  EXPECT_NEAR(energy(b), known, 1e-9);
  // an error is no crash
  const pid_t before = process.pid();
  process.send(a, 1000, 0);
  EXPECT_THROW(process.receive(a), XtbError);
  EXPECT_EQ(process.pid(), before);
}

TEST(XtbProcess, AfterACrashAllOthersKeepTheirOrder)
{
  XtbProcess process({XtbMethod::gfnff});
  std::vector<Structure> all;
  for (int k = 0; k < 60; k++)
    all.push_back(rattled(k % 3 == 0 ? ethanol() : k % 3 == 1 ? ether() : formamide(), 0.03, k));
  std::size_t sent = 0;
  int failed = 0;
  for (std::size_t k = 0; k < all.size(); k++) {
    for (; sent < all.size() && sent < k + 20; sent++) process.send(all[sent], 0, 0);
    if (k == 10 || k == 30) {
      kill(process.pid(), SIGKILL);
      waitid(P_PID, process.pid(), nullptr, WEXITED | WNOWAIT);
    }
    try {
      process.receive(all[k]);
      EXPECT_NEAR(*all[k].energy, energy_of(all[k], all[k % 3], {XtbMethod::gfnff}), 1e-8) << k;
    } catch (const XtbError &) {
      failed++;
    }
  }
  EXPECT_LE(failed, 2);
}

}    // namespace
