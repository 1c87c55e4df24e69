//! A receiver under salvo: the tower layer, by salvo's compatibility with tower.
//!
//! ```text
//! JIRA_WEBHOOK_SECRET="It's a Secret to Everybody" cargo run --package example-salvo
//! ```

use std::error::Error;

use countersign::{Secret, Verified, Verifier, providers};
use countersign_tower::{VerifiedBody, VerifyLayer};
use salvo::http::ReqBody;
use salvo::prelude::*;
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let verifier = Verifier::builder(providers::JIRA).key("2026-11", Secret::from_env("JIRA_WEBHOOK_SECRET")?).build()?;
    let acceptor = TcpListener::new("127.0.0.1:3000").bind().await;
    Server::new(acceptor).serve(router(verifier)).await;
    Ok(())
}

fn router(verifier: Verifier) -> Router {
    // Behind the tower layer, salvo expects a body of type `ReqBody`.
    let back = |request: http::Request<VerifiedBody>| request.map(|body| ReqBody::Once(body.into_bytes()));
    let verify = ServiceBuilder::new().layer(VerifyLayer::new(verifier)).map_request(back).into_inner();
    Router::with_path("jira").hoop(verify.compat::<ReqBody>()).post(on_event)
}

/// Runs only for verified deliveries.
#[handler]
async fn on_event(request: &mut Request) -> String {
    let key = request.extensions().get().map(|verified: &Verified| verified.key_id().to_string());
    // `payload` would reject a body over 64 KiB. The verifier has already limited the body.
    let len = request.payload_with_max_size(usize::MAX).await.map_or(0, bytes::Bytes::len);
    format!("{len} bytes, signed with {}\n", key.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use countersign::Signer;
    use salvo::test::{ResponseExt as _, TestClient};

    use super::*;

    #[tokio::test]
    async fn signed_deliveries_are_handled_and_forged_deliveries_get_401() {
        let verifier = Verifier::builder(providers::JIRA).key("k", Secret::new("secret")).build().unwrap();
        let service = Service::new(router(verifier));
        let large = "x".repeat(100_000);
        let signer = Signer::new(providers::JIRA, Secret::new("secret")).unwrap();
        for (signed, body, status, text) in [
            ("body", "body", StatusCode::OK, "4 bytes, signed with k\n"),
            (&large, &large, StatusCode::OK, "100000 bytes, signed with k\n"),
            ("body", "forged", StatusCode::UNAUTHORIZED, ""),
        ] {
            let signature = signer.sign(signed.as_bytes()).remove(0).1;
            let request = TestClient::post("http://127.0.0.1/jira").add_header("X-Hub-Signature", &signature, true).text(body.to_owned());
            let mut response = request.send(&service).await;
            assert_eq!(response.status_code, Some(status));
            assert_eq!(response.take_string().await.unwrap_or_default(), text);
        }
    }
}
