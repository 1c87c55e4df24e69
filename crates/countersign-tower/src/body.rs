use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

/// The body of a verified delivery, byte for byte as it was signed: what the inner service gets. It is in memory, cannot fail, and is
/// `Sync` whatever the body was that it came in.
///
/// Trailers that came with the body follow it. They are not signed.
#[derive(Default)]
pub struct VerifiedBody {
    data: Bytes,
    // Boxed, as nearly every body has none.
    trailers: Option<Box<HeaderMap>>,
}

impl VerifiedBody {
    pub(crate) const fn new(data: Bytes, trailers: Option<Box<HeaderMap>>) -> Self {
        Self { data, trailers }
    }

    /// The bytes that have not been polled yet, which are all of them for an inner service that has just been called. No copy is made.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.data
    }
}

impl Body for VerifiedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.data.is_empty() {
            return Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(*trailers))));
        }
        Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.data)))))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_empty() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.data.len().try_into().unwrap_or(u64::MAX))
    }
}

impl fmt::Debug for VerifiedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedBody").field("len", &self.data.len()).finish_non_exhaustive()
    }
}
