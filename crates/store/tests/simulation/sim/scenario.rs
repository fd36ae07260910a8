//! What processes do in a run, drawn from the seed within what a scenario allows.

use super::chaos::Allowed;
use super::random::Random;
use super::world::ThreadStarts;

/// One thing that a process does.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// Appends events in one call; each number makes one event that much longer.
    Append(Vec<usize>),
    /// `logEvent`: accepted at once, or by the next flush.
    Log(Vec<usize>),
    Flush,
    Compact {
        keep: usize,
    },
    /// `writeAll`.
    Replace(Vec<usize>),
    /// A ledger's `save()` of what it read and of fresh events.
    Save(Vec<usize>),
    Read,
    Totals,
    /// Takes the user-level lock, works, gives it back.
    Hold,
    /// Ships what waits to a shared store.
    Ship,
    /// Follows the log for so many looks, from where the last one stopped.
    Follow {
        looks: usize,
    },
    /// Closes the store and opens it again.
    Reopen,
}

/// The kinds of [`Deed`], to be weighted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wish {
    Append,
    Log,
    Flush,
    Compact,
    Replace,
    Save,
    Read,
    Totals,
    Hold,
    Ship,
    Follow,
    Reopen,
}

/// One family of runs.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent traits of a family")]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// `durability: 'disk'`.
    pub(crate) durable: bool,
    /// Most processes of ours at once.
    pub(crate) writers: usize,
    /// Most processes of the original module at once.
    pub(crate) peers: usize,
    /// What ours do, each as often as it is named.
    pub(crate) wishes: &'static [Wish],
    /// What the original does: [`Wish::Append`], [`Wish::Compact`] and [`Wish::Save`].
    pub(crate) peer_wishes: &'static [Wish],
    pub(crate) allowed: Allowed,
    /// How many generations of processes follow each other on the folder, at most.
    pub(crate) rounds: usize,
    /// Logs that begin with half a line or with malformed lines, or a folder that is missing.
    pub(crate) odd_starts: bool,
    /// The system cannot tell who has a file open.
    pub(crate) no_leases: bool,
    /// Whether threads can be started.
    pub(crate) thread_starts: ThreadStarts,
    /// Compactions evict into an archive, and readers read both.
    pub(crate) archives: bool,
}

impl Scenario {
    /// Two processes that append, and nothing else; the others are made of this one.
    pub(crate) const PLAIN: Self = Self {
        name: "plain",
        durable: false,
        writers: 3,
        peers: 0,
        wishes: &[Wish::Append, Wish::Append, Wish::Append, Wish::Totals, Wish::Read, Wish::Reopen],
        peer_wishes: &[],
        allowed: Allowed {
            errors: false,
            shorts: false,
            kills: false,
            cuts: false,
            pauses: false,
            slow: false,
        },
        rounds: 2,
        odd_starts: true,
        no_leases: false,
        thread_starts: ThreadStarts::Always,
        archives: false,
    };

    /// Whether the original rewrites the log, which loses what it does not look for.
    pub(crate) fn peers_rewrite(&self) -> bool {
        self.peers > 0 && self.peer_wishes.iter().any(|wish| matches!(wish, Wish::Compact | Wish::Save))
    }

    /// Whether the folder ships to a shared store.
    pub(crate) fn ships(&self) -> bool {
        self.wishes.contains(&Wish::Ship)
    }

    /// One generation: what each of our processes does, then what each of the original's does.
    pub(crate) fn draw(&self, random: &mut Random) -> (Vec<Vec<Deed>>, Vec<Vec<Deed>>) {
        let longest = random.pick(&[1, 2, 2, 4]);
        let ours = random.between(1, self.writers);
        let peers = if self.peers > 0 { random.between(1, self.peers) } else { 0 };
        let mut script = |wishes: &[Wish]| {
            (0..random.between(1, longest)).map(|_| deed(random.pick(wishes), random)).collect::<Vec<_>>()
        };
        let ours = (0..ours).map(|_| script(self.wishes)).collect();
        let peers = (0..peers).map(|_| script(self.peer_wishes)).collect();
        (ours, peers)
    }
}

impl Allowed {
    /// Whether half lines can come about.
    pub(crate) fn tears(self) -> bool {
        self.kills || self.cuts || self.errors || self.shorts
    }
}

fn deed(wish: Wish, random: &mut Random) -> Deed {
    let most = random.pick(&[1, 1, 2, 5]);
    let events = (0..random.between(1, most)).map(|_| random.pick(&[0, 0, 0, 7, 300, 900, 5000])).collect();
    match wish {
        Wish::Append => Deed::Append(events),
        Wish::Log => Deed::Log(events),
        Wish::Flush => Deed::Flush,
        Wish::Compact => Deed::Compact { keep: random.below(5) },
        Wish::Replace => Deed::Replace(events),
        Wish::Save => Deed::Save(events),
        Wish::Read => Deed::Read,
        Wish::Totals => Deed::Totals,
        Wish::Hold => Deed::Hold,
        Wish::Ship => Deed::Ship,
        Wish::Follow => Deed::Follow { looks: random.between(1, 12) },
        Wish::Reopen => Deed::Reopen,
    }
}
