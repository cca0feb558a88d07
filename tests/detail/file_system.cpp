// SPDX-License-Identifier: BSL-1.0
#include <livecount/detail/file_system.hpp>

#include <filesystem>
#include <string>

#include "support/catch.hpp"
#include "support/policies.hpp"

namespace {

using namespace livecount;
using detail::FileAccess;
using detail::PosixFileSystem;

}  // namespace

TEST_CASE("what is written is read, and a read ends with the file") {
  const tests::TemporaryDirectory directory;
  const std::string path = (directory.path() / "file").string();
  const PosixFileSystem files;
  auto file = files.open(path, FileAccess::make);
  file.write(0, "hello");
  file.write(3, "p!");
  CHECK(file.size() == 5);
  std::string bytes(10, '-');
  CHECK(file.read(1, bytes.data(), bytes.size()) == 4);
  CHECK(bytes == "elp!------");
  CHECK(file.read(5, bytes.data(), bytes.size()) == 0);
  file.truncate(2);
  file.sync();
  CHECK(files.open(path, FileAccess::read).size() == 2);
  CHECK(files.open(path, FileAccess::make_empty).size() == 0);
  CHECK((std::filesystem::status(path).permissions() & std::filesystem::perms(0777)) ==
        std::filesystem::perms(0600));
}

TEST_CASE("a file is locked once, in this process too, until it is closed") {
  const tests::TemporaryDirectory directory;
  const std::string path = (directory.path() / "file").string();
  const PosixFileSystem files;
  {
    auto first = files.open(path, FileAccess::make);
    REQUIRE(first.try_lock());
    auto second = files.open(path, FileAccess::make);
    CHECK_FALSE(second.try_lock());
    { const auto third = files.open(path, FileAccess::read); }  // closing another one does not unlock it
    CHECK_FALSE(second.try_lock());
    const auto moved = std::move(first);
    CHECK_FALSE(second.try_lock());
  }
  CHECK(files.open(path, FileAccess::make).try_lock());
}

TEST_CASE("a file knows whether its path still leads to it") {
  const tests::TemporaryDirectory directory;
  const std::string path = (directory.path() / "file").string();
  const PosixFileSystem files;
  const auto file = files.open(path, FileAccess::make);
  CHECK(file.is_at(path));
  files.rename(path, path + "2");
  CHECK_FALSE(file.is_at(path));
  CHECK(file.is_at(path + "2"));
  const auto other = files.open(path, FileAccess::make);
  CHECK_FALSE(file.is_at(path));
  files.remove(path);
  files.remove(path);  // it need not exist
  CHECK_FALSE(files.exists(path));
  files.sync_folder_of(path);
}

TEST_CASE("errors name the path and the reason") {
  const tests::TemporaryDirectory directory;
  const std::string path = (directory.path() / "no" / "file").string();
  const PosixFileSystem files;
  for (const FileAccess access : {FileAccess::read, FileAccess::write, FileAccess::make}) {
    try {
      (void)files.open(path, access);
      FAIL("opened");
    } catch (const Error& error) {
      CHECK(error.code() == Errc::store_unavailable);
      CHECK(std::string(error.what()).find(path) != std::string::npos);
      CHECK(std::string(error.what()).find("No such file") != std::string::npos);
    }
  }
  CHECK_THROWS_AS(files.rename(path, path + "2"), Error);
  CHECK_THROWS_AS(files.sync_folder_of(path), Error);
}
