//! A receiver under poem, with the adapter in `delivery.rs`. poem's compatibility with tower does not
//! use the requests of the crate `http`.
//!
//! ```text
//! JIRA_WEBHOOK_SECRET="It's a Secret to Everybody" cargo run --package example-poem
//! ```

mod delivery;

use countersign::adapter::ReceiveOptions;
use countersign::{Secret, Verifier, providers};
use poem::listener::TcpListener;
use poem::{Endpoint, EndpointExt as _, Route, Server, handler, post};

use crate::delivery::Delivery;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let verifier = Verifier::builder(providers::JIRA).key("2026-11", Secret::from_env("JIRA_WEBHOOK_SECRET")?).build()?;
    Server::new(TcpListener::bind("127.0.0.1:3000")).run(receiver(verifier)).await?;
    Ok(())
}

fn receiver(verifier: Verifier) -> impl Endpoint {
    Route::new().at("/jira", post(on_event)).data(ReceiveOptions::new(verifier))
}

/// Runs only for verified deliveries.
#[handler]
fn on_event(Delivery { verified, body }: Delivery) -> String {
    format!("{} bytes, signed with {}\n", body.len(), verified.key_id())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use conformance::{Delivery as Sent, Handled, Harness, Observation, ScriptedBody};
    use countersign::adapter::VerifierSource;
    use futures_util::stream;
    use poem::http;
    use poem::web::{Data, LocalAddr, RemoteAddr};
    use poem::{Body, IntoEndpoint as _, Request, Response};

    use super::*;
    use crate::delivery::Rejected;

    struct Poem;

    type Seen = Arc<Mutex<Vec<Handled>>>;

    #[handler]
    fn record(Delivery { verified, body }: Delivery, Data(seen): Data<&Seen>) {
        seen.lock().unwrap().push(Handled { body, verified });
    }

    impl Harness for Poem {
        async fn deliver(verifiers: impl Into<VerifierSource>, delivery: Sent) -> Observation {
            assert!(!delivery.report_only, "the example has no report-only mode");
            let options = ReceiveOptions { deadline: delivery.deadline, drain: delivery.drain, ..ReceiveOptions::new(verifiers) };
            let seen = Seen::default();
            let endpoint = record.data(options).data(Arc::clone(&seen)).into_endpoint();
            let announced = delivery.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            // Built from parts like a server's request, so that poem records the original path.
            let mut request = http::Request::builder().method(delivery.method).uri(delivery.target);
            for (name, value) in &delivery.headers {
                request = request.header(name, &value[..]);
            }
            if !announced && !delivery.steps.is_empty() {
                request = request.header("transfer-encoding", "chunked");
            }
            let body = ScriptedBody::new(delivery.steps);
            let polls = body.polls();
            let mut body = Box::pin(body);
            let chunks = stream::poll_fn(move |cx| {
                use http_body::Body as _;
                loop {
                    match std::task::ready!(body.as_mut().poll_frame(cx)) {
                        Some(Ok(frame)) => match frame.into_data() {
                            Ok(data) => return std::task::Poll::Ready(Some(Ok(data))),
                            Err(_trailers) => {}
                        },
                        Some(Err(error)) => return std::task::Poll::Ready(Some(Err(std::io::Error::other(error.to_string())))),
                        None => return std::task::Poll::Ready(None),
                    }
                }
            });
            let (parts, ()) = request.body(()).unwrap().into_parts();
            let parts = (parts, LocalAddr::default(), RemoteAddr::default(), http::uri::Scheme::HTTP).into();
            let answer = endpoint.call(Request::from_parts(parts, Body::from_bytes_stream(chunks))).await;
            let (response, rejection) = match answer {
                Ok(response) => (response, None),
                Err(error) => {
                    let rejection = error.downcast_ref::<Rejected>().map(|rejected| rejected.0.clone());
                    (error.into_response(), rejection)
                }
            };
            observe(response, rejection, &seen, polls.load(std::sync::atomic::Ordering::SeqCst)).await
        }
    }

    async fn observe(response: Response, rejection: Option<countersign::Rejection>, seen: &Seen, polls: usize) -> Observation {
        let (parts, body) = response.into_parts();
        let fields = parts.headers.iter().filter(|(name, _)| !["connection", "content-type"].contains(&name.as_str()));
        Observation {
            status: parts.status.as_u16(),
            headers: fields.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect(),
            closes: parts.headers.get("connection").is_some_and(|value| value == "close"),
            body: body.into_bytes().await.unwrap(),
            handled: seen.lock().unwrap().clone(),
            polls,
            rejection,
            ..Observation::default()
        }
    }

    conformance::suite! { Poem:
        known_values_verify,
        known_values_fail_when_a_bit_changes,
        wycheproof_hmac_sha256,
        every_provider_verifies_deliveries_and_rejects_changes,
        no_byte_moves_between_signed_parts,
        no_provider_accepts_a_weaker_algorithm,
        first_scheme_with_a_header_decides_alone,
        unsigned_ids_and_events_are_reported_as_unauthenticated,
        one_right_signature_among_several_headers_verifies,
        configured_url_is_signed_and_host_headers_are_ignored,
        base_url_takes_path_and_query_from_the_request,
        body_verifies_at_every_split,
        single_bytes_with_pauses_verify,
        bodies_reach_the_handler_byte_for_byte,
        either_hex_case_verifies,
        every_method_verifies,
        head_rejection_never_polls_the_body,
        body_at_the_limit_verifies_and_one_byte_more_is_rejected,
        body_over_the_limit_is_rejected_at_the_crossing_chunk,
        content_length_over_the_limit_never_polls_the_body,
        interrupted_body_is_rejected,
        slow_body_is_rejected_at_its_deadline,
        body_within_its_deadline_verifies,
        rejected_body_is_drained_within_limits,
        silent_client_is_answered_after_a_short_silence,
        head_rejection_skips_tenant_lookup,
    }
}
