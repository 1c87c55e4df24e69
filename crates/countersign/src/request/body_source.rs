use std::error::Error;
use std::task::{Context, Poll};

use bytes::Buf;

/// A request body, handed out by a framework chunk by chunk. For adapters.
///
/// A function polling for the next chunk implements this trait too.
pub trait BodySource {
    /// A chunk. `Bytes` holding the whole body are kept without a copy. With a
    /// [`MemoryBudget`](crate::MemoryBudget), a chunk under 64 KiB is copied.
    type Data: Buf;
    /// The framework's error for a body that broke off.
    type Error: Into<Box<dyn Error + Send + Sync>>;

    /// Polls for the next chunk. Returns `None` at the end. Not called again after an error or the
    /// end.
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Self::Data, Self::Error>>>;

    /// Returns whether the body is at the end, with nothing left to drain.
    ///
    /// Returns `None` if only another poll could tell. Then
    /// [`RequestHead::announces_body`](crate::RequestHead::announces_body) decides whether
    /// something is left.
    fn is_at_end(&self) -> Option<bool> {
        None
    }

    /// Returns whether `error` comes from a length limit set around the body by the application.
    ///
    /// Called with the error of the body and with each source of this error. A length limit rejects
    /// the delivery as [`BodyTooLarge`](crate::RejectionKind::BodyTooLarge). Any other error
    /// rejects the delivery as [`BodyUnreadable`](crate::RejectionKind::BodyUnreadable).
    fn is_length_limit(error: &(dyn Error + 'static)) -> bool {
        let _ = error;
        false
    }
}

impl<D, E, F> BodySource for F
where
    F: FnMut(&mut Context<'_>) -> Poll<Option<Result<D, E>>>,
    D: Buf,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = D;
    type Error = E;

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<D, E>>> {
        self(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::io;

    use super::*;

    #[test]
    fn function_body_has_unknown_end_and_no_length_limit() {
        fn end_and_limit<B: BodySource>(body: &B) -> (Option<bool>, bool) {
            (body.is_at_end(), B::is_length_limit(&io::Error::other("too long")))
        }
        assert_eq!(end_and_limit(&|_: &mut Context<'_>| Poll::Ready(None::<Result<&[u8], Infallible>>)), (None, false));
    }
}
