//! Tells the linker how Node loads this library.

fn main() {
    napi_build::setup();
}
