use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use countersign::{Choosing, Chosen, Discarding, Intake, Rejection, Reported, Verifier};
use http::request::Parts;
use http::{HeaderMap, Version};
use http_body::Body;
use http_body_util::LengthLimitError;
use pin_project_lite::pin_project;

use crate::judge::Judge;
use crate::request_head::RequestHead;
use crate::timer::RuntimeTimer;

pin_project! {
    /// The way of a request from its head to the verdict.
    pub(crate) struct Receiving<B> {
        judge: Arc<Judge>,
        // Taken when there is a verdict.
        parts: Option<Parts>,
        timer: RuntimeTimer,
        // Dropped at its end, or when nothing more of it is wanted.
        #[pin]
        body: Option<B>,
        trailers: Option<Box<HeaderMap>>,
        // Large, and so begun and ended where it stands.
        intake: Option<Intake>,
        stage: Stage,
    }
}

enum Stage {
    Choosing(Choosing),
    TakingIn {
        verifier: Verifier,
    },
    /// The rest of a refused body is thrown away, so that the client sees the answer.
    Discarding {
        rejection: Option<Rejection>,
        rest: Discarding,
    },
    /// Nothing more is to be read.
    Refused {
        rejection: Option<Rejection>,
        close: bool,
    },
    Done,
}

/// One that has been refused, and reported.
#[cfg_attr(feature = "axum", derive(Debug))]
pub(crate) struct Refusal {
    pub(crate) rejection: Rejection,
    /// Whether the connection is of no more use.
    pub(crate) close: bool,
}

impl<B: Body> Receiving<B> {
    pub(crate) fn new(judge: Arc<Judge>, parts: Parts, body: B) -> Self {
        let tenant = || judge.tenant_by.as_ref().and_then(|find| find(&parts));
        let choosing = judge.verifiers.choose(|| RequestHead::of_tenant(&parts, tenant()));
        let timer = RuntimeTimer::new(judge.clock);
        Self { judge, parts: Some(parts), timer, body: Some(body), trailers: None, intake: None, stage: Stage::Choosing(choosing) }
    }

    /// Whether it will never be received: the rest of its body may yet be thrown away.
    pub(crate) const fn is_refused(&self) -> bool {
        matches!(self.stage, Stage::Discarding { .. } | Stage::Refused { .. })
    }

    /// The head and the trailers of what has been received. Once.
    pub(crate) fn take_head(self: Pin<&mut Self>) -> Option<(Parts, Option<Box<HeaderMap>>)> {
        let this = self.project();
        this.parts.take().map(|parts| (parts, this.trailers.take()))
    }
}

impl<B> Future for Receiving<B>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// What is let through unverified has been reported.
    type Output = Result<Reported, Refusal>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let http1 = this.parts.as_ref().is_none_or(|parts| parts.version < Version::HTTP_2);
        loop {
            let next = match this.stage {
                Stage::Choosing(choosing) => {
                    let chosen = ready!(choosing.poll(cx, this.timer));
                    let Some(parts) = this.parts else { return Poll::Pending };
                    begin(this.judge, parts, chosen, this.intake, http1, is_at_end(this.body.as_ref()))
                }
                Stage::TakingIn { verifier } => {
                    let Some(intake) = this.intake else { return Poll::Pending };
                    let (mut body, trailers) = (this.body.as_mut(), &mut *this.trailers);
                    let is_limit = <dyn Error>::is::<LengthLimitError>;
                    let received = ready!(intake.poll_to_end(cx, this.timer, |cx| poll_data(body.as_mut(), trailers, cx), is_limit));
                    match received {
                        Ok(reported) => {
                            if let Reported::Unverified(rejection, _) = &reported {
                                verifier.report_only(rejection);
                            }
                            this.body.set(None);
                            *this.intake = None;
                            *this.stage = Stage::Done;
                            return Poll::Ready(Ok(reported));
                        }
                        Err(rejection) => {
                            let Some(parts) = this.parts else { return Poll::Pending };
                            let at_end = intake.is_at_end() || is_at_end(this.body.as_ref());
                            *this.intake = None;
                            refuse(rejection, this.judge, verifier, http1, parts, at_end)
                        }
                    }
                }
                Stage::Discarding { rejection, rest } => {
                    let (mut body, mut unread) = (this.body.as_mut(), None);
                    let close = !ready!(rest.poll_to_end(cx, this.timer, |cx| poll_data(body.as_mut(), &mut unread, cx)));
                    Stage::Refused { rejection: rejection.take(), close }
                }
                Stage::Refused { rejection, close } => {
                    let Some(rejection) = rejection.take() else { return Poll::Pending };
                    return Poll::Ready(Err(Refusal { rejection, close: *close && http1 }));
                }
                // Polled again after it was done, which the contract of `Future` leaves open.
                Stage::Done => return Poll::Pending,
            };
            if matches!(next, Stage::Refused { .. }) {
                // Lets go of the body before the answer is made.
                this.body.set(None);
            }
            *this.stage = next;
        }
    }
}

fn is_at_end<B: Body>(body: Pin<&Option<B>>) -> bool {
    body.as_pin_ref().is_none_or(|body| body.is_end_stream())
}

/// Judges the head.
fn begin(judge: &Judge, parts: &Parts, chosen: Chosen, place: &mut Option<Intake>, http1: bool, at_end: bool) -> Stage {
    let (verifier, begun) = chosen.intake(&RequestHead::new(parts), judge.report_only, place);
    match begun {
        Ok(intake) => {
            intake.set_deadline(judge.deadline);
            Stage::TakingIn { verifier }
        }
        Err(rejection) => refuse(rejection, judge, &verifier, http1, parts, at_end),
    }
}

/// What to do about a delivery that was refused, of whose body there may be more.
fn refuse(rejection: Rejection, judge: &Judge, verifier: &Verifier, http1: bool, parts: &Parts, at_end: bool) -> Stage {
    // At once: whoever waits for the rest to be thrown away may go before it is.
    verifier.report(&rejection);
    let discard = judge.discard.filter(|_| http1 && !at_end);
    match discard.and_then(|discard| discard.start(&rejection, &RequestHead::new(parts), verifier.body_limit())) {
        Some(rest) => Stage::Discarding { rejection: Some(rejection), rest },
        None => Stage::Refused { rejection: Some(rejection), close: !at_end },
    }
}

/// The next data of the body, with what stands between and behind it put aside.
fn poll_data<B: Body>(
    mut body: Pin<&mut Option<B>>,
    trailers: &mut Option<Box<HeaderMap>>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<B::Data, B::Error>>> {
    while let Some(body) = body.as_mut().as_pin_mut() {
        match ready!(body.poll_frame(cx)) {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => return Poll::Ready(Some(Ok(data))),
                Err(frame) => *trailers = frame.into_trailers().ok().map(Box::new),
            },
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            None => break,
        }
    }
    Poll::Ready(None)
}
