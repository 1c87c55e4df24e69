use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use actix_web::http::{Method, Version};
use actix_web::{HttpMessage, HttpRequest};
use bytes::Bytes;
use countersign::adapter::BodySource;
use futures_core::Stream as _;

/// The payload of one request, bounded by the request head. The limit of the verifier is checked in
/// the core.
///
/// Over HTTP/1, actix-web reads until the connection ends after `Upgrade: websocket`, and after a
/// `CONNECT` without a length (`actix-http` 3.20, `h1/decoder.rs`). A webhook delivery never
/// switches protocols. The request head defines the end of the body (RFC 9112 §6.3). hyper follows
/// the head for tower and warp. So the same delivery has the same verdict under each framework.
pub(crate) struct BoundedPayload {
    inner: Payload,
    /// The number of missing bytes. `None` if actix-web ends the payload itself.
    remaining: Option<u64>,
}

impl BoundedPayload {
    /// Takes the payload out of the request.
    pub(crate) fn take(request: &mut ServiceRequest) -> Self {
        let remaining = is_unbounded(request).then(|| content_length(request));
        let inner = std::mem::replace(request.parts_mut().1, Payload::None);
        Self { inner, remaining }
    }

    /// Returns actix-web's payload with the unread bytes. If the payload is not at the end,
    /// actix-web closes the connection after the response. An unbounded payload never ends.
    pub(crate) fn into_inner(self) -> Payload {
        self.inner
    }
}

impl BodySource for BoundedPayload {
    type Data = Bytes;
    type Error = PayloadError;

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, PayloadError>>> {
        let Some(remaining) = &mut self.remaining else { return Pin::new(&mut self.inner).poll_next(cx) };
        if *remaining == 0 {
            return Poll::Ready(None);
        }
        let mut chunk = match ready!(Pin::new(&mut self.inner).poll_next(cx)) {
            Some(Ok(chunk)) => chunk,
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            None => return Poll::Ready(Some(Err(PayloadError::Incomplete(None)))),
        };
        // Drops the bytes after the announced length. actix-web does not parse these bytes as
        // another request either: actix-web closes the connection.
        chunk.truncate(usize::try_from(*remaining).unwrap_or(usize::MAX));
        *remaining = remaining.saturating_sub(chunk.len().try_into().unwrap_or(u64::MAX));
        Poll::Ready(Some(Ok(chunk)))
    }

    fn is_length_limit(error: &(dyn Error + 'static)) -> bool {
        matches!(error.downcast_ref(), Some(PayloadError::Overflow))
    }
}

/// Returns whether actix-web reads the payload of this request until the connection ends.
fn is_unbounded(request: &ServiceRequest) -> bool {
    let headers = request.headers();
    // actix-web decodes a chunked body to the end, also with `Upgrade` or `CONNECT`.
    if request.version() >= Version::HTTP_2 || headers.contains_key(TRANSFER_ENCODING) {
        return false;
    }
    let is_websocket = |value: &[u8]| value.trim_ascii().eq_ignore_ascii_case(b"websocket");
    let upgrades = headers.get_all(UPGRADE).any(|value| is_websocket(value.as_bytes()));
    // actix-web follows the length of a `CONNECT` if the length is not 0.
    let connects = request.method() == Method::CONNECT && content_length(request) == 0;
    upgrades || connects
}

/// Returns whether another extractor has taken the body. The head then announces a body, and the
/// request has no payload. Over HTTP/2, actix-web gives every request a payload.
pub(crate) fn is_taken(request: &HttpRequest, payload: &Payload) -> bool {
    // The cheap check comes first: nearly every delivery has a payload.
    matches!(payload, Payload::None)
        && (request.version() >= Version::HTTP_2 || request.headers().contains_key(TRANSFER_ENCODING) || content_length(request) > 0)
}

/// Returns the `Content-Length`, or 0 without the header field. actix-web itself rejects a value
/// other than a number.
fn content_length(request: &impl HttpMessage) -> u64 {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    length.and_then(|length| length.trim().parse().ok()).unwrap_or_default()
}
