//! What goes wrong, and when: by chance, or at one chosen call.

use std::time::Duration;

use super::errno::{EACCES, EIO, EMFILE, ENOSPC, EROFS, Errno};
use super::image::Medium;
use super::random::Random;

/// What a storage call does, as far as its failures differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    OpenToRead,
    OpenToWrite,
    Stat,
    Read,
    Write,
    Resize,
    Sync,
    SetMode,
    Lock,
    Unlock,
    Lease,
    Link,
    Rename,
    Remove,
    List,
    CreateFolder,
    SyncFolder,
    Sleep,
}

impl Kind {
    /// The errors that this call can meet.
    pub(crate) fn errors(self) -> &'static [Errno] {
        match self {
            Self::OpenToRead => &[EMFILE, EACCES, EIO],
            Self::OpenToWrite => &[EMFILE, EACCES, EIO, ENOSPC, EROFS],
            Self::Stat => &[EIO, EACCES],
            Self::Read | Self::Sync | Self::Lock | Self::Unlock | Self::Lease => &[EIO],
            Self::Write | Self::Resize => &[ENOSPC, EIO],
            Self::SetMode => &[EACCES, EIO],
            Self::Link | Self::Rename | Self::CreateFolder => &[ENOSPC, EIO, EACCES, EROFS],
            Self::Remove => &[EIO, EACCES, EROFS],
            Self::List | Self::SyncFolder => &[EMFILE, EIO],
            Self::Sleep => &[],
        }
    }
}

/// How far the call got before its process died.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Moment {
    Before,
    /// A part of the bytes was written; calls other than writes are done or not done.
    Torn,
    After,
}

impl Moment {
    pub(crate) const ALL: [Self; 3] = [Self::Before, Self::Torn, Self::After];
}

/// One thing that goes wrong at one call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// The call fails and has done nothing.
    Error(Errno),
    /// A write takes only a part of the bytes.
    Short,
    /// `kill -9` of the calling process.
    Kill(Moment),
    /// Power cut: every process dies, and the medium keeps what it must.
    Cut(Moment, Medium),
    /// The calling process is stopped for a while (`SIGSTOP`).
    Pause(Duration),
    /// The call takes that long.
    Slow(Duration),
    /// The disk fills up with this call and has room again a number of calls later.
    DiskFull { calls: u64 },
    /// The disk refuses all changes for a number of calls.
    ReadOnly { calls: u64 },
}

/// What a scenario allows to go wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "things that a scenario allows or not")]
pub(crate) struct Allowed {
    pub(crate) errors: bool,
    pub(crate) shorts: bool,
    pub(crate) kills: bool,
    pub(crate) cuts: bool,
    pub(crate) pauses: bool,
    /// An fsync may take up to a second.
    pub(crate) slow: bool,
}

impl Allowed {
    pub(crate) const NOTHING: Self =
        Self { errors: false, shorts: false, kills: false, cuts: false, pauses: false, slow: false };
    pub(crate) const FAULTS: Self = Self { errors: true, shorts: true, ..Self::NOTHING };
    pub(crate) const KILLS: Self = Self { shorts: true, kills: true, pauses: true, ..Self::NOTHING };
    /// All but slow fsyncs.
    pub(crate) const STORM: Self = Self { errors: true, cuts: true, ..Self::KILLS };
}

/// When things go wrong.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    Quiet,
    /// Each call with a chance of one in `one_in`, as long as `budget` lasts.
    Chance {
        allowed: Allowed,
        one_in: usize,
        budget: usize,
    },
    /// At the given call, counted from 0. A sticky error then meets all later calls of that kind too.
    At {
        call: u64,
        fault: Fault,
        sticky: bool,
    },
}

impl Plan {
    /// A plan by chance, of a severity that is drawn too.
    pub(crate) fn draw(allowed: Allowed, random: &mut Random) -> Self {
        if allowed == Allowed::NOTHING || random.one_in(8) {
            return Self::Quiet;
        }
        Self::Chance { allowed, one_in: random.pick(&[10, 25, 60, 120]), budget: random.between(1, 4) }
    }
}

/// Decides at each call.
#[derive(Clone, Debug)]
pub(crate) struct Chaos {
    pub(crate) plan: Plan,
    random: Random,
    stuck: Option<(Kind, Errno)>,
    /// Faults so far. While it is 0, no engine call has an excuse to fail.
    pub(crate) faults: u64,
}

impl Chaos {
    pub(crate) fn new(plan: Plan, random: Random) -> Self {
        Self { plan, random, stuck: None, faults: 0 }
    }

    pub(crate) fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// The fault that meets call number `call`, if any.
    pub(crate) fn next(&mut self, call: u64, kind: Kind, bytes: usize) -> Option<Fault> {
        let fault = match &mut self.plan {
            Plan::Quiet => None,
            Plan::Chance { allowed, one_in, budget } => {
                if *budget == 0 || !self.random.one_in(*one_in) {
                    return None;
                }
                let fault = draw(*allowed, kind, bytes, &mut self.random);
                *budget -= usize::from(fault.is_some());
                fault
            }
            Plan::At { call: at, fault, sticky } => {
                if let (true, Fault::Error(errno)) = (*at == call && *sticky, *fault) {
                    self.stuck = Some((kind, errno));
                }
                match self.stuck {
                    Some((stuck, errno)) if stuck == kind => Some(Fault::Error(errno)),
                    _ => (*at == call).then_some(*fault),
                }
            }
        };
        self.faults += u64::from(fault.is_some());
        fault
    }
}

fn draw(allowed: Allowed, kind: Kind, bytes: usize, random: &mut Random) -> Option<Fault> {
    let mut faults = Vec::with_capacity(8);
    let errors = kind.errors();
    if allowed.errors && !errors.is_empty() {
        faults.push(Fault::Error(random.pick(errors)));
        let calls = random.between(1, 30) as u64;
        if matches!(kind, Kind::Write) {
            faults.push(Fault::DiskFull { calls });
        } else if errors.contains(&EROFS) {
            faults.push(Fault::ReadOnly { calls });
        }
    }
    if allowed.shorts && bytes > 1 {
        faults.push(Fault::Short);
    }
    let moment = random.pick(&Moment::ALL);
    if allowed.kills {
        faults.push(Fault::Kill(moment));
    }
    if allowed.cuts {
        faults.push(Fault::Cut(moment, random.pick(&Medium::ALL)));
    }
    if allowed.pauses {
        // Seldom longer than anybody should wait: those who do take many turns.
        let long = if random.one_in(8) { 40_000 } else { 60 };
        faults.push(Fault::Pause(Duration::from_micros(random.pick(&[300, 8_000, 400_000, long * 1000]))));
    }
    if allowed.slow && kind == Kind::Sync {
        faults.push(Fault::Slow(Duration::from_millis(random.pick(&[5, 300, 1000]))));
    }
    if faults.is_empty() { None } else { Some(random.pick(&faults)) }
}
