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

/// Sends requests over HTTP/1.1, with TLS where the URL wants it. Names of headers keep their case.
#[derive(Clone, Debug)]
pub(crate) struct Client(HyperClient<HttpsConnector<HttpConnector>, Full<Bytes>>);

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    TimedOut(Duration),
    Failed(hyper_util::client::legacy::Error),
}

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TimedOut(within) => write!(f, "no answer within {}", humantime::format_duration(*within)),
            Self::Failed(error) => {
                // The client's own text says which part of the library failed, and nothing else.
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
        let connector = connector.map_err(|error| Failure::because("this machine's certificates cannot be read", error))?;
        let connector = connector.https_or_http().enable_http1().build();
        let mut builder = HyperClient::builder(TokioExecutor::new());
        Ok(Self(builder.http1_preserve_header_case(true).http1_title_case_headers(true).build(connector)))
    }

    /// The head of the answer, whose body may still be on its way.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>, within: Duration) -> Result<Response<Incoming>, NoAnswer> {
        match tokio::time::timeout(within, self.0.request(request)).await {
            Ok(answer) => answer.map_err(NoAnswer::Failed),
            Err(_) => Err(NoAnswer::TimedOut(within)),
        }
    }
}

/// A URL that a request can be sent to.
pub(crate) fn url(text: &str) -> Result<Uri, String> {
    const EXAMPLE: &str = "a URL begins with http:// or https://, such as http://127.0.0.1:3000/jira";
    let uri: Uri = match text.parse() {
        Ok(uri) => uri,
        // Without a scheme, the parser finds fault with whatever comes first.
        Err(_) if !text.contains("://") => return Err(EXAMPLE.to_owned()),
        Err(error) => return Err(format!("{error}; {EXAMPLE}")),
    };
    match uri.scheme_str() {
        Some("http" | "https") if uri.host().is_some_and(|host| !host.is_empty()) => Ok(uri),
        _ => Err(EXAMPLE.to_owned()),
    }
}

/// Runs what waits for the network.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::because("cannot start", error))?;
    let result = runtime.block_on(future);
    // A search that is still running ends with the process, and is not waited for.
    runtime.shutdown_background();
    result
}
