// The comment line of extended XYZ: key=value pairs.
#include "data/xyz_comment.h"

#include <algorithm>
#include <cctype>

namespace mlff {

namespace {

  constexpr std::string_view blank = " \t";

  bool is_blank(char c)
  {
    return c == ' ' || c == '\t';
  }

  /// Reads one line from left to right.
  class CommentReader {
   public:
    CommentReader(std::string_view line, std::string &wrong) : line(line), wrong(wrong) {}

    std::vector<XyzPair> pairs()
    {
      std::vector<XyzPair> list;
      while (skip_blanks() && wrong.empty()) {
        XyzPair pair;
        const std::size_t begin = at;
        if (line[at] == '"' || line[at] == '\'')
          quoted(pair.key);
        else
          while (at < line.size() && !is_blank(line[at]) && (line[at] != '=' || at == begin))
            pair.key += line[at++];
        pair.name = std::string(line.substr(begin, at - begin));
        const std::size_t behind = at;
        if (!skip_blanks() || line[at] != '=') {
          at = behind;
          pair.alone = true;
          pair.value = "T";
        } else {
          at++;
          value(pair);
        }
        if (!wrong.empty()) wrong = "the value of '" + pair.key + "' has no closing " + wrong;
        list.push_back(std::move(pair));
      }
      return list;
    }

   private:
    std::string_view line;
    std::string &wrong;
    std::size_t at = 0;

    bool skip_blanks()
    {
      at = std::min(line.find_first_not_of(blank, at), line.size());
      return at < line.size();
    }

    /// Text between two equal quotes, escapes resolved.
    void quoted(std::string &content)
    {
      const char quote = line[at++];
      while (at < line.size() && line[at] != quote) {
        if (line[at] == '\\' && at + 1 < line.size()) {
          at++;
          content += line[at] == 'n' ? '\n' : line[at];
        } else
          content += line[at];
        at++;
      }
      if (at == line.size())
        wrong = "quote";
      else
        at++;
    }

    /// Text between brackets or braces, those within included.
    void bracketed(std::string &content)
    {
      const char open = line[at], close = open == '[' ? ']' : '}';
      int depth = 0;
      const std::size_t begin = at + 1;
      for (; at < line.size(); at++) {
        if (line[at] == '"') {
          std::string inner;
          quoted(inner);
          if (!wrong.empty()) return;
          at--;
        } else if (line[at] == open)
          depth++;
        else if (line[at] == close && --depth == 0)
          break;
      }
      if (at == line.size()) {
        wrong = "bracket";
        return;
      }
      content = std::string(line.substr(begin, at - begin));
      at++;
    }

    /// `a= b=3`: the value of a is missing, as ASE writes an empty string.
    bool next_key_follows() const
    {
      if (at >= line.size() || !is_blank(line[at])) return false;
      const std::size_t word = line.find_first_not_of(blank, at);
      if (word == std::string_view::npos ||
          !(std::isalpha(static_cast<unsigned char>(line[word])) || line[word] == '_'))
        return false;
      std::size_t end = std::min(line.find_first_of(" \t=", word), line.size());
      end = line.find_first_not_of(blank, end);
      return end != std::string_view::npos && line[end] == '=';
    }

    void value(XyzPair &pair)
    {
      if (next_key_follows() || !skip_blanks()) return;
      const std::size_t begin = at;
      if (line[at] == '"' || line[at] == '\'')
        quoted(pair.value);
      else if (line[at] == '[' || line[at] == '{')
        bracketed(pair.value);
      while (wrong.empty() && at < line.size() && !is_blank(line[at])) pair.value += line[at++];
      pair.text = std::string(line.substr(begin, at - begin));
    }
  };

}    // namespace

std::vector<XyzPair> parse_xyz_comment(std::string_view line, std::string &wrong)
{
  wrong.clear();
  return CommentReader(line, wrong).pairs();
}

std::string quoted_value(std::string_view text)
{
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == '\n') result += '\\';
    result += c == '\n' ? 'n' : c;
  }
  return result + "\"";
}

std::vector<std::string_view> elements_of_value(std::string_view value)
{
  constexpr std::string_view between = " \t,[]{}\"";
  std::vector<std::string_view> words;
  for (std::size_t begin = 0;
       (begin = value.find_first_not_of(between, begin)) != std::string_view::npos;) {
    const auto end = std::min(value.find_first_of(between, begin), value.size());
    words.push_back(value.substr(begin, end - begin));
    begin = end;
  }
  return words;
}

std::optional<bool> logical(std::string_view word)
{
  for (const char *yes : {"T", "True", "TRUE", "true", "1"})
    if (word == yes) return true;
  for (const char *no : {"F", "False", "FALSE", "false", "0"})
    if (word == no) return false;
  return std::nullopt;
}

std::string lower(std::string_view name)
{
  std::string text(name);
  for (char &c : text) c = char(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool same_name(std::string_view a, std::string_view b)
{
  return lower(a) == lower(b);
}

}    // namespace mlff
