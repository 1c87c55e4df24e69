use std::fmt;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::sentinel::SentinelClient;
use redis::{AsyncConnectionConfig, Cmd, ErrorKind, Pipeline, RedisFuture, RedisResult, ServerErrorKind, Value};
use tokio::sync::Mutex;

/// A connection to the master that the sentinels name.
///
/// After a failed connection, a missing answer, or the answer of a replica, the next operation asks
/// the sentinels again. An operation is never repeated: the guard decides what a failed operation
/// means.
///
/// A clone shares the connection.
///
/// ```rust,no_run
/// use countersign_once_redis::redis::{ConnectionAddr, ProtocolVersion};
/// use countersign_once_redis::redis::sentinel::{SentinelClientBuilder, SentinelServerType};
/// use countersign_once_redis::{RedisStore, SentinelConnection};
///
/// # async fn store() -> Result<(), Box<dyn std::error::Error>> {
/// let sentinels = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(|host| ConnectionAddr::Tcp(host.into(), 26379));
/// let client = SentinelClientBuilder::new(sentinels, "mymaster", SentinelServerType::Master)?
///     .set_client_to_redis_protocol(ProtocolVersion::RESP3)
///     .build()?;
/// let store = RedisStore::new(SentinelConnection::new(client), "myapp:once:");
/// for problem in store.problems().await? {
///     eprintln!("{problem}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SentinelConnection {
    client: Arc<Mutex<SentinelClient>>,
    current: Arc<SyncMutex<Current>>,
}

/// An attempt to connect, or its result.
type Connecting = Shared<BoxFuture<'static, RedisResult<MultiplexedConnection>>>;

#[derive(Default)]
struct Current {
    connecting: Option<Connecting>,
    /// Counts the attempts so far.
    number: u64,
}

/// For an answer. Shorter than the default patience of the guard, so that an operation ends here, and
/// the connection is left.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(500);

/// For an attempt to connect.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(1);

impl SentinelConnection {
    /// Creates a connection by a client for [`SentinelServerType::Master`](redis::sentinel::SentinelServerType::Master).
    /// The first operation connects.
    ///
    /// An answer has a timeout of half a second, and an attempt to connect to the master one second. An
    /// operation that has to find the master can take longer, and is then ended by the guard's
    /// patience. The search goes on in a task of its own, for the next operations.
    #[must_use]
    pub fn new(client: SentinelClient) -> Self {
        Self { client: Arc::new(Mutex::new(client)), current: Arc::default() }
    }

    /// Returns the present attempt to connect, with its number.
    fn connecting(&self) -> (Connecting, u64) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connecting) = &current.connecting {
            return (connecting.clone(), current.number);
        }
        let client = Arc::clone(&self.client);
        let connecting = async move {
            let config = AsyncConnectionConfig::new();
            let config = config.set_connection_timeout(Some(CONNECTION_TIMEOUT)).set_response_timeout(Some(RESPONSE_TIMEOUT));
            client.lock().await.get_async_connection_with_config(&config).await
        };
        let connecting = connecting.boxed().shared();
        // A dropped operation does not end the attempt: a dead sentinel can take as long as the guard's
        // patience, and each operation would begin with the dead sentinel.
        tokio::spawn(connecting.clone());
        current.connecting = Some(connecting.clone());
        current.number = current.number.wrapping_add(1);
        (connecting, current.number)
    }

    /// Leaves a connection, unless another operation has done so.
    fn leave(&self, number: u64) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.number == number {
            current.connecting = None;
        }
    }

    /// Runs an operation on the connection to the master. Leaves the connection if `is_lost` says so.
    async fn run<T>(
        &self,
        operation: impl AsyncFnOnce(MultiplexedConnection) -> RedisResult<T>,
        is_of_replica: impl FnOnce(&T) -> bool,
    ) -> RedisResult<T> {
        let (connecting, number) = self.connecting();
        let answer = match connecting.await {
            Ok(connection) => operation(connection).await,
            Err(error) => {
                self.leave(number);
                return Err(error);
            }
        };
        let is_lost = match &answer {
            Ok(answer) => is_of_replica(answer),
            Err(error) => error.is_io_error() || error.is_unrecoverable_error() || is_read_only(error.kind()),
        };
        if is_lost {
            self.leave(number);
        }
        answer
    }
}

fn is_read_only(kind: ErrorKind) -> bool {
    kind == ErrorKind::Server(ServerErrorKind::ReadOnly)
}

/// Returns whether a value is the error of a replica. Errors of a pipeline's commands are values.
fn is_of_replica(value: &Value) -> bool {
    matches!(value, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::ReadOnly))
}

impl ConnectionLike for SentinelConnection {
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

impl fmt::Debug for SentinelConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentinelConnection").finish_non_exhaustive()
    }
}
