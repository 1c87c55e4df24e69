use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use countersign::Rejection;
use countersign::adapter::{Drain, Outcome, Receive};
use http::request::Parts;
use http::{HeaderMap, Version};
use http_body::Body;
use http_body_util::LengthLimitError;
use pin_project_lite::pin_project;

use crate::head::PartsHead;
use crate::settings::Settings;
use crate::timer::RuntimeTimer;

pin_project! {
    /// The way of a request from its head to the verdict, and to the end of what is thrown away after a rejection.
    pub(crate) struct ReceiveRequest<B> {
        settings: Arc<Settings>,
        // Taken when there is a verdict.
        parts: Option<Parts>,
        timer: RuntimeTimer,
        // Dropped at its end, or when nothing more of it is wanted.
        #[pin]
        body: Option<B>,
        trailers: Option<Box<HeaderMap>>,
        state: State,
    }
}

enum State {
    Receive(Receive),
    /// The rest of a rejected body is thrown away, so that the client sees the answer.
    Drain(Box<(Rejection, Drain)>),
    Done,
}

/// One that has been rejected, and reported.
#[cfg_attr(feature = "axum", derive(Debug))]
pub(crate) struct RejectedRequest {
    pub(crate) rejection: Rejection,
    /// Whether the connection is of no more use.
    pub(crate) close: bool,
}

impl<B: Body> ReceiveRequest<B> {
    pub(crate) fn new(settings: Arc<Settings>, parts: Parts, body: B) -> Self {
        let timer = RuntimeTimer::new(settings.clock);
        Self { settings, parts: Some(parts), timer, body: Some(body), trailers: None, state: State::Receive(Receive::new()) }
    }

    /// Whether it will never be received: the rest of its body may yet be thrown away.
    pub(crate) const fn is_rejected(&self) -> bool {
        !matches!(self.state, State::Receive(_))
    }

    /// The head and the trailers of what has been received. Once.
    pub(crate) fn take_head(self: Pin<&mut Self>) -> Option<(Parts, Option<Box<HeaderMap>>)> {
        let this = self.project();
        this.parts.take().map(|parts| (parts, this.trailers.take()))
    }
}

impl<B> Future for ReceiveRequest<B>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// What is let through unverified has been reported.
    type Output = Result<Outcome, RejectedRequest>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(parts) = this.parts else { return Poll::Pending };
        let http1 = parts.version < Version::HTTP_2;
        if let State::Receive(receiving) = this.state {
            let (settings, mut body, trailers) = (&**this.settings, this.body.as_mut(), &mut *this.trailers);
            let head = PartsHead::new(parts, settings.tenant_by.as_ref());
            let next = |cx: &mut Context<'_>| poll_data(body.as_mut(), trailers, cx);
            let rejection =
                match ready!(receiving.poll(cx, this.timer, &settings.options(), &head, next, <dyn Error>::is::<LengthLimitError>)) {
                    Ok(reported) => {
                        this.body.set(None);
                        return Poll::Ready(Ok(reported));
                    }
                    Err(rejection) => rejection,
                };
            let at_end = rejection.is_at_end() || this.body.as_ref().as_pin_ref().is_none_or(|body| body.is_end_stream());
            let rest = settings.drain.filter(|_| http1 && !at_end).and_then(|drain| rejection.drain(drain, &head));
            let rejection = rejection.into_rejection();
            let Some(rest) = rest else {
                *this.state = State::Done;
                this.body.set(None);
                return Poll::Ready(Err(RejectedRequest { rejection, close: !at_end && http1 }));
            };
            *this.state = State::Drain(Box::new((rejection, rest)));
        }
        let State::Drain(drain) = this.state else { return Poll::Pending };
        let (mut body, mut unread) = (this.body.as_mut(), None);
        let whole = ready!(drain.1.poll(cx, this.timer, |cx| poll_data(body.as_mut(), &mut unread, cx)));
        // Lets go of the body before the answer is made.
        this.body.set(None);
        match std::mem::replace(this.state, State::Done) {
            State::Drain(drain) => Poll::Ready(Err(RejectedRequest { rejection: drain.0, close: !whole && http1 })),
            State::Receive(_) | State::Done => Poll::Pending,
        }
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
