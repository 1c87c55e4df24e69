//! A receiver with hyper alone: the tower layer around a function.
//!
//! ```text
//! JIRA_WEBHOOK_SECRET="It's a Secret to Everybody" cargo run --package example-hyper
//! ```

use std::convert::Infallible;
use std::error::Error;

use countersign::{Secret, Verified, Verifier, providers};
use countersign_tower::{VerifiedBody, VerifyLayer};
use http::{Request, Response};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::{Layer as _, service_fn};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let verifier = Verifier::builder(providers::JIRA).key("2026-11", Secret::from_env("JIRA_WEBHOOK_SECRET")?).build()?;
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    serve(listener, verifier).await?;
    Ok(())
}

async fn serve(listener: TcpListener, verifier: Verifier) -> std::io::Result<()> {
    let service = VerifyLayer::new(verifier).layer(service_fn(on_event));
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            // An error on a connection concerns only the client of this connection.
            let _ = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// Runs only for verified deliveries.
async fn on_event(request: Request<VerifiedBody>) -> Result<Response<String>, Infallible> {
    let (parts, body) = request.into_parts();
    let key = parts.extensions.get().map(|verified: &Verified| verified.key_id().to_string());
    Ok(Response::new(format!("{} bytes, signed with {}\n", body.into_bytes().len(), key.unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use countersign::Signer;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn signed_deliveries_are_handled_and_forged_deliveries_get_401_on_one_connection() {
        let verifier = Verifier::builder(providers::JIRA).key("k", Secret::new("secret")).build().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let server = tokio::spawn(serve(listener, verifier));
        let signature = Signer::new(providers::JIRA, Secret::new("secret")).unwrap().sign(b"body").remove(0).1;
        let forged = format!("sha256={}", "0".repeat(64));
        for (signature, status, text) in [(forged.as_str(), "401", ""), (&signature, "200", "4 bytes, signed with k\n")] {
            let request = format!("POST / HTTP/1.1\r\nHost: x\r\nX-Hub-Signature: {signature}\r\nContent-Length: 4\r\n\r\nbody");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = vec![0; 1024];
            let len = stream.read(&mut answer).await.unwrap();
            let answer = String::from_utf8(answer[..len].to_vec()).unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.ends_with(&format!("\r\n\r\n{text}")), "{answer}");
        }
        server.abort();
    }
}
