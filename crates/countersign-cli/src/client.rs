use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::failure::Failure;

/// An HTTP/1.1 client, with TLS for `https` URLs. Preserves the case of header names.
#[derive(Clone, Debug)]
pub(crate) struct Client(HyperClient<HttpsConnector<HttpConnector>, Full<Bytes>>);

/// The cause of a missing response.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    TimedOut(Duration),
    Failed(hyper_util::client::legacy::Error),
}

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TimedOut(within) => write!(f, "no response within {}", humantime::format_duration(*within)),
            Self::Failed(error) => {
                // The client's own text only names the failed part of the library. The sources have
                // the cause.
                let mut cause = std::error::Error::source(error);
                match cause {
                    None => write!(f, "{error}")?,
                    Some(first) => {
                        write!(f, "{first}")?;
                        cause = first.source();
                    }
                }
                while let Some(error) = cause {
                    write!(f, ": {error}")?;
                    cause = error.source();
                }
                Ok(())
            }
        }
    }
}

impl Client {
    pub(crate) fn new() -> Result<Self, Failure> {
        let connector = HttpsConnectorBuilder::new().with_native_roots();
        let connector = connector.map_err(|error| Failure::because("cannot read the root certificates of this machine", error))?;
        let connector = connector.https_or_http().enable_http1().build();
        let mut builder = HyperClient::builder(TokioExecutor::new());
        Ok(Self(builder.http1_preserve_header_case(true).http1_title_case_headers(true).build(connector)))
    }

    /// Sends a request. Returns after the response head; the response body may still arrive.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>, within: Duration) -> Result<Response<Incoming>, NoAnswer> {
        match tokio::time::timeout(within, self.0.request(request)).await {
            Ok(answer) => answer.map_err(NoAnswer::Failed),
            Err(_) => Err(NoAnswer::TimedOut(within)),
        }
    }
}

/// Parses an `http` or `https` URL with a host.
pub(crate) fn url(text: &str) -> Result<Uri, String> {
    const EXAMPLE: &str = "a URL begins with http:// or https://, such as http://127.0.0.1:3000/jira";
    let uri: Uri = match text.parse() {
        Ok(uri) => uri,
        // Without a scheme, the parser's own error is misleading.
        Err(_) if !text.contains("://") => return Err(EXAMPLE.to_owned()),
        Err(error) => return Err(format!("{error}; {EXAMPLE}")),
    };
    match uri.scheme_str() {
        Some("http" | "https") if uri.host().is_some_and(|host| !host.is_empty()) => Ok(uri),
        _ => Err(EXAMPLE.to_owned()),
    }
}

/// Runs a future to completion on a new runtime.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::because("cannot start the async runtime", error))?;
    let result = runtime.block_on(future);
    // A plain drop would wait for a running search. The search ends with the process.
    runtime.shutdown_background();
    result
}
