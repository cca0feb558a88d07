// SPDX-License-Identifier: BSL-1.0
// LMDB with its default, durable settings: a transaction of gets and puts a batch.
#include <lmdb.h>

#include <cstring>

#include "../support/row_store.hpp"

namespace {

class Lmdb : public bench::RowStore {
 public:
  explicit Lmdb(const std::string& folder) {
    check(mdb_env_create(&environment_));
    check(mdb_env_set_mapsize(environment_, std::size_t{4} << 30U));
    check(mdb_env_open(environment_, (folder + "/lmdb").c_str(), MDB_NOSUBDIR, 0600));
    MDB_txn* const transaction = begin();
    check(mdb_dbi_open(transaction, nullptr, 0, &counts_));
    check(mdb_txn_commit(transaction));
  }
  ~Lmdb() override { mdb_env_close(environment_); }
  void add(std::span<const std::string_view> batch) override {
    MDB_txn* const transaction = begin();
    for (const std::string_view name : batch) {
      MDB_val key{name.size(), const_cast<char*>(name.data())};
      MDB_val value{};
      std::int64_t count = 0;
      if (mdb_get(transaction, counts_, &key, &value) == 0) std::memcpy(&count, value.mv_data, sizeof count);
      ++count;
      value = {sizeof count, &count};
      check(mdb_put(transaction, counts_, &key, &value, 0));
    }
    check(mdb_txn_commit(transaction));
  }

 private:
  MDB_txn* begin() {
    MDB_txn* transaction = nullptr;
    check(mdb_txn_begin(environment_, nullptr, 0, &transaction));
    return transaction;
  }
  static void check(int code) { bench::require(code == 0, std::string("lmdb: ") + mdb_strerror(code)); }
  MDB_env* environment_ = nullptr;
  MDB_dbi counts_ = 0;
};

const bench::RegisteredStore entry({"LMDB",
                                    [](const std::string& folder) -> std::unique_ptr<bench::RowStore> {
                                      return std::make_unique<Lmdb>(folder);
                                    }});

}  // namespace
