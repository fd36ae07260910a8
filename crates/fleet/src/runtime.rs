//! Where futures run, and how they wait.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use crate::error::{Code, Error, Result};

/// How often it is looked whether work was asked to end.
const HEED: Duration = Duration::from_millis(100);

/// Runs a future on a runtime of its own, of this thread alone. What it started and left behind, a name that is still
/// being looked up, is not waited for.
///
/// # Errors
/// [`Code::Local`] if the system refuses what a runtime needs.
pub fn run<T>(future: impl Future<Output = T>) -> Result<T> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(|error| {
            Error::new(Code::Local, format!("the system refuses sockets: {}", error.kind()))
        })?;
    let result = runtime.block_on(future);
    runtime.shutdown_background();
    Ok(result)
}

/// Waits, on the runtime of [`run`].
pub async fn pause(span: Duration) {
    tokio::time::sleep(span).await;
}

/// What the work gives; `None` if it was asked to end first.
pub async fn unless<T>(stop: &(impl Fn() -> bool + ?Sized), work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut asked = pin!(async {
        while !stop() {
            tokio::time::sleep(HEED).await;
        }
    });
    poll_fn(|context| {
        if asked.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        work.as_mut().poll(context).map(Some)
    })
    .await
}
