#!/usr/bin/env bash
# Fuzzes each target until it has run as often as its goal says, one at a time on one core.
#
#   fuzz/campaign.sh DIR                    all targets, in turns of ten minutes
#   fuzz/campaign.sh DIR codec merge        these only
#   MINUTES=60 fuzz/campaign.sh DIR         for so long at most
#   GOAL=5000000 fuzz/campaign.sh DIR       another goal for each
#   fuzz/campaign.sh --table DIR            prints what was done so far
#
# DIR keeps corpus, logs and counts: the same command goes on where it stopped, by Ctrl-C too, with
# the target that is least along. One that finds something stops and is listed; its input lies in
# DIR/<target>/found, and the target goes on once that is mended and taken away.
set -euo pipefail
case "${1:-}" in
  --table) state="$(realpath -m "${2:?}")" ;;
  *) state="$(realpath -m "${1:?names no directory}")" ;;
esac
cd "$(dirname "$0")"

# target, goal, longest input
targets() {
  cat <<'END'
directory      500000   128
stateful       500000   128
skeleton      2500000   128
split         3000000   256
frame_scan    5000000   256
payload       5000000   128
manifest     20000000   128
codec        35000000   192
merge        25000000    96
tree         30000000   128
langfuse     75000000   512
END
}

TURN_SECONDS="${TURN_SECONDS:-600}"

# value DIR NAME: a number that was kept, 0 before.
value() {
  cat "$1/$2" 2>/dev/null || echo 0
}

# files DIR: how many there are in it.
files() {
  find "$1" -type f 2>/dev/null | wc -l
}

table() {
  local target goal len dir runs seconds sum=0
  printf '| target | executions | goal | a second | cov | ft | corpus | found |\n'
  printf '|---|--:|--:|--:|--:|--:|--:|--:|\n'
  while read -r target goal len; do
    dir="$state/$target" runs="$(value "$state/$target" runs)"
    seconds="$(value "$dir" seconds)" sum="$((sum + runs))"
    printf '| %s | %s | %s | %s | %s | %s | %s | %s |\n' "$target" "$runs" "${GOAL:-$goal}" \
      "$((seconds > 0 ? runs / seconds : 0))" "$(value "$dir" cov)" "$(value "$dir" ft)" \
      "$(files "$dir/corpus")" "$(files "$dir/found")"
  done < <(targets)
  printf '%d executions in all\n' "$sum"
}

# turn TARGET GOAL LEN SECONDS: one turn of so many seconds at most. Choosing inputs by how rare is
# what they reach (-entropic) takes longer than a run where that is ten thousand places.
turn() {
  local dir="$state/$1" goal="$2" runs start="$SECONDS" log more what
  mkdir -p "$dir/corpus" "$dir/found"
  runs="$(value "$dir" runs)" log="$dir/log.$(date +%s)"
  printf '%s: %s of %s\n' "$1" "$runs" "$goal"
  "$state/bin/$1" "$dir/corpus" "corpus/$1" -runs="$((goal - runs))" -max_total_time="$4" \
    -max_len="$3" -entropic=0 -timeout=10 -rss_limit_mb=1024 -reload=0 -print_final_stats=1 \
    -report_slow_units=100000 -artifact_prefix="$dir/found/" >"$log" 2>&1 </dev/null || tail -n 40 "$log"
  more="$(awk '/number_of_executed_units/ { n = $2 } END { print n + 0 }' "$log")"
  if [ "$more" = 0 ]; then
    echo "$1 did not run: see $log"
    exit 1
  fi
  echo "$((runs + more))" >"$dir/runs"
  echo "$(($(value "$dir" seconds) + SECONDS - start))" >"$dir/seconds"
  for what in cov ft; do
    grep -o " $what: [0-9]*" "$log" | tail -n 1 | grep -o '[0-9]*' >"$dir/$what" || true
  done
  find "$dir" -maxdepth 1 -name 'log.*' | sort | head -n -3 | xargs -r rm
}

if [ "${1:-}" = --table ]; then
  table
  exit
fi
shift
only=" $* "
wanted() { [ "$only" = '  ' ] || [[ "$only" == *" $1 "* ]]; }

# The target that is least along, of those that have more to do and found nothing: how far in
# hundredths of a percent, its name, its goal, its longest input.
next() {
  local target goal len runs
  while read -r target goal len; do
    goal="${GOAL:-$goal}" runs="$(value "$state/$target" runs)"
    wanted "$target" || continue
    if [ "$runs" -lt "$goal" ] && [ "$(files "$state/$target/found")" = 0 ]; then
      echo "$((runs * 10000 / goal)) $target $goal $len"
    fi
  done < <(targets) | sort -s -k1,1n | sed -n 1p
}

end="$((${MINUTES:-1000000} * 60))"
cargo fuzz build --sanitizer=none
mkdir -p "$state/bin"
host="$(rustc -vV | sed -n 's/^host: //p')"
while read -r target _; do
  cp -f "target/$host/release/$target" "$state/bin/"
done < <(targets)
git rev-parse HEAD >>"$state/commits"

# The fuzzer has the signal, too, and says how far it came.
trap 'end=0' INT TERM
while left="$((end - SECONDS))" && [ "$left" -gt 0 ] &&
  read -r _ target goal len < <(next); do
  turn "$target" "$goal" "$len" "$((left < TURN_SECONDS ? left : TURN_SECONDS))"
done
table
[ -z "$(find "$state"/*/found -type f 2>/dev/null)" ]
