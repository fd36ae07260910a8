//! The brackets around a place in a JSON text, a bit for each.
//!
//! This is what a parser by recursion keeps on the call stack. A line may be nested as deeply as it is long, and an
//! overflow of the call stack cannot be caught.

/// The open brackets: a bit for each, 1 for an object, 0 for an array. The innermost 64 or fewer are in `near`, lowest
/// bit innermost; those further out are in `far`, 64 to a word. As many bits of `near` count as `depth` leaves over.
#[derive(Debug, Default)]
pub(super) struct Nesting {
    near: u64,
    depth: usize,
    far: Vec<u64>,
}

impl Nesting {
    #[inline]
    pub(super) fn clear(&mut self) {
        self.depth = 0;
        self.far.clear();
    }

    #[inline]
    pub(super) fn enter(&mut self, object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.far.push(self.near);
        }
        self.near = self.near << 1 | u64::from(object);
        self.depth += 1;
    }

    /// Must not be called when nothing is open.
    #[inline]
    pub(super) fn leave(&mut self) {
        self.near >>= 1;
        self.depth -= 1;
        if self.depth > 0
            && self.depth.is_multiple_of(64)
            && let Some(near) = self.far.pop()
        {
            self.near = near;
        }
    }

    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.depth > 0
    }

    /// Whether the innermost bracket is an object's.
    #[inline]
    pub(super) fn in_object(&self) -> bool {
        self.near & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_a_stack_of_bools() {
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let (mut nesting, mut naive) = (Nesting::default(), Vec::new());
        let mut deepest = 0;
        for step in 0..100_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            // Long climbs and long falls, across the borders of several words.
            let climbing = step / 500 % 2 == 0;
            if state % 10 < if climbing { 8 } else { 2 } {
                nesting.enter(state & 1024 == 0);
                naive.push(state & 1024 == 0);
            } else if naive.pop().is_some() {
                nesting.leave();
            }
            deepest = deepest.max(naive.len());
            assert_eq!(nesting.is_open(), !naive.is_empty());
            if let Some(&object) = naive.last() {
                assert_eq!(nesting.in_object(), object, "step {step}");
            }
        }
        assert!(deepest > 200);
        (0..100).for_each(|_| nesting.enter(true));
        nesting.clear();
        assert!(!nesting.is_open() && nesting.far.is_empty());
    }
}
