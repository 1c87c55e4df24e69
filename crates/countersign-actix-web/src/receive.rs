use std::sync::Arc;
use std::task::{Context, Poll, ready};

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::dev::ServiceRequest;
use actix_web::error::PayloadError;
use countersign::{Discarding, Receiving, Rejection, Reported, Terms};

use crate::bounded_payload::BoundedPayload;
use crate::head::RequestHead;
use crate::payload::RefusalBody;
use crate::settings::Judge;
use crate::timer::ActixTimer;

/// The way of a request from its head to the verdict, and to the end of what is thrown away after a refusal.
pub(crate) struct Delivering {
    judge: Arc<Judge>,
    request: ServiceRequest,
    /// The payload itself, which no extractor has decompressed.
    payload: BoundedPayload,
    timer: ActixTimer,
    stage: Stage,
    /// Whether what the judge only reports on is let through.
    lenient: bool,
}

enum Stage {
    Receiving(Receiving),
    /// The rest of a refused body is thrown away, so that the client sees the answer.
    Discarding(Box<(Rejection, Discarding)>),
    Done,
}

impl Delivering {
    pub(crate) fn new(judge: Arc<Judge>, mut request: ServiceRequest, lenient: bool) -> Self {
        let payload = BoundedPayload::take(&mut request);
        let stage = Stage::Receiving(Receiving::new());
        Self { judge, request, payload, timer: ActixTimer::default(), stage, lenient }
    }

    /// The request, without its payload.
    pub(crate) fn into_request(self) -> ServiceRequest {
        self.request
    }

    /// Ready with the verdict, which has been reported then.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reported, Rejection>> {
        let Self { judge, request, payload, timer, stage, lenient } = self;
        let mut next = |cx: &mut Context<'_>| payload.poll_next(cx);
        if let Stage::Receiving(receiving) = stage {
            let (head, tenant) = (RequestHead::new(request), || judge.tenant_by.as_ref().and_then(|find| find(request)));
            let terms = Terms { insecure_report_only: judge.report_only && *lenient, ..judge.terms() };
            let refusal = match ready!(receiving.poll(cx, timer, &terms, &head, tenant, &mut next, is_limit)) {
                Ok(reported) => return Poll::Ready(Ok(reported)),
                Err(refusal) => refusal,
            };
            let rest = judge.discarding(&refusal, request);
            let rejection = refusal.into_rejection();
            let Some(rest) = rest else {
                *stage = Stage::Done;
                return Poll::Ready(Err(rejection));
            };
            *stage = Stage::Discarding(Box::new((rejection, rest)));
        }
        let Stage::Discarding(discarding) = stage else { return Poll::Pending };
        ready!(discarding.1.poll_to_end(cx, timer, next));
        match std::mem::replace(stage, Stage::Done) {
            Stage::Discarding(discarding) => Poll::Ready(Err(discarding.0)),
            Stage::Receiving(_) | Stage::Done => Poll::Pending,
        }
    }

    /// The answer to a refusal.
    pub(crate) fn refuse(&mut self, rejection: Rejection) -> HttpResponse {
        let rest = self.payload.take_inner();
        self.judge.answer(rejection).map_body(|_, body| BoxBody::new(RefusalBody::new(body, rest)))
    }
}

/// A limit that the application has put around the payload further out.
fn is_limit(error: &(dyn std::error::Error + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(PayloadError::Overflow))
}
