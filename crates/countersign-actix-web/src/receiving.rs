use std::future::poll_fn;
use std::pin::Pin;

use actix_web::body::BoxBody;
use actix_web::dev::ServiceRequest;
use actix_web::error::PayloadError;
use actix_web::{HttpMessage as _, HttpResponse};
use countersign::{Choosing, Intake, Rejection, Reported, Verifier};
use futures_core::Stream as _;

use crate::Verify;
use crate::refusal_body::RefusalBody;
use crate::request_head::RequestHead;
use crate::timer::ActixTimer;

/// The way of a request from its head to the verdict, which has been reported then; or the answer to it.
pub(crate) async fn receive(
    verify: &Verify,
    mut choosing: Choosing,
    request: &mut ServiceRequest,
    report_only: bool,
) -> Result<Reported, Refusal> {
    let mut timer = ActixTimer::default();
    let chosen = poll_fn(|cx| choosing.poll(cx, &mut timer)).await;
    let mut intake = None;
    let (verifier, begun) = chosen.intake(&RequestHead::new(request), report_only, &mut intake);
    let received = match begun {
        Ok(intake) => {
            intake.set_deadline(verify.deadline);
            take_in(intake, request, &mut timer).await
        }
        Err(rejection) => Err(rejection),
    };
    // What came of a refused body is let go before the rest is thrown away.
    drop(intake);
    let rejection = match received {
        Ok(reported) => {
            if let Reported::Unverified(rejection, _) = &reported {
                verifier.report_only(rejection);
            }
            return Ok(reported);
        }
        Err(rejection) => rejection,
    };
    Err(refuse(verify, rejection, &verifier, request, &mut timer).await)
}

/// Takes in the body to its end: the payload itself, which no extractor has decompressed.
async fn take_in(intake: &mut Intake, request: &mut ServiceRequest, timer: &mut ActixTimer) -> Result<Reported, Rejection> {
    let payload = request.parts_mut().1;
    poll_fn(|cx| intake.poll_to_end(cx, timer, |cx| Pin::new(&mut *payload).poll_next(cx), is_limit)).await
}

/// A limit that the application has put around the payload further out.
fn is_limit(error: &(dyn std::error::Error + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(PayloadError::Overflow))
}

/// What a refused request is answered, and why.
pub(crate) struct Refusal {
    pub(crate) rejection: Rejection,
    pub(crate) response: HttpResponse,
}

async fn refuse(
    verify: &Verify,
    rejection: Rejection,
    verifier: &Verifier,
    request: &mut ServiceRequest,
    timer: &mut ActixTimer,
) -> Refusal {
    // At once: whoever waits for the rest to be thrown away may go before it is.
    verifier.report(&rejection);
    if let Some(mut rest) = verify.discarding(&rejection, request, verifier.body_limit()) {
        let payload = request.parts_mut().1;
        poll_fn(|cx| rest.poll_to_end(cx, timer, |cx| Pin::new(&mut *payload).poll_next(cx))).await;
    }
    let rest = request.take_payload();
    let response = verify.refuse(rejection.clone()).map_body(|_, body| BoxBody::new(RefusalBody::new(body, rest)));
    Refusal { rejection, response }
}
