// SPDX-License-Identifier: BSL-1.0
#include <livecount/detail/journal.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace {

using namespace livecount;
using namespace livecount::detail;

/// Bytes where a FrameReader looks for a file.
struct Bytes {
  std::string bytes;
  std::size_t read(std::uint64_t offset, char* to, std::size_t size) const {
    return offset >= bytes.size() ? 0 : bytes.copy(to, size, offset);
  }
};

const Chain start{0x0123'4567'89ab'cdef, 7, 42};

std::string frame_of(const std::string& payload, Chain& chain) {
  std::string frame;
  begin_frame(frame);
  frame += payload;
  chain.take(seal_frame(frame, chain));
  return frame;
}

struct Reading {
  std::vector<std::string> payloads;
  std::uint64_t offset = 0;
  std::string reason;
  bool sound_behind = false;
};
Reading read_all(const std::string& bytes, const Chain& chain = start) {
  const Bytes file{bytes};
  FrameReader<Bytes> reader(file, 0, bytes.size(), chain);
  Reading reading;
  std::string_view payload;
  while (true) {
    const auto next = reader.next(payload);
    if (next == FrameReader<Bytes>::Next::frame) {
      reading.payloads.emplace_back(payload);
      continue;
    }
    reading.offset = reader.offset();
    if (next == FrameReader<Bytes>::Next::damage) {
      reading.reason = reader.reason();
      reading.sound_behind = reader.sound_frame_behind();
    }
    return reading;
  }
}

}  // namespace

TEST_CASE("numbers are little endian") {
  std::string bytes;
  put<std::uint32_t>(bytes, 0x0102'0304);
  put<std::int64_t>(bytes, -2);
  put<std::uint8_t>(bytes, 200);
  CHECK(bytes == std::string("\x04\x03\x02\x01\xfe\xff\xff\xff\xff\xff\xff\xff\xc8"));
  ByteView view(bytes);
  CHECK(view.take<std::uint32_t>() == 0x0102'0304);
  CHECK(view.take<std::int64_t>() == -2);
  CHECK(view.take<std::uint8_t>() == 200);
  CHECK(view.empty());
  CHECK(view.sound());
}

TEST_CASE("what is not there reads as nothing, and the view tells") {
  ByteView view("abc");
  CHECK(view.take<std::uint32_t>() == 0);
  CHECK_FALSE(view.sound());
  CHECK(view.empty());
  ByteView other("abc");
  CHECK(other.take_bytes(4).empty());
  CHECK_FALSE(other.sound());
}

TEST_CASE("frames are read as they were written, also large and empty ones") {
  Chain chain = start;
  const std::vector<std::string> payloads = {"a", "", std::string(3'000'000, 'x'), "LVFR",
                                             std::string(1, '\0')};
  std::string bytes;
  for (const std::string& payload : payloads) bytes += frame_of(payload, chain);
  CHECK(chain.sequence == start.sequence + payloads.size());
  const Reading reading = read_all(bytes);
  CHECK(reading.payloads == payloads);
  CHECK(reading.offset == bytes.size());
  CHECK(reading.reason.empty());
}

TEST_CASE("a frame that is missing, doubled, of another file or of another number is found") {
  Chain chain = start;
  const std::string first = frame_of("first", chain);
  const std::string second = frame_of("second", chain);
  const std::string third = frame_of("third", chain);
  CHECK(read_all(second).payloads.empty());
  CHECK(read_all(second).sound_behind);  // it is itself the later one
  CHECK(read_all(first + third).payloads.size() == 1);
  CHECK(read_all(first + third).sound_behind);
  CHECK(read_all(first + first).payloads.size() == 1);
  CHECK_FALSE(read_all(first + first).sound_behind);  // an old one proves nothing

  Chain other = start;
  other.seed ^= 1;
  CHECK(read_all(first, other).payloads.empty());
  other = start;
  other.previous ^= 1;
  CHECK(read_all(first, other).payloads.empty());
  CHECK_FALSE(read_all(first, other).reason.empty());
}

TEST_CASE("whether sound frames lie behind the damage is found, however far they are") {
  Chain chain = start;
  const std::string first = frame_of("first", chain);
  std::string second = frame_of(std::string(2'500'000, 'L'), chain);
  const std::string third = frame_of("third", chain);
  second[second.size() / 2] ^= 1;
  Reading reading = read_all(first + second + third);
  CHECK(reading.payloads.size() == 1);
  CHECK(reading.offset == first.size());
  CHECK(reading.sound_behind);
  CHECK_FALSE(read_all(first + second).sound_behind);
  CHECK_FALSE(read_all(first + second + third.substr(0, third.size() - 1)).sound_behind);
  for (std::size_t size = 1; size < third.size(); ++size) {
    CHECK_FALSE(read_all(first + third.substr(0, size)).sound_behind);
  }
}

TEST_CASE("a length that no file can have is damage, not a wish for memory") {
  Chain chain = start;
  std::string frame = frame_of("payload", chain);
  store_number(frame.data() + 4, std::numeric_limits<std::uint32_t>::max());
  CHECK(read_all(frame).reason == "the file ends within it");
}

TEST_CASE("a header says where frames begin, and each of its bytes counts") {
  const std::string header = file_header(FileKind::journal, start);
  REQUIRE(header.size() == file_header_size);
  CHECK(read_file_header(header, FileKind::journal, "path") == start);
  CHECK_THROWS_AS(read_file_header(header, FileKind::snapshot, "path"), Error);
  for (std::size_t at = 0; at < header.size(); ++at) {
    std::string changed = header;
    changed[at] ^= 1;
    CHECK_THROWS_AS(read_file_header(changed, FileKind::journal, "path"), Error);
    CHECK_THROWS_AS(read_file_header(header.substr(0, at), FileKind::journal, "path"), Error);
  }
}
