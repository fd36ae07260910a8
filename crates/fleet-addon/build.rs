//! Passes the linker what it needs to know of how Node loads this library.

fn main() {
    napi_build::setup();
}
