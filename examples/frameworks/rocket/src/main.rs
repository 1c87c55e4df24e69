//! A receiver under Rocket 0.5, with the adapter in `delivery.rs`. Rocket does not support tower.
//!
//! ```text
//! JIRA_WEBHOOK_SECRET="It's a Secret to Everybody" cargo run --package example-rocket
//! ```

mod delivery;

use countersign::adapter::ReceiveOptions;
use countersign::{Secret, Verifier, providers};
use rocket::{Build, Rocket, post, routes};

use crate::delivery::{Delivery, Rejected};

#[rocket::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let verifier = Verifier::builder(providers::JIRA).key("2026-11", Secret::from_env("JIRA_WEBHOOK_SECRET")?).build()?;
    receiver(verifier).launch().await?;
    Ok(())
}

fn receiver(verifier: Verifier) -> Rocket<Build> {
    rocket::build().manage(ReceiveOptions::new(verifier)).mount("/", routes![on_event])
}

/// Runs only for verified deliveries.
#[post("/jira", data = "<delivery>")]
fn on_event(delivery: Result<Delivery, Rejected>) -> Result<String, Rejected> {
    let Delivery { verified, body } = delivery?;
    Ok(format!("{} bytes, signed with {}\n", body.len(), verified.key_id()))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use conformance::{Delivery as Sent, Handled, Harness, Observation, Step};
    use countersign::Rejection;
    use countersign::adapter::VerifierSource;
    use rocket::State;
    use rocket::http::{Header, Method};
    use rocket::local::asynchronous::Client;

    use super::*;

    struct Under;

    type Seen = Mutex<(Vec<Handled>, Option<Rejection>)>;

    #[post("/<_..>", data = "<delivery>")]
    fn record(delivery: Result<Delivery, Rejected>, seen: &State<Seen>) -> Result<(), Rejected> {
        let mut seen = seen.lock().unwrap();
        match delivery {
            Ok(Delivery { verified, body }) => {
                seen.0.push(Handled { body, verified });
                Ok(())
            }
            Err(rejected) => {
                seen.1 = rejected.0.as_ref().map(|rejected| rejected.0.clone());
                Err(rejected)
            }
        }
    }

    impl Harness for Under {
        // Rocket's local client sends bodies from memory, without a connection.
        const SAYS_CLOSE: bool = false;

        async fn deliver(verifiers: impl Into<VerifierSource>, delivery: Sent) -> Observation {
            assert!(
                delivery.steps.iter().all(|step| matches!(step, Step::Chunk(_))) && delivery.method == "POST",
                "Rocket's local client cannot send this delivery"
            );
            let options = ReceiveOptions { deadline: None, drain: None, ..ReceiveOptions::new(verifiers) };
            let figment = rocket::Config::figment().merge(("log_level", "off"));
            let rocket = rocket::custom(figment).manage(options).manage(Seen::default()).mount("/", routes![record]);
            let client = Client::untracked(rocket).await.unwrap();
            let mut request = client.req(Method::Post, delivery.target).body(delivery.whole_body());
            for (name, value) in &delivery.headers {
                request.add_header(Header::new(name.clone(), String::from_utf8(value.clone()).expect("Rocket's headers are text")));
            }
            let response = request.dispatch().await;
            let headers = response.headers().iter().map(|field| (field.name().as_str().to_lowercase(), field.value().to_owned()));
            let known = |name: &str| ["www-authenticate", "retry-after"].contains(&name);
            let (status, headers) = (response.status().code, headers.filter(|(name, _)| known(name)).collect());
            let body = response.into_bytes().await.unwrap_or_default().into();
            let (handled, rejection) = std::mem::take(&mut *client.rocket().state::<Seen>().unwrap().lock().unwrap());
            Observation { status, headers, body, handled, rejection, ..Observation::default() }
        }
    }

    conformance::suite! { Under:
        known_values_verify,
        known_values_fail_when_a_bit_changes,
        wycheproof_hmac_sha1,
        wycheproof_hmac_sha256,
        wycheproof_hmac_sha384,
        wycheproof_hmac_sha512,
        no_byte_moves_between_signed_parts,
        no_provider_accepts_a_weaker_algorithm,
        first_scheme_with_a_header_decides_alone,
        one_right_signature_among_several_headers_verifies,
        base_url_takes_path_and_query_from_the_request,
        bodies_reach_the_handler_byte_for_byte,
        either_hex_case_verifies,
        correct_signature_by_a_disallowed_algorithm_is_rejected,
        allowed_algorithms_verify,
        signature_named_after_another_algorithm_is_rejected,
        second_key_verifies_and_is_named,
        first_of_two_matching_keys_is_named,
        keys_change_while_the_service_runs,
        secrets_are_not_trimmed,
        one_right_signature_in_a_list_verifies,
        right_signature_verifies_beside_a_malformed_candidate,
        malformed_candidates_are_rejected_for_the_first_fault,
        malformed_candidates_count_toward_the_cap,
        bare_signature_verifies,
        tenant_is_verified_by_its_own_keys_and_named,
        decoy_verifies_no_delivery,
        log_lines_cannot_be_forged_by_a_tenants_name,
    }

    /// The body of a rejected request is drained, and the connection stays open. Rocket's local
    /// client has no connection, so this test uses a socket.
    #[rocket::async_test]
    async fn a_rejected_client_that_writes_on_keeps_its_connection() {
        use rocket::tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

        let verifier = Verifier::builder(providers::JIRA).key("k", Secret::new("secret")).build().unwrap();
        let signature = countersign::Signer::new(providers::JIRA, Secret::new("secret")).unwrap().sign(b"body").remove(0).1;
        let (tell, port) = rocket::tokio::sync::oneshot::channel();
        let tell = Mutex::new(Some(tell));
        let on_liftoff = rocket::fairing::AdHoc::on_liftoff("port", move |rocket| {
            let told = tell.lock().unwrap().take().unwrap().send(rocket.config().port);
            Box::pin(async move { told.unwrap() })
        });
        let figment = rocket::Config::figment().merge(("log_level", "off")).merge(("port", 0)).merge(("address", "127.0.0.1"));
        let rocket = receiver(verifier).configure(figment).attach(on_liftoff).ignite().await.unwrap();
        let shutdown = rocket.shutdown();
        let server = rocket::tokio::spawn(rocket.launch());
        let mut stream = rocket::tokio::net::TcpStream::connect(("127.0.0.1", port.await.unwrap())).await.unwrap();
        for (signature, status) in [("sha256=00", 401), (&signature, 200), (&format!("sha256={}", "0".repeat(64)), 401)] {
            let head = format!("POST /jira HTTP/1.1\r\nHost: x\r\nX-Hub-Signature: {signature}\r\nContent-Length: 4\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(b"body").await.unwrap();
            let mut answer = vec![0; 1024];
            let len = stream.read(&mut answer).await.unwrap();
            let answer = String::from_utf8(answer[..len].to_vec()).unwrap().to_lowercase();
            assert!(answer.starts_with(&format!("http/1.1 {status} ")) && !answer.contains("connection: close"), "{answer}");
            assert_eq!(answer.contains("www-authenticate: webhooksignature"), status == 401, "{answer}");
        }
        shutdown.notify();
        server.await.unwrap().unwrap();
    }
}
