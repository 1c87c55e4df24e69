use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::dev::ServiceRequest;
use countersign::Rejection;
use countersign::adapter::{Outcome, Receive, TokioTimer};

use crate::bounded_payload::BoundedPayload;
use crate::head::ServiceRequestHead;
use crate::payload::RejectionBody;
use crate::response::finish;
use crate::settings::Settings;

/// A delivery, from the request head to the outcome.
pub(crate) struct ReceiveRequest {
    settings: Arc<Settings>,
    request: ServiceRequest,
    /// The raw payload, not decompressed.
    payload: BoundedPayload,
    /// actix-web runs on tokio.
    timer: TokioTimer,
    receive: Receive,
}

impl ReceiveRequest {
    pub(crate) fn new(settings: Arc<Settings>, mut request: ServiceRequest) -> Self {
        let payload = BoundedPayload::take(&mut request);
        Self { settings, request, payload, timer: TokioTimer::default(), receive: Receive::new() }
    }

    /// Returns the request without the payload.
    pub(crate) fn into_request(self) -> ServiceRequest {
        self.request
    }

    /// Polls the delivery to completion, and reports the outcome.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Outcome, Rejection>> {
        let Self { settings, request, payload, timer, receive } = self;
        let head = ServiceRequestHead::new(request, settings.tenant_by.as_ref());
        receive.poll(cx, &settings.options, &head, payload, timer)
    }

    /// Returns the response to a rejection.
    pub(crate) fn reject(self, rejection: Rejection) -> (ServiceRequest, HttpResponse) {
        let response = finish((self.settings.reject)(&rejection), rejection);
        let rest = self.payload.into_inner();
        // actix-web decides by the rest of the payload whether the connection stays open.
        (self.request, response.map_body(|_, body| BoxBody::new(RejectionBody::new(body, rest))))
    }
}
