//! Threads that lend themselves to one simulated process after another: starting one anew for each would cost
//! more than the simulation.

use std::sync::mpsc::{Sender, channel};
use std::thread::{self, Thread};

type Task = Box<dyn FnOnce() + Send>;

/// The threads of one worker. They end when it is dropped.
#[derive(Default)]
pub(crate) struct Crew(Vec<(Thread, Sender<Task>)>);

impl Crew {
    /// The thread that plays the `at`-th process.
    pub(crate) fn thread(&mut self, at: usize) -> Thread {
        while self.0.len() <= at {
            let (sender, tasks) = channel::<Task>();
            let thread = thread::spawn(move || tasks.into_iter().for_each(|task| task()));
            self.0.push((thread.thread().clone(), sender));
        }
        self.0[at].0.clone()
    }

    pub(crate) fn send(&self, at: usize, task: Task) {
        self.0[at].1.send(task).expect("the thread catches all panics");
    }
}
