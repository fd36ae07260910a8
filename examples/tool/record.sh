#!/bin/sh
# Runs a command and records how it went:
#
#     examples/tool/record.sh TASK COMMAND [ARGUMENT…]
#
# GUIDANCE_LEDGER names the executable (`npx guidance-ledger which` prints its path).
set -u
ledger=${GUIDANCE_LEDGER:-guidance-ledger}
task=$1
shift

start=$(date +%s)
"$@"
status=$?
outcome=--accepted
[ "$status" -eq 0 ] || outcome=--rejected

# What cannot be recorded is no reason to fail the command.
"$ledger" record --task "$task" --tool "$(basename "$1")" "$outcome" --duration "$(($(date +%s) - start))s" \
  --set "exitCode=$status" || true
exit "$status"
