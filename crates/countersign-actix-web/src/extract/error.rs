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
/// | the delivery is rejected, and already [reported](countersign::Verifier::report) | the response of [`Verify`](crate::Verify), with the [`Rejection`] in the extensions. Behind report-only middleware: the status with an empty body. | `Some` | the [`Rejection`] |
/// | the verified body is not the expected JSON | 400 | `None` | a [`JsonPayloadError`] |
/// | the application is misconfigured. `Display` and an event name the fault. | 500 | `None` | `None` |
// Boxed to keep the result of a verified delivery small.
pub struct VerifyError(Box<ErrorParts>);

struct ErrorParts {
    cause: Cause,
    // In a `Cell`, because `ResponseError` takes the error by shared reference.
    response: Cell<Option<HttpResponse>>,
}

enum Cause {
    Rejected(Rejection),
    Json(JsonPayloadError),
    Misconfigured(&'static str),
}

pub(crate) const NO_VERIFY: &str = "no `Verify` covers this route: pass a `Verify` to `app_data` or to `wrap`";
pub(crate) const TWO_FORMS: &str = "both `Verify` and `web::Data<Verify>` are in `app_data`: use one of the two forms throughout";
pub(crate) const BODY_TAKEN: &str = "another extractor has taken the body: use only one of the two extractors";

impl VerifyError {
    /// Creates the error for a rejected delivery. Without `response`, report-only middleware has
    /// let the delivery through.
    pub(crate) fn rejected(rejection: Rejection, response: Option<HttpResponse>) -> Self {
        Self::new(Cause::Rejected(rejection), response)
    }

    pub(crate) fn json(error: serde_json::Error) -> Self {
        Self::new(Cause::Json(JsonPayloadError::Deserialize(error)), None)
    }

    /// Creates the error for a fault of the application, and logs the fault: a 500 alone explains
    /// nothing. The event is at `ERROR` at most once a second, and otherwise at `DEBUG`, because a
    /// stranger can repeat the request.
    pub(crate) fn misconfigured(fault: &'static str) -> Self {
        thread_local! {
            static LAST_ERROR: Cell<Option<Instant>> = const { Cell::new(None) };
        }
        if LAST_ERROR.get().is_none_or(|last| last.elapsed() >= Duration::from_secs(1)) {
            LAST_ERROR.set(Some(Instant::now()));
            tracing::error!(target: "countersign", "delivery not verified: {fault}");
        } else {
            tracing::debug!(target: "countersign", "delivery not verified: {fault}");
        }
        Self::new(Cause::Misconfigured(fault), None)
    }

    fn new(cause: Cause, response: Option<HttpResponse>) -> Self {
        Self(Box::new(ErrorParts { cause, response: Cell::new(response) }))
    }

    /// Returns the rejection, or `None` for another cause. The rejection is for the operator: do
    /// not tell the sender.
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
        let cause: &dyn fmt::Debug = match &self.0.cause {
            Cause::Rejected(rejection) => rejection,
            // Omits the error, because the error may quote the body.
            Cause::Json(_) => &"not the expected JSON",
            Cause::Misconfigured(fault) => fault,
        };
        f.debug_struct("VerifyError").field("cause", cause).finish_non_exhaustive()
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
