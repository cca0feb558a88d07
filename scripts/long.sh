#!/bin/sh
# Tests that a person starts and that take as long as they are given. Each says how far it got; one that finds something
# wrong says what, with the seed, and ends with 1.
#   scripts/long.sh crash [KILLS]     random kills for each store (20000), then one at every system call of longer runs
#   scripts/long.sh faults [ROUNDS]   every fault of a file system, so many times (20)
#   scripts/long.sh power [CUTS]      power cuts for each store and file system (300); needs root
#   scripts/long.sh simulate [SEEDS]  simulations of all combinations together (1000000)
#   scripts/long.sh interleave [ROUNDS]  all scenarios, each round with ten times the executions of CI and other seeds (10)
#   scripts/long.sh fuzz [MINUTES]    each fuzz target for so long (10); needs clang
#   scripts/long.sh soak [MINUTES]    threads, a million names and a store that fails, in one process (120)
set -eu
cd "$(dirname "$0")/.."
bin=build/release/bin

usage() {
  sed -n '2,/^set/s/^#   //p' "$0" >&2
  exit 2
}

# build TARGET...
build() {
  scripts/bootstrap.sh
  mkdir -p build
  if ! { cmake --preset release && cmake --build --preset release --target "$@"; } >build/long.log 2>&1; then
    cat build/long.log >&2
    exit 1
  fi
}

# Runs a program; 77 means that this machine does not allow it, and its output says why.
try() {
  status=0
  "$@" || status=$?
  [ $status = 0 ] || [ $status = 77 ] || exit 1
}

crash() {
  build crash_writer crash_driver torn_write
  for store in sqlite file sqlite-normal file-interval file-never; do
    done=0
    while [ $done -lt "$1" ]; do
      try $bin/crash_driver random $store 1000
      done=$((done + 1000))
      echo "== $store: $done of $1 random kills"
    done
  done
  for store in sqlite file; do
    try $bin/crash_driver points $store 100
    try $bin/crash_driver torn $store 100
    echo "== $store: every system call and every write of runs of 100 updates"
  done
}

faults() {
  build crash_writer fault_driver torn_write
  round=0
  while [ $round -lt "$1" ]; do
    ctest --preset release -R '^faults[.]' || exit 1
    round=$((round + 1))
    echo "== $round of $1 rounds"
  done
}

power() {
  build crash_writer crash_driver
  for store in sqlite file sqlite-normal file-interval file-never; do
    done=0
    while [ $done -lt "$1" ]; do
      try $bin/crash_driver power $store 50
      done=$((done + 50))
      echo "== $store: $done of $1 power cuts on each file system"
    done
  done
}

simulate() {
  build test_simulate
  done=0
  while [ $done -lt "$1" ]; do
    LIVECOUNT_SEED=$((done + 1)) LIVECOUNT_SEEDS=100000 $bin/test_simulate || exit 1
    done=$((done + 100000))
    echo "== $done of $1 seeds"
  done
}

interleave() {
  build test_interleave
  round=0
  while [ $round -lt "$1" ]; do
    LIVECOUNT_SEED=$((round * 10000000 + 1)) LIVECOUNT_PERCENT=1000 $bin/test_interleave || exit 1
    round=$((round + 1))
    echo "== $round of $1 rounds"
  done
}

fuzz() {
  scripts/bootstrap.sh --clang
  mkdir -p build
  if ! { cmake --preset clang && cmake --build --preset clang --target fuzzers; } >build/long.log 2>&1; then
    cat build/long.log >&2
    exit 1
  fi
  for corpus in tests/fuzz/corpus/*; do
    name=${corpus##*/}
    found=build/fuzz/$name
    mkdir -p "$found"
    # What is found goes to build/fuzz; an input that breaks something, too, and its name is printed.
    if ! "build/clang/bin/fuzz_$name" -max_total_time=$(($1 * 60)) -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="$found-" "$found" "$corpus" >"$found.log" 2>&1; then
      grep -aE 'broken|ERROR|runtime error|Test unit written' "$found.log"
      exit 1
    fi
    echo "== $name: $(sed -n 's/^stat::number_of_executed_units: //p' "$found.log") inputs in $1 min"
  done
}

soak() {
  build soak
  $bin/soak "$1"
}

case ${1:-} in
  crash) crash "${2:-20000}" ;;
  faults) faults "${2:-20}" ;;
  power) power "${2:-300}" ;;
  simulate) simulate "${2:-1000000}" ;;
  interleave) interleave "${2:-10}" ;;
  fuzz) fuzz "${2:-10}" ;;
  soak) soak "${2:-120}" ;;
  *) usage ;;
esac
