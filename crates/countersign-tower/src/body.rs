use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

/// The body of a verified delivery, byte for byte as signed. The inner service receives this body.
///
/// The body is in memory and cannot fail. `VerifiedBody` is `Sync` for every type of incoming body.
/// Trailers of the request follow the data. Trailers are not signed.
///
/// In [report-only mode](crate::VerifyLayer::insecure_report_only), the body of an **unverified**
/// delivery has this type too.
#[derive(Default)]
pub struct VerifiedBody {
    data: Bytes,
    // Boxed, to keep the body small: nearly no request has trailers.
    trailers: Option<Box<HeaderMap>>,
}

impl VerifiedBody {
    pub(crate) const fn new(data: Bytes, trailers: Option<Box<HeaderMap>>) -> Self {
        Self { data, trailers }
    }

    #[cfg(feature = "once")]
    pub(crate) const fn bytes(&self) -> &Bytes {
        &self.data
    }

    /// Returns the bytes not polled yet, without a copy. Before the first poll, this is the whole
    /// body. Trailers are dropped.
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
