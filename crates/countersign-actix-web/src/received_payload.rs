use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use bytes::Bytes;
use futures_core::Stream;

/// A body that is in memory already. actix-web's own way to make a payload of one takes an allocation more.
struct ReceivedPayload(Bytes);

pub(crate) fn payload(body: Bytes) -> Payload {
    let stream: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(ReceivedPayload(body));
    Payload::from(stream)
}

impl Stream for ReceivedPayload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let body = std::mem::take(&mut self.0);
        Poll::Ready((!body.is_empty()).then_some(Ok(body)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let chunks = usize::from(!self.0.is_empty());
        (chunks, Some(chunks))
    }
}
