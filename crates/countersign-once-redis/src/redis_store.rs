use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use countersign::identity::DeliveryKey;
use countersign_once::{ClaimReply, MarkReply, Owner, RenewReply, Store, StoreError, StoreFuture};
use redis::aio::ConnectionLike;
use redis::{Client, Cmd, ErrorKind, IntoConnectionInfo as _, ProtocolVersion, RedisError, ServerErrorKind};

use crate::entry::Entry;
use crate::error::RedisStoreError;
use crate::problem::Problem;
use crate::redis_connection::RedisConnection;

/// A store in Redis or Valkey, shared by all processes that use the same server and prefix.
///
/// A clone shares the connection.
#[derive(Clone)]
pub struct RedisStore<C = RedisConnection> {
    connection: C,
    prefix: Arc<str>,
}

/// Longer leases are cut to 30 minutes. The guard refuses such leases when built.
const LONGEST_LEASE: Duration = Duration::from_secs(1800);

/// A full server cannot write a mark, so [`MARK`] extends the claim instead. A claim with more time
/// to live than this is such a mark. Twice the longest lease, so a claim is never read as a mark.
const MARK_THRESHOLD: Duration = Duration::from_secs(3600);

/// Longer times are cut to ten years: Redis refuses a time beyond its range.
const LONGEST_KEEP: Duration = Duration::from_secs(315_360_000);

/// Extends the claim, or sets the claim again if it has expired or was lost. `GT` never shortens a mark
/// that a full server has written as a long claim.
const RENEW: &str = "\
local v = redis.call('GET', KEYS[1])
if v == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2], 'GT') return 1 end
if not v then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 2 end
return 0";

/// Removes the claim of this owner, and no other claim.
const RELEASE: &str = "\
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 0";

/// Replaces a claim with a mark, and returns the value before. Another owner's mark stays: the answer may be
/// lost, and the next try must find that mark again. A claim has 33 bytes and begins with `c`.
///
/// A full server refuses `SET`, but allows `PEXPIRE`. The script extends only an entry of this owner. The owner
/// of another claim could still release the claim, and so remove the mark.
const MARK: &str = "\
local v = redis.call('GET', KEYS[1])
local own = v == ARGV[1] or v == ARGV[2]
if v and not own and not (#v == 33 and string.sub(v, 1, 1) == 'c') then return v end
local set = redis.pcall('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
if set.err then
  if not own or string.sub(set.err, 1, 3) ~= 'OOM' then return set end
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return v";

impl RedisStore {
    /// Connects to a server, and checks its settings. Each [`Problem`] is logged at `ERROR`.
    ///
    /// `url` has the form `redis://user:password@host:port/db`, with a percent-encoded password, or
    /// `rediss://…` for TLS. `prefix` stands before each key, such as `"myapp:once:"`.
    ///
    /// All requests share one [`RedisConnection`].
    ///
    /// # Errors
    /// - [`RedisStoreError::Connection`]: the URL is wrong, or the server does not answer.
    /// - [`RedisStoreError::Problems`]: the server is [too old](Problem::TooOld).
    pub async fn connect(url: &str, prefix: impl Into<Arc<str>>) -> Result<Self, RedisStoreError> {
        let store = Self::connected(url, prefix.into()).await?;
        for problem in store.problems().await.map_err(|error| connection_error(&"INFO", &error))? {
            if matches!(problem, Problem::TooOld { .. }) {
                return Err(RedisStoreError::Problems(vec![problem]));
            }
            tracing::error!(target: "countersign", problem = %problem, "Redis is unfit for a guard");
        }
        Ok(store)
    }

    /// Connects as [`connect`](Self::connect) does, and refuses a server with a [`Problem`].
    ///
    /// # Errors
    /// - [`RedisStoreError::Connection`]: the URL is wrong, or the server does not answer.
    /// - [`RedisStoreError::Problems`]: the server has a problem.
    pub async fn connect_strict(url: &str, prefix: impl Into<Arc<str>>) -> Result<Self, RedisStoreError> {
        let store = Self::connected(url, prefix.into()).await?;
        let problems = store.problems().await.map_err(|error| connection_error(&"INFO", &error))?;
        if problems.is_empty() { Ok(store) } else { Err(RedisStoreError::Problems(problems)) }
    }

    async fn connected(url: &str, prefix: Arc<str>) -> Result<Self, RedisStoreError> {
        let info =
            url.into_connection_info().map_err(|error| connection_error(&"redis://user:password@host:port/db is expected", &error))?;
        let server = info.addr().to_string();
        // With RESP3, the client notices at once that the server has closed the connection.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        // Without `nodelay`, an operation could wait for the acknowledgement of the operation before.
        let tcp = info.tcp_settings().clone().set_nodelay(true);
        let client =
            Client::open(info.set_redis_settings(settings).set_tcp_settings(tcp)).map_err(|error| connection_error(&server, &error))?;
        let mut connection = RedisConnection::to_server(client);
        redis::cmd("PING").query_async::<()>(&mut connection).await.map_err(|error| connection_error(&server, &error))?;
        Ok(Self::new(connection, prefix))
    }
}

/// The text of a [`RedisError`] repeats its source.
fn connection_error(context: &dyn fmt::Display, error: &RedisError) -> RedisStoreError {
    RedisStoreError::Connection(format!("{context}: {error}").into())
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> RedisStore<C> {
    /// Creates a store on a connection of the crate [`redis`], such as a connection to a cluster.
    /// Checks nothing: see [`problems`](Self::problems).
    ///
    /// Give the connection timeouts of one second at most, and few attempts to reconnect: by default, a
    /// connection to a cluster waits longer than any sender.
    ///
    /// ```rust,no_run
    /// use std::time::Duration;
    ///
    /// use countersign_once_redis::RedisStore;
    /// use countersign_once_redis::redis::{ProtocolVersion, cluster::ClusterClient};
    ///
    /// # async fn store() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = ClusterClient::builder(["redis://10.0.0.1/", "redis://10.0.0.2/"])
    ///     .use_protocol(ProtocolVersion::RESP3)
    ///     .connection_timeout(Duration::from_secs(1))
    ///     .response_timeout(Duration::from_secs(1))
    ///     .retries(1)
    ///     .build()?;
    /// let store = RedisStore::new(client.get_async_connection().await?, "myapp:once:");
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(connection: C, prefix: impl Into<Arc<str>>) -> Self {
        Self { connection, prefix: prefix.into() }
    }

    /// Returns the problems that make the server unfit for a guard, from the answer to `INFO`.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn problems(&self) -> Result<Vec<Problem>, RedisError> {
        let mut connection = self.connection.clone();
        match redis::cmd("INFO").arg("everything").query_async(&mut connection).await {
            Ok(info) => Ok(Problem::find(&info)),
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm) => Ok(vec![Problem::Unchecked]),
            Err(error) => Err(error),
        }
    }

    fn key(&self, key: DeliveryKey) -> String {
        format!("{}{key}", self.prefix)
    }

    fn script(&self, script: &str, key: DeliveryKey) -> Cmd {
        let mut command = redis::cmd("EVAL");
        command.arg(script).arg(1).arg(self.key(key));
        command
    }

    /// Runs an operation on a clone of the connection. All clones share one socket.
    fn operation<T, F>(&self, run: impl FnOnce(C) -> F) -> StoreFuture<T>
    where
        F: Future<Output = Result<T, RedisStoreFault>> + Send + 'static,
    {
        let operation = run(self.connection.clone());
        StoreFuture::new(async move { operation.await.map_err(StoreError::new) })
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Store for RedisStore<C> {
    fn claim(&self, key: DeliveryKey, owner: Owner, lease: Duration) -> StoreFuture<ClaimReply> {
        let (key, claim) = (self.key(key), Entry::claim(owner));
        self.operation(|mut connection| async move {
            let mut pipeline = redis::pipe();
            // The time comes first: a mark written in between would lend its time to the claim.
            pipeline.cmd("PTTL").arg(&key);
            pipeline.cmd("SET").arg(&key).arg(claim.as_str()).arg("NX").arg("GET").arg("PX").arg(millis(lease.min(LONGEST_LEASE)));
            let (left, before): (i64, Option<String>) = pipeline.query_async(&mut connection).await?;
            let Some(before) = before else { return Ok(ClaimReply::Acquired) };
            let before = Entry::parse(before).ok_or(RedisStoreFault::ForeignValue)?;
            let is_marked = left > i64::try_from(MARK_THRESHOLD.as_millis()).unwrap_or(i64::MAX);
            Ok(match before.status() {
                Some(status) => ClaimReply::Marked(status),
                None if is_marked => ClaimReply::Marked(200),
                None if before == claim => ClaimReply::Acquired,
                None => ClaimReply::Running,
            })
        })
    }

    fn renew(&self, key: DeliveryKey, owner: Owner, lease: Duration) -> StoreFuture<RenewReply> {
        let mut renew = self.script(RENEW, key);
        renew.arg(Entry::claim(owner).as_str()).arg(millis(lease.min(LONGEST_LEASE)));
        self.operation(|mut connection| async move {
            Ok(match renew.query_async::<u8>(&mut connection).await? {
                1 => RenewReply::Held,
                2 => RenewReply::Restored,
                _ => RenewReply::Lost,
            })
        })
    }

    fn mark(&self, key: DeliveryKey, owner: Owner, status: u16, keep: Duration) -> StoreFuture<MarkReply> {
        let (own, keep) = (Entry::mark(owner, status), keep.min(LONGEST_KEEP));
        let mut mark = self.script(MARK, key);
        mark.arg(Entry::claim(owner).as_str()).arg(own.as_str()).arg(millis(keep)).arg(millis(keep.saturating_add(MARK_THRESHOLD)));
        self.operation(|mut connection| async move {
            let before: Option<String> = mark.query_async(&mut connection).await?;
            let Some(before) = before else { return Ok(MarkReply::Unclaimed) };
            let before = Entry::parse(before).ok_or(RedisStoreFault::ForeignValue)?;
            Ok(if before.has_owner_of(&own) { MarkReply::Own } else { MarkReply::Other })
        })
    }

    fn release(&self, key: DeliveryKey, owner: Owner) -> StoreFuture<()> {
        let mut release = self.script(RELEASE, key);
        release.arg(Entry::claim(owner).as_str());
        self.operation(|mut connection| async move { Ok(release.query_async(&mut connection).await?) })
    }
}

/// A fault of one operation.
#[derive(Debug)]
enum RedisStoreFault {
    Redis(RedisError),
    /// The value of the key was not written by this crate.
    ForeignValue,
}

impl From<RedisError> for RedisStoreFault {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

impl fmt::Display for RedisStoreFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redis(error) => error.fmt(f),
            Self::ForeignValue => f.write_str("the value of the key was not written by this crate: choose another prefix"),
        }
    }
}

impl std::error::Error for RedisStoreFault {}

/// Returns a duration in milliseconds, at least one: Redis refuses zero.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1)
}

impl<C> fmt::Debug for RedisStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
