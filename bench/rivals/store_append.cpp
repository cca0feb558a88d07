// SPDX-License-Identifier: BSL-1.0
// The floor: a batch's records appended to a file in one write, and fdatasync. Nothing can be looked up in it.
#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#include "../support/row_store.hpp"

namespace {

class Append : public bench::RowStore {
 public:
  explicit Append(const std::string& folder)
      : file_(open((folder + "/append").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600)) {
    bench::require(file_ >= 0, "append: cannot make a file in " + folder);
  }
  ~Append() override { close(file_); }
  void add(std::span<const std::string_view> batch) override {
    bytes_.clear();
    for (const std::string_view name : batch) {
      const std::int64_t record[] = {1, static_cast<std::int64_t>(name.size())};
      bytes_.append(reinterpret_cast<const char*>(record), sizeof record);
      bytes_.append(name);
    }
    const bool written = write(file_, bytes_.data(), bytes_.size()) == static_cast<ssize_t>(bytes_.size());
    bench::require(written && fdatasync(file_) == 0, std::string("append: ") + std::strerror(errno));
  }

 private:
  const int file_;
  std::string bytes_;
};

const bench::RegisteredStore entry({"floor: append + fdatasync",
                                    [](const std::string& folder) -> std::unique_ptr<bench::RowStore> {
                                      return std::make_unique<Append>(folder);
                                    }});

}  // namespace
