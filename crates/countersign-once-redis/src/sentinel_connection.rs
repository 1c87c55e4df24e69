use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::sentinel::SentinelClient;
use redis::{AsyncConnectionConfig, Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, RedisResult, ServerErrorKind, Value};
use tokio::sync::Mutex;

/// A connection to the master that the sentinels name.
///
/// After an error of the connection, a timeout, or the answer of a replica, the next operation asks the sentinels again. An operation is
/// never repeated: the guard decides what a failed operation means.
///
/// A clone shares the connection.
///
/// ```rust,no_run
/// use countersign_once_redis::redis::ConnectionAddr;
/// use countersign_once_redis::redis::sentinel::{SentinelClientBuilder, SentinelServerType};
/// use countersign_once_redis::{RedisStore, SentinelConnection};
///
/// # async fn store() -> Result<(), Box<dyn std::error::Error>> {
/// let sentinels = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(|host| ConnectionAddr::Tcp(host.into(), 26379));
/// let client = SentinelClientBuilder::new(sentinels, "mymaster", SentinelServerType::Master)?.build()?;
/// let store = RedisStore::new(SentinelConnection::new(client), "myapp:once:");
/// for problem in store.problems().await? {
///     eprintln!("{problem}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SentinelConnection(Arc<Mutex<Current>>);

struct Current {
    client: SentinelClient,
    connection: Option<MultiplexedConnection>,
    /// Counts the connections so far.
    number: u64,
}

impl SentinelConnection {
    /// Creates a connection by a client for [`SentinelServerType::Master`](redis::sentinel::SentinelServerType::Master). The first
    /// operation connects.
    ///
    /// Each operation and each attempt to connect has a timeout of one second.
    #[must_use]
    pub fn new(client: SentinelClient) -> Self {
        Self(Arc::new(Mutex::new(Current { client, connection: None, number: 0 })))
    }

    async fn get(&self) -> RedisResult<(MultiplexedConnection, u64)> {
        let mut current = self.0.lock().await;
        if let Some(connection) = &current.connection {
            return Ok((connection.clone(), current.number));
        }
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(TIMEOUT)).set_response_timeout(Some(TIMEOUT));
        let connection = current.client.get_async_connection_with_config(&config).await?;
        current.connection = Some(connection.clone());
        current.number = current.number.wrapping_add(1);
        Ok((connection, current.number))
    }

    /// Leaves a connection, unless another operation has done so.
    async fn leave(&self, number: u64) {
        let mut current = self.0.lock().await;
        if current.number == number {
            current.connection = None;
        }
    }
}

const TIMEOUT: Duration = Duration::from_secs(1);

fn is_lost(error: &RedisError) -> bool {
    error.is_io_error() || error.is_unrecoverable_error() || error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
}

/// Returns whether a value is the error of a replica. Errors of a pipeline's commands are values.
fn is_of_replica(value: &Value) -> bool {
    matches!(value, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::ReadOnly))
}

impl fmt::Debug for SentinelConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentinelConnection").finish_non_exhaustive()
    }
}

impl ConnectionLike for SentinelConnection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let (mut connection, number) = self.get().await?;
            let answer = connection.req_packed_command(command).await;
            if answer.as_ref().is_err_and(is_lost) || answer.as_ref().is_ok_and(is_of_replica) {
                self.leave(number).await;
            }
            answer
        })
    }

    fn req_packed_commands<'a>(&'a mut self, pipeline: &'a Pipeline, offset: usize, count: usize) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let (mut connection, number) = self.get().await?;
            let answers = connection.req_packed_commands(pipeline, offset, count).await;
            if answers.as_ref().is_err_and(is_lost) || answers.as_ref().is_ok_and(|values| values.iter().any(is_of_replica)) {
                self.leave(number).await;
            }
            answers
        })
    }

    fn get_db(&self) -> i64 {
        0
    }
}
