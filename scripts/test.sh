#!/usr/bin/env bash
# Configures, builds and tests presets of CMakePresets.json. Installs first what is missing.
#   scripts/test.sh             what CI runs: release, headers and tsan
#   scripts/test.sh --all       clang and asan, too: an hour and more on 2 cores
#   scripts/test.sh PRESET...   some of them, e.g. scripts/test.sh dev
# Ends with a line for each preset, and one for all: "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/.."

[ $# -gt 0 ] || set -- release headers tsan
[ "$1" != --all ] || set -- release headers tsan clang asan
case " $* " in
  *" clang "*) scripts/bootstrap.sh --clang ;;
  *) scripts/bootstrap.sh ;;
esac
echo "Testing the presets: $*"
mkdir -p build

summary=()
passed=0
failed=0
for preset in "$@"; do
  log=build/$preset.log
  started=$SECONDS
  echo "== $preset"
  status=0
  cmake --workflow --preset "$preset" 2>&1 | tee "$log" || status=$?

  # "98% tests passed, 1 tests failed out of 50": those skipped are among the 50, those disabled are not
  total=$(sed -n 's/.* tests failed out of \([0-9]*\)$/\1/p' "$log" | tail -n 1)
  bad=$(sed -n 's/.* tests passed, \([0-9]*\) tests failed out of .*/\1/p' "$log" | tail -n 1)
  skipped=$(grep -c '\*\*\*Skipped' "$log" || true)
  if [ -z "$total" ]; then
    summary+=("$preset: did not build")
    failed=$((failed + 1))
    continue
  fi
  if [ "$status" != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
  disabled=$(grep -c '\*\*\*Not Run (Disabled)' "$log" || true)
  good=$((total - bad - skipped))
  passed=$((passed + good))
  failed=$((failed + bad))
  summary+=("$preset: $good passed, $bad failed, $((skipped + disabled)) skipped, $((SECONDS - started)) s")
done

echo
printf '%s\n' "${summary[@]}"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
