use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use countersign::{Rejection, Reported, Verified};
use http::header::{CONNECTION, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::body::VerifiedBody;
use crate::receive::{Delivering, Refusal};
use crate::response::Refuse;
use crate::settings::Judge;

pin_project! {
    /// The response of [`Verify`](crate::Verify).
    #[must_use = "futures do nothing unless polled"]
    pub struct VerifyFuture<S, R, B>
    where
        S: Service<Request<VerifiedBody>>,
    {
        // Taken when it is called, or has nothing more to do with the request.
        inner: Option<S>,
        refuse: R,
        #[pin]
        state: State<B, S::Future>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<B, F> {
        Delivering {
            #[pin]
            delivering: Delivering<B>,
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
    pub(crate) fn new(inner: S, refuse: R, judge: Arc<Judge>, request: Request<B>) -> Self {
        let (parts, body) = request.into_parts();
        Self { inner: Some(inner), refuse, state: State::Delivering { delivering: Delivering::new(judge, parts, body) } }
    }
}

impl<S, R, B, T> Future for VerifyFuture<S, R, B>
where
    S: Service<Request<VerifiedBody>, Response = Response<T>>,
    R: Refuse<T>,
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Output = Result<Response<T>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let response = match this.state.as_mut().project() {
                StateProj::Delivering { mut delivering } => {
                    let received = delivering.as_mut().poll(cx);
                    if delivering.is_refused() {
                        *this.inner = None;
                    }
                    match ready!(received) {
                        Ok(reported) => {
                            let (Some(inner), Some((parts, trailers))) = (this.inner.take(), delivering.take_head()) else {
                                return Poll::Pending;
                            };
                            call(inner, parts, reported, trailers)
                        }
                        Err(refusal) => return Poll::Ready(Ok(answer(this.refuse.response(&refusal.rejection), refusal))),
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
    reported: Reported,
    trailers: Option<Box<HeaderMap>>,
) -> S::Future {
    let body = match reported {
        Reported::Verified(verified, body) => {
            parts.extensions.insert(verified);
            body
        }
        Reported::Unverified(rejection, body) => {
            // Whatever somebody further out has put there.
            parts.extensions.remove::<Verified>();
            parts.extensions.insert(rejection);
            body
        }
    };
    inner.call(Request::from_parts(parts, VerifiedBody::new(body, trailers)))
}

/// Adds to the application's response what every refusal needs.
pub(crate) fn answer<T>(mut response: Response<T>, Refusal { rejection, close }: Refusal) -> Response<T> {
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
