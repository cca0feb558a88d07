// SPDX-License-Identifier: BSL-1.0
// RocksDB: a write batch of merges, its log synced.
#include <rocksdb/db.h>
#include <rocksdb/merge_operator.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <cstring>

#include "../support/row_store.hpp"

namespace {

class Add : public rocksdb::AssociativeMergeOperator {
 public:
  const char* Name() const override { return "add"; }
  bool Merge(const rocksdb::Slice& /*key*/, const rocksdb::Slice* existing, const rocksdb::Slice& value,
             std::string* result, rocksdb::Logger* /*logger*/) const override {
    const std::int64_t sum = number(value) + (existing ? number(*existing) : 0);
    result->assign(reinterpret_cast<const char*>(&sum), sizeof sum);
    return true;
  }

 private:
  static std::int64_t number(const rocksdb::Slice& bytes) {
    std::int64_t value = 0;
    std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
    return value;
  }
};

class Rocks : public bench::RowStore {
 public:
  explicit Rocks(const std::string& folder) {
    rocksdb::Options options;
    options.create_if_missing = true;
    options.merge_operator = std::make_shared<Add>();
    rocksdb::DB* database = nullptr;
    check(rocksdb::DB::Open(options, folder + "/rocksdb", &database));
    database_.reset(database);
  }
  void add(std::span<const std::string_view> batch) override {
    const std::int64_t one = 1;
    rocksdb::WriteBatch writes;
    for (const std::string_view name : batch) {
      check(writes.Merge({name.data(), name.size()}, {reinterpret_cast<const char*>(&one), sizeof one}));
    }
    rocksdb::WriteOptions options;
    options.sync = true;
    check(database_->Write(options, &writes));
  }

 private:
  static void check(const rocksdb::Status& status) {
    bench::require(status.ok(), "rocksdb: " + status.ToString());
  }
  std::unique_ptr<rocksdb::DB> database_;
};

const bench::RegisteredStore entry({"RocksDB, merge",
                                    [](const std::string& folder) -> std::unique_ptr<bench::RowStore> {
                                      return std::make_unique<Rocks>(folder);
                                    }});

}  // namespace
