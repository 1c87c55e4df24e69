//! A receiver on AWS Lambda, behind API Gateway or a function URL: the tower layer around a handler.
//! `lambda_http` decodes base64 bodies before verification.
//!
//! The program needs Lambda's runtime: run `cargo lambda watch`, or deploy the program.

use std::convert::Infallible;

use countersign::{Secret, Verified, Verifier, providers};
use countersign_tower::{VerifiedBody, VerifyLayer};
use http::{Request, Response};
use tower::util::BoxCloneService;
use tower::{Layer as _, service_fn};

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    let verifier = Verifier::builder(providers::JIRA).key("2026-11", Secret::from_env("JIRA_WEBHOOK_SECRET")?).build()?;
    lambda_http::run(receiver(verifier)).await
}

fn receiver(verifier: Verifier) -> BoxCloneService<lambda_http::Request, Response<lambda_http::Body>, Infallible> {
    BoxCloneService::new(VerifyLayer::new(verifier).layer(service_fn(on_event)))
}

/// Runs only for verified deliveries.
async fn on_event(request: Request<VerifiedBody>) -> Result<Response<lambda_http::Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let key = parts.extensions.get().map(|verified: &Verified| verified.key_id().to_string());
    Ok(Response::new(format!("{} bytes, signed with {}\n", body.into_bytes().len(), key.unwrap_or_default()).into()))
}

#[cfg(test)]
mod tests {
    use countersign::Signer;
    use tower::ServiceExt as _;

    use super::*;

    /// Returns an event of API Gateway, in payload format 2.0.
    fn event(signature: &str, body: &str, is_base64: bool) -> lambda_http::Request {
        let context = r#"{"http":{"method":"POST","path":"/jira","protocol":"HTTP/1.1","sourceIp":"192.0.2.1","userAgent":"x"},"stage":"$default","requestId":"x","timeEpoch":0,"accountId":"x","apiId":"x","domainName":"x.execute-api.eu-west-1.amazonaws.com","domainPrefix":"x","routeKey":"$default","time":"12/Mar/2026:19:03:58 +0000"}"#;
        let event = format!(
            r#"{{"version":"2.0","routeKey":"$default","rawPath":"/jira","rawQueryString":"","headers":{{"x-hub-signature":"{signature}","host":"x.execute-api.eu-west-1.amazonaws.com"}},"requestContext":{context},"body":"{body}","isBase64Encoded":{is_base64}}}"#
        );
        lambda_http::request::from_str(&event).unwrap()
    }

    #[tokio::test]
    async fn signed_events_are_handled_and_forged_events_get_401() {
        let verifier = Verifier::builder(providers::JIRA).key("k", Secret::new("secret")).build().unwrap();
        let signature = Signer::new(providers::JIRA, Secret::new("secret")).unwrap().sign(b"body").remove(0).1;
        for (body, is_base64, status) in [("body", false, 200), ("Ym9keQ==", true, 200), ("forged", false, 401), ("Ym9keQ==", false, 401)] {
            let response = receiver(verifier.clone()).oneshot(event(&signature, body, is_base64)).await.unwrap();
            assert_eq!(response.status(), status, "{body}");
        }
    }
}
