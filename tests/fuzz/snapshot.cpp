// SPDX-License-Identifier: BSL-1.0
// A FileStore's snapshot, as it is or made of payloads, with a journal that begins where it ends.
#include "fuzz/file_store.hpp"

using namespace livecount;
using namespace livecount::tests;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes input(text_of(data, size));
  const unsigned how = input.number();
  const auto disk = std::make_shared<livecount::testing::MemoryDisk>();
  const livecount::testing::MemoryFileSystem files(disk);
  write_file(files, "/counts", file_of(detail::FileKind::journal, Bytes("")));
  write_file(
      files, "/counts.snapshot",
      (how & 1U) != 0 ? file_of(detail::FileKind::snapshot, Bytes(input.rest())) : std::string(input.rest()));
  open_and_count(disk, (how & 2U) != 0);
  return 0;
}
