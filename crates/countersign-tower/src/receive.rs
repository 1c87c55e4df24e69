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
    /// The future of one request, from the head to the outcome.
    pub(crate) struct ReceiveRequest<B> {
        settings: Arc<Settings>,
        // Taken with the outcome.
        parts: Option<Parts>,
        timer: RuntimeTimer,
        // Dropped with the outcome, before the response is made.
        #[pin]
        body: Option<B>,
        trailers: Option<Box<HeaderMap>>,
        receive: Receive,
    }
}

/// A request with a rejected delivery. The rejection is already reported.
pub(crate) struct RejectedRequest {
    pub(crate) rejection: Rejection,
    pub(crate) connection: Connection,
}

impl<B: Body> ReceiveRequest<B> {
    pub(crate) fn new(settings: Arc<Settings>, parts: Parts, body: B) -> Self {
        let timer = settings.timer();
        Self { settings, parts: Some(parts), timer, body: Some(body), trailers: None, receive: Receive::new() }
    }

    /// Returns whether the rest of a rejected body is being drained.
    pub(crate) const fn is_draining(&self) -> bool {
        self.receive.is_draining()
    }

    /// Returns the request for the inner service, with the body and the verdict. Returns `None`
    /// from the second call on.
    pub(crate) fn take_request(self: Pin<&mut Self>, outcome: Outcome) -> Option<Request<VerifiedBody>> {
        let this = self.project();
        let parts = this.parts.take()?;
        let (verdict, body) = match outcome {
            Outcome::Verified(verified, body) => (Ok(verified), body),
            Outcome::Unverified(rejection, body) => (Err(rejection), body),
        };
        #[cfg(feature = "axum")]
        let len = body.len();
        let mut request = Request::from_parts(parts, VerifiedBody::new(body, this.trailers.take()));
        match verdict {
            Ok(verified) => {
                request.extensions_mut().insert(verified);
                #[cfg(feature = "axum")]
                crate::default_body_limit::lift(&mut request, len, this.settings.options.verifiers.body_limit());
            }
            Err(rejection) => {
                // Middleware further out may have inserted a proof.
                request.extensions_mut().remove::<Verified>();
                request.extensions_mut().insert(rejection);
            }
        }
        Some(request)
    }
}

impl<B> Future for ReceiveRequest<B>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// A rejected or unverified delivery is already reported.
    type Output = Result<Outcome, RejectedRequest>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(parts) = this.parts else { return Poll::Pending };
        let head = PartsHead::new(parts, this.settings.tenant_by.as_ref());
        let mut frames = Frames { body: this.body.as_mut(), trailers: this.trailers };
        let outcome = ready!(this.receive.poll(cx, &this.settings.options, &head, &mut frames, this.timer));
        // Frees the body before the response is made.
        this.body.set(None);
        Poll::Ready(outcome.map_err(|rejection| RejectedRequest { rejection, connection: this.receive.connection() }))
    }
}

/// The data frames of a body. Trailers are kept for the inner service.
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
