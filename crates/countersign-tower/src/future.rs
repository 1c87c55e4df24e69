use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use countersign::{Intake, Rejection, Verified, Verifier};
use http::header::WWW_AUTHENTICATE;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Body;
use http_body_util::LengthLimitError;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{Refuse, VerifiedBody};

pin_project! {
    /// The response of [`Verify`](crate::Verify).
    #[must_use = "futures do nothing unless polled"]
    pub struct VerifyFuture<S, R, B>
    where
        S: Service<Request<VerifiedBody>>,
    {
        refuse: R,
        verifier: Verifier,
        #[pin]
        state: State<S, S::Future, B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, F, B> {
        /// The head is not in order: the body is dropped without having been polled.
        Refused { rejection: Option<Rejection> },
        Receiving {
            #[pin]
            body: B,
            // All of these are taken at the end of the body.
            delivery: Option<Delivery<S>>,
        },
        Calling {
            #[pin]
            response: F,
        },
    }
}

struct Delivery<S> {
    inner: S,
    parts: Parts,
    intake: Intake,
    trailers: Option<HeaderMap>,
}

impl<S: Service<Request<VerifiedBody>>, R, B> VerifyFuture<S, R, B> {
    pub(crate) fn new(inner: S, refuse: R, verifier: Verifier, parts: Parts, body: B, intake: Result<Intake, Rejection>) -> Self {
        let state = match intake {
            Ok(intake) => State::Receiving { body, delivery: Some(Delivery { inner, parts, intake, trailers: None }) },
            Err(rejection) => State::Refused { rejection: Some(rejection) },
        };
        Self { refuse, verifier, state }
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
            let rejection = match this.state.as_mut().project() {
                StateProj::Refused { rejection } => match rejection.take() {
                    Some(rejection) => rejection,
                    // Polled again after it was done, which the contract of `Future` leaves open.
                    None => return Poll::Pending,
                },
                StateProj::Receiving { body, delivery } => match ready!(poll_delivery(body, delivery, cx)) {
                    Ok((mut inner, request)) => {
                        this.state.set(State::Calling { response: inner.call(request) });
                        continue;
                    }
                    Err(rejection) => {
                        // Lets go of body and inner service before the answer is made.
                        this.state.set(State::Refused { rejection: None });
                        rejection
                    }
                },
                StateProj::Calling { response } => return response.poll(cx),
            };
            this.verifier.report(&rejection);
            let mut response = this.refuse.response(&rejection);
            // Whoever replaces the response need not know that a 401 must have it.
            if let Some(challenge) = Rejection::www_authenticate(response.status().as_u16()) {
                response.headers_mut().entry(WWW_AUTHENTICATE).or_insert(HeaderValue::from_static(challenge));
            }
            response.extensions_mut().insert(rejection);
            return Poll::Ready(Ok(response));
        }
    }
}

/// Takes in the body to its end, and makes the inner service's request of it.
fn poll_delivery<S, B>(
    mut body: Pin<&mut B>,
    delivery: &mut Option<Delivery<S>>,
    cx: &mut Context<'_>,
) -> Poll<Result<(S, Request<VerifiedBody>), Rejection>>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    while let Some(receiving) = delivery {
        match ready!(body.as_mut().poll_frame(cx)) {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => receiving.intake.push(data)?,
                Err(frame) => receiving.trailers = frame.into_trailers().ok(),
            },
            Some(Err(error)) => return Poll::Ready(Err(receiving.intake.failed(error, <dyn Error>::is::<LengthLimitError>))),
            None => break,
        }
    }
    let Some(Delivery { inner, mut parts, intake, trailers }) = delivery.take() else {
        return Poll::Pending;
    };
    let (verified, data): (Verified, Bytes) = intake.finish()?;
    parts.extensions.insert(verified);
    Poll::Ready(Ok((inner, Request::from_parts(parts, VerifiedBody::new(data, trailers)))))
}

impl<S: Service<Request<VerifiedBody>>, R, B> fmt::Debug for VerifyFuture<S, R, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyFuture").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}
