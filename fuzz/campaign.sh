#!/usr/bin/env bash
# Fuzzes each target until it has run as often as its goal says, one after the other on one core.
#
#   fuzz/campaign.sh DIR                    all targets, in turns of ten minutes
#   fuzz/campaign.sh DIR codec merge        these only
#   GOAL=5000000 fuzz/campaign.sh DIR       another goal for each
#   fuzz/campaign.sh --table DIR            prints what was done so far
#
# DIR keeps corpus, logs and counts: the same command goes on where it stopped, by Ctrl-C too.
# A target that finds something stops and is listed; its input lies in DIR/<target>/found.
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
frame_scan    2000000   256
manifest      2000000   128
skeleton      2000000   128
payload       2000000   128
split         2000000   256
codec        40000000   192
merge        30000000    96
tree         35000000   128
langfuse     90000000   512
END
}

TURN_SECONDS="${TURN_SECONDS:-600}"

# value DIR NAME: a number that was kept, 0 before.
value() {
  cat "$1/$2" 2>/dev/null || echo 0
}

table() {
  local target goal len dir runs seconds
  printf '| target | executions | a second | cov | ft | corpus | found |\n|---|--:|--:|--:|--:|--:|--:|\n'
  while read -r target goal len; do
    dir="$1/$target"
    runs="$(value "$dir" runs)" seconds="$(value "$dir" seconds)"
    printf '| %s | %s | %s | %s | %s | %s | %s |\n' "$target" "$runs" \
      "$((seconds > 0 ? runs / seconds : 0))" "$(value "$dir" cov)" "$(value "$dir" ft)" \
      "$(find "$dir/corpus" -type f 2>/dev/null | wc -l)" \
      "$(find "$dir/found" -type f 2>/dev/null | wc -l)"
  done < <(targets)
  for target in "$1"/*/runs; do cat "$target"; done |
    awk '{ sum += $1 } END { printf "%d executions in all\n", sum }'
}

# turn DIR TARGET GOAL LEN: one turn; false where the target is done or has found something.
turn() {
  local dir="$1/$2" goal="$3" len="$4" runs start log
  runs="$(value "$dir" runs)"
  [ "$runs" -lt "$goal" ] && [ -z "$(find "$dir/found" -type f 2>/dev/null)" ] || return 1
  mkdir -p "$dir/corpus" "$dir/found"
  log="$dir/log.$(date +%s)" start="$SECONDS"
  printf '%s: %s of %s\n' "$2" "$runs" "$goal"
  "$1/bin/$2" "$dir/corpus" "corpus/$2" -runs="$((goal - runs))" \
    -max_total_time="$TURN_SECONDS" -max_len="$len" -timeout=10 -rss_limit_mb=1024 \
    -reload=0 -print_final_stats=1 -artifact_prefix="$dir/found/" >"$log" 2>&1 </dev/null || tail -n 40 "$log"
  echo "$((runs + $(awk '/number_of_executed_units/ { n = $2 } END { print n + 0 }' "$log")))" \
    >"$dir/runs"
  echo "$(($(value "$dir" seconds) + SECONDS - start))" >"$dir/seconds"
  for what in cov ft; do
    grep -o " $what: [0-9]*" "$log" | tail -n 1 | grep -o '[0-9]*' >"$dir/$what" || true
  done
  find "$dir" -name 'log.*' | sort | head -n -3 | xargs -r rm
}

if [ "${1:-}" = --table ]; then
  table "$state"
  exit
fi
shift
only=" $* "
wanted() { [ "$only" = '  ' ] || [[ "$only" == *" $1 "* ]]; }
cargo fuzz build --sanitizer=none
mkdir -p "$state/bin"
host="$(rustc -vV | sed -n 's/^host: //p')"
while read -r target _; do
  wanted "$target" && cp -f "target/$host/release/$target" "$state/bin/"
done < <(targets)
git rev-parse HEAD >"$state/commit"

again=yes
while [ "$again" = yes ]; do
  again=no
  while read -r target goal len; do
    wanted "$target" || continue
    turn "$state" "$target" "${GOAL:-$goal}" "$len" && again=yes
  done < <(targets)
done
table "$state"
[ -z "$(find "$state"/*/found -type f 2>/dev/null)" ]
