//! The background threads of the fuzzer's process: one set for all inputs, as a process has one for all folders. A set
//! for each input would leave its threads behind, by the hundred.

use std::sync::{Arc, OnceLock};

use store::wait::Time;
use store::wait::background::Background;
use store::wait::system::SystemTimeAndThreads;

/// The threads, on the real clock.
pub fn background() -> &'static Arc<Background> {
    static BACKGROUND: OnceLock<Arc<Background>> = OnceLock::new();
    BACKGROUND.get_or_init(|| Background::new(SystemTimeAndThreads::new()))
}

/// The same threads beside a clock of the input's own. The threads stay on the real clock: on one that stands still,
/// an idle thread would never find its rest over.
#[allow(dead_code, reason = "each target uses its part")]
pub fn clocked(time: Arc<dyn Time>) -> Arc<Background> {
    let Background { timers, quick, long, patient, .. } = &**background();
    Arc::new(Background {
        time,
        timers: Arc::clone(timers),
        quick: Arc::clone(quick),
        long: Arc::clone(long),
        patient: Arc::clone(patient),
    })
}
