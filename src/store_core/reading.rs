//! The calls that read: sums, walks, the ledger's events, a report.
//!
//! Invariant: none of them changes the log.

use std::sync::Arc;

use event::text::parse_json_string;
use napi::bindgen_prelude::{Env, Object, Result};
use napi_derive::napi;
use store::{Cursor, Query, Start, Store};

use super::StoreCore;
use super::values::{StoreCoreBackup, StoreCoreStats, number, place};
use crate::error::to_js;
use crate::follower::Follower;
use crate::process::{background, registry};
use crate::reader::Reader;
use crate::sealed::Sealed;
use crate::task::on_lane;
use crate::teardown;

#[napi]
impl StoreCore {
    /// Sums over the log as it is now.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<StoreCoreStats>")]
    pub fn stats<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let none = || StoreCoreStats::from(store::Stats::default());
        self.on_existing(env, Store::scanning, none, |store, caller| {
            store.stats(caller).map(StoreCoreStats::from)
        })
    }

    /// A walk over the events in `[from, to]` (null: no bound) of a task (a JSON string; null: all), by the
    /// columns or in sequence; with an archive, through that first.
    ///
    /// # Errors
    /// If the folder cannot be looked at.
    #[napi(catch_unwind)]
    pub fn open(
        &self,
        env: Env,
        from: Option<f64>,
        to: Option<f64>,
        task_json: Option<String>,
        indexed: bool,
        archive: Option<String>,
    ) -> Result<Reader> {
        let task = task_json.and_then(|json| parse_json_string(json.as_bytes()));
        let store = self.handle.existing().map_err(|error| to_js(env, &error))?;
        let query = Query { from, to, task };
        let walk = store.map(|store| match archive {
            Some(archive) => store::Reader::with_archive(store, query, place(archive)),
            None => store::Reader::new(store, query, indexed),
        });
        Ok(Reader::new(walk))
    }

    /// A reader that follows the log: behind the event of a cursor, or from a time, from now or from the beginning on,
    /// for a task (a JSON string; null: all). Null if that is not a cursor.
    ///
    /// # Errors
    /// If the folder cannot be looked at.
    #[napi(catch_unwind)]
    pub fn follow(
        &self,
        env: Env,
        after: Option<String>,
        from: Option<f64>,
        now: bool,
        task_json: Option<String>,
    ) -> Result<Option<Follower>> {
        let start = match (after, from) {
            (Some(cursor), _) => match Cursor::parse(&cursor) {
                Some(cursor) => Start::After(Box::new(cursor)),
                None => return Ok(None),
            },
            (None, Some(time)) => Start::Time(time),
            (None, None) if now => Start::Now,
            (None, None) => Start::Beginning,
        };
        let task = task_json.and_then(|json| parse_json_string(json.as_bytes()));
        teardown::abandon_at_end(env, &self.handle)?;
        let store = self.handle.existing().map_err(|error| to_js(env, &error))?;
        // Without a folder it waits for one.
        let store = store.unwrap_or_else(|| registry().detached(&self.handle.path));
        Ok(Some(Follower::new(store::Follower::new(&store, start, task), self.handle.ending())))
    }

    /// Loads the log as sealed events.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<Sealed>")]
    pub fn seal<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let path = self.handle.path.clone();
        let none = move || Sealed { set: Arc::new(store::sealed_of_nothing(&path)) };
        self.on_existing(env, Store::scanning, none, |store, caller| {
            Ok(Sealed { set: Arc::new(store.seal(caller)?) })
        })
    }

    /// JSON text of a report on every line of the log and of an archive.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn verify<'env>(&self, env: &'env Env, archive: String) -> Result<Object<'env>> {
        let none = || store::Report::default().to_json();
        let archive = place(archive);
        self.on_existing(env, Store::scanning, none, move |store, _| {
            store.verify_with(&archive).map(|report| report.to_json())
        })
    }

    /// Writes a backup to the file at an absolute path; with an archive, of both.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<StoreCoreBackup>")]
    pub fn backup<'env>(
        &self,
        env: &'env Env,
        file: String,
        archive: Option<String>,
    ) -> Result<Object<'env>> {
        let archive = archive.map(place);
        if matches!(self.handle.existing(), Ok(None)) {
            // An empty backup of a folder that is not there would be taken for one.
            let path = self.handle.path.to_string_lossy().into_owned();
            return on_lane(env, &background().quick, move || {
                Err::<StoreCoreBackup, _>(store::Error::missing(path))
            });
        }
        self.on_created(env, Store::scanning, move |store, caller| {
            let backup = store.backup(file.as_ref(), archive.as_ref(), caller)?;
            Ok(StoreCoreBackup {
                events: number(backup.events),
                lines: number(backup.lines),
                bytes: number(backup.bytes),
            })
        })
    }
}
