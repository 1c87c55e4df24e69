use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use countersign::adapter::{BodySource, Connection, Outcome, Receive};
use countersign::{Rejection, Verified};
use http::request::Parts;
use http::{HeaderMap, Request};
use http_body::Body;
use http_body_util::LengthLimitError;
use pin_project_lite::pin_project;

use crate::body::VerifiedBody;
use crate::head::PartsHead;
use crate::settings::{RuntimeTimer, Settings};

pin_project! {
    /// The way of a request from its head to its outcome.
    pub(crate) struct ReceiveRequest<B> {
        settings: Arc<Settings>,
        // Taken when there is an outcome.
        parts: Option<Parts>,
        timer: RuntimeTimer,
        // Dropped at its end, or when nothing more of it is wanted.
        #[pin]
        body: Option<B>,
        trailers: Option<Box<HeaderMap>>,
        receive: Receive,
    }
}

/// One that has been rejected, and reported.
#[cfg_attr(feature = "axum", derive(Debug))]
pub(crate) struct RejectedRequest {
    pub(crate) rejection: Rejection,
    pub(crate) connection: Connection,
}

impl<B: Body> ReceiveRequest<B> {
    pub(crate) fn new(settings: Arc<Settings>, parts: Parts, body: B) -> Self {
        let timer = settings.timer();
        Self { settings, parts: Some(parts), timer, body: Some(body), trailers: None, receive: Receive::new() }
    }

    /// Whether it will never be verified, and the rest of its body is thrown away.
    pub(crate) const fn is_draining(&self) -> bool {
        self.receive.is_draining()
    }

    /// The request as it goes to the inner service: with the delivery, and with what is known of it. Once.
    pub(crate) fn take_request(self: Pin<&mut Self>, outcome: Outcome) -> Option<Request<VerifiedBody>> {
        let this = self.project();
        let mut parts = this.parts.take()?;
        let (body, is_verified) = match outcome {
            Outcome::Verified(verified, body) => {
                parts.extensions.insert(verified);
                (body, true)
            }
            Outcome::Unverified(rejection, body) => {
                // Whatever somebody further out has put there.
                parts.extensions.remove::<Verified>();
                parts.extensions.insert(rejection);
                (body, false)
            }
        };
        let len = body.len();
        let mut request = Request::from_parts(parts, VerifiedBody::new(body, this.trailers.take()));
        if is_verified {
            Settings::lift_limit(this.settings, &mut request, len);
        }
        Some(request)
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
        let head = PartsHead::new(parts, this.settings.tenant_by.as_ref());
        let mut frames = Frames { body: this.body.as_mut(), trailers: this.trailers };
        let outcome = ready!(this.receive.poll(cx, &this.settings.options, &head, &mut frames, this.timer));
        // Lets go of the body before the answer is made.
        this.body.set(None);
        Poll::Ready(outcome.map_err(|rejection| RejectedRequest { rejection, connection: this.receive.connection() }))
    }
}

/// The data of a body, with what stands between and behind it put aside.
struct Frames<'a, B> {
    body: Pin<&'a mut Option<B>>,
    trailers: &'a mut Option<Box<HeaderMap>>,
}

impl<B> BodySource for Frames<'_, B>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<B::Data, B::Error>>> {
        while let Some(body) = self.body.as_mut().as_pin_mut() {
            match ready!(body.poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => return Poll::Ready(Some(Ok(data))),
                    Err(frame) => *self.trailers = frame.into_trailers().ok().map(Box::new),
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => break,
            }
        }
        Poll::Ready(None)
    }

    fn is_at_end(&self) -> Option<bool> {
        Some(self.body.as_ref().as_pin_ref().is_none_or(|body| body.is_end_stream()))
    }

    fn is_length_limit(error: &(dyn Error + 'static)) -> bool {
        error.is::<LengthLimitError>()
    }
}
