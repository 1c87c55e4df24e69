use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};

use actix_web::error::JsonPayloadError;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use countersign::Rejection;

use crate::response::{finish, status};

/// The error of [`Delivery`](crate::Delivery) and [`VerifiedJson`](crate::VerifiedJson).
///
/// | cause | response | [`rejection`](Self::rejection) | `source` |
/// |---|---|---|---|
/// | the delivery was rejected, and [reported](countersign::Verifier::report) | the response of [`Verify`](crate::Verify), with the [`Rejection`] in its extensions | `Some` | the [`Rejection`] |
/// | the verified body does not parse as JSON | 400 | `None` | a [`JsonPayloadError`] |
/// | the application is misconfigured: `Display` says how, and so does an event | 500 | `None` | `None` |
// Boxed, so that the result of a verified delivery stays small.
pub struct VerifyError(Box<ErrorParts>);

struct ErrorParts {
    cause: Cause,
    // In a cell, as `ResponseError` answers by reference.
    response: Cell<Option<HttpResponse>>,
}

enum Cause {
    Rejected(Rejection),
    Json(JsonPayloadError),
    Misconfigured(&'static str),
}

pub(crate) const NO_VERIFY: &str = "no `Verify` covers this route: give one to `app_data` or to `wrap`";
pub(crate) const TWO_FORMS: &str = "both `Verify` and `web::Data<Verify>` are in `app_data`: use one of the two forms throughout";
pub(crate) const BODY_TAKEN: &str = "another extractor has taken the body: ask for one of the two";

impl VerifyError {
    /// Without `response`, the delivery was let through in report-only mode and its handler wants a proof.
    pub(crate) fn rejected(rejection: Rejection, response: Option<HttpResponse>) -> Self {
        Self::new(Cause::Rejected(rejection), response)
    }

    pub(crate) fn json(error: serde_json::Error) -> Self {
        Self::new(Cause::Json(JsonPayloadError::Deserialize(error)), None)
    }

    /// Tells the operator, as a 500 alone says nothing: at `ERROR` once a second, and otherwise at `DEBUG`, for a stranger can repeat the request.
    pub(crate) fn misconfigured(fault: &'static str) -> Self {
        thread_local! {
            static LAST_ERROR: Cell<Option<Instant>> = const { Cell::new(None) };
        }
        if LAST_ERROR.get().is_none_or(|last| last.elapsed() >= Duration::from_secs(1)) {
            LAST_ERROR.set(Some(Instant::now()));
            tracing::error!(target: "countersign", "delivery not judged: {fault}");
        } else {
            tracing::debug!(target: "countersign", "delivery not judged: {fault}");
        }
        Self::new(Cause::Misconfigured(fault), None)
    }

    fn new(cause: Cause, response: Option<HttpResponse>) -> Self {
        Self(Box::new(ErrorParts { cause, response: Cell::new(response) }))
    }

    /// Returns the rejection, for the operator: do not tell the sender. Returns `None` if the delivery was not rejected.
    #[must_use]
    pub fn rejection(&self) -> Option<&Rejection> {
        match &self.0.cause {
            Cause::Rejected(rejection) => Some(rejection),
            Cause::Json(_) | Cause::Misconfigured(_) => None,
        }
    }
}

impl ResponseError for VerifyError {
    fn status_code(&self) -> StatusCode {
        match &self.0.cause {
            Cause::Rejected(rejection) => status(rejection.status_code()),
            Cause::Json(error) => error.status_code(),
            Cause::Misconfigured(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        self.0.response.take().unwrap_or_else(|| match &self.0.cause {
            Cause::Rejected(rejection) => finish(HttpResponse::new(self.status_code()), rejection.clone()),
            Cause::Json(error) => error.error_response(),
            Cause::Misconfigured(_) => HttpResponse::new(self.status_code()),
        })
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0.cause {
            Cause::Rejected(_) => "the delivery was rejected",
            Cause::Json(_) => "the body is not the expected JSON",
            Cause::Misconfigured(fault) => fault,
        })
    }
}

impl fmt::Debug for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyError").field("rejection", &self.rejection()).finish_non_exhaustive()
    }
}

impl Error for VerifyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0.cause {
            Cause::Rejected(rejection) => Some(rejection),
            Cause::Json(error) => Some(error),
            Cause::Misconfigured(_) => None,
        }
    }
}
