//! The rows of each task, gathered once: a ledger that is asked for one task is asked for others.
//!
//! Invariant: the same rows as a look at each of them gives, ascending. They are of columns that do not change any more.

/// See the head of this file.
pub(crate) struct Postings {
    /// Where the rows of each task end in `rows`.
    ends: Vec<u32>,
    rows: Vec<u32>,
}

impl Postings {
    /// Of the task of each row; there are `count` tasks. A number beyond belongs to none.
    pub(crate) fn new(tasks: &[u32], count: usize) -> Self {
        let mut ends = vec![0_u32; count];
        for &task in tasks {
            if let Some(rows) = ends.get_mut(task as usize) {
                *rows += 1;
            }
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += std::mem::replace(end, sum);
        }
        let mut rows = vec![0; sum as usize];
        for (row, &task) in (0..).zip(tasks) {
            // Each is the beginning of its task's rows until these are there.
            if let Some(end) = ends.get_mut(task as usize)
                && let Some(place) = rows.get_mut(*end as usize)
            {
                *place = row;
                *end += 1;
            }
        }
        Self { ends, rows }
    }

    /// The rows of a task.
    pub(crate) fn of(&self, task: u32) -> &[u32] {
        let end_of = |task: usize| self.ends.get(task).map_or(0, |&end| end as usize);
        let start = (task as usize).checked_sub(1).map_or(0, end_of);
        self.rows.get(start..end_of(task as usize)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Postings;

    #[test]
    fn the_rows_of_each_task_are_those_that_a_look_at_each_row_gives() {
        let tasks: Vec<u32> = (0..1000_u32).map(|row| row * row % 37).chain([u32::MAX, 40]).collect();
        let postings = Postings::new(&tasks, 41);
        for task in (0..43).chain([u32::MAX]) {
            let naive: Vec<u32> = (0..)
                .zip(&tasks)
                .filter(|&(_, &each)| each == task && task < 41)
                .map(|(row, _)| row)
                .collect();
            assert_eq!(postings.of(task), naive, "task {task}");
        }
    }
}
