// SPDX-License-Identifier: BSL-1.0
//
// What a shell completes, made from the command line itself.
#pragma once

#include <CLI/CLI.hpp>

#include <algorithm>
#include <string>

namespace program {

/// A script for bash: commands, options, and the words that an option takes; else files.
[[nodiscard]] inline std::string bash_completion(const CLI::App& app) {
  std::string commands, options, words;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string& name = command->get_name();
    commands += (commands.empty() ? "" : " ") + name;
    std::string known;
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& long_name : option->get_lnames()) {
        known += (known.empty() ? "--" : " --") + long_name;
        const std::string type = option->get_type_name();  // "TEXT:{table,tsv}" where it is one of some words
        const std::size_t begin = type.find('{'), end = type.find('}');
        if (begin == std::string::npos || end == std::string::npos) continue;
        std::string choice = type.substr(begin + 1, end - begin - 1);
        std::replace(choice.begin(), choice.end(), ',', ' ');
        words += "    '" + name + " --" + long_name + "') words='" + choice + "' ;;\n";
      }
    }
    options += "    " + name + ") words='" + known + "' ;;\n";
  }
  return "# livecount completion bash >/etc/bash_completion.d/livecount; or: source <(livecount completion "
         "bash)\n"
         "_livecount() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=\n"
         "  COMPREPLY=()\n"
         "  if ((COMP_CWORD == 1)); then\n"
         "    COMPREPLY=($(compgen -W '--help --version " +
         commands +
         "' -- \"$word\"))\n"
         "    return\n"
         "  fi\n"
         "  case \"${COMP_WORDS[1]} $before\" in\n" +
         words +
         "    *' --period' | *' --periods') words='second minute hour day week month year all' ;;\n"
         "    'completion completion') words=bash ;;\n"
         "  esac\n"
         "  if [[ -z $words && $word == -* ]]; then\n"
         "    case ${COMP_WORDS[1]} in\n" +
         options +
         "    esac\n"
         "  fi\n"
         "  [[ -z $words ]] || COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
         "}\n"
         "complete -o default -F _livecount livecount\n";
}

}  // namespace program
