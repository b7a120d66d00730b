// The tables of keywords and of the vector of fix kstep/hybrid: the page shows what the code has,
// and the code does what they say.
#include "fix_kstep/kstep_fixture.h"
#include "fix_kstep/kstep_keywords.h"

#include <set>

namespace mlff_test {

namespace {

  using Row = std::vector<std::string>;

  std::string text_of(const std::string &path)
  {
    std::ifstream in(path);
    EXPECT_TRUE(in) << path;
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  std::string trimmed(std::string text)
  {
    text.erase(0, text.find_first_not_of(' '));
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
  }

  /// Rows of the list-table with this caption, without its head. Emphasis does not count.
  std::vector<Row> table_of(const std::string &page, const std::string &caption)
  {
    std::string text = page;
    std::erase(text, '*');    // emphasis, and what rows begin with
    std::istringstream in(
        text.substr(std::min(text.find(".. list-table:: " + caption), text.size())));
    std::vector<Row> rows;
    std::string line;
    std::getline(in, line);
    const std::size_t row = 5, cell = 7;    // ends of "- " before a row and before a cell
    while (std::getline(in, line)) {
      if (!line.empty() && line[0] != ' ') break;
      if (line.rfind("    - ", 0) == 0)
        rows.push_back({trimmed(line.substr(row))});
      else if (!rows.empty() && line.rfind("     - ", 0) == 0)
        rows.back().push_back(trimmed(line.substr(cell - 1)));
      else if (!rows.empty() && line == "     -")
        rows.back().push_back("");
      else if (!rows.empty() && line.size() > cell)
        rows.back().back() += " " + trimmed(line);
    }
    if (!rows.empty()) rows.erase(rows.begin());
    return rows;
  }

  /// Table in the form that the page must have.
  std::string as_list_table(const std::vector<Row> &rows)
  {
    std::string text;
    for (const auto &row : rows)
      for (std::size_t k = 0; k < row.size(); k++)
        text += (k == 0 ? "   * - " : "     - ") + row[k] + "\n";
    return text;
  }

  [[maybe_unused]] std::vector<Row> keyword_rows()
  {
    std::vector<Row> rows;
    for (const auto &keyword : LAMMPS_NS::kstep_keywords()) {
      std::string values, accepted;
      for (const auto &value : keyword.values) {
        values += (values.empty() ? "" : " ") + value.name;
        if (keyword.values.size() > 1)
          accepted += (accepted.empty() ? "" : "; ") + value.name + ": ";
        accepted += value.accepted;
      }
      rows.push_back({keyword.name, values, keyword.initial, accepted, keyword.help});
    }
    return rows;
  }

  /// Elements of a table behind `before` others, and the temperatures behind them.
  std::vector<Row> vector_rows(const std::vector<LAMMPS_NS::KstepElement> &table,
                               std::size_t before = 0)
  {
    std::vector<Row> rows;
    std::size_t n = before;
    for (const auto &element : table)
      rows.push_back({std::to_string(++n), element.name, element.unit, element.help});
    const auto &last = LAMMPS_NS::kstep_temperature;
    rows.push_back({std::to_string(n + 1) + " ...", last.name, last.unit, last.help});
    return rows;
  }

  /// One plain value, and no words about where it comes from.
  bool is_plain(const LAMMPS_NS::KstepKeyword &keyword)
  {
    const std::string &initial = keyword.initial;
    return keyword.values.size() == 1 && initial != "none" &&
        initial.find_first_of(" ,") == std::string::npos;
  }

}    // namespace

// engines are those of the build, and the page lists all
#ifdef MLFF_TORCH
TEST(FixKstepTables, ThePageHasTheKeywordsOneRank)
{
  const auto rows = keyword_rows();
  EXPECT_EQ(table_of(text_of(FIX_KSTEP_PAGE), "Keywords"), rows) << "the page should have:\n"
                                                                 << as_list_table(rows);
}
#endif

TEST(FixKstepTables, ThePageHasTheVectorOneRank)
{
  const auto &table = LAMMPS_NS::kstep_vector();
  const auto rows = vector_rows(table),
             more = vector_rows(LAMMPS_NS::kstep_segments_vector(), table.size());
  const auto page = text_of(FIX_KSTEP_PAGE);
  EXPECT_EQ(table_of(page, "Elements of the vector\n"), rows) << "the page should have:\n"
                                                              << as_list_table(rows);
  EXPECT_EQ(table_of(page, "Elements of the vector with segments\n"), more)
      << "the page should have:\n"
      << as_list_table(more);
}

TEST(FixKstepTables, NamesAreUniqueOneRank)
{
  std::set<std::string> keywords, elements;
  for (const auto &keyword : LAMMPS_NS::kstep_keywords())
    EXPECT_TRUE(keywords.insert(keyword.name).second) << keyword.name;
  for (const auto *table : {&LAMMPS_NS::kstep_vector(), &LAMMPS_NS::kstep_segments_vector()})
    for (const auto &element : *table)
      EXPECT_TRUE(elements.insert(element.name).second) << element.name;
}

TEST_F(FixKstep, DefaultsAreWhatTheTableSaysOneRank)
{
  // A run with every plain default given equals the run without any keyword.
  std::string words = "langevin 300 0.1 7 timing no", given;
  int plain = 0;
  for (const auto &keyword : LAMMPS_NS::kstep_keywords()) {
    if (!is_plain(keyword) || keyword.name == "timing") continue;
    given += " " + keyword.name + " " + keyword.initial;
    plain++;
  }
  EXPECT_GT(plain, 8);
  Bits ends[2];
  std::vector<double> vectors[2];
  for (const bool with : {false, true}) {
    molecule();
    command("fix hyb all kstep/hybrid " + network + " C O H " + words + (with ? given : ""));
    command("run 30 post no");
    ends[with] = bits();
    for (int n = 0; n < hyb()->size_vector; n++) vectors[with].push_back(hyb()->compute_vector(n));
  }
  EXPECT_EQ(ends[0], ends[1]);
  EXPECT_EQ(vectors[0], vectors[1]);
}

TEST_F(FixKstep, EveryKeywordWantsItsValuesOneRank)
{
  molecule();
  const std::string head = "fix hyb all kstep/hybrid " + network + " C O H ";
  std::string names;
  for (const auto &keyword : LAMMPS_NS::kstep_keywords()) {
    std::string words = keyword.name;
    for (std::size_t k = 1; k < keyword.values.size(); k++) words += " 1";
    expect_error(head + words, {"fix kstep/hybrid " + keyword.name, "missing argument"});
    names += (names.empty() ? "" : ", ") + keyword.name;
  }
  expect_error(head + "jumps 3", {"Unknown fix kstep/hybrid keyword 'jumps'; accepted: " + names});
}

TEST_F(FixKstep, LimitsHaveTheirNameOfEarlierVersionsOneRank)
{
  for (const auto *name : {"thermal", "ours"}) {
    molecule();
    fix("langevin 300 0.1 7 limits published limits " + std::string(name));
    command("run 20 post no");
    EXPECT_EQ(entry("jumps"), 10.0) << name;
  }
}

}    // namespace mlff_test
