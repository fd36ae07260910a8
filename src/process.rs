//! What the addon has once per process, for all worker threads: the engine's threads and its stores.

use std::sync::{Arc, LazyLock};

use store::disk::folder::RealFolder;
use store::registry::Registry;
use store::wait::background::Background;
use store::wait::system::SystemTimeAndThreads;

static REGISTRY: LazyLock<Arc<Registry>> = LazyLock::new(|| {
    let background = Background::new(SystemTimeAndThreads::new());
    Registry::new(&background, Box::new(|path| Arc::new(RealFolder::new(path))))
});

/// The stores of this process.
pub(crate) fn registry() -> &'static Arc<Registry> {
    &REGISTRY
}

/// The engine's threads.
pub(crate) fn background() -> &'static Arc<Background> {
    REGISTRY.background()
}
