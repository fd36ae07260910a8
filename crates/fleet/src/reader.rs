//! Reading a ledger in the order of time, from all machines.
//!
//! Pages are keyset pages over the primary key, each a statement of its own: no transaction stays open, so poolers,
//! standbys and the server's housekeeping are not in the way. Within one millisecond events come in the order of their
//! batches, so those of one log stay in its order; a page's last millisecond is held back until it is complete.
//!
//! Events of a folder that were not shipped yet are put among the others: a machine sees its own events in any case.
//!
//! Invariant: an event that is there during the whole reading is given out once. Of events of one millisecond with the
//! same id, the newest revision alone is given out: an edit that `save()` wrote replaces what it edited.

use std::collections::{HashMap, HashSet};

use event::identity::event_key;
use event::line::{Event, Line, Scanner, Task};
use uuid::Uuid;

use crate::connection::{Connection, Parameter, Type, field};
use crate::error::{Code, Error, Result};
use crate::identity::{At, Identity, number_of_task};
use crate::protocol::Ledger;

/// Bytes that a page should have.
const PAGE: usize = 1 << 20;
/// Fewest and most rows of a page.
const ROWS: (i64, i64) = (16, 2000);
/// Of the first page, whose events may be of any size.
const FIRST_ROWS: i64 = 1000;

/// What is wanted; all of it by default.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Wanted {
    /// From this time on, in milliseconds since 1970. Then events without a time are not wanted.
    pub from: Option<f64>,
    /// Up to this time, inclusive. Then events without a time are not wanted.
    pub until: Option<f64>,
    /// Of this task, in WTF-8.
    pub task: Option<Vec<u8>>,
}

impl Wanted {
    /// Whether an event is. What a server is asked for is more: times are floored there, and tasks are hashes.
    #[must_use]
    pub fn takes(&self, event: &Event<'_>) -> bool {
        let in_time = match event.timestamp {
            Some(at) => self.from.is_none_or(|from| at >= from) && self.until.is_none_or(|until| at <= until),
            None => self.from.is_none() && self.until.is_none(),
        };
        let of_task = |wanted: &Vec<u8>| match &event.task {
            Task::Str(id) => *id.decode() == **wanted,
            Task::Missing | Task::Other(_) => false,
        };
        in_time && self.task.as_ref().is_none_or(of_task)
    }
}

/// A row, until its millisecond is complete.
struct Row {
    at: At,
    key: Uuid,
    batch: i64,
    place: i32,
    body: Vec<u8>,
}

/// Gives out pages. It lives longer than a connection: a page that failed is asked for again.
pub struct Reader {
    ledger: Ledger,
    wanted: Wanted,
    /// Events that are not there yet, the last one first.
    pending: Vec<(Identity, Vec<u8>)>,
    /// The last row that was read.
    behind: (At, Uuid),
    /// Rows of the millisecond that is not complete.
    held: Vec<Row>,
    rows: i64,
    over: bool,
}

impl Reader {
    /// Of a ledger.
    #[must_use]
    pub fn new(ledger: &Ledger, wanted: Wanted) -> Self {
        let from = wanted.from.map_or(At::NONE, |from| At::of(Some(from)));
        let (ledger, behind) = (ledger.clone(), (from, Uuid::nil()));
        Self { ledger, wanted, pending: Vec::new(), behind, held: Vec::new(), rows: FIRST_ROWS, over: false }
    }

    /// The same with events, in the order of their log, that are not there yet, or may not be. They count as the
    /// newest revisions. Lines that are no events are passed over.
    #[must_use]
    pub fn with_pending<'a>(mut self, lines: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut scanner = Scanner::new();
        let mut known = HashSet::new();
        for line in lines {
            if let Line::Event(event) = scanner.scan(line) {
                let it = Identity::of(&event);
                if known.insert(it.key) {
                    self.pending.push((it, event.text.to_vec()));
                }
            }
        }
        // Stable: in one millisecond they stay in the order of their log.
        self.pending.sort_by_key(|(it, _)| it.at);
        self.pending.reverse();
        self
    }

    /// The same with pages of so many rows.
    #[must_use]
    pub fn with_rows(mut self, rows: i64) -> Self {
        self.rows = rows;
        self
    }

    /// Whether the last page was given out.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// The next events, in their order; `None` behind the last one. A page may be empty.
    ///
    /// # Errors
    /// What the server says; the call can be repeated, on another connection too.
    pub async fn next(&mut self, connection: &Connection) -> Result<Option<Vec<Vec<u8>>>> {
        if self.over {
            return Ok(None);
        }
        let schema = self.ledger.schema.quoted();
        let task = self.wanted.task.as_ref().map(|task| number_of_task(task));
        // By the order of the key; but for a task, whose events are found by their own index and sorted.
        let page = if task.is_some() {
            format!(
                "(SELECT * FROM {schema}.events e WHERE e.ledger = l.id AND (e.at, e.key) > ($2, $3) AND e.at <= $4 \
                 AND e.task = $6 ORDER BY e.at, e.key LIMIT $5)"
            )
        } else {
            format!("{schema}.page_v1(l.id, $2, $3, $4, $5)")
        };
        let sql = format!(
            "SELECT e.at, e.key, e.batch, e.pos, e.body FROM {schema}.ledgers l LEFT JOIN LATERAL {page} e ON true \
             WHERE l.name = $1 ORDER BY e.at, e.key"
        );
        let until = self.wanted.until.map_or(At::BEYOND, |until| At::of(Some(until)));
        let mut parameters: Vec<Parameter<'_>> = vec![
            (&self.ledger.name, Type::TEXT),
            (&self.behind.0, Type::TIMESTAMPTZ),
            (&self.behind.1, Type::UUID),
            (&until, Type::TIMESTAMPTZ),
            (&self.rows, Type::INT8),
        ];
        if task.is_some() {
            parameters.push((&task, Type::INT8));
        }
        let found = connection.rows(&sql, &parameters).await?;
        if found.is_empty() {
            return Err(Error::new(Code::Ledger, format!("there is no ledger {}", self.ledger.name)));
        }
        let mut rows = Vec::with_capacity(found.len());
        let mut behind = self.behind;
        for row in &found {
            // A ledger without a further event gives one row of nulls.
            let Some(at) = field::<Option<At>>(row, 0)? else { break };
            behind = (at, field(row, 1)?);
            rows.push(Row {
                at,
                key: behind.1,
                batch: field(row, 2)?,
                place: field(row, 3)?,
                body: field(row, 4)?,
            });
        }
        self.behind = behind;
        self.over = i64::try_from(rows.len()).unwrap_or(i64::MAX) < self.rows;
        self.adapt(&rows);
        self.held.append(&mut rows);
        let open = if self.over { None } else { self.held.last().map(|last| last.at) };
        let complete = open.map_or(self.held.len(), |open| self.held.partition_point(|row| row.at < open));
        let mut complete: Vec<Row> = self.held.drain(..complete).collect();
        self.add_pending(&mut complete, open);
        Ok(Some(self.chosen(complete)))
    }

    /// Puts those pending events among the rows that are older than `open`, and are not there already.
    fn add_pending(&mut self, rows: &mut Vec<Row>, open: Option<At>) {
        let until = self.pending.partition_point(|(it, _)| open.is_some_and(|open| it.at >= open));
        if until == self.pending.len() {
            return;
        }
        let there: HashSet<(At, Uuid)> = rows.iter().map(|row| (row.at, row.key)).collect();
        for (place, (it, body)) in (0..).zip(self.pending.drain(until..).rev()) {
            let key = Uuid::from_bytes(it.key.0);
            if !there.contains(&(it.at, key)) {
                rows.push(Row { at: it.at, key, batch: i64::MAX, place, body });
            }
        }
    }

    /// Pages of about the same size, whatever the events weigh; a few small rows say nothing about that.
    fn adapt(&mut self, rows: &[Row]) {
        let bytes: usize = rows.iter().map(|row| row.body.len()).sum();
        if bytes > PAGE || rows.len() > 100 {
            let mean = (bytes / rows.len().max(1)).max(1);
            self.rows = i64::try_from(PAGE / mean).unwrap_or(ROWS.1).clamp(ROWS.0, ROWS.1);
        }
    }

    /// Those that are wanted, each millisecond in its order, each id of it once.
    fn chosen(&self, mut rows: Vec<Row>) -> Vec<Vec<u8>> {
        rows.sort_by_key(|row| (row.at, row.batch, row.place));
        let mut scanner = Scanner::new();
        let mut events: Vec<(At, Vec<u8>)> = Vec::with_capacity(rows.len());
        let mut newest: HashMap<(At, u64), usize> = HashMap::new();
        for Row { at, body, .. } in rows {
            let Line::Event(event) = scanner.scan(&body) else { continue };
            if !self.wanted.takes(&event) {
                continue;
            }
            let revised = event.id.is_some().then(|| (at, event_key(&event)));
            let before = revised.and_then(|name| newest.insert(name, events.len()));
            // The older one gives its place up.
            if let Some(old) = before.and_then(|place| events.get_mut(place)) {
                old.1.clear();
            }
            events.push((at, body));
        }
        events.into_iter().map(|(_, body)| body).filter(|body| !body.is_empty()).collect()
    }
}
