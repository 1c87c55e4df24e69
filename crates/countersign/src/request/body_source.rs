use std::error::Error;
use std::task::{Context, Poll};

use bytes::Buf;

/// The body of a request, chunk by chunk, as a framework hands it out. For adapters.
///
/// A function that polls for the next chunk is one too.
pub trait BodySource {
    /// A chunk. `Bytes` that are the whole body are kept without a copy.
    type Data: Buf;
    /// What the framework says of a body that broke off.
    type Error: Into<Box<dyn Error + Send + Sync>>;

    /// Polls for the next chunk; `None` is the end. It is not called again after an error or the end.
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Self::Data, Self::Error>>>;

    /// Whether nothing is left, so that there is nothing to drain. `None` where that cannot be told without asking for more: then something is left if the
    /// [head](crate::RequestHead::announces_body) announces a body.
    fn is_at_end(&self) -> Option<bool> {
        None
    }

    /// Whether this is the error of a limit that the application has put around the body itself. It is asked of an error and of its sources. The delivery is then
    /// rejected as [`BodyTooLarge`](crate::RejectionKind::BodyTooLarge), and otherwise as [`BodyUnreadable`](crate::RejectionKind::BodyUnreadable).
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
    fn of_a_function_it_is_not_known_where_the_end_is_nor_what_a_limit_looks_like() {
        fn facts<B: BodySource>(body: &B) -> (Option<bool>, bool) {
            (body.is_at_end(), B::is_length_limit(&io::Error::other("too long")))
        }
        assert_eq!(facts(&|_: &mut Context<'_>| Poll::Ready(None::<Result<&[u8], Infallible>>)), (None, false));
    }
}
