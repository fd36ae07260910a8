#!/usr/bin/env bash
# Runs each fuzz target: npm run fuzz, or bash scripts/fuzz.sh [SECONDS for each target, 60 by default].
#
# The sanitizers need a nightly compiler. `cargo +nightly` overrules rust-toolchain.toml, which keeps all else on
# stable. What is missing is installed: a nightly toolchain, and cargo-fuzz at the version below.
# Exit status: 1 a target failed, its input is in fuzz/artifacts; 2 wrong usage; 3 the tools cannot be installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=0.13.2
seconds=${1:-60}
if ! [[ $seconds =~ ^[1-9][0-9]*$ ]]; then
  echo "Usage: bash scripts/fuzz.sh [SECONDS]" >&2
  exit 2
fi
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"

unavailable() {
  printf 'Not fuzzed: %s\n' "$1" >&2
  exit 3
}

if ! cargo +nightly --version >/dev/null 2>&1; then
  command -v rustup >/dev/null || unavailable 'there is no nightly Rust, and no rustup to install it.'
  rustup toolchain install nightly --profile minimal ||
    unavailable 'rustup cannot install a nightly Rust (is static.rust-lang.org reachable?).'
fi
if [ "$(cargo fuzz --version 2>/dev/null)" != "cargo-fuzz $version" ]; then
  cargo install cargo-fuzz --version "$version" --locked --quiet ||
    unavailable "cargo-fuzz $version cannot be installed (are the crates reachable?)."
fi

# cargo-fuzz has no --locked. This fails if Cargo.lock does not fit, and has everything at hand for the build.
cargo +nightly fetch --locked --manifest-path fuzz/Cargo.toml
cargo +nightly fuzz build

status=0
for target in $(cargo +nightly fuzz list); do
  printf '\n---- %s, %s s\n' "$target" "$seconds"
  # Inputs are small, so memory that grows is a fault.
  if ! cargo +nightly fuzz run "$target" -- -max_total_time="$seconds" -timeout=20 -malloc_limit_mb=64 \
    -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 -print_funcs=0; then
    status=1
  fi
done
exit "$status"
