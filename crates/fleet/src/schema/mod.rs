//! Tables, functions and roles of a shared store, and how they are installed.
//!
//! Invariant: the only names that get into SQL text are a schema's, checked against `^[a-z_][a-z0-9_]{0,47}$`, and
//! those of its roles, which are made of it. All else travels as parameters.

use crate::connection::Connection;
use crate::error::{Code, Error, Result};

/// The version that this crate installs and speaks.
pub const VERSION: i32 = 1;
/// What a schema is called if it has no other name.
pub const DEFAULT_SCHEMA: &str = "guidance_ledger";

const V1: &str = include_str!("v1.sql");
/// Room for the endings of the roles' names within `PostgreSQL`'s 63 bytes.
const MAX_NAME: usize = 48;

/// The name of a schema; checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Schema(String);

impl Default for Schema {
    fn default() -> Self {
        Self(DEFAULT_SCHEMA.to_owned())
    }
}

impl Schema {
    /// Checks a name.
    ///
    /// # Errors
    /// [`Code::Config`] if it has other characters than `a` to `z`, digits and `_`, begins with a digit or `pg_`, or
    /// is longer than 48 bytes.
    pub fn new(name: &str) -> Result<Self> {
        let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let all = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if first && all && name.len() <= MAX_NAME && !name.starts_with("pg_") {
            return Ok(Self(name.to_owned()));
        }
        Err(Error::config(
            "the name of a schema has up to 48 of a to z, 0 to 9 and _, begins with no digit and not with pg_",
        ))
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The name as it stands in SQL.
    #[must_use]
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }

    /// The role of this schema for a purpose: `writer`, `reader`, `admin` or `owner`. Roles belong to all databases of
    /// a server, so each schema has its own.
    #[must_use]
    pub fn role(&self, purpose: &str) -> String {
        if self.0 == DEFAULT_SCHEMA { format!("guidance_{purpose}") } else { format!("{}_{purpose}", self.0) }
    }

    /// The SQL that makes the schema, with its roles, in one transaction.
    #[must_use]
    pub fn sql(&self) -> String {
        let roles = ["owner", "writer", "reader", "admin"];
        let sql = V1.replace("@schema@", &self.quoted());
        roles.iter().fold(sql, |sql, role| sql.replace(&format!("@{role}@"), &self.role(role)))
    }

    /// What an operator is advised to do beside: statements that concern others of the same database too.
    #[must_use]
    pub fn advice(&self) -> String {
        format!(
            "-- A host: CREATE ROLE host_a LOGIN PASSWORD '…' IN ROLE \"{writer}\";\n\
             -- and:    ALTER ROLE host_a SET statement_timeout = '30s'; ALTER ROLE host_a SET lock_timeout = '10s';\n\
             -- A database for this alone needs no temporary tables of its writers:\n\
             --         REVOKE TEMPORARY ON DATABASE … FROM PUBLIC; REVOKE CREATE ON SCHEMA public FROM PUBLIC;\n",
            writer = self.role("writer")
        )
    }
}

/// Checks the name of a ledger.
///
/// # Errors
/// [`Code::Config`] if it is empty, longer than 200 bytes, or holds a NUL.
pub fn check_ledger(name: &str) -> Result<()> {
    if name.is_empty() || name.len() > 200 || name.contains('\0') {
        return Err(Error::config("the name of a ledger has 1 to 200 bytes and no NUL"));
    }
    Ok(())
}

/// What [`install`] found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Installed {
    /// It was not there, and is now.
    Now,
    /// It was there in this version.
    Before,
}

/// Makes the schema unless it is there. Several at once are no harm.
///
/// # Errors
/// [`Code::Denied`] if this user may not; the SQL can then be run by another. [`Code::Schema`] if it is there in
/// another version.
pub async fn install(connection: &Connection, schema: &Schema) -> Result<Installed> {
    if let Some(version) = version(connection, schema).await? {
        return check(version).map(|()| Installed::Before);
    }
    match connection.batch(&schema.sql()).await {
        Ok(()) => Ok(Installed::Now),
        Err(error) => {
            // A failed statement leaves its transaction open.
            let _ = connection.batch("ROLLBACK").await;
            match version(connection, schema).await {
                Ok(Some(version)) => check(version).map(|()| Installed::Before),
                _ => Err(error),
            }
        }
    }
}

/// Creates a ledger unless it is there. Returns whether it was made.
///
/// # Errors
/// [`Code::Denied`] if this user is no admin of the schema.
pub async fn create_ledger(connection: &Connection, schema: &Schema, name: &str, lanes: i16) -> Result<bool> {
    check_ledger(name)?;
    let sql = format!("SELECT {}.create_ledger_v1($1, $2)", schema.quoted());
    let row = connection
        .one(&sql, &[(&name, crate::connection::Type::TEXT), (&lanes, crate::connection::Type::INT2)])
        .await?;
    let id: Option<i32> = crate::connection::field(&row, 0)?;
    Ok(id.is_some())
}

/// SQL that takes a schema from one version to the next.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The version before it; behind it is the next one.
    pub from: i32,
    /// Statements, in which `@schema@` stands for the schema's name. They end with a semicolon.
    pub sql: &'static str,
}

/// How often a step that the server has broken off for the sake of another transaction is begun again.
const AGAIN: u32 = 10;

/// All steps there are.
pub const STEPS: &[Step] = &[];

impl Schema {
    /// A step as one transaction: nothing of it is done if the version is not the one it begins with.
    #[must_use]
    pub fn step(&self, step: &Step) -> String {
        let Step { from, sql } = step;
        let sql = sql.replace("@schema@", &self.quoted());
        let (schema, owner) = (self.quoted(), self.role("owner"));
        format!(
            "BEGIN;\nSET LOCAL ROLE \"{owner}\";\nLOCK TABLE {schema}.meta IN SHARE ROW EXCLUSIVE MODE;\nDO $check$ BEGIN\n  IF (SELECT version FROM {schema}.meta) <> {from} THEN\n    \
             RAISE EXCEPTION 'the schema is not of version {from}' USING ERRCODE = 'GL004';\n  END IF;\nEND $check$;\n{sql}\n\
             UPDATE {schema}.meta SET version = {from} + 1, changed_at = now();\nCOMMIT;\n"
        )
    }
}

/// Brings a schema to this program's version, step by step. Old functions stay. Returns the version that it had.
///
/// # Errors
/// [`Code::Schema`] if it is not installed or newer, [`Code::Denied`] if this user is not of its owner.
pub async fn migrate(connection: &Connection, schema: &Schema, steps: &[Step], to: i32) -> Result<i32> {
    let not_there = || Error::new(Code::Schema, format!("there is no schema {}", schema.name()));
    let before = version(connection, schema).await?.ok_or_else(not_there)?;
    let (mut at, mut again) = (before, AGAIN);
    while at < to {
        let no_way = || Error::new(Code::Schema, format!("there is no step from version {at}"));
        let step = steps.iter().find(|step| step.from == at).ok_or_else(no_way)?;
        let done = connection.batch(&schema.step(step)).await;
        if let Err(error) = done {
            let _ = connection.batch("ROLLBACK").await;
            match error.sqlstate() {
                // Another process has done it meanwhile.
                Some("GL004") => {}
                // It and a shipper wait for each other: the server has chosen which of them begins again.
                Some("40P01" | "40001") if again > 0 => again -= 1,
                _ => return Err(error),
            }
        }
        at = version(connection, schema).await?.ok_or_else(not_there)?;
    }
    if at > to {
        let text = format!("the store has version {at} of the schema, this program speaks version {to}");
        return Err(Error::new(Code::Schema, text));
    }
    Ok(before)
}

/// The version that is installed; `None` if there is none.
async fn version(connection: &Connection, schema: &Schema) -> Result<Option<i32>> {
    // The catalog can be read without any right on the schema.
    let there = connection
        .one(
            "SELECT to_regclass($1 || '.meta') IS NOT NULL, has_schema_privilege(n.oid, 'USAGE') \
             FROM (SELECT 1) one LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = $2",
            &[
                (&schema.quoted(), crate::connection::Type::TEXT),
                (&schema.name(), crate::connection::Type::TEXT),
            ],
        )
        .await;
    match there {
        Ok(row) if crate::connection::field::<Option<bool>>(&row, 0)? != Some(true) => return Ok(None),
        Ok(_) => {}
        Err(error) if error.code() == Code::Schema => return Ok(None),
        Err(error) => return Err(error),
    }
    let sql = format!(
        "SELECT version FROM {}.hello_v1('', '00000000-0000-0000-0000-000000000000')",
        schema.quoted()
    );
    let row = connection.one(&sql, &[]).await?;
    crate::connection::field(&row, 0).map(Some)
}

fn check(version: i32) -> Result<()> {
    if version == VERSION {
        return Ok(());
    }
    Err(Error::new(
        Code::Schema,
        format!("the store has version {version} of the schema, this program speaks version {VERSION}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_schemas_are_checked() {
        for good in ["a", "_", "guidance_ledger", "team_7", "user"] {
            assert_eq!(Schema::new(good).map(|schema| schema.quoted()), Ok(format!("\"{good}\"")));
        }
        for bad in ["", "7a", "A", "a-b", "a\"; DROP", "pg_x", "ä", "a b", &"a".repeat(49)] {
            assert_eq!(Schema::new(bad).map_err(|error| error.code()), Err(Code::Config), "{bad:?}");
        }
    }

    #[test]
    fn each_schema_has_roles_of_its_own_and_no_place_is_left_open() {
        let sql = Schema::new("team").unwrap().sql();
        assert!(sql.contains("\"team\".ship_v1") && sql.contains("\"team_writer\""));
        assert!(!sql.contains("\"guidance_") && !sql.contains('@'), "{sql}");
        assert!(Schema::default().sql().contains("\"guidance_writer\""));
    }

    #[test]
    fn names_of_ledgers_are_checked() {
        for bad in ["", "a\0b", &"x".repeat(201)] {
            assert!(check_ledger(bad).is_err());
        }
        assert_eq!(check_ledger("prod / Köln"), Ok(()));
    }
}
