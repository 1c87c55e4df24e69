//! [`RedisStore`]: crate::RedisStore
//! [`RedisStore::connect`]: crate::RedisStore::connect
//! [`RedisStore::connect_strict`]: crate::RedisStore::connect_strict
//! [`RedisStore::new`]: crate::RedisStore::new
//! [`RedisStore::problems`]: crate::RedisStore::problems
//! [`RedisConnection`]: crate::RedisConnection
//! [`RedisConnection::to_server`]: crate::RedisConnection::to_server
#![cfg_attr(feature = "sentinel", doc = "[`RedisConnection::to_master`]: crate::RedisConnection::to_master")]
//! [`Problem`]: crate::Problem
// rustdoc takes the first definition of a link, so the links above win over the URLs at the end of
// README.md. crates.io knows the URLs only.
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod entry;
mod error;
mod problem;
mod redis_connection;
mod redis_store;

pub use error::RedisStoreError;
pub use problem::Problem;
pub use redis;
pub use redis_connection::RedisConnection;
pub use redis_store::RedisStore;
