// SPDX-License-Identifier: BSL-1.0
// A FileStore's journal: as it is, or made of payloads; alone or with a snapshot.
#include "fuzz/file_store.hpp"

using namespace livecount;
using namespace livecount::tests;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes input(text_of(data, size));
  const unsigned how = input.number();
  const auto disk = std::make_shared<livecount::testing::MemoryDisk>();
  const livecount::testing::MemoryFileSystem files(disk);
  if ((how & 1U) != 0) {
    write_file(files, "/counts.snapshot", empty_snapshot());
    write_file(files, "/counts", file_of(detail::FileKind::journal, Bytes(input.rest())));
  } else {
    write_file(files, "/counts", input.rest());
  }
  open_and_count(disk, (how & 2U) != 0);
  return 0;
}
