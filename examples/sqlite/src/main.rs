//! A receiver of Jira deliveries with exactly one effect for each delivery.
//!
//! The handler writes the keys of the delivery and its effects in one transaction. Each key is a primary key, so a
//! second handler of the same delivery writes nothing: after a crash, in another process, and without the guard.
//!
//! ```text
//! JIRA_WEBHOOK_SECRET=swordfish-and-then-some cargo run -- deliveries.db
//! # in another terminal, in the project's root folder, as often as you like
//! echo '{}' | JIRA_WEBHOOK_SECRET=swordfish-and-then-some cargo run --example send -- http://127.0.0.1:3000/jira
//! ```
//!
//! The variable `PORT` sets another port.

use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Extension, Router};
use countersign::identity::DeliveryKey;
use countersign::{Secret, Verifier, providers};
use countersign_once::{ClaimInfo, MemoryStore, Once};
use countersign_tower::VerifyLayer;
use rusqlite::{Connection, TransactionBehavior};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("usage: example-sqlite FILE, with the secret in JIRA_WEBHOOK_SECRET")?;
    let (app, once) = app(Secret::from_env("JIRA_WEBHOOK_SECRET")?, Database::open(Path::new(&file))?)?;
    let port = std::env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("Listening on http://{}/jira. Ctrl-C stops the receiver.", listener.local_addr()?);
    let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    once.idle().await;
    Ok(())
}

fn app(secret: Secret, database: Database) -> Result<(Router, Once), Box<dyn Error>> {
    let verifier = Verifier::builder(providers::JIRA).key("2026-11", secret).build()?;
    // The guard saves work: most repeats never reach the database.
    let once = Once::builder("jira", MemoryStore::new(100_000)).build(&verifier)?;
    let layer = VerifyLayer::new(verifier).once(once.clone());
    Ok((Router::new().route("/jira", post(on_event)).route_layer(layer).with_state(Arc::new(database)), once))
}

async fn on_event(State(database): State<Arc<Database>>, Extension(claim): Extension<ClaimInfo>, body: String) -> StatusCode {
    match tokio::task::spawn_blocking(move || database.apply(claim.keys(), &body)).await {
        // A repeat is a success too: the effect is in the database.
        Ok(Ok(_is_new)) => StatusCode::OK,
        // The sender repeats the delivery.
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

struct Database(Mutex<Connection>);

impl Database {
    fn open(file: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(file)?;
        // Another process may be writing.
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS handled (key TEXT PRIMARY KEY, at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);
             CREATE TABLE IF NOT EXISTS events (body TEXT NOT NULL);
             DELETE FROM handled WHERE at < datetime('now', '-30 days');",
        )?;
        Ok(Self(Mutex::new(connection)))
    }

    /// Applies the effect of a delivery. Returns `false` if the effect was applied before.
    fn apply(&self, keys: impl Iterator<Item = DeliveryKey>, body: &str) -> rusqlite::Result<bool> {
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for key in keys {
            let inserted = transaction.execute("INSERT INTO handled (key) VALUES (?1) ON CONFLICT DO NOTHING", [key.to_string()])?;
            if inserted == 0 {
                // Dropping the transaction rolls it back.
                return Ok(false);
            }
        }
        transaction.execute("INSERT INTO events (body) VALUES (?1)", [body])?;
        // Without this line, the keys and the event are rolled back.
        transaction.commit()?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use axum::body::Body;
    use axum::http::Request;
    use countersign::Signer;
    use tower::ServiceExt as _;

    use super::*;

    /// A database file in a separate folder.
    struct File(PathBuf);

    impl File {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("countersign-sqlite-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        /// Returns a receiver with a separate connection and a separate guard, like a separate process.
        fn receiver(&self) -> Router {
            app(secret(), Database::open(&self.0.join("deliveries.db")).unwrap()).unwrap().0
        }

        fn count(&self, table: &str) -> u32 {
            let connection = Connection::open(self.0.join("deliveries.db")).unwrap();
            connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn secret() -> Secret {
        Secret::new("a secret of some length")
    }

    async fn deliver(receiver: Router, body: &'static str, id: &str) -> u16 {
        let head = Signer::new(providers::JIRA, secret()).unwrap().sign(body.as_bytes());
        let request = Request::post("/jira").header("X-Atlassian-Webhook-Identifier", id).header("Content-Type", "text/plain");
        let request = head.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        receiver.oneshot(request.body(Body::from(body)).unwrap()).await.unwrap().status().as_u16()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn effect_happens_once_in_several_processes() {
        let file = File::new("processes");
        let deliveries: Vec<_> = (0..20).map(|_| tokio::spawn(deliver(file.receiver(), "event", "1"))).collect();
        for delivery in deliveries {
            assert_eq!(delivery.await.unwrap(), 200);
        }
        // A delivery of Jira has two keys: the body and the identifier.
        assert_eq!((file.count("events"), file.count("handled")), (1, 2));
        assert_eq!(deliver(file.receiver(), "the event in other bytes", "1").await, 200);
        assert_eq!(file.count("events"), 1);
        assert_eq!(deliver(file.receiver(), "another event", "2").await, 200);
        assert_eq!(file.count("events"), 2);
    }

    #[tokio::test]
    async fn failed_effect_leaves_no_key_and_is_tried_again() {
        let file = File::new("failure");
        let receiver = file.receiver();
        let connection = Connection::open(file.0.join("deliveries.db")).unwrap();
        connection.execute_batch("ALTER TABLE events RENAME TO moved;").unwrap();
        assert_eq!(deliver(receiver.clone(), "event", "1").await, 500);
        assert_eq!(file.count("handled"), 0);
        connection.execute_batch("ALTER TABLE moved RENAME TO events;").unwrap();
        assert_eq!(deliver(receiver, "event", "1").await, 200);
        assert_eq!((file.count("events"), file.count("handled")), (1, 2));
    }

    #[tokio::test]
    async fn database_knows_a_delivery_that_the_guard_has_forgotten() {
        let file = File::new("restart");
        for _ in 0..3 {
            assert_eq!(deliver(file.receiver(), "event", "1").await, 200);
        }
        assert_eq!(file.count("events"), 1);
    }
}
