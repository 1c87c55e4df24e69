use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Payload;
use bytes::Bytes;

/// The body of a refusal, which holds on to what is left of the request's body until it is sent.
///
/// A payload that is gone when the answer ends is one that actix-web reads on for its own sake, without limit if it is chunked. One that is
/// still there, and not at its end, makes it close the connection.
pub(crate) struct RefusalBody {
    body: BoxBody,
    _rest: Payload,
}

impl RefusalBody {
    pub(crate) const fn new(body: BoxBody, rest: Payload) -> Self {
        Self { body, _rest: rest }
    }
}

impl MessageBody for RefusalBody {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        match self.body.size() {
            // Nothing would be dropped at once, and the payload with it.
            BodySize::None => BodySize::Sized(0),
            size => size,
        }
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}
