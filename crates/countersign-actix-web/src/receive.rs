use std::sync::Arc;
use std::task::{Context, Poll, ready};

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::dev::ServiceRequest;
use actix_web::error::PayloadError;
use countersign::Rejection;
use countersign::adapter::{Drain, Outcome, Receive, ReceiveOptions};

use crate::bounded_payload::BoundedPayload;
use crate::head::ServiceRequestHead;
use crate::payload::RejectionBody;
use crate::settings::Settings;
use crate::timer::ActixTimer;

/// The way of a request from its head to the verdict, and to the end of what is thrown away after a rejection.
pub(crate) struct ReceiveRequest {
    settings: Arc<Settings>,
    request: ServiceRequest,
    /// The payload itself, which no extractor has decompressed.
    payload: BoundedPayload,
    timer: ActixTimer,
    state: State,
    /// Whether what report-only mode lets through is let through.
    lenient: bool,
}

enum State {
    Receive(Receive),
    /// The rest of a rejected body is thrown away, so that the client sees the answer.
    Drain(Box<(Rejection, Drain)>),
    Done,
}

impl ReceiveRequest {
    pub(crate) fn new(settings: Arc<Settings>, mut request: ServiceRequest, lenient: bool) -> Self {
        let payload = BoundedPayload::take(&mut request);
        let state = State::Receive(Receive::new());
        Self { settings, request, payload, timer: ActixTimer::default(), state, lenient }
    }

    /// The request, without its payload.
    pub(crate) fn into_request(self) -> ServiceRequest {
        self.request
    }

    /// Ready with the verdict, which has been reported then.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Outcome, Rejection>> {
        let Self { settings, request, payload, timer, state, lenient } = self;
        let mut next = |cx: &mut Context<'_>| payload.poll_next(cx);
        if let State::Receive(receiving) = state {
            let head = ServiceRequestHead::new(request, settings.tenant_by.as_ref());
            let options = ReceiveOptions { insecure_report_only: settings.report_only && *lenient, ..settings.options() };
            let rejection = match ready!(receiving.poll(cx, timer, &options, &head, &mut next, is_limit)) {
                Ok(reported) => return Poll::Ready(Ok(reported)),
                Err(rejection) => rejection,
            };
            let rest = settings.drain(&rejection, request);
            let rejection = rejection.into_rejection();
            let Some(rest) = rest else {
                *state = State::Done;
                return Poll::Ready(Err(rejection));
            };
            *state = State::Drain(Box::new((rejection, rest)));
        }
        let State::Drain(drain) = state else { return Poll::Pending };
        ready!(drain.1.poll(cx, timer, next));
        match std::mem::replace(state, State::Done) {
            State::Drain(drain) => Poll::Ready(Err(drain.0)),
            State::Receive(_) | State::Done => Poll::Pending,
        }
    }

    /// The answer to a rejection.
    pub(crate) fn reject(&mut self, rejection: Rejection) -> HttpResponse {
        let rest = self.payload.take_inner();
        self.settings.answer(rejection).map_body(|_, body| BoxBody::new(RejectionBody::new(body, rest)))
    }
}

/// A limit that the application has put around the payload further out.
fn is_limit(error: &(dyn std::error::Error + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(PayloadError::Overflow))
}
