//! The adapter for Rocket 0.5: a request head, a body source and a response to a rejection.
//!
//! The guide to adding a framework, in the core, shows most of this file. A test compares both.

use std::borrow::Cow;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use countersign::adapter::{BodySource, Connection, HeaderIndex, Outcome, Receive, ReceiveOptions, TokioTimer};
use countersign::{Rejection, RequestHead, Verified};
use rocket::data::{Data, DataStream, FromData, ToByteUnit as _};
use rocket::http::Status;
use rocket::response::{Responder, Response};
use rocket::tokio::io::{AsyncRead, ReadBuf};
use rocket::{Request, data, response};

/// A verified delivery. The data guard reads the `ReceiveOptions` from Rocket's managed state.
///
/// A handler takes `Result<Delivery, Rejected>`, and returns `Rejected` as its error. The sender
/// then receives the response of `Rejected`. For a handler with `Delivery` alone, Rocket's catchers
/// write the response.
#[derive(Debug)]
pub struct Delivery {
    pub verified: Verified,
    pub body: Bytes,
}

#[rocket::async_trait]
impl<'r> FromData<'r> for Delivery {
    type Error = Rejected;

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> data::Outcome<'r, Self> {
        let Some(options) = request.rocket().state::<ReceiveOptions>() else {
            return data::Outcome::Error((Status::InternalServerError, Rejected(None)));
        };
        let head = Head::new(request);
        // A limit of Rocket would cut the body off without an error. The verifier has a limit.
        let mut body = Body { stream: Box::pin(data.open(u64::MAX.bytes())), buffer: vec![0; 8 * 1024].into() };
        let (mut receive, mut timer) = (Receive::new(), TokioTimer::default());
        match poll_fn(|cx| receive.poll(cx, options, &head, &mut body, &mut timer)).await {
            Ok(Outcome::Verified(verified, body)) => data::Outcome::Success(Self { verified, body }),
            Ok(Outcome::Unverified(rejection, _)) | Err(rejection) => {
                let status = Status::new(rejection.status_code());
                data::Outcome::Error((status, Rejected(Some(Box::new((rejection, receive.connection()))))))
            }
        }
    }
}

/// A rejected delivery, already reported. `None` if Rocket manages no `ReceiveOptions`.
#[derive(Debug)]
pub struct Rejected(pub Option<Box<(Rejection, Connection)>>);

impl<'r> Responder<'r, 'static> for Rejected {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let (rejection, connection) = *self.0.ok_or(Status::InternalServerError)?;
        let mut response = Response::build();
        response.status(Status::new(rejection.status_code()));
        if let Some((name, value)) = Rejection::required_header(rejection.status_code()) {
            response.raw_header(name, value);
        }
        if connection == Connection::Close {
            response.raw_header("connection", "close");
        }
        // For fairings.
        request.local_cache(|| Some(rejection));
        response.ok()
    }
}

/// The request head for the core. Rocket creates a new `Header` for each field at each call, so the
/// head holds copies of names and values.
struct Head<'r> {
    request: &'r Request<'r>,
    target: String,
    fields: Vec<(String, String)>,
}

impl<'r> Head<'r> {
    fn new(request: &'r Request<'_>) -> Self {
        let fields = request.headers().iter().map(|field| (field.name().to_string(), field.value().to_owned())).collect();
        Self { request, target: request.uri().to_string(), fields }
    }
}

impl RequestHead for Head<'_> {
    fn method(&self) -> &str {
        self.request.method().as_str()
    }

    fn target(&self) -> &str {
        &self.target
    }

    /// Returns the tenant found by a fairing.
    fn tenant(&self) -> Option<Cow<'_, str>> {
        self.request.local_cache(|| None::<String>).as_deref().map(Cow::Borrowed)
    }

    fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
        index.extend(self.fields.iter().map(|(name, value)| (name, value)));
    }
}

/// The request body, read in chunks of at most 8 KiB.
struct Body<'r> {
    stream: Pin<Box<DataStream<'r>>>,
    buffer: Box<[u8]>,
}

impl BodySource for Body<'_> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let mut buffer = ReadBuf::new(&mut self.buffer);
        Poll::Ready(match ready!(self.stream.as_mut().poll_read(cx, &mut buffer)) {
            Ok(()) if buffer.filled().is_empty() => None,
            read => Some(read.map(|()| Bytes::copy_from_slice(buffer.filled()))),
        })
    }
}
