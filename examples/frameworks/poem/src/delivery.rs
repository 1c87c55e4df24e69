//! The adapter for poem 3.1: a request head, a body source and a response to a rejection.
//!
//! The tower layer does not fit: poem passes its own request type to a tower service.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use countersign::adapter::{BodySource, Connection, HeaderIndex, Outcome, Receive, ReceiveOptions, TokioTimer};
use countersign::{Rejection, RequestHead, Verified};
use futures_core::Stream;
use poem::error::ResponseError;
use poem::http::{StatusCode, Version};
use poem::{FromRequest, Request, RequestBody, Response};

/// A verified delivery. The extractor reads the `ReceiveOptions` from the request's extensions, set
/// by `EndpointExt::data`.
#[derive(Debug)]
pub struct Delivery {
    pub verified: Verified,
    pub body: Bytes,
}

impl<'a> FromRequest<'a> for Delivery {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let Some(options) = request.extensions().get::<ReceiveOptions>() else {
            return Err(poem::Error::from_string("the request has no `ReceiveOptions` in its data", StatusCode::INTERNAL_SERVER_ERROR));
        };
        let mut body = Body(Box::pin(body.take()?.into_bytes_stream()));
        let (mut receive, mut timer) = (Receive::new(), TokioTimer::default());
        match poll_fn(|cx| receive.poll(cx, options, &Head(request), &mut body, &mut timer)).await {
            Ok(Outcome::Verified(verified, body)) => Ok(Self { verified, body }),
            Ok(Outcome::Unverified(rejection, _)) | Err(rejection) => Err(Rejected(rejection, receive.connection()).into()),
        }
    }
}

/// A rejected delivery, already reported. A middleware finds this value in the endpoint's error, by
/// `poem::Error::downcast_ref`.
#[derive(Debug)]
pub struct Rejected(pub Rejection, pub Connection);

impl ResponseError for Rejected {
    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status_code()).unwrap_or(StatusCode::UNAUTHORIZED)
    }

    fn as_response(&self) -> Response {
        let mut response = Response::builder().status(self.status());
        if let Some((name, value)) = Rejection::required_header(self.0.status_code()) {
            response = response.header(name, value);
        }
        if self.1 == Connection::Close {
            response = response.header("connection", "close");
        }
        response.finish()
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the delivery was rejected")
    }
}

impl std::error::Error for Rejected {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// The request head for the core. poem keeps the original URI, beside the URI shortened by routing.
struct Head<'a>(&'a Request);

impl RequestHead for Head<'_> {
    fn method(&self) -> &str {
        self.0.method().as_str()
    }

    fn target(&self) -> &str {
        self.0.uri().path_and_query().map_or("", |target| target.as_str())
    }

    fn original_target(&self) -> &str {
        self.0.original_uri().path_and_query().map_or("", |target| target.as_str())
    }

    fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
        index.extend(self.0.headers());
    }

    fn is_multiplexed(&self) -> bool {
        self.0.version() >= Version::HTTP_2
    }
}

/// The request body, as a stream of chunks.
struct Body<S>(Pin<Box<S>>);

impl<S: Stream<Item = io::Result<Bytes>>> BodySource for Body<S> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        self.0.as_mut().poll_next(cx)
    }
}
