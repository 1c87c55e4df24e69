use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::dev::{self, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use actix_web::http::{Method, Version};
use bytes::Bytes;
use futures_core::Stream as _;

/// The payload of one request, up to the end that its head announces.
pub(crate) struct Payload {
    payload: dev::Payload,
    /// The bytes that are still to come, of a payload that actix-web does not end by itself.
    left: Option<u64>,
}

impl Payload {
    /// Takes the payload out of the request.
    ///
    /// Over HTTP/1, actix-web takes what follows `Upgrade: websocket`, and a `CONNECT` without a length, for a stream that ends with the
    /// connection (`actix-http` 3.20, `h1/decoder.rs`). A webhook is neither, and its body is as long as its head says (RFC 9112 §6.3): what
    /// tower and warp go by as well.
    pub(crate) fn take(request: &mut ServiceRequest) -> Self {
        let endless = is_endless(request);
        let payload = std::mem::replace(request.parts_mut().1, dev::Payload::None);
        Self { payload, left: endless.then(|| announced(request)) }
    }

    /// The payload itself, with what is left of it. Of a payload without an end of its own that is never nothing, and so actix-web closes the
    /// connection.
    pub(crate) fn take_rest(&mut self) -> dev::Payload {
        std::mem::replace(&mut self.payload, dev::Payload::None)
    }

    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, PayloadError>>> {
        let Some(left) = &mut self.left else { return Pin::new(&mut self.payload).poll_next(cx) };
        if *left == 0 {
            return Poll::Ready(None);
        }
        let mut chunk = match ready!(Pin::new(&mut self.payload).poll_next(cx)) {
            Some(Ok(chunk)) => chunk,
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            None => return Poll::Ready(Some(Err(PayloadError::Incomplete(None)))),
        };
        chunk.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
        *left = left.saturating_sub(chunk.len().try_into().unwrap_or(u64::MAX));
        Poll::Ready(Some(Ok(chunk)))
    }
}

fn is_endless(request: &ServiceRequest) -> bool {
    let headers = request.headers();
    if request.version() >= Version::HTTP_2 || headers.contains_key(TRANSFER_ENCODING) {
        return false;
    }
    let is_websocket = |value: &[u8]| value.trim_ascii().eq_ignore_ascii_case(b"websocket");
    headers.get_all(UPGRADE).any(|value| is_websocket(value.as_bytes())) || (request.method() == Method::CONNECT && announced(request) == 0)
}

/// What is no number has been refused by actix-web already.
fn announced(request: &ServiceRequest) -> u64 {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    length.and_then(|length| length.trim().parse().ok()).unwrap_or_default()
}
