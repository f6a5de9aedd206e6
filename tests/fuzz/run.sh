#!/usr/bin/env bash
# run.sh TARGET CORPUS SECONDS: fuzzes from a copy of the committed corpus; a crash is kept beside
# the binary and fails the run.
set -euo pipefail
target=$1 corpus=$2 seconds=$3
grown=$(mktemp -d)
trap 'rm -rf "$grown"' EXIT
"$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
  -artifact_prefix="$(dirname "$target")/" "$grown" "$corpus"
