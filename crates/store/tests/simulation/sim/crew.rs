//! Operating-system threads that lend themselves to one simulated thread after another: starting one anew for each
//! would cost more than the simulation.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Thread};

type Task = Box<dyn FnOnce() + Send>;
type Idle = Arc<Mutex<Vec<(Thread, Sender<Task>)>>>;

/// The threads of one worker. They end when it is dropped.
#[derive(Clone, Default)]
pub(crate) struct Crew(Idle);

impl Crew {
    /// Has `task` done by some thread; returns which. The task must catch its panics.
    pub(crate) fn lend(&self, task: Task) -> Thread {
        let idle = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let (thread, sender) = idle.unwrap_or_else(|| {
            let (sender, tasks) = channel::<Task>();
            let thread = thread::spawn(move || tasks.into_iter().for_each(|task| task()));
            (thread.thread().clone(), sender)
        });
        let (crew, lent) = (Arc::downgrade(&self.0), (thread.clone(), sender.clone()));
        let task = Box::new(move || {
            task();
            if let Some(idle) = crew.upgrade() {
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(lent);
            }
        });
        sender.send(task).expect("the thread waits for tasks");
        thread
    }
}
