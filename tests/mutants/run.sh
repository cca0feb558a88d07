#!/usr/bin/env bash
# Plants one bug at a time in a copy of the headers, and runs the test that must find it: scenarios of tests/interleave,
# or simulations of tests/simulate.
#   tests/mutants/run.sh            all of them
#   tests/mutants/run.sh NAME...    some of them
#   tests/mutants/run.sh --fit      only whether each change still fits its header
# Prints for each mutant which law was broken, by what, after how many executions or seeds. Fails if one lives.
# One is not among them as nothing here can find it: an add past the range that takes itself back without a mark. It matters
# only where a batch is formed in between, which waits for the taking back 10,000 looks long (counter/adder.hpp, finish).
# CXX: the compiler; CATCH2: what the linker needs for Catch2's main; WORK_DIR: where copies go.
set -euo pipefail
cd "$(dirname "$0")/../.."
CXX=${CXX:-c++}
CATCH2=${CATCH2:-/usr/lib/libCatch2WithMain.a}
WORK_DIR=${WORK_DIR:-build/mutants}
export LIVECOUNT_PERCENT=${LIVECOUNT_PERCENT:-20}  # of the executions that CI explores: the copies are not optimised
export LIVECOUNT_SEEDS=${LIVECOUNT_SEEDS:-20000}   # as CI

# name | header | test | what perl does to the whole header
mutants=$(
  cat <<'END'
dirty-mark-cleared-after-the-read | entry.hpp | interleave/batches | s/\(word & ~queued\) \| busy/word | busy/; s/(changes\.store\(0, std::memory_order_relaxed\);)/$1 word_.fetch_and(~queued);/
new-number-on-retry | counter/write_behind.hpp | interleave/batches | s/(fail\(report, error, result\.message\);)/$1 ++sequence_;/
evict-a-dirty-entry | entry.hpp | interleave/eviction | s/ \|\| count_of\(word\) != watermark\(\)//; s/Word clean = watermark\(\) \* unit/Word clean = count_of(word) * unit/
seal-without-compare-and-swap | entry.hpp | interleave/eviction | s/if \(replace_strong\(clean, watermark\(\) \* unit\)\) return true;/(void)clean; word_.store(watermark() * unit, std::memory_order_release); return true;/
flush-returns-before-the-last-batch | counter/write_behind.hpp | interleave/batches | s/    if \(!records_\.empty\(\) && !send\(report\)\) return;\n    report\.left/    report.left/
settled-on-an-unclear-answer | counter/write_behind.hpp | interleave/batches | s/result\.outcome == Outcome::applied/result.outcome != Outcome::not_applied/
merged-into-a-batch-in-flight | counter/write_behind.hpp | interleave/batches | s/    if \(!records_\.empty\(\) && !send\(report\)\) return;\n    for/    for/
frozen-in-a-loaders-hands | counter/write_behind.hpp | interleave/loading | s/return Entry::is_busy\(w\.entry->load\(\)\);/return w.entry == nullptr;/
wake-up-lost-by-the-queue | queue/jthread_queue.hpp | interleave/batches | s/(void notify\(Wake wake\) noexcept \{\n)    const std::lock_guard lock\(mutex_\);/$1/
wake-up-lost-by-waiters-for-room | counter/attempts.hpp | interleave/batches | s/(void add\(\) \{\n)    const std::lock_guard lock\(mutex_\);/$1/
evicted-while-pinned | cache/lock_free_cache.hpp | interleave/eviction | s/entry\.pins\.load\(std::memory_order_acquire\) == 0 && //
two-entries-for-one-name | cache/lock_free_cache.hpp | interleave/eviction | s/(Entry\* pin\(const HashedKey& key\) \{\n)    const std::lock_guard lock\(stripe\(tag_of\(key\.hash\)\)\);/$1/
periods-of-a-call-outside-the-gate | counter/core.hpp | interleave/batches | s/const Inside inside\(write_behind_\.gate\(name_hash\)\);/(void)write_behind_.gate(name_hash);/g
crossings-not-waited-for | counter/write_behind.hpp | interleave/batches | s/(return false;\n)    Epochs<Sync>::wait_for_crossings\(\);\n/$1/
crossings-beside-a-reset-not-waited-for | counter/write_behind.hpp | interleave/reset | s/(take_chain\(index\);\n)    Epochs<Sync>::wait_for_crossings\(\);\n/$1/
crossed-while-it-is-closed | counter/core.hpp | interleave/batches | s/write_behind_\.gate\(name_hash\)\.is_open\(guard\) && //
crossings-looked-for-without-a-barrier | detail/epoch.hpp | interleave/kernels | s/    barrier\(\);\n(    const auto crosses)/$1/
periods-of-a-call-past-the-range | counter/core.hpp | interleave/loading | s/if \(!fits\) \[\[unlikely\]\]/if (false)/
loaded-beside-an-add-past-the-range | entry.hpp | interleave/loading | s/while \(wait_for_range\(word, left\)\) continue;(\s*if \(!in_range\(count_of\(word\) \+ difference)/$1/
closer-does-not-wait | counter/gate.hpp | interleave/kernels | s/while \(gate_\.state_\.load\(std::memory_order_acquire\) != closed\) Sync::yield\(\);//
loaded-before-it-is-counted | entry.hpp | interleave/loading | s/(bool add_stored\(Count difference, State state\) noexcept \{\n)/$1    set_state(state);\n/
close-does-not-wait-for-calls | counter/lifetime.hpp | interleave/kernels | s/    while \(calls_\.load\(std::memory_order_seq_cst\) != 0\) wake\(\);\n//
freed-without-a-barrier | detail/epoch.hpp | interleave/kernels | s/if \(heavy\(\)\) Sync::heavy_barrier\(\);//
weak-leaving-of-a-gate | counter/gate.hpp | interleave/kernels | s/fetch_sub\(1, std::memory_order_release\)/fetch_sub(1, std::memory_order_relaxed)/
weak-leaving-of-an-epoch | detail/epoch.hpp | interleave/kernels | s/epoch\.store\(0, std::memory_order_release\)/epoch.store(0, std::memory_order_relaxed)/
weak-end-of-a-crossing | detail/epoch.hpp | interleave/kernels | s/record_->epoch\.store\(0, std::memory_order_release\)/record_->epoch.store(0, std::memory_order_relaxed)/
weak-look-at-a-gate | counter/gate.hpp | interleave/kernels | s/return \(state_\.load\(std::memory_order_acquire\)/return (state_.load(std::memory_order_relaxed)/
weak-bucket-clock | counter/bucket_clock.hpp | interleave/kernels | s/start\.load\(std::memory_order_acquire\)/start.load(std::memory_order_relaxed)/; s/until\.load\(std::memory_order_acquire\)/until.load(std::memory_order_relaxed)/; s/from\.load\(std::memory_order_acquire\)/from.load(std::memory_order_relaxed)/
weak-call-beside-close | counter/lifetime.hpp | interleave/kernels | s/lifetime_\.state_\.load\(std::memory_order_seq_cst\)/lifetime_.state_.load(std::memory_order_acquire)/
weak-publishing-of-an-entry | cache/lock_free_cache.hpp | interleave/eviction | s/std::memory_order_release,  \/\/ \(2\) pairs/std::memory_order_relaxed,  \/\/ (2) pairs/
new-version-before-counts-are-stale | counter/loader.hpp | interleave/loading | s/(generation_\.fetch_add\(1, std::memory_order_relaxed\);)\s*(version_\.store\(version, std::memory_order_release\);)/$2 $1/
looked-before-the-store-is-asked | counter/loader.hpp | interleave/loading | s/      looked_\.store\(now, std::memory_order_release\);\n//; s/(const std::uint64_t version = store_\.version\(\);)/looked_.store(now, std::memory_order_release); $1/
adds-beside-a-removal-not-waited-for | counter/write_behind.hpp | interleave/reset | s/change\.is_removal\(\) && !let_adds_mark/false && !let_adds_mark/
removed-without-a-new-generation | counter/write_behind.hpp | interleave/reset | s/entry\.set_generation\(\(entry\.generation\(\) \+ 1\) & Entry::last_generation\);//
stripes-filled-beside-a-freezing-not-marked | counter/write_behind.hpp | interleave/stripes | s/report\.left \|= mark_gathered\(before\);/(void)before;/
stripes-looked-at-without-a-barrier | counter/write_behind.hpp | interleave/stripes | s/    Epochs<Sync>::barrier\(\);\n//
others-stripes-folded-when-a-handle-goes | counter/core.hpp | interleave/stripes | s/write_behind_\.fold\(entry, name_hash, &stripe\)/write_behind_.fold(entry, name_hash)/
stripes-joined-without-an-order | counter/stripes.hpp | interleave/stripes | s/    \(void\)entry\.add\(0\);\n//
decrements-before-what-stripes-have-gathered | counter/core.hpp | interleave/stripes | s/if \(!forked\(\)\) fold_one\(entry, stripe, name_hash\);//; s/if \(delta < 0\) \[\[unlikely\]\]\s*fold/if (false) fold/g
folded-outside-the-lock | counter/stripes.hpp | interleave/stripes | s/if \(!all\.is_nothing\(\)\) f\(static_cast<Count>\(all\.sum\)\);/shard.mutex.unlock(); if (!all.is_nothing()) f(static_cast<Count>(all.sum)); shard.mutex.lock();/
stripes-filled-beside-a-removal-not-marked | counter/write_behind.hpp | interleave/stripes | s/\(void\)mark_gathered\(before\);//g
marked-before-what-is-folded-is-in-the-word | counter/write_behind.hpp | interleave/stripes | s/if \(Entry::is_queued\(entry\.add\(sum\)\)\) return;/if (Entry::is_queued(entry.load())) return void(entry.add(sum));/; s/(marked = !Entry::is_queued\(mark\(entry, name_hash\)\);)/$1 (void)entry.add(sum);/
weak-end-of-stripes | entry.hpp | interleave/stripes | s/\(marks_\.load\(std::memory_order_acquire\) & has_stripes\)/(marks_.load(std::memory_order_relaxed) & has_stripes)/
simulated-dirty-mark-cleared-after-the-read | entry.hpp | simulate/memory_store | s/\(word & ~queued\) \| busy/word | busy/; s/(changes\.store\(0, std::memory_order_relaxed\);)/$1 word_.fetch_and(~queued);/
simulated-log-of-before-the-fold | store/sqlite_log.hpp | simulate/sqlite_store | s/if \(folds != folds_\)/if (folds_ < 0)/
simulated-log-folded-and-kept | store/sqlite_log.hpp | simulate/sqlite_store | s/DELETE FROM livecount_log;//
simulated-decrement-beside-the-log | store/sqlite_writer.hpp | simulate/sqlite_store | s/    log_->fold\(\);\n//
simulated-buckets-let-go-beside-the-log | store/sqlite_writer.hpp | simulate/sqlite_store | s/    fold_log\(\);\n    raise_horizon/    raise_horizon/
simulated-new-number-on-retry | counter/write_behind.hpp | simulate/memory_store | s/(fail\(report, error, result\.message\);)/$1 ++sequence_;/
simulated-no-ledger-in-the-transaction | store/memory_store.hpp | simulate/memory_store | s/ledger\.sequence = batch\.sequence;//; s/batch\.sequence != ledger\.sequence \+ 1/false/
simulated-evict-a-dirty-entry | entry.hpp | simulate/memory_store | s/ \|\| count_of\(word\) != watermark\(\)//; s/\(word & \(live \| queued \| busy\)\) != live/!is_live(word)/; s/Word clean = watermark\(\) \* unit \| live \| busy/Word clean = word_.load()/
simulated-identity-used-again | counter/write_behind.hpp | simulate/memory_store | s/const std::uint64_t bits = Sync::random\(\);/const std::uint64_t bits = 42;/
simulated-sum-before-flooring | entry.hpp | simulate/memory_store | s/change\.low = change\.sum - window->lowest;/change.low = 0;/
simulated-folder-not-synced | store/file_writer.hpp | simulate/file_store | s/files_?\.sync_folder_of\([^;]*\);//g
simulated-acknowledged-before-the-write | store/file_store.hpp | simulate/file_store | s/ApplyResult result = writer_->append\(frame_, options_\.sync == FileSync::every_batch\);/if (!late_.empty()) (void)writer_->append(late_, true); late_ = frame_; ApplyResult result = Outcome::applied;/; s/std::string frame_; /std::string late_; std::string frame_; /
simulated-acknowledged-before-the-sync | store/file_store.hpp | simulate/file_store | s/append\(frame_, options_\.sync == FileSync::every_batch\)/append(frame_, false)/
simulated-snapshot-not-synced | store/file_snapshot.hpp | simulate/file_store | s/    file_->sync\(\);\n//
simulated-journal-goes-on-without-a-copy | store/file_writer.hpp | simulate/file_store | s/if \(!closed\) \{/if (!closed) { journal_ = std::move(journal); } else if (false) {/
simulated-settled-on-an-unclear-answer | counter/write_behind.hpp | simulate/memory_store | s/result\.outcome == Outcome::applied/result.outcome != Outcome::not_applied/
simulated-merged-into-a-batch-in-flight | counter/write_behind.hpp | simulate/memory_store | s/    if \(!records_\.empty\(\) && !send\(report\)\) return;\n    for/    for/
simulated-bound-not-kept | counter/room.hpp | simulate/memory_store | s/taken \+ marks > places_/false/
simulated-reset-beside-its-name-in-the-batch | counter/write_behind.hpp | simulate/memory_store | s/limits_\.max_batch \|\|\s*std::any_of/limits_.max_batch || false \&\& std::any_of/
simulated-reset-merged-into-a-batch-in-flight | counter/write_behind.hpp | simulate/memory_store | s/in_the_way = sent_ \|\|/in_the_way =/
simulated-reset-leaves-the-watermark | entry.hpp | simulate/memory_store | s/    set_watermark\(0\);\n//
simulated-reset-leaves-the-window | counter/write_behind.hpp | simulate/memory_store | s/    windows_\[name_hash % latches\]\.erase\(&entry\);\n//
simulated-reset-without-the-other-period | counter/write_behind.hpp | simulate/memory_store | s/freeze\(name, (std::remove_if\(name, waiting\.end\(\), itself\))\);\s*waiting\.erase\(name,/waiting.erase($1,/
simulated-taken-outside-the-window | counter/adder.hpp | simulate/memory_store | s/    if \(window\) note_decrement\(entry, \*window, Entry::count_of\(word\) - taken\);\n//
simulated-late-records-are-counted | store/memory_store.hpp | simulate/memory_store | s/horizons_\.keeps\(batch\.records\[i\]\.key\.bucket\) && !apply/!apply/
simulated-late-records-are-journalled | store/file_batch.hpp | simulate/file_store | s/      if \(!horizons\.keeps\(key\.bucket\)\) continue;\n//
simulated-late-records-not-taken-back | counter/write_behind.hpp | simulate/memory_store | s/take_back\(result\.late\)/take_back({})/
simulated-horizon-published-after-the-removal | counter/retainer.hpp | simulate/memory_store | s/    raise\(\{type, start\}\);/    coming_[index(type)] = start;/; s/(remove\(PeriodType type.*?first = )starts_\[index\(type\)\]\.load\(std::memory_order_relaxed\);\s*return first != Horizons::none && (store\.expire\(Bucket\{type, first\}, most\));/$1coming_[index(type)]; const bool more = first != 0 && $2; if (first != 0) raise({type, first}); return more;/s; s/(const Retention retention_;)/std::array<std::int64_t, 8> coming_{}; $1/
simulated-horizon-frame-not-replayed | store/file_recovery.hpp | simulate/file_store | s/    state_->horizons\.raise\(first\);\n//
simulated-gone-and-still-read | counter/core.hpp | simulate/memory_store | s/    if \(!retainer_\.keeps\(key\.key\.bucket\)\) return Errc::ok;\n//
simulated-a-minute-too-early | retention.hpp | simulate/memory_store | s/now\.seconds\(\) - of\(type\);/now.seconds();/
END
)

if [ "${1:-}" = --fit ]; then
  while IFS= read -r line; do
    read -r name header tests change < <(sed 's/ | / /; s/ | / /; s/ | / /' <<<"$line")
    if [ ! -e "tests/$tests.cpp" ] || perl -0pe "$change" "include/livecount/$header" | cmp -s - "include/livecount/$header"; then
      echo "$name: the change does not fit $header any more" >&2
      exit 1
    fi
  done <<<"$mutants"
  echo "$(wc -l <<<"$mutants") mutants fit"
  exit
fi

# Catch2 takes longer to compile than all else, so it is compiled once.
mkdir -p "$WORK_DIR/support"
cp tests/support/catch.hpp "$WORK_DIR/support/catch.hpp"
"$CXX" -std=c++20 -O0 -w -x c++-header "$WORK_DIR/support/catch.hpp" -o "$WORK_DIR/support/catch.hpp.gch"
lived=0
count=0
while IFS= read -r line; do
  read -r name header tests change < <(sed 's/ | / /; s/ | / /; s/ | / /' <<<"$line")
  if [ $# -gt 0 ] && [[ " $* " != *" $name "* ]]; then continue; fi
  count=$((count + 1))
  copy=$WORK_DIR/$name
  rm -rf "$copy"
  mkdir -p "$copy"
  cp -r include/livecount "$copy/livecount"
  perl -0pi -e "$change" "$copy/livecount/$header"
  if cmp -s "$copy/livecount/$header" "include/livecount/$header"; then
    echo "$name: the change does not fit $header any more" >&2
    exit 2
  fi
  # The copy stands first: each include of livecount finds it.
  # shellcheck disable=SC2086  # CATCH2 may be several words
  "$CXX" -std=c++20 -O0 -w -I"$WORK_DIR" -include support/catch.hpp -I"$copy" -Itests "tests/$tests.cpp" -o "$copy/test" $CATCH2 -lsqlite3
  started=$SECONDS
  status=0
  timeout 300 "$copy/test" --abort >"$copy/log" 2>&1 || status=$?
  if [ "$status" = 0 ] || [ "$status" = 124 ]; then
    echo "$name: LIVES$([ "$status" = 0 ] || echo ', as far as 300 s show')"
    lived=$((lived + 1))
  else
    law=$(grep -m1 -a -o 'broken: .*' "$copy/log" || echo "ended by a signal")
    found=$(grep -m1 -a -o 'FAILED after [0-9]*' "$copy/log" || grep -m1 -a -o 'after [0-9]* seeds' "$copy/log" || true)
    echo "$name: $tests, ${found/FAILED after/after executions:}, $((SECONDS - started)) s; $law"
  fi
  rm -rf "$copy/livecount" "$copy/test"
done <<<"$mutants"
echo "$((count - lived)) of $count mutants caught"
[ "$lived" = 0 ] && [ "$count" -gt 0 ]
