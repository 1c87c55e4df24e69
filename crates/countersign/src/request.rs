pub(crate) mod body_source;
pub(crate) mod clock;
pub(crate) mod head;
pub(crate) mod header_index;
#[cfg(feature = "http")]
mod http;
pub(crate) mod timer;
#[cfg(feature = "tokio")]
pub(crate) mod tokio_timer;
