// Scripts that complete command lines of mlff in shells.
#include "program/completion.h"

#include <map>
#include <stdexcept>

namespace mlff {

namespace {

  constexpr const char *bash = R"(# Completion of mlff for bash: source it, or put it into
# ~/.local/share/bash-completion/completions/mlff
_mlff()
{
  local current=${COMP_WORDS[COMP_CWORD]} line word
  [[ $current == = ]] && current=
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r word; do
        COMPREPLY+=("$word")
      done < <(compgen -f -- "$current")
    else
      word=${line%%$'\t'*}
      # readline replaces what follows the sign alone
      [[ ${COMP_WORDS[COMP_CWORD - 1]-} == = ]] && word=${word#*=}
      COMPREPLY+=("$word")
    fi
  done < <("${COMP_WORDS[0]/#\~/$HOME}" completion words -- \
             "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _mlff mlff
)";

  constexpr const char *zsh = R"(#compdef mlff
# Completion of mlff for zsh: put it into a folder of $fpath as _mlff
_mlff()
{
  local -a found
  local line files=
  for line in "${(@f)$(${~words[1]} completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == :files ]]; then
      files=1
    elif [[ -n $line ]]; then
      line=${line//:/\\:}
      found+=("${line/$'\t'/:}")
    fi
  done
  (( $#found )) && _describe mlff found
  [[ -n $files ]] && _files
  return 0
}
if [[ $funcstack[1] == _mlff ]]; then
  _mlff "$@"
else
  compdef _mlff mlff
fi
)";

  constexpr const char *fish =
      R"(# Completion of mlff for fish: put it into ~/.config/fish/completions/mlff.fish
function __mlff_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l current (commandline -ct)
    for line in ($program completion words -- $words "$current" 2>/dev/null)
        if test "$line" = :files
            __fish_complete_path "$current"
        else
            echo $line
        end
    end
end
complete -c mlff -f -a '(__mlff_complete)'
)";

}    // namespace

std::string completion_script(const std::string &shell)
{
  static const std::map<std::string, const char *> scripts = {
      {"bash", bash}, {"zsh", zsh}, {"fish", fish}};
  const auto found = scripts.find(shell);
  if (found == scripts.end())
    throw std::runtime_error("there is no completion for the shell '" + shell +
                             "'; accepted: bash, zsh, fish");
  return found->second;
}

}    // namespace mlff
