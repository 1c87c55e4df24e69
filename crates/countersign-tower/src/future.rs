use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use countersign::{Choosing, Chosen, Discarding, Intake, Rejection, Reported, Verified, Verifier};
use http::header::{CONNECTION, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, Version};
use http_body::Body;
use http_body_util::LengthLimitError;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::options::{Judge, Options};
use crate::request_head::RequestHead;
use crate::timer::RuntimeTimer;
use crate::{Refuse, VerifiedBody};

pin_project! {
    /// The response of [`Verify`](crate::Verify).
    #[must_use = "futures do nothing unless polled"]
    pub struct VerifyFuture<S, R, B>
    where
        S: Service<Request<VerifiedBody>>,
    {
        refuse: R,
        options: Options,
        http1: bool,
        timer: RuntimeTimer,
        // Dropped at its end, or when nothing more of it is wanted.
        #[pin]
        body: Option<B>,
        #[pin]
        state: State<S, S::Future>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, F> {
        Choosing {
            // Taken when the verifier is chosen.
            request: Option<(S, Parts)>,
            choosing: Choosing,
        },
        Receiving {
            // Taken at the end of the body, or when it is refused.
            delivery: Option<Delivery<S>>,
        },
        /// The rest of a refused body is thrown away, so that the client sees the answer.
        Discarding { rejection: Option<Rejection>, rest: Discarding },
        /// Nothing more is to be read.
        Refused { rejection: Option<Rejection>, close: bool },
        Calling {
            #[pin]
            response: F,
        },
    }
}

struct Delivery<S> {
    inner: S,
    parts: Parts,
    verifier: Verifier,
    intake: Intake,
    trailers: Option<HeaderMap>,
}

impl<S, R, B> VerifyFuture<S, R, B>
where
    S: Service<Request<VerifiedBody>>,
    B: Body,
{
    pub(crate) fn new(inner: S, refuse: R, judge: &Judge, options: Options, request: Request<B>) -> Self {
        let (parts, body) = request.into_parts();
        let http1 = parts.version < Version::HTTP_2;
        let tenant = || judge.tenant_by.as_ref().and_then(|find| find(&parts));
        let choosing = judge.verifiers.choose(|| RequestHead::of_tenant(&parts, tenant()));
        let state = State::Choosing { request: Some((inner, parts)), choosing };
        Self { refuse, options, http1, timer: RuntimeTimer::new(options.clock), body: Some(body), state }
    }
}

/// Judges the head.
fn begin<S, F>(inner: S, parts: Parts, chosen: Chosen, options: Options, http1: bool, at_end: bool) -> State<S, F> {
    let (verifier, intake) = chosen.intake(&RequestHead::new(&parts), options.report_only);
    match intake {
        Ok(intake) => {
            let intake = intake.within(options.deadline);
            State::Receiving { delivery: Some(Delivery { inner, parts, verifier, intake, trailers: None }) }
        }
        Err(rejection) => refuse_early(rejection, options, &verifier, http1, &parts, at_end),
    }
}

/// What to do about a delivery that was refused before the end of its body.
fn refuse_early<S, F>(
    rejection: Rejection,
    options: Options,
    verifier: &Verifier,
    http1: bool,
    parts: &Parts,
    at_end: bool,
) -> State<S, F> {
    // At once: whoever waits for the rest to be thrown away may go before it is.
    verifier.report(&rejection);
    let discard = options.discard.filter(|_| http1 && !at_end);
    match discard.and_then(|discard| discard.start(&rejection, &RequestHead::new(parts), verifier.body_limit())) {
        Some(rest) => State::Discarding { rejection: Some(rejection), rest },
        None => State::Refused { rejection: Some(rejection), close: !at_end },
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
            let next = match this.state.as_mut().project() {
                StateProj::Choosing { request, choosing } => {
                    let chosen = ready!(choosing.poll(cx, this.timer));
                    let Some((inner, parts)) = request.take() else { return Poll::Pending };
                    let at_end = this.body.as_ref().get_ref().as_ref().is_none_or(Body::is_end_stream);
                    begin(inner, parts, chosen, *this.options, *this.http1, at_end)
                }
                StateProj::Receiving { delivery } => {
                    let Some(receiving) = delivery else { return Poll::Pending };
                    let Delivery { intake, trailers, .. } = receiving;
                    let (body, is_limit) = (&mut this.body, <dyn Error>::is::<LengthLimitError>);
                    let received = ready!(intake.poll_to_end(cx, this.timer, |cx| poll_data(body.as_mut(), trailers, cx), is_limit));
                    let Some(Delivery { inner, parts, verifier, intake, trailers }) = delivery.take() else { return Poll::Pending };
                    let report_only = this.options.report_only;
                    match received.map(|()| if report_only { intake.insecure_finish() } else { intake.finish().map(proven) }) {
                        Ok(Ok(received)) => State::Calling { response: call(inner, parts, received, trailers, &verifier) },
                        Ok(Err(rejection)) => {
                            verifier.report(&rejection);
                            State::Refused { rejection: Some(rejection), close: false }
                        }
                        Err(rejection) => {
                            // The inner service has nothing to do with what is left.
                            drop(inner);
                            let at_end = this.body.as_ref().get_ref().as_ref().is_none_or(Body::is_end_stream);
                            refuse_early(rejection, *this.options, &verifier, *this.http1, &parts, at_end)
                        }
                    }
                }
                StateProj::Discarding { rejection, rest } => {
                    let (body, mut unread) = (&mut this.body, None);
                    let close = !ready!(rest.poll_to_end(cx, this.timer, |cx| poll_data(body.as_mut(), &mut unread, cx)));
                    State::Refused { rejection: rejection.take(), close }
                }
                StateProj::Refused { rejection, close } => {
                    // Polled again after it was done, which the contract of `Future` leaves open.
                    let Some(rejection) = rejection.take() else { return Poll::Pending };
                    let close = *close && *this.http1;
                    // Lets go of the body before the answer is made.
                    this.body.set(None);
                    return Poll::Ready(Ok(answer(this.refuse.response(&rejection), rejection, close)));
                }
                StateProj::Calling { response } => return response.poll(cx),
            };
            if !matches!(next, State::Receiving { .. } | State::Discarding { .. }) {
                this.body.set(None);
            }
            this.state.set(next);
        }
    }
}

/// The next data of the body, with what stands between and behind it put aside.
fn poll_data<B: Body>(
    mut body: Pin<&mut Option<B>>,
    trailers: &mut Option<HeaderMap>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<B::Data, B::Error>>> {
    while let Some(body) = body.as_mut().as_pin_mut() {
        match ready!(body.poll_frame(cx)) {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => return Poll::Ready(Some(Ok(data))),
                Err(frame) => *trailers = frame.into_trailers().ok(),
            },
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            None => break,
        }
    }
    Poll::Ready(None)
}

fn proven((verified, body): (Verified, Bytes)) -> Reported {
    Reported::Verified(verified, body)
}

/// Calls the inner service with the delivery, and with what is known of it.
fn call<S: Service<Request<VerifiedBody>>>(
    mut inner: S,
    mut parts: Parts,
    received: Reported,
    trailers: Option<HeaderMap>,
    verifier: &Verifier,
) -> S::Future {
    let body = match received {
        Reported::Verified(verified, body) => {
            parts.extensions.insert(verified);
            body
        }
        Reported::Unverified(rejection, body) => {
            verifier.report_only(&rejection);
            // Whatever somebody further out has put there.
            parts.extensions.remove::<Verified>();
            parts.extensions.insert(rejection);
            body
        }
    };
    inner.call(Request::from_parts(parts, VerifiedBody::new(body, trailers)))
}

/// Adds to the application's response what every refusal needs.
fn answer<T>(mut response: Response<T>, rejection: Rejection, close: bool) -> Response<T> {
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
