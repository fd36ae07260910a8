//! What the roles may do: the writer ships and nothing else, the reader reads, nothing changes an event.

use fleet::{Code, Connection};
use uuid::Uuid;

use crate::server::server;
use crate::store::{Store, lines};

/// What a statement says: `Ok` or the SQLSTATE.
async fn says(connection: &Connection, sql: &str) -> Result<(), String> {
    connection.batch(sql).await.map_err(|error| error.sqlstate().unwrap_or(error.message()).to_owned())
}

async fn login(store: &Store, name: &str, role: Option<&str>) -> Connection {
    let name = format!("{name}_{}", store.database);
    let within =
        role.map(|role| format!("IN ROLE \"{}\"", store.ledger.schema.role(role))).unwrap_or_default();
    store.open().await.batch(&format!("CREATE ROLE {name} LOGIN {within}")).await.unwrap();
    Connection::open(&store.settings(&format!("user={name}"))).await.unwrap()
}

const TABLES: [&str; 6] = ["meta", "ledgers", "lanes", "sources", "batches", "events"];

#[test]
fn a_writer_ships_and_does_nothing_else() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        // As an operator of a database for this alone is advised to.
        let advice = format!("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC; REVOKE CREATE ON SCHEMA public FROM PUBLIC", store.database);
        store.open().await.batch(&advice).await.unwrap();
        let writer = login(&store, "w", Some("writer")).await;
        let got = store.ship(&writer, Uuid::new_v4(), &lines(0..3)).await.unwrap();
        assert_eq!(got.stored, 3);
        let calls = fleet::protocol::Calls::new(&writer, &store.ledger);
        calls.hello(Uuid::new_v4()).await.unwrap();
        calls.missing(&[]).await.unwrap();
        let mut forbidden: Vec<String> = Vec::new();
        for table in TABLES {
            for verb in ["SELECT 1 FROM", "DELETE FROM", "TRUNCATE", "DROP TABLE"] {
                forbidden.push(format!("{verb} S.{table}"));
            }
            forbidden.push(format!("INSERT INTO S.{table} DEFAULT VALUES"));
            forbidden.push(format!("ALTER TABLE S.{table} ADD x int"));
        }
        for statement in [
            "UPDATE S.events SET body = ''",
            "UPDATE S.lanes SET head = 0",
            "SELECT 1 FROM S.readable",
            "SELECT nextval('S.batch_ids')",
            "SELECT S.evict_v1('default', 0, 100, false)",
            "SELECT S.fold_v1('default', 0::smallint, 0, 100)",
            "SELECT S.create_ledger_v1('mine', 1::smallint)",
            "SELECT S.as_json('')",
            "CREATE TABLE S.mine (a int)",
            "CREATE TABLE public.mine (a int)",
            "CREATE TEMPORARY TABLE mine (a int)",
            "CREATE SCHEMA mine",
            "CREATE ROLE mine",
            "CREATE OR REPLACE FUNCTION S.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
            "ALTER TABLE S.events DISABLE TRIGGER append_only",
            "DROP SCHEMA S CASCADE",
            "COPY (SELECT 1) TO PROGRAM 'true'",
        ] {
            forbidden.push(statement.replace("SCHEMA S CASCADE", &format!("SCHEMA {} CASCADE", store.ledger.schema.quoted())));
        }
        for role in ["owner", "admin", "reader"] {
            forbidden.push(format!("SET ROLE \"{}\"", store.ledger.schema.role(role)));
        }
        for statement in forbidden {
            assert_eq!(says(&writer, &store.sql(&statement)).await, Err("42501".to_owned()), "{statement}");
        }
        store.check(3).await;
    })
    .unwrap();
}

#[test]
fn a_reader_reads_and_an_admin_evicts() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        store.ship(&store.open().await, Uuid::new_v4(), &lines(0..5)).await.unwrap();
        let reader = login(&store, "r", Some("reader")).await;
        for table in TABLES.iter().chain(&["readable"]) {
            assert_eq!(says(&reader, &store.sql(&format!("SELECT * FROM S.{table}"))).await, Ok(()));
        }
        for statement in ["DELETE FROM S.events", "SELECT S.evict_v1('default', 0, 9, false)"] {
            assert_eq!(says(&reader, &store.sql(statement)).await, Err("42501".to_owned()), "{statement}");
        }
        let shipped = store.ship(&reader, Uuid::new_v4(), &lines(9..10)).await.unwrap_err();
        assert_eq!(shipped.code(), Code::Denied);
        let admin = login(&store, "a", Some("admin")).await;
        assert_eq!(
            says(
                &admin,
                &store.sql("SELECT S.evict_v1('default', 4, 9, false), S.create_ledger_v1('b', 2::smallint)")
            )
            .await,
            Ok(())
        );
        for statement in
            ["DELETE FROM S.events", "SET guidance_ledger.evicting = 'yes'; DELETE FROM S.events"]
        {
            assert_eq!(says(&admin, &store.sql(statement)).await, Err("42501".to_owned()), "{statement}");
        }
        assert_eq!(store.number("SELECT count(*) FROM S.events").await, 4);
    })
    .unwrap();
}

#[test]
fn a_stranger_may_nothing_and_an_owner_changes_no_event() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        store.ship(&store.open().await, Uuid::new_v4(), &lines(0..2)).await.unwrap();
        let stranger = login(&store, "x", None).await;
        assert_eq!(
            store.ship(&stranger, Uuid::new_v4(), &lines(0..1)).await.unwrap_err().code(),
            Code::Denied
        );
        assert_eq!(says(&stranger, &store.sql("SELECT 1 FROM S.events")).await, Err("42501".to_owned()));
        // A writer of another team's schema is a stranger too.
        let other = Store::new(server).await;
        let name = format!("other_{}", other.database);
        other
            .open()
            .await
            .batch(&format!("CREATE ROLE {name} LOGIN IN ROLE \"{}\"", other.ledger.schema.role("writer")))
            .await
            .unwrap();
        let writer = Connection::open(&store.settings(&format!("user={name}"))).await.unwrap();
        assert_eq!(store.ship(&writer, Uuid::new_v4(), &lines(0..1)).await.unwrap_err().code(), Code::Denied);
        let owner = store.open().await;
        owner.batch(&format!("SET ROLE \"{}\"", store.ledger.schema.role("owner"))).await.unwrap();
        for statement in ["DELETE FROM S.events", "UPDATE S.events SET pos = 0", "TRUNCATE S.events"] {
            assert_eq!(says(&owner, &store.sql(statement)).await, Err("42501".to_owned()), "{statement}");
        }
        store.check(2).await;
    })
    .unwrap();
}

#[test]
fn a_role_that_is_no_superuser_installs_it() {
    let Some(server) = server() else { return };
    let database = server.database();
    let name = format!("dba_{database}");
    server.run(
        "postgres",
        &format!("CREATE ROLE {name} LOGIN CREATEROLE; ALTER DATABASE {database} OWNER TO {name}"),
    );
    fleet::run(async {
        let schema = fleet::schema::Schema::new(&format!("s_{database}")).unwrap();
        let settings = server.settings(&format!("dbname={database} user={name}"));
        let connection = Connection::open(&settings).await.unwrap();
        fleet::schema::install(&connection, &schema).await.unwrap();
        assert!(fleet::schema::create_ledger(&connection, &schema, "default", 4).await.unwrap());
        let stranger = format!("no_{database}");
        connection.batch(&format!("CREATE ROLE {stranger} LOGIN")).await.unwrap();
        let settings = server.settings(&format!("dbname={database} user={stranger}"));
        let connection = Connection::open(&settings).await.unwrap();
        let other = fleet::schema::Schema::new(&format!("t_{database}")).unwrap();
        let refused = fleet::schema::install(&connection, &other).await.unwrap_err();
        assert_eq!(refused.code(), Code::Denied);
    })
    .unwrap();
}
