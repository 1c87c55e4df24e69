use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use bytes::Bytes;
use futures_core::Stream;

/// A body that is in memory already, which is handed out once: by the payload that is made of it, or to whoever has a clone of this.
#[derive(Clone)]
pub(crate) struct ReceivedPayload(Rc<Cell<Option<Bytes>>>);

impl ReceivedPayload {
    pub(crate) fn new(body: Bytes) -> Self {
        Self(Rc::new(Cell::new(Some(body))))
    }

    pub(crate) fn take(&self) -> Option<Bytes> {
        self.0.take()
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
