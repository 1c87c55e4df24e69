use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::Version;
use countersign::adapter::{Drain, ReceiveOptions, ReceiveRejection, VerifierSource};
use countersign::{Deadline, DrainPolicy, Rejection, RequestHead as _};

use crate::head::ServiceRequestHead;
use crate::response::answer;

/// By what a middleware or an extractor judges, and what it does beside judging. Shared by all requests.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) verifiers: VerifierSource,
    pub(crate) tenant_by: Option<TenantBy>,
    pub(crate) deadline: Option<Deadline>,
    pub(crate) drain: Option<DrainPolicy>,
    pub(crate) report_only: bool,
    pub(crate) reject: Arc<dyn Fn(&Rejection) -> HttpResponse + Send + Sync>,
}

pub(crate) type TenantBy = Arc<dyn Fn(&ServiceRequest) -> Option<String> + Send + Sync>;

impl Settings {
    pub(crate) const fn options(&self) -> ReceiveOptions<'_> {
        ReceiveOptions { verifiers: &self.verifiers, deadline: self.deadline, insecure_report_only: self.report_only }
    }

    /// What is to be thrown away before the answer.
    pub(crate) fn drain(&self, rejection: &ReceiveRejection, request: &ServiceRequest) -> Option<Drain> {
        let head = ServiceRequestHead::new(request, None);
        let drain = self.drain.filter(|_| request.version() < Version::HTTP_2 && head.announces_body())?;
        rejection.drain(drain, &head)
    }

    /// Makes what the sender is told.
    pub(crate) fn answer(&self, rejection: Rejection) -> HttpResponse {
        answer((self.reject)(&rejection), rejection)
    }
}
