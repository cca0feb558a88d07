// SPDX-License-Identifier: BSL-1.0
//
// The command that copies a store while others count into it.
#include <string>

#include "commands.hpp"
#include "message.hpp"
#include "store_url.hpp"

namespace program {

int backup(const BackupCommand& command) {
  const std::string kind = StoreUrl(command.store).kind;
  if (command.to.rfind(kind + ":", 0) == 0) {
    throw UsageError(command.to + ": give the path of a file, without " + kind + ":");
  }
  require_store(command.store);
  Store({.url = command.store, .read_only = true}).backup(command.to);
  const std::string made = kind + ":" + command.to;
  say(command.store + " is backed up in " + made + "; livecount verify --store " + made + " checks it");
  return all_done;
}

}  // namespace program
