//! A gRPC receiver with tonic: the tower layer around the routes of a server. The signature covers
//! the body with gRPC's framing, five bytes before each message.
//!
//! ```text
//! JIRA_WEBHOOK_SECRET="It's a Secret to Everybody" cargo run --package example-tonic
//! ```

use std::convert::Infallible;
use std::error::Error;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use countersign::{Secret, Verified, Verifier, providers};
use countersign_tower::VerifyLayer;
use http::{Request, Response};
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::Server;
use tonic_prost::ProstCodec;
use tower::Service;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let verifier = Verifier::builder(providers::JIRA).key("2026-11", Secret::from_env("JIRA_WEBHOOK_SECRET")?).build()?;
    let address = "127.0.0.1:3000".parse()?;
    println!("listening on http://{address}");
    Server::builder().layer(VerifyLayer::new(verifier)).add_service(Events).serve(address).await?;
    Ok(())
}

/// A service with one method from string to string, written by hand. For other services,
/// `tonic-prost-build` generates such code.
#[derive(Clone)]
struct Events;

impl NamedService for Events {
    const NAME: &'static str = "countersign.Events";
}

impl Service<Request<Body>> for Events {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(async { Ok(Grpc::new(ProstCodec::<String, String>::default()).unary(Tell, request).await) })
    }
}

/// The method of the service.
struct Tell;

impl UnaryService<String> for Tell {
    type Response = String;
    type Future = Ready<Result<tonic::Response<String>, tonic::Status>>;

    /// Runs only for verified deliveries.
    fn call(&mut self, request: tonic::Request<String>) -> Self::Future {
        let key = request.extensions().get().map(|verified: &Verified| verified.key_id().to_string());
        ready(Ok(tonic::Response::new(format!("{}, signed with {}", request.get_ref(), key.unwrap_or_default()))))
    }
}

#[cfg(test)]
mod tests {
    use countersign::Signer;
    use http_body_util::{BodyExt as _, Full};
    use tonic::service::Routes;
    use tower::{Layer as _, ServiceExt as _};

    use super::*;

    #[tokio::test]
    async fn signed_calls_are_handled_and_forged_calls_get_401() {
        let verifier = Verifier::builder(providers::JIRA).key("k", Secret::new("secret")).build().unwrap();
        let service = VerifyLayer::new(verifier).layer(Routes::new(Events).prepare());
        // A message of seven bytes, with a string of five bytes.
        let body = &b"\x00\x00\x00\x00\x07\x0a\x05hello"[..];
        let signature = Signer::new(providers::JIRA, Secret::new("secret")).unwrap().sign(body).remove(0).1;
        for (signature, status, told) in [(signature.as_str(), 200, "hello, signed with k"), ("sha256=00", 401, "")] {
            let request = Request::post("/countersign.Events/Tell").version(http::Version::HTTP_2).header("X-Hub-Signature", signature);
            let request =
                request.header("content-type", "application/grpc").header("te", "trailers").body(Full::new(bytes::Bytes::from(body)));
            let response = service.clone().oneshot(request.unwrap()).await.unwrap();
            assert_eq!(response.status(), status);
            let collected = response.into_body().collect().await.unwrap();
            assert_eq!(collected.trailers().map(|trailers| trailers["grpc-status"] == "0"), (status == 200).then_some(true));
            let body = String::from_utf8_lossy(&collected.to_bytes()).into_owned();
            assert!(body.ends_with(told), "{body}");
        }
    }
}
