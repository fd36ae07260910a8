//! What the server itself takes: the lines of files as a bare `INSERT … SELECT FROM unnest(…)` into a table of the same
//! shape, with the same indexes, over the same kind of connection. `bench/trials/fleet.mjs` compares shipping with it.
//!
//! ```text
//! bare_insert ADDRESS FILE…     one client for each file; prints the milliseconds that it took
//! ```

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that answers on its streams")]

use std::process::ExitCode;
use std::time::Instant;

use event::line::{Line, Scanner};
use fleet::connection::{Parameter, Type};
use fleet::identity::{At, Identity};
use fleet::settings::Surroundings;
use fleet::{Connection, Error, Settings, run};
use uuid::Uuid;

const BATCH: usize = 500;

/// Columns of a batch, made before the clock runs.
#[derive(Default)]
struct Batch {
    at: Vec<At>,
    key: Vec<Uuid>,
    task: Vec<Option<i64>>,
    body: Vec<Vec<u8>>,
}

fn batches(file: &[u8]) -> Vec<Batch> {
    let mut scanner = Scanner::new();
    let mut all: Vec<Batch> = Vec::new();
    for line in file.split(|&byte| byte == b'\n') {
        let Line::Event(event) = scanner.scan(line) else { continue };
        let Identity { at, key, task } = Identity::of(&event);
        if all.last().is_none_or(|batch| batch.at.len() == BATCH) {
            all.push(Batch::default());
        }
        if let Some(batch) = all.last_mut() {
            batch.at.push(at);
            batch.key.push(Uuid::from_bytes(key.0));
            batch.task.push(task);
            batch.body.push(line.to_vec());
        }
    }
    all
}

async fn insert(settings: &Settings, batches: &[Batch]) -> fleet::Result<()> {
    let connection = Connection::open(settings).await?;
    let sql = "INSERT INTO bare (ledger, pos, at, batch, task, key, body) \
               SELECT 1, u.pos::int, u.at, $5, u.task, u.key, u.body \
               FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS u (at, key, task, body, pos)";
    for (batch, number) in batches.iter().zip(0_i64..) {
        let parameters: [Parameter<'_>; 5] = [
            (&batch.at, Type::TIMESTAMPTZ_ARRAY),
            (&batch.key, Type::UUID_ARRAY),
            (&batch.task, Type::INT8_ARRAY),
            (&batch.body, Type::BYTEA_ARRAY),
            (&number, Type::INT8),
        ];
        connection.rows(sql, &parameters).await?;
    }
    Ok(())
}

fn measure(address: &str, files: &[String]) -> fleet::Result<u128> {
    let settings = Settings::new(Some(address), &Surroundings::of_process())?;
    let table = "DROP TABLE IF EXISTS bare; \
         CREATE TABLE bare (ledger int NOT NULL, pos int NOT NULL, at timestamptz NOT NULL, batch bigint NOT NULL, \
         task bigint, key uuid NOT NULL, body bytea NOT NULL, PRIMARY KEY (ledger, at, key)); \
         CREATE INDEX ON bare (batch); CREATE INDEX ON bare (ledger, task)";
    run(async { Connection::open(&settings).await?.batch(table).await })??;
    let read = |file: &String| std::fs::read(file).map(|text| batches(&text)).map_err(Error::from);
    let clients = files.iter().map(read).collect::<fleet::Result<Vec<_>>>()?;
    let started = Instant::now();
    std::thread::scope(|scope| {
        let all: Vec<_> =
            clients.iter().map(|batches| scope.spawn(|| run(insert(&settings, batches))?)).collect();
        all.into_iter().try_for_each(|client| client.join().unwrap_or(Ok(())))
    })?;
    Ok(started.elapsed().as_millis())
}

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let (Some(address), files) = (words.next(), words.collect::<Vec<_>>()) else {
        eprintln!("bare_insert ADDRESS FILE…");
        return ExitCode::from(2);
    };
    match measure(&address, &files) {
        Ok(ms) => {
            println!("{ms}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
