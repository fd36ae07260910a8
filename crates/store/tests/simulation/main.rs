//! Stores on a simulated disk, in processes that a seed schedules.

mod archive;
mod crash;
mod faults;
mod follow;
mod model;
mod selftest;
mod shipping;
mod sim;
mod waiting;
