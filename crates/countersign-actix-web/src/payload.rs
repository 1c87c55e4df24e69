use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use bytes::Bytes;
use futures_core::Stream;
use std::cell::Cell;
use std::error::Error;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// A body in memory. The body is handed out once: by the payload, or by [`take`](Self::take) on any
/// clone.
#[derive(Clone)]
pub(crate) struct ReceivedPayload(Rc<Cell<Option<Bytes>>>);

impl ReceivedPayload {
    pub(crate) fn new(body: Bytes) -> Self {
        Self(Rc::new(Cell::new(Some(body))))
    }

    pub(crate) fn take(&self) -> Option<Bytes> {
        self.0.take()
    }

    /// Returns the body, if nobody has taken the body.
    #[cfg(feature = "once")]
    pub(crate) fn peek(&self) -> Option<Bytes> {
        let body = self.0.take();
        self.0.set(body.clone());
        body
    }

    pub(crate) fn payload(&self) -> Payload {
        let stream: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(self.clone());
        Payload::from(stream)
    }
}

impl Stream for ReceivedPayload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.take().filter(|body| !body.is_empty()).map(Ok))
    }
}

/// The response body of a rejection. Holds the rest of the request payload until the response is
/// sent.
///
/// At the end of the response, actix-web looks at the request payload:
/// - If the payload was dropped, actix-web reads on, without limit for a chunked body.
/// - If the payload still exists and is not at the end, actix-web closes the connection.
pub(crate) struct RejectionBody {
    body: BoxBody,
    _rest: Payload,
}

impl RejectionBody {
    pub(crate) const fn new(body: BoxBody, rest: Payload) -> Self {
        Self { body, _rest: rest }
    }
}

impl MessageBody for RejectionBody {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        match self.body.size() {
            // `BoxBody::new` drops a body of size `None` at once, and the payload with the body.
            BodySize::None => BodySize::Sized(0),
            size => size,
        }
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}
