use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::{ConnectionLike, MultiplexedConnection};
#[cfg(feature = "sentinel")]
use redis::sentinel::SentinelClient;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, Pipeline, ProtocolVersion, PushInfo, PushKind, RedisError, RedisFuture, RedisResult,
    ServerErrorKind, Value,
};
use tokio::sync::watch;

/// A connection to one server, or to the master that sentinels name. All requests share the connection.
///
/// The next operation connects again, and asks the sentinels again, after:
/// - a failed attempt to connect. For 100 milliseconds, each operation gets the error of this attempt.
/// - an error of the connection.
/// - the answer of a replica.
/// - five seconds without an answer.
///
/// A single timeout, or an error as the server's answer, keeps the connection. An operation is never
/// repeated: the guard decides what a failed operation means.
///
/// An answer has a timeout of one second. So has an attempt to connect to a server, and to a sentinel.
/// With dead sentinels, an attempt takes longer, because sentinels are asked one after the other. If the
/// operation is dropped, the attempt goes on in a task of its own.
///
/// After five silent seconds, a release can reach Redis on the new connection before its claim on the
/// old connection. The delivery then waits for one lease.
///
/// A clone shares the connection.
#[derive(Clone)]
pub struct RedisConnection(Arc<Shared>);

struct Shared {
    connect: Box<Connect>,
    current: Mutex<Current>,
}

/// Takes the function to call when the server has closed the connection.
type Connect = dyn Fn(Closed) -> RedisFuture<'static, MultiplexedConnection> + Send + Sync;

type Closed = Box<dyn Fn() + Send + Sync>;

/// The result of an attempt to connect. `None` until then.
type Connecting = watch::Receiver<Option<RedisResult<MultiplexedConnection>>>;

#[derive(Default)]
struct Current {
    connecting: Option<Connecting>,
    /// Counts the attempts so far.
    number: u64,
    /// The end of the pause after a failed attempt.
    retry_at: Option<Instant>,
    /// The end of the first operation without an answer, since the last answer.
    silent_since: Option<Instant>,
}

/// Time limit for an answer, and for an attempt to connect. Redis usually answers within milliseconds,
/// and no known sender gives up within a second.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Pause after a failed attempt. Without a pause, every operation would try to connect while the server
/// is down.
const PAUSE: Duration = Duration::from_millis(100);

/// Time without an answer before a new connection. Longer than a short stop of the server: on one
/// connection, a release cannot overtake its claim.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

impl RedisConnection {
    /// Creates a connection to one server. The first operation connects.
    ///
    /// Use this with a client of your own, for example with a private certificate authority. Choose RESP3:
    /// the connection then notices at once that the server has closed the connection.
    ///
    /// ```
    /// use countersign_once_redis::redis::Client;
    /// use countersign_once_redis::{RedisConnection, RedisStore};
    ///
    /// let client = Client::open("redis://127.0.0.1/?protocol=resp3")?;
    /// let store = RedisStore::new(RedisConnection::to_server(client), "myapp:once:");
    /// # Ok::<(), countersign_once_redis::redis::RedisError>(())
    /// ```
    #[must_use]
    pub fn to_server(client: Client) -> Self {
        let client = Arc::new(client);
        Self::new(move |closed| {
            let client = Arc::clone(&client);
            Box::pin(async move { connect(&client, closed).await })
        })
    }

    /// Creates a connection to the master that sentinels name, by a client for
    /// [`SentinelServerType::Master`](redis::sentinel::SentinelServerType::Master). The first operation
    /// connects.
    ///
    /// ```rust,no_run
    /// use countersign_once_redis::redis::sentinel::{SentinelClientBuilder, SentinelServerType};
    /// use countersign_once_redis::redis::{ConnectionAddr, ProtocolVersion};
    /// use countersign_once_redis::{RedisConnection, RedisStore};
    ///
    /// # async fn store() -> Result<(), Box<dyn std::error::Error>> {
    /// let sentinels = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(|host| ConnectionAddr::Tcp(host.into(), 26379));
    /// let client = SentinelClientBuilder::new(sentinels, "mymaster", SentinelServerType::Master)?
    ///     .set_client_to_redis_protocol(ProtocolVersion::RESP3)
    ///     .build()?;
    /// let store = RedisStore::new(RedisConnection::to_master(client), "myapp:once:");
    /// for problem in store.problems().await? {
    ///     eprintln!("{problem}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "sentinel")]
    #[must_use]
    pub fn to_master(client: SentinelClient) -> Self {
        let client = Arc::new(tokio::sync::Mutex::new(client));
        Self::new(move |closed| {
            let client = Arc::clone(&client);
            Box::pin(async move {
                let master = client.lock().await.async_get_client().await?;
                connect(&master, closed).await
            })
        })
    }

    fn new(connect: impl Fn(Closed) -> RedisFuture<'static, MultiplexedConnection> + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shared { connect: Box::new(connect), current: Mutex::default() }))
    }

    /// Returns the present attempt to connect, with its number.
    fn connecting(&self) -> (Connecting, u64) {
        let mut current = self.0.current();
        if let Some(connecting) = &current.connecting
            && current.retry_at.is_none_or(|retry_at| Instant::now() < retry_at)
        {
            return (connecting.clone(), current.number);
        }
        // A dropped operation does not end the attempt: a dead sentinel can take as long as the guard
        // waits, and each operation would begin with the dead sentinel.
        let (sender, connecting) = watch::channel(None);
        let number = current.number.wrapping_add(1);
        let shared = Arc::downgrade(&self.0);
        let attempt = (self.0.connect)(Box::new(move || {
            if let Some(shared) = shared.upgrade() {
                shared.leave(number);
            }
        }));
        // In a task of its own, so that a panic is reported: rustls panics without a crypto provider.
        let attempt = tokio::spawn(attempt);
        let shared = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            let connected = match attempt.await {
                Ok(connected) => connected,
                Err(error) if error.is_panic() => Err(RedisError::from((ErrorKind::Io, "the attempt to connect panicked"))),
                // The runtime is shutting down.
                Err(_) => return,
            };
            if connected.is_err()
                && let Some(shared) = shared.upgrade()
            {
                shared.pause(number);
            }
            let _ = sender.send(Some(connected));
        });
        *current = Current { connecting: Some(connecting.clone()), number, retry_at: None, silent_since: None };
        (connecting, number)
    }

    async fn connected(&self) -> RedisResult<(MultiplexedConnection, u64)> {
        let (mut connecting, number) = self.connecting();
        // Fails if the runtime of the attempt has ended. Another runtime may use the connection.
        let connected = connecting.wait_for(Option::is_some).await.ok().and_then(|connected| connected.clone());
        let Some(connected) = connected else {
            self.0.leave(number);
            return Err(RedisError::from((ErrorKind::Io, "the runtime of the attempt to connect has ended")));
        };
        connected.map(|connection| (connection, number))
    }

    /// Runs an operation. Leaves the connection if the answer shows that the connection is of no more
    /// use.
    async fn run<T>(
        &self,
        operation: impl AsyncFnOnce(MultiplexedConnection) -> RedisResult<T>,
        is_of_replica: impl FnOnce(&T) -> bool,
    ) -> RedisResult<T> {
        let (connection, number) = self.connected().await?;
        let mut unanswered = Unanswered { connection: self, number, is_answered: false };
        let answer = operation(connection).await;
        let is_lost = match &answer {
            Ok(answer) => is_of_replica(answer),
            // Counted by the drop of `unanswered`.
            Err(error) if error.is_timeout() => return answer,
            // The server's answer, such as an aborted transaction, says nothing about the connection.
            Err(error) => !matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension),
        };
        unanswered.is_answered = true;
        let mut current = self.0.current();
        if current.number == number {
            current.silent_since = None;
            if is_lost {
                current.connecting = None;
            }
        }
        answer
    }
}

impl Shared {
    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins the pause after a failed attempt.
    fn pause(&self, number: u64) {
        let mut current = self.current();
        if current.number == number {
            current.retry_at = Instant::now().checked_add(PAUSE);
        }
    }

    /// Leaves a connection, unless another operation has done so.
    fn leave(&self, number: u64) {
        let mut current = self.current();
        if current.number == number {
            current.connecting = None;
        }
    }
}

/// An operation that has no answer yet. The drop counts a timeout, or an operation dropped by the guard.
struct Unanswered<'c> {
    connection: &'c RedisConnection,
    number: u64,
    is_answered: bool,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if self.is_answered {
            return;
        }
        let mut current = self.connection.0.current();
        if current.number == self.number && current.silent_since.get_or_insert_with(Instant::now).elapsed() >= LONGEST_SILENCE {
            current.connecting = None;
        }
    }
}

async fn connect(client: &Client, closed: Closed) -> RedisResult<MultiplexedConnection> {
    let mut config = AsyncConnectionConfig::new().set_connection_timeout(Some(TIMEOUT)).set_response_timeout(Some(TIMEOUT));
    // RESP2 has no pushes.
    if client.get_connection_info().redis_settings().protocol() == ProtocolVersion::RESP3 {
        config = config.set_push_sender(move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                closed();
            }
            Ok::<_, Infallible>(())
        });
    }
    client.get_multiplexed_async_connection_with_config(&config).await
}

/// Returns whether a value is the error of a replica.
fn is_of_replica(value: &Value) -> bool {
    matches!(value, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::ReadOnly))
}

impl ConnectionLike for RedisConnection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(self.run(async |mut connection| connection.req_packed_command(command).await, is_of_replica))
    }

    fn req_packed_commands<'a>(&'a mut self, pipeline: &'a Pipeline, offset: usize, count: usize) -> RedisFuture<'a, Vec<Value>> {
        let operation = async move |mut connection: MultiplexedConnection| connection.req_packed_commands(pipeline, offset, count).await;
        Box::pin(self.run(operation, |values: &Vec<Value>| values.iter().any(is_of_replica)))
    }

    fn get_db(&self) -> i64 {
        0
    }
}

impl fmt::Debug for RedisConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConnection").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn panic_while_connecting_fails_each_operation_and_is_followed_by_a_pause() {
        let attempts = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&attempts);
        let connection = RedisConnection::new(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            Box::pin(async { panic!("no crypto provider") })
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for attempt in 1..=2 {
            let error = runtime.block_on(connection.connected()).map(drop).unwrap_err();
            assert!(error.to_string().contains("the attempt to connect panicked"), "{error}");
            assert_eq!(attempts.load(Ordering::SeqCst), attempt);
            assert!(connection.0.current().retry_at.is_some());
            connection.0.current().retry_at = Some(Instant::now());
        }
    }
}
