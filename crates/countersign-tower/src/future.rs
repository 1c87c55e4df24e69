use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use countersign::adapter::Outcome;
use countersign::{Rejection, Verified};
use http::header::{CONNECTION, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::body::VerifiedBody;
use crate::receive::{ReceiveRequest, RejectedRequest};
use crate::response::RejectionResponse;
use crate::settings::Settings;

pin_project! {
    /// The response of [`Verify`](crate::Verify).
    #[must_use = "futures do nothing unless polled"]
    pub struct VerifyFuture<S, R, B>
    where
        S: Service<Request<VerifiedBody>>,
    {
        // Taken when it is called, or has nothing more to do with the request.
        inner: Option<S>,
        reject: R,
        #[pin]
        state: State<B, S::Future>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<B, F> {
        ReceiveRequest {
            #[pin]
            delivering: ReceiveRequest<B>,
        },
        Calling {
            #[pin]
            response: F,
        },
    }
}

impl<S, R, B> VerifyFuture<S, R, B>
where
    S: Service<Request<VerifiedBody>>,
    B: Body,
{
    pub(crate) fn new(inner: S, reject: R, settings: Arc<Settings>, request: Request<B>) -> Self {
        let (parts, body) = request.into_parts();
        Self { inner: Some(inner), reject, state: State::ReceiveRequest { delivering: ReceiveRequest::new(settings, parts, body) } }
    }
}

impl<S, R, B, T> Future for VerifyFuture<S, R, B>
where
    S: Service<Request<VerifiedBody>, Response = Response<T>>,
    R: RejectionResponse<T>,
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Output = Result<Response<T>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let response = match this.state.as_mut().project() {
                StateProj::ReceiveRequest { mut delivering } => {
                    let received = delivering.as_mut().poll(cx);
                    if delivering.is_rejected() {
                        *this.inner = None;
                    }
                    match ready!(received) {
                        Ok(reported) => {
                            let (Some(inner), Some((parts, trailers))) = (this.inner.take(), delivering.take_head()) else {
                                return Poll::Pending;
                            };
                            call(inner, parts, reported, trailers)
                        }
                        Err(rejection) => return Poll::Ready(Ok(answer(this.reject.response(&rejection.rejection), rejection))),
                    }
                }
                StateProj::Calling { response } => return response.poll(cx),
            };
            this.state.set(State::Calling { response });
        }
    }
}

/// Calls the inner service with the delivery, and with what is known of it.
fn call<S: Service<Request<VerifiedBody>>>(
    mut inner: S,
    mut parts: Parts,
    reported: Outcome,
    trailers: Option<Box<HeaderMap>>,
) -> S::Future {
    let body = match reported {
        Outcome::Verified(verified, body) => {
            parts.extensions.insert(verified);
            body
        }
        Outcome::Unverified(rejection, body) => {
            // Whatever somebody further out has put there.
            parts.extensions.remove::<Verified>();
            parts.extensions.insert(rejection);
            body
        }
    };
    inner.call(Request::from_parts(parts, VerifiedBody::new(body, trailers)))
}

/// Adds to the application's response what every rejection needs.
pub(crate) fn answer<T>(mut response: Response<T>, RejectedRequest { rejection, close }: RejectedRequest) -> Response<T> {
    // Whoever replaces the response need not know that a 401 must have one.
    if let Some((name, value)) = Rejection::required_header(response.status().as_u16()) {
        response.headers_mut().entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    if close {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response.extensions_mut().insert(rejection);
    response
}

impl<S: Service<Request<VerifiedBody>>, R, B> fmt::Debug for VerifyFuture<S, R, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyFuture").finish_non_exhaustive()
    }
}
